package ironcache.ffm;

/** Reads the stream of a state file, in the order in which {@link StateOutput} was given it. Its checksums have been verified. One thread; owns nothing. */
public final class StateInput {
    private final FileView view;
    private final int wholeBlocks;
    private long at;
    private final long end;

    /** @param blocks of the file, {@code wholeBlocks} of them before the stream */
    public StateInput(FileView view, int wholeBlocks, int blocks) {
        this.view = view;
        this.wholeBlocks = wholeBlocks;
        at = offset(wholeBlocks);
        end = offset(blocks);
    }

    private static long offset(int block) {
        return StateOutput.HEADER_BYTES + (long) block * StateOutput.BLOCK_BYTES;
    }

    public int wholeBlocks() {
        return wholeBlocks;
    }

    /** As {@link FileView#place}, of whole blocks from this number on. */
    public boolean place(int block, int count, Mapping target, long offset, boolean mayShow) {
        if (block < 0 || count < 0 || block + count > wholeBlocks) {
            throw new IllegalStateException(
                    "state file: block " + block + " to " + (block + count) + " of " + wholeBlocks);
        }
        return view.place(
                offset(block), target, offset, (long) count * StateOutput.BLOCK_BYTES, mayShow);
    }

    /** The file's view, for who has placed blocks of it to {@link FileView#hold}. */
    public FileView view() {
        return view;
    }

    /** Where a whole block is in the file. */
    public static long offsetOf(int block) {
        return offset(block);
    }

    public long getLong() {
        return Memory.getLong(take(Long.BYTES));
    }

    /** A number that was written by {@link StateOutput#putLong} and is not above this bound. */
    public int getInt(int most) {
        long value = getLong();
        if (value < 0 || value > most) {
            throw new IllegalStateException(
                    "state file, offset "
                            + (at - Long.BYTES)
                            + ": expected 0 to "
                            + most
                            + ", actual "
                            + value);
        }
        return (int) value;
    }

    public void get(long to, long bytes) {
        Memory.copy(take(bytes), to, bytes);
    }

    private long take(long bytes) {
        if (bytes > end - at) {
            throw new IllegalStateException("state file: its stream ends at " + end);
        }
        long address = view.address() + at;
        at += bytes;
        return address;
    }
}
