package ironcache.datatypes;

import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;

/** A {@link Tree} of an object of its own in a {@link TestShard}, driven as commands do it. */
final class TestTree implements AutoCloseable {
    static final int PART = CollectionRoot.BYTES;
    private static final int ROOT_BYTES = PART + TreeLayout.ROOT_BYTES;
    private static final int SCRATCH_BYTES = 1 << 17;
    private static final int ENTRY_BYTES_MAX = 4096;

    record Entry(double score, byte[] member) {
        static final Comparator<Entry> ORDER =
                (a, b) ->
                        a.score != b.score
                                ? Double.compare(a.score, b.score)
                                : Arrays.compareUnsigned(a.member, b.member);
    }

    final TestShard owner = new TestShard();
    final Shard shard = owner.shard();
    final Tree tree = new Tree();
    final long root = Memory.allocate(ROOT_BYTES, MemoryTag.OTHER);
    final TreeKey key = new TreeKey();
    private final long saved = Memory.allocate(ROOT_BYTES, MemoryTag.OTHER);
    private final long scratch = Memory.allocate(SCRATCH_BYTES, MemoryTag.OTHER);

    /** What {@link #code} coded. */
    final long entry = Memory.allocate(ENTRY_BYTES_MAX, MemoryTag.OTHER);

    boolean scored;
    int scoreBytes;

    private final String again;

    /** @param again what to say of a failure, so that it can be had again */
    TestTree(String again) throws IOException {
        this.again = again;
    }

    /** A new and empty one. */
    void begin(boolean newScored) {
        scored = newScored;
        scoreBytes = scored ? TreeLayout.SCORE_BYTES : 0;
        command(
                () -> {
                    CollectionRoot.put(root, shard.createObject(0));
                    TreeLayout.putRoot(root + PART, scored);
                });
    }

    /** As the commands do it: they begin with the root as it is, and what they made of it stays when they are over. */
    void command(Runnable body) {
        owner.run(
                () -> {
                    Memory.copy(saved, root, ROOT_BYTES);
                    body.run();
                    return 0;
                });
        Memory.copy(root, saved, ROOT_BYTES);
    }

    /** What must not miss any more. */
    void write(Runnable body) {
        try {
            body.run();
        } catch (ColdMiss miss) {
            throw new AssertionError("missed after the first write " + again, miss);
        }
    }

    void open() {
        tree.open(shard, root, PART);
    }

    long object() {
        return CollectionRoot.object(root);
    }

    /** @return entries before it */
    long seek(Entry e) {
        Memory.copyIn(e.member, 0, scratch, e.member.length);
        return tree.seek(key.set(e.score, scratch, e.member.length), 0);
    }

    /** Spilled ones without their pages. @return bytes */
    int code(Entry e) {
        Memory.copyIn(e.member, 0, scratch, e.member.length);
        if (scored) {
            TreeLayout.putScore(entry, e.score);
        }
        long to = entry + scoreBytes;
        if (e.member.length > Spill.SPILL_BYTES) {
            Element.putSpilled(to, e.member.length, 0);
        } else if (scored) {
            Element.putString(to, scratch, e.member.length);
        } else {
            Element.put(to, scratch, e.member.length);
        }
        return TreeLayout.leafEntryBytes(entry, scoreBytes);
    }

    /** Writes the pages of what {@link #code} coded. Their numbers were probed. */
    void spill(Entry e) {
        if (Element.isSpilled(entry + scoreBytes)) {
            long first = Spill.write(shard, root, scratch, e.member.length);
            Element.putSpilled(entry + scoreBytes, e.member.length, first);
        }
    }

    Entry decode(long at) {
        long element = at + scoreBytes;
        byte[] member = TestShard.bytes(shard, object(), element);
        return new Entry(scored ? TreeLayout.score(at) : 0, member);
    }

    @Override
    public void close() throws IOException {
        owner.close();
        tree.close();
        Memory.free(root, ROOT_BYTES, MemoryTag.OTHER);
        Memory.free(saved, ROOT_BYTES, MemoryTag.OTHER);
        Memory.free(scratch, SCRATCH_BYTES, MemoryTag.OTHER);
        Memory.free(entry, ENTRY_BYTES_MAX, MemoryTag.OTHER);
    }
}
