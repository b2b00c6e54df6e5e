package ironcache.ffm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A file of the simulated disk, apart from its name: what reads see, what is durable, and what stands between the two. Each change of contents or
 * size is applied at once to what reads see and kept, in order, until a sync makes it durable or a crash decides what becomes of it.
 *
 * <p>Owned by the simulation's thread.
 */
final class SimFile {
    /** What stays in doubt of a file that nobody syncs: twice its size, and this. The rest the kernel has written back by itself. */
    private static final long UNSYNCED_BYTES_MIN = 1 << 20;

    /** A change that is not durable yet. */
    private sealed interface Change {}

    private record Written(long sequence, SimWrite write) implements Change {}

    /** The file grew. */
    private record Grown(long sequence, long bytes) implements Change {}

    /** The file was made empty: what was in it before does not come back. */
    private record Emptied(long sequence) implements Change {}

    private SimBlocks blocks = new SimBlocks();
    private SimBlocks durable = new SimBlocks();

    /** What was in each block before its last change. */
    private SimBlocks older = new SimBlocks();

    private long bytes;
    private long durableBytes;

    /** In order of {@link #sequence}. */
    private final Deque<Change> unsynced = new ArrayDeque<>();

    private long unsyncedBytes;

    /** Counts changes. */
    private long sequence;

    /** Writes that have been asked for and not answered. */
    private final List<SimWrite> inFlight = new ArrayList<>();

    long bytes() {
        return bytes;
    }

    /** Of the last change; what a sync covers that is called now. */
    long sequence() {
        return sequence;
    }

    private static long sequenceOf(Change change) {
        return switch (change) {
            case Written written -> written.sequence;
            case Grown grown -> grown.sequence;
            case Emptied emptied -> emptied.sequence;
        };
    }

    // What reads see.

    /** @return bytes read: fewer at the end of the file */
    int read(long offset, byte[] target, int length) {
        int available = (int) Math.max(0, Math.min(length, bytes - offset));
        blocks.read(offset, target, available);
        return available;
    }

    /** To memory. @return bytes read: fewer at the end of the file */
    int read(long offset, long address, int length) {
        int available = (int) Math.max(0, Math.min(length, bytes - offset));
        blocks.read(offset, address, available);
        return available;
    }

    /** Not to be changed. */
    byte[] block(long number) {
        return blocks.block(number);
    }

    /** The same block before its last change; null where there was nothing in it. */
    byte @Nullable [] olderBlock(long number) {
        byte[] block = older.block(number);
        return SimBlocks.isWritten(block) ? block : null;
    }

    // Changes.

    void begin(SimWrite write) {
        inFlight.add(write);
    }

    /** The write has been answered, whatever became of it. @return whether it was in flight */
    boolean settle(SimWrite write) {
        return inFlight.remove(write);
    }

    /** The process that asked has ended: what was in flight has been done or not. */
    void settleAll(Prng prng) {
        for (SimWrite write : inFlight) {
            if (prng.chance(0.5)) {
                if (write.end() > bytes) {
                    grow(write.end());
                }
                write(write);
            }
        }
        inFlight.clear();
    }

    /** Within the file: who writes beyond its end grows it first. */
    void write(SimWrite write) {
        blocks.put(write, older);
        keep(new Written(++sequence, write), write.length());
    }

    void grow(long end) {
        bytes = end;
        keep(new Grown(++sequence, end), 0);
    }

    void empty() {
        bytes = 0;
        blocks.clear();
        keep(new Emptied(++sequence), 0);
    }

    private void keep(Change change, long length) {
        unsynced.add(change);
        unsyncedBytes += length;
        while (unsyncedBytes > 2 * bytes + UNSYNCED_BYTES_MIN) {
            makeDurable(unsynced.remove());
        }
    }

    // Durability.

    private void makeDurable(Change change) {
        switch (change) {
            case Written written -> {
                durable.put(written.write, null);
                unsyncedBytes -= written.write.length();
            }
            case Grown grown -> durableBytes = Math.max(durableBytes, grown.bytes);
            case Emptied emptied -> {
                durableBytes = 0;
                durable.clear();
            }
        }
    }

