package ironcache.tiering;

/** Looks after segments that are written no more. Its methods are called on the owner's thread, and do not wait. */
public interface PageMender {
    /** Nobody does. */
    PageMender NONE =
            new PageMender() {
                @Override
                public void onFull(int number, long generation, int pages) {}

                @Override
                public boolean mend(
                        int number, long generation, long offset, int bytes, Runnable after) {
                    return false;
                }
            };

    /** All pages of a segment are written: it stays as it is until it is freed. */
    void onFull(int number, long generation, int pages);

    /**
     * Asks for a stretch of a segment to be made what it was.
     *
     * @param after is run on the owner's thread, whatever came of it; the segment is to stay until then
     * @return false: nobody can, and {@code after} is not run
     */
    boolean mend(int number, long generation, long offset, int bytes, Runnable after);
}
