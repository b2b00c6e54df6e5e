package ironcache.recovery;

import ironcache.parity.ParityId;
import ironcache.parity.Repair;
import ironcache.tiering.PageMender;
import ironcache.tiering.SegmentStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/** A shard's end of the {@link ParityKeeper}: hands over what there is to do, and brings back to the shard's thread what came of it. Owned by that thread. */
public final class ShardMender implements PageMender, FileMender {
    private final ParityKeeper keeper;
    private final ParityKeeper.Node node;
    private final int shard;
    private final Path directory;
    private final Runnable wake;

    /** What the keeper has done and the shard does not know yet; any thread. */
    private final Queue<Runnable> done = new ConcurrentLinkedQueue<>();

    /** Who waits for a place to be mended. Many reads may find the same damage. */
    private final Map<Place, List<Runnable>> waiting = new HashMap<>();

    private record Place(int number, long offset) {}

    /**
     * Of one shard.
     *
     * @param directory its files
     * @param wake makes its thread call {@link #step}
     */
    public ShardMender(
            ParityKeeper keeper, ParityKeeper.Node node, int shard, Path directory, Runnable wake) {
        this.keeper = keeper;
        this.node = node;
        this.shard = shard;
        this.directory = directory;
        this.wake = wake;
    }

    @Override
    public void onFull(int number, long generation, int pages) {
        keeper.segmentFull(shard, number, generation, pages);
    }

    @Override
    public boolean mend(int number, long generation, long offset, int bytes, Runnable after) {
        Place place = new Place(number, offset);
        List<Runnable> others = waiting.get(place);
        if (others != null) {
            others.add(after);
            return true;
        }
        List<Runnable> all = new ArrayList<>();
        all.add(after);
        boolean asked =
                keeper.mend(
                        ParityId.segment(shard, node.nodeId(), number, generation),
                        SegmentStore.file(directory, number),
                        offset,
                        offset + bytes,
                        repair -> tell(() -> mended(place)));
        if (asked) {
            waiting.put(place, all);
        }
        return asked;
    }

    private void mended(Place place) {
        List<Runnable> all = waiting.remove(place);
        if (all != null) {
            all.forEach(Runnable::run);
        }
    }

    @Override
    public boolean mend(ParityId id, Path file, Consumer<Repair> after) {
        return keeper.mend(id, file, 0, Long.MAX_VALUE, repair -> tell(() -> after.accept(repair)));
    }

    private void tell(Runnable news) {
        done.add(news);
        wake.run();
    }

    /** Goes on with what has been mended; the caller is in the shard. */
    public void step() {
        for (Runnable news = done.poll(); news != null; news = done.poll()) {
            news.run();
        }
    }
}