    /** Changes up to a {@link #sequence} are durable. */
    void sync(long upTo) {
        for (Change next = unsynced.peek();
                next != null && sequenceOf(next) <= upTo;
                next = unsynced.peek()) {
            makeDurable(unsynced.remove());
        }
    }

    /**
     * A sync failed, and the kernel has forgotten that there was anything to write: no later sync makes it durable.
     *
     * @param evicted what reads see is what the medium has
     */
    void drop(long upTo, boolean evicted) {
        for (Change next = unsynced.peek();
                next != null && sequenceOf(next) <= upTo;
                next = unsynced.peek()) {
            unsynced.remove();
            if (next instanceof Written written) {
                unsyncedBytes -= written.write.length();
            }
        }
        if (evicted) {
            blocks = durable.copy();
            for (Change change : unsynced) {
                switch (change) {
                    case Written written -> blocks.put(written.write, null);
                    case Emptied emptied -> blocks.clear();
                    case Grown grown -> {}
                }
            }
            blocks.endAt(bytes);
        }
    }

    /** Nothing in this file is durable any more; all of it is in doubt as if it had been written just now. */
    void doubtEverything() {
        unsynced.clear();
        unsyncedBytes = 0;
        durable.clear();
        durableBytes = 0;
        if (bytes > 0) {
            keep(new Grown(++sequence, bytes), 0);
        }
        for (int i = 0; i < blocks.count(); i++) {
            byte[] block = blocks.block(i);
            if (SimBlocks.isWritten(block)) {
                long offset = (long) i * SimDisk.BLOCK_BYTES;
                SimWrite write = SimWrite.of(offset, block, block.length);
                unsynced.add(new Written(++sequence, write));
                unsyncedBytes += block.length;
            }
        }
    }

    /**
     * Of what is not durable, something has reached the medium: nothing, or all of it, or any part, in any order, each write torn between
     * sectors. A size may have grown without what was written there, which then is zeros, and the other way round.
     */
    void crash(Prng prng) {
        for (SimWrite write : inFlight) {
            if (write.end() > bytes) {
                unsynced.add(new Grown(++sequence, write.end()));
            }
            unsynced.add(new Written(++sequence, write));
        }
        inFlight.clear();
        int luck = prng.nextInt(8);
        if (luck == 0) {
            unsynced.clear();
        } else if (luck == 1) {
            sync(Long.MAX_VALUE);
        }
        List<Change> round = new ArrayList<>();
        while (!unsynced.isEmpty()) {
            Change next = unsynced.remove();
            if (!(next instanceof Emptied)) {
                round.add(next);
            } else if (prng.chance(0.5)) {
                // What was in the file before does not come back. The order of the rest is free.
                round.clear();
                makeDurable(next);
            }
        }
        while (!round.isEmpty()) {
            int chosen = prng.nextInt(round.size());
            Change change = round.get(chosen);
            round.set(chosen, round.getLast());
            round.removeLast();
            if (prng.chance(0.5)) {
                if (change instanceof Written written) {
                    durable.putTorn(written.write, prng);
                } else {
                    makeDurable(change);
                }
            }
        }
        unsyncedBytes = 0;
        // What is beyond the end is not there: it must not come back when the file grows again.
        durable.endAt(durableBytes);
        blocks = durable.copy();
        bytes = durableBytes;
    }

    // What a medium does to a file that nobody writes to.

    /** Current and durable contents alike. */
    void overwrite(SimWrite write) {
        blocks.put(write, older);
        durable.put(write, null);
    }

    void flip(long bit) {
        blocks.flip(bit);
        durable.flip(bit);
    }

    /** Current and durable size alike; what was in doubt is durable. */
    void resize(long newBytes) {
        sync(Long.MAX_VALUE);
        durableBytes = newBytes;
        durable.endAt(newBytes);
        blocks = durable.copy();
        bytes = newBytes;
    }

    /** Writes in flight are in flight in the copy, where nobody waits for them. */
    SimFile copy() {
        SimFile copy = new SimFile();
        copy.blocks = blocks.copy();
        copy.durable = durable.copy();
        copy.older = older.copy();
        copy.bytes = bytes;
        copy.durableBytes = durableBytes;
        copy.unsynced.addAll(unsynced);
        copy.unsyncedBytes = unsyncedBytes;
        copy.sequence = sequence;
        copy.inFlight.addAll(inFlight);
        return copy;
    }
}
