package ironcache.engine;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import java.util.Arrays;

/**
 * Hierarchical timing wheel of opaque 64-bit words. Level {@code L} has 64 slots of 64^L milliseconds; a word waits in the coarsest level
 * that its distance asks for and moves to finer ones as its time comes nearer, until it fires out of a slot of one millisecond.
 * Eleven levels reach further than any time that Redis allows. Words are never cancelled; who receives one checks whether it is stale.
 *
 * <p>An entry takes 10 bytes: the word, and 16 bits of where in its slot the deadline lies. They make the move to a finer level
 * possible without asking the owner of the word, who might have to read the SSD for the answer. They are exact up to level 2 (TTLs of 4
 * minutes); beyond, the deadline is rounded up by at most 1/65,536 of the time still to go (4 ms for 4 hours, 0.26 s for a day). A word never fires early.
 *
 * <p>Entries lie in chained blocks of one page off-heap (see {@link WheelBlocks}): 10.04 bytes per entry plus, for each slot in use, half a page.
 * Owned by the shard's thread; nothing is allocated on the heap in steady state.
 */
final class TimingWheel implements AutoCloseable {
    /** Receives words whose time has come. It may add words. */
    interface Consumer {
        void accept(long word);
    }

    private static final int SLOT_BITS = 6;
    private static final int SLOTS = 1 << SLOT_BITS;
    private static final int LEVELS = 11;
    private static final int OFFSET_BITS = 16;

    /** Later deadlines are taken for this one, 146 million years ahead. */
    private static final long DEADLINE_MAX = 1L << 62;

    /** Two chains beside those of the slots: words that are due, and words on their way to finer levels. */
    private static final int DUE = LEVELS * SLOTS;

    private static final int MOVING = DUE + 1;

    private final WheelBlocks blocks = new WheelBlocks(MemoryTag.EXPIRY);

    /** First block of each chain. Words are added to and taken from that one. */
    private final int[] heads = new int[MOVING + 1];

    /** Bit {@code s} is set where slot {@code s} of the level holds words. */
    private final long[] occupied = new long[LEVELS];

    /** What is due at or before this is in the chains DUE and MOVING; everything else lies in a slot that begins after it. */
    private long tickMillis;

    /** The slot that MOVING came from. */
    private long movingFromMillis;

    private int movingLevel;
    private long size;

    TimingWheel(long nowMillis) {
        tickMillis = Math.clamp(nowMillis, 0, DEADLINE_MAX);
        Arrays.fill(heads, WheelBlocks.NONE);
    }

    void add(long deadlineMillis, long word) {
        place(Math.min(deadlineMillis, DEADLINE_MAX), word);
        size++;
    }

    /** Words held. */
    long size() {
        return size;
    }

    /** Off-heap bytes held. */
    long bytes() {
        return blocks.bytes();
    }

    /**
     * Fires what is due at {@code nowMillis}. Words of one millisecond fire in no particular order.
     *
     * @param budget most words to fire or to move to finer levels
     * @return words fired or moved; less than the budget says that nothing more is due
     */
    int advance(long nowMillis, int budget, Consumer consumer) {
        int handled = 0;
        while (handled < budget) {
            if (heads[DUE] != WheelBlocks.NONE) {
                long word = word(DUE);
                drop(DUE);
                size--;
                handled++;
                consumer.accept(word);
            } else if (heads[MOVING] != WheelBlocks.NONE) {
                long word = word(MOVING);
                long deadlineMillis =
                        movingFromMillis + ((long) offset(MOVING) << offsetShift(movingLevel));
                drop(MOVING);
                handled++;
                place(deadlineMillis, word);
            } else if (!turnTo(nowMillis)) {
                break;
            }
        }
        return handled;
    }

    /** When {@link #advance} has something to do next; Long.MAX_VALUE: never. */
    long nextMillis() {
        if (heads[DUE] != WheelBlocks.NONE || heads[MOVING] != WheelBlocks.NONE) {
            return tickMillis;
        }
        int level = nextLevel();
        return level < 0 ? Long.MAX_VALUE : firstMillis(level);
    }

    /** The level that has the next slot in use; negative: none is. */
    private int nextLevel() {
        int nextLevel = -1;
        for (int level = 0; level < LEVELS; level++) {
            if (occupied[level] != 0
                    && (nextLevel < 0 || firstMillis(level) < firstMillis(nextLevel))) {
                nextLevel = level;
            }
        }
        return nextLevel;
    }

    /** Where the first slot in use of a level begins. */
    private long firstMillis(int level) {
        long tick = tickMillis >>> SLOT_BITS * level;
        // All slots in use lie 1 to 63 ahead, so the distance to the first is a count of zeroes.
        long ahead = Long.rotateRight(occupied[level], (int) tick & SLOTS - 1);
        return tick + Long.numberOfTrailingZeros(ahead) << SLOT_BITS * level;
    }

    /** Moves on to the next slot in use that begins at {@code nowMillis} or before; false where there is none. */
    private boolean turnTo(long nowMillis) {
        int nextLevel = nextLevel();
        if (nextLevel < 0 || firstMillis(nextLevel) > nowMillis) {
            tickMillis = Math.max(tickMillis, Math.min(nowMillis, DEADLINE_MAX));
            return false;
        }
        long nextMillis = firstMillis(nextLevel);
        tickMillis = nextMillis;
        int slot = (int) (nextMillis >>> SLOT_BITS * nextLevel) & SLOTS - 1;
        int from = nextLevel * SLOTS + slot;
        int to = nextLevel == 0 ? DUE : MOVING;
        heads[to] = heads[from];
        heads[from] = WheelBlocks.NONE;
        occupied[nextLevel] &= ~(1L << slot);
        movingFromMillis = nextMillis;
        movingLevel = nextLevel;
        return true;
    }

    private void place(long deadline, long word) {
        if (deadline <= tickMillis) {
            push(DUE, word, 0);
            return;
        }
        long deadlineMillis = deadline;
        int level = 0;
        while ((deadlineMillis >>> SLOT_BITS * level) - (tickMillis >>> SLOT_BITS * level)
                >= SLOTS) {
            level++;
            // Rounded up, which may carry into the level's next slot and even ask for the next
            // level.
            long roundingMask = (1L << offsetShift(level)) - 1;
            deadlineMillis = deadlineMillis + roundingMask & ~roundingMask;
        }
        int slot = (int) (deadlineMillis >>> SLOT_BITS * level) & SLOTS - 1;
        long inSlot = deadlineMillis & (1L << SLOT_BITS * level) - 1;
        occupied[level] |= 1L << slot;
        push(level * SLOTS + slot, word, (int) (inSlot >>> offsetShift(level)));
    }

    /** How many of the deadline's lowest bits the 16 of an entry leave out. */
    private static int offsetShift(int level) {
        return Math.max(0, SLOT_BITS * level - OFFSET_BITS);
    }

    private void push(int chain, long word, int offset) {
        int head = heads[chain];
        if (head == WheelBlocks.NONE
                || WheelBlocks.count(blocks.address(head)) == WheelBlocks.ENTRIES) {
            head = blocks.allocate(head);
            heads[chain] = head;
        }
        WheelBlocks.push(blocks.address(head), word, offset);
    }

    /** Receives entries of a dump. */
    interface EntryVisitor {
        void visit(long word, long deadlineMillis);
    }

    /**
     * Visits all entries, a block a call, while {@link #advance} is not called: then each that is in the wheel from begin to end is visited once.
     *
     * @param cursor 0 begins
     * @return the next cursor; 0 ends
     */
    long dump(long cursor, EntryVisitor visitor) {
        int chain = (int) (cursor >>> 32);
        int block = (int) cursor - 1;
        if (block < 0) {
            block = heads[chain];
        }
        if (block != WheelBlocks.NONE) {
            long address = blocks.address(block);
            for (int i = 0; i < WheelBlocks.count(address); i++) {
                visitor.visit(
                        WheelBlocks.word(address, i),
                        deadline(chain, WheelBlocks.offset(address, i)));
            }
            block = WheelBlocks.next(address);
        }
        if (block != WheelBlocks.NONE) {
            return (long) chain << 32 | block + 1;
        }
        return chain == MOVING ? 0 : chain + 1L << 32;
    }

    /** When an entry is due that lies in this chain. */
    private long deadline(int chain, int offset) {
        if (chain == DUE) {
            return tickMillis;
        }
        if (chain == MOVING) {
            return movingFromMillis + ((long) offset << offsetShift(movingLevel));
        }
        int level = chain / SLOTS;
        long tick = tickMillis >>> SLOT_BITS * level;
        // Slots in use lie 1 to 63 ahead.
        long ahead = (chain % SLOTS) - tick & SLOTS - 1;
        return (tick + ahead << SLOT_BITS * level) + ((long) offset << offsetShift(level));
    }

    /** Writes all that the wheel holds. */
    void save(StateOutput out) {
        out.putLong(tickMillis);
        out.putLong(movingFromMillis);
        out.putLong(movingLevel);
        out.putLong(size);
        for (long slots : occupied) {
            out.putLong(slots);
        }
        for (int chain = 0; chain <= MOVING; chain++) {
            saveChain(chain, out);
        }
    }

    /** Last block first: so it comes to stand last again. */
    private void saveChain(int chain, StateOutput out) {
        int count = 0;
        for (int block = heads[chain];
                block != WheelBlocks.NONE;
                block = WheelBlocks.next(blocks.address(block))) {
            count++;
        }
        int[] order = new int[count];
        int block = heads[chain];
        for (int i = count - 1; i >= 0; i--) {
            order[i] = block;
            block = WheelBlocks.next(blocks.address(block));
        }
        out.putLong(count);
        for (int i : order) {
            out.put(blocks.address(i), WheelBlocks.BYTES);
        }
    }

    /** Of an empty wheel: takes over what another one saved. */
    void load(StateInput in) {
        tickMillis = in.getLong();
        movingFromMillis = in.getLong();
        movingLevel = in.getInt(LEVELS - 1);
        size = in.getLong();
        for (int level = 0; level < LEVELS; level++) {
            occupied[level] = in.getLong();
        }
        for (int chain = 0; chain <= MOVING; chain++) {
            for (int count = in.getInt(Integer.MAX_VALUE); count > 0; count--) {
                int next = heads[chain];
                int block = blocks.allocate(next);
                in.get(blocks.address(block), WheelBlocks.BYTES);
                WheelBlocks.link(blocks.address(block), next);
                heads[chain] = block;
            }
        }
    }

    private long word(int chain) {
        return WheelBlocks.lastWord(blocks.address(heads[chain]));
    }

    private int offset(int chain) {
        return WheelBlocks.lastOffset(blocks.address(heads[chain]));
    }

    private void drop(int chain) {
        int head = heads[chain];
        long address = blocks.address(head);
        if (WheelBlocks.pop(address) == 0) {
            heads[chain] = WheelBlocks.next(address);
            blocks.free(head);
        }
    }

    @Override
    public void close() {
        Arrays.fill(heads, WheelBlocks.NONE);
        Arrays.fill(occupied, 0);
        size = 0;
        blocks.close();
    }
}
