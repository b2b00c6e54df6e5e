package ironcache.hybridlog;

import ironcache.ffm.FileView;
import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The log's part in RAM: frames of 1 MiB in one mapping, the page table that says which frame holds
 * which page, and the append position.
 *
 * <p>A page is mutable (records are appended to the newest and updated in place in all), or sealed
 * (immutable, in the SSD's format, with a place on the SSD). Whoever drives the log decides which
 * mutable page is rewritten next and which sealed page loses its frame; the log only keeps the books:
 *
 * <pre>
 * framesInUse = mutable pages + sealed pages in RAM        framesInUse ≤ frames mapped
 * a page's table word is 0 (not in RAM) or its frame's address
 * mutable pages are numbered by frame + 1, so that no address is 0
 * </pre>
 *
 * <p>One owner thread. {@link #allocate} never fails while commands run: the mapping holds more
 * frames than the limit that {@link #framesFree} is computed from, and the owner stops taking
 * writes before the difference is used up.
 */
public final class Log implements AutoCloseable {
    /** Frames beyond the limit that a transaction that has begun may use, but for its last command. */
    public static final int TRANSACTION_FRAMES = 64;

    /** Frames beyond the limit, and beyond those, that one command may use before the owner makes room again. */
    private static final int COMMAND_FRAMES = 512;

    private static final int EMERGENCY_FRAMES = TRANSACTION_FRAMES + COMMAND_FRAMES;

    /** Of frames side by side in a state file: with more, each would take one of the process's mappings, which are limited. */
    private static final int SHOWN_RUNS_MAX = 8192;

    /** As many as are in a huge page. */
    private static final int FRAMES_MOVED = (int) (Mapping.ALIGNMENT >>> Address.PAGE_SHIFT);

    private final Mapping frames;
    private final Mapping table;
    private final int framesMapped;
    private final long tableAddress;

    /** Freed frames, a stack; they keep their memory. */
    private final int[] freeFrames;

    private int freeCount;

    /** Freed frames whose memory went back to the system, a stack. */
    private final int[] releasedFrames;

    private int releasedCount;

    /** Frames from here on were never used. */
    private int framesTouched;

    private int framesInUse;
    private int framesLimit;

    /** Mutable pages, oldest first: a ring of page numbers. */
    private final int[] mutable;

    private int mutableHead;
    private int mutableCount;

    /** By frame, mutable pages only: bytes appended, and bytes of records marked dead since. */
    private final int[] usedBytes;

    private final int[] deadBytes;

    /** Of all mutable pages. */
    private long allDeadBytes;

    private int tailPage;
    private int tailOffset = Address.PAGE_BYTES;

    /** Frames that have memory. */
    private final BitSet backed = new BitSet();

    /** Frames that show a file of an earlier process: until they are moved, or, where it is memory, until they are released. */
    private final BitSet shown = new BitSet();

    /** Where shown frames are copied to on their way, at the same offsets; null: none will be moved. */
    private @Nullable Mapping staging;

    private int nextShown;

    /** Where shown frames are in the file, by frame. */
    private int[] shownBlock = new int[0];

    /** The file; null: nothing is shown. */
    private @Nullable FileView shownFile;

    /** Nobody else needs the file any more. */
    private volatile boolean fileIsMine;

    /** As below, of a log that will not {@link #load}. */
    public Log(int framesLimit) {
        this(framesLimit, 0);
    }

    /**
     * @param framesLimit see {@link #setFramesLimit}; also the most that it can be set to later
     * @param framesUsed as many at least are mapped, because a state has been saved that uses them ({@link #load})
     */
    public Log(int framesLimit, int framesUsed) {
        this.framesLimit = framesLimit;
        framesMapped =
                Math.min(
                        Math.max(framesLimit, framesUsed) + EMERGENCY_FRAMES,
                        Address.FIRST_SSD_PAGE - 1);
        frames = Mapping.reserve((long) framesMapped << Address.PAGE_SHIFT, MemoryTag.LOG);
        frames.adviseHugePages(0, frames.bytes());
        table = Mapping.reserve((long) Address.PAGES * Long.BYTES, MemoryTag.LOG_META);
        tableAddress = table.address();
        freeFrames = new int[framesMapped];
        releasedFrames = new int[framesMapped];
        mutable = new int[framesMapped];
        usedBytes = new int[framesMapped];
        deadBytes = new int[framesMapped];
    }

    // Addresses.

    /** Absolute memory address of what is at {@code address}, or 0 where its page is not in RAM. */
    public long resolve(long address) {
        long frame = Memory.getLong(tableAddress + ((long) Address.page(address) << 3));
        return frame == 0 ? 0 : frame + Address.offset(address);
    }

    /** Whether records of this page may be changed in place. */
    public static boolean isMutable(long address) {
        return Address.page(address) < Address.FIRST_SSD_PAGE;
    }

    /** Memory address of a page that is in RAM. */
    public long pageAddress(int page) {
        return Memory.getLong(tableAddress + ((long) page << 3));
    }

    // Appending.

    /**
     * Takes {@code bytes} (a multiple of 8, at most a page's) at the tail. The space is undefined; the caller
     * writes a whole record there at once.
     *
     * @return logical address
     */
    public long allocate(int bytes) {
        if (tailOffset + bytes > Address.PAGE_BYTES) {
            openTail();
        }
        long address = Address.of(tailPage, tailOffset);
        tailOffset += bytes;
        return address;
    }

    private void openTail() {
        closeTail();
        int frame = takeFrame();
        tailPage = frame + 1;

        tailOffset = 0;
        deadBytes[frame] = 0;
        setPage(tailPage, frameAddress(frame));
        mutable[(mutableHead + mutableCount++) % mutable.length] = tailPage;
    }

    /** The tail page takes no more records; the next append opens another. */
    public void closeTail() {
        if (tailPage != 0) {
            usedBytes[tailPage - 1] = tailOffset;
            tailPage = 0;
            tailOffset = Address.PAGE_BYTES;
        }
    }

    /** The record at this mutable address is superseded. */
    public void markDead(long address) {
        long record = resolve(address);
        assert isMutable(address) && !Record.isDead(record);
        Record.markDead(record);
        int bytes = Record.length(record);
        deadBytes[Address.page(address) - 1] += bytes;
        allDeadBytes += bytes;
    }

    // Mutable pages.

    /** The oldest mutable page that takes no more records, or 0; closes the tail where it is the only one. */
    public int oldestMutable() {
        return mutableCount == 0 ? 0 : mutable[mutableHead];
    }

    /** Takes the oldest mutable page out of the order; its frame stays until {@link #freePage}. */
    public int takeOldestMutable() {
        int page = mutable[mutableHead];
        if (page == tailPage) {
            closeTail();
        }
        mutableHead = (mutableHead + 1) % mutable.length;
        mutableCount--;
        return page;
    }

    /** Takes the mutable page with the most dead out of the order, as {@link #takeOldestMutable}. There is one that is not the tail. */
    public int takeDeadestMutable() {
        int found = -1;
        int most = -1;
        for (int i = 0; i < mutableCount; i++) {
            int page = mutable[(mutableHead + i) % mutable.length];
            if (deadBytes[page - 1] > most && page != tailPage) {
                most = deadBytes[page - 1];
                found = i;
            }
        }
        int page = mutable[(mutableHead + found) % mutable.length];
        for (int i = found; i > 0; i--) {
            mutable[(mutableHead + i) % mutable.length] =
                    mutable[(mutableHead + i - 1) % mutable.length];
        }
        mutableHead = (mutableHead + 1) % mutable.length;
        mutableCount--;
        return page;
    }

    /** Puts a page behind all other mutable ones: its turn comes last. */
    public void putBackMutable(int page) {
        mutable[(mutableHead + mutableCount++) % mutable.length] = page;
    }

    /** Bytes of records in a mutable page, its tail position if it is the tail. */
    public int usedBytes(int page) {
        return page == tailPage ? tailOffset : usedBytes[page - 1];
    }

    public int deadBytes(int page) {
        return deadBytes[page - 1];
    }

    /** Of all mutable pages but the tail, those that were taken and not freed yet among them. */
    public long closedDeadBytes() {
        return tailPage == 0 ? allDeadBytes : allDeadBytes - deadBytes[tailPage - 1];
    }

    public int mutablePages() {
        return mutableCount;
    }

    // Frames.

    /** Gives a sealed page a frame. @return its address */
    public long mapSealed(int page) {
        assert page >= Address.FIRST_SSD_PAGE && pageAddress(page) == 0;
        long address = frameAddress(takeFrame());
        setPage(page, address);
        return address;
    }

    /** The page is no longer in RAM; its frame is free. */
    public void freePage(int page) {
        long address = pageAddress(page);
        assert address != 0;
        setPage(page, 0);
        if (isMutable(Address.of(page, 0))) {
            allDeadBytes -= deadBytes[page - 1];
        }
        int frame = (int) (address - frames.address() >>> Address.PAGE_SHIFT);
        framesInUse--;
        if (framesInUse + freeCount < framesLimit) {
            freeFrames[freeCount++] = frame;
        } else {
            releaseFrame(frame);
        }
    }

    private void releaseFrame(int frame) {
        if (shown.get(frame)) {
            shown.clear(frame);
            frames.clear((long) frame << Address.PAGE_SHIFT, Address.PAGE_BYTES);
            forgetShared(frame);
        } else {
            frames.release((long) frame << Address.PAGE_SHIFT, Address.PAGE_BYTES);
        }
        backed.clear(frame);
        frames.commit(-Address.PAGE_BYTES);
        releasedFrames[releasedCount++] = frame;
    }

    /** Where the frame's memory was the file's, that is free, too. */
    private void forgetShared(int frame) {
        FileView file = shownFile;
        if (file != null && staging == null) {
            file.forget(StateInput.offsetOf(shownBlock[frame]), Address.PAGE_BYTES);
            if (shown.isEmpty()) {
                file.close();
                shownFile = null;
            }
        }
    }

    private int takeFrame() {
        int frame;
        if (freeCount > 0) {
            frame = freeFrames[--freeCount];
        } else {
            if (releasedCount > 0) {
                frame = releasedFrames[--releasedCount];
            } else if (framesTouched < framesMapped) {
                frame = framesTouched++;
            } else {
                throw new OutOfMemoryError(
                        "log: all " + framesMapped + " frames in use, limit " + framesLimit);
            }
            frames.commit(Address.PAGE_BYTES);
            backed.set(frame);
        }
        framesInUse++;
        return frame;
    }

    /** Frames that may be taken before the limit is reached; negative when over it. */
    public int framesFree() {
        return framesLimit - framesInUse;
    }

    public int framesInUse() {
        return framesInUse;
    }

    public int framesLimit() {
        return framesLimit;
    }

    /** Changes the bound on frames in use; frames above it are given back, now or as their pages are freed. */
    public void setFramesLimit(int limit) {
        framesLimit = Math.min(limit, framesMapped - EMERGENCY_FRAMES);
        while (freeCount > 0 && framesInUse + freeCount > framesLimit) {
            releaseFrame(freeFrames[--freeCount]);
        }
    }

    /** Free frames that have memory. */
    public int framesIdle() {
        return freeCount;
    }

    /** Gives the memory of a free frame back to the system: the process shrinks, and the next one to be taken is slower to be had. */
    public void releaseIdle() {
        releaseFrame(freeFrames[--freeCount]);
    }

    // Warm restart.

    /** Frames that a log must be able to map so that it can {@link #load} what this one would save. */
    public int framesUsed() {
        return framesTouched;
    }

    /**
     * Writes the frames in use, lowest first. Nothing else may be done afterwards than {@link #save} and {@link #close}, for their memory goes back to the system.
     *
     * @param endPage one past the last sealed page there is
     */
    public void saveFrames(StateOutput out, int endPage) {
        BitSet used = framesOf(endPage);
        for (int frame = used.nextSetBit(0); frame >= 0; frame = used.nextSetBit(frame + 1)) {
            out.whole(frames, (long) frame << Address.PAGE_SHIFT);
        }
    }

    private BitSet framesOf(int endPage) {
        BitSet used = new BitSet();
        for (int i = 0; i < mutableCount; i++) {
            used.set(mutable[(mutableHead + i) % mutable.length] - 1);
        }
        for (int page = Address.FIRST_SSD_PAGE; page < endPage; page++) {
            if (pageAddress(page) != 0) {
                used.set(frameOf(page));
            }
        }
        return used;
    }

    private int frameOf(int page) {
        return (int) (pageAddress(page) - frames.address() >>> Address.PAGE_SHIFT);
    }

    /** Writes the books. */
    public void save(StateOutput out, int endPage) {
        out.putLong(tailPage);
        out.putLong(tailOffset);
        out.putLong(mutableCount);
        for (int i = 0; i < mutableCount; i++) {
            int page = mutable[(mutableHead + i) % mutable.length];
            out.putLong(page);
            out.putLong(usedBytes[page - 1]);
            out.putLong(deadBytes[page - 1]);
        }
        for (int page = Address.FIRST_SSD_PAGE; page < endPage; page++) {
            if (pageAddress(page) != 0) {
                out.putLong(page);
                out.putLong(frameOf(page));
            }
        }
        out.putLong(0);
    }

    /** Of an empty log: takes over what another one saved. The frames show the file until {@link #moveShown} has moved them. */
    public void load(StateInput in) {
        BitSet used = new BitSet();
        tailPage = in.getInt(framesMapped);
        tailOffset = in.getInt(Address.PAGE_BYTES);
        mutableCount = in.getInt(framesMapped);
        for (int i = 0; i < mutableCount; i++) {
            int page = in.getInt(framesMapped);
            mutable[i] = page;
            usedBytes[page - 1] = in.getInt(Address.PAGE_BYTES);
            deadBytes[page - 1] = in.getInt(Address.PAGE_BYTES);
            allDeadBytes += deadBytes[page - 1];
            setPage(page, frameAddress(page - 1));
            used.set(page - 1);
        }
        for (int page = in.getInt(Address.PAGES - 1);
                page != 0;
                page = in.getInt(Address.PAGES - 1)) {
            int frame = in.getInt(framesMapped - 1);
            setPage(page, frameAddress(frame));
            used.set(frame);
        }
        framesInUse = used.cardinality();
        framesTouched = used.length();
        if (framesInUse != in.wholeBlocks()) {
            throw new IllegalStateException(
                    "state file, field wholeBlocks: expected "
                            + framesInUse
                            + ", actual "
                            + in.wholeBlocks());
        }
        for (int frame = 0; frame < framesTouched; frame++) {
            if (!used.get(frame)) {
                releasedFrames[releasedCount++] = frame;
            }
        }
        frames.commit((long) framesInUse << Address.PAGE_SHIFT);
        backed.or(used);
        place(in, used);
    }

    private void place(StateInput in, BitSet used) {
        int runs = 0;
        for (int from = used.nextSetBit(0);
                from >= 0;
                from = used.nextSetBit(used.nextClearBit(from))) {
            runs++;
        }
        int block = 0;
        shownBlock = new int[framesTouched];
        for (int from = used.nextSetBit(0);
                from >= 0;
                from = used.nextSetBit(used.nextClearBit(from))) {
            int count = used.nextClearBit(from) - from;
            if (in.place(
                    block,
                    count,
                    frames,
                    (long) from << Address.PAGE_SHIFT,
                    runs <= SHOWN_RUNS_MAX)) {
                shown.set(from, from + count);
                for (int i = 0; i < count; i++) {
                    shownBlock[from + i] = block + i;
                }
            }
            block += count;
        }
        if (!shown.isEmpty()) {
            shownFile = in.view();
            shownFile.hold();
            staging = Mapping.reserve(frames.bytes(), MemoryTag.LOG);
            staging.adviseHugePages(0, staging.bytes());
        }
    }

    /** Whether frames will be moved, that still show the file of an earlier process: their pages are small, and copied one by one when they are first written. */
    public boolean isShown() {
        return staging != null;
    }

    /**
     * The file that was loaded from has been deleted, and frames may be moved. Where it is memory they need not be: then they are that from now on.
     *
     * @param untouched nothing was written to frames since; any thread may call where nobody uses the log meanwhile. Else any thread
     */
    public void ownState(boolean untouched) {
        FileView file = shownFile;
        Mapping to = staging;
        if (untouched && file != null && to != null && file.isMemory()) {
            share(file);
            to.close();
            staging = null;
        }
        fileIsMine = true;
    }

    private void share(FileView file) {
        for (int frame = shown.nextSetBit(0); frame >= 0; frame = shown.nextSetBit(frame)) {
            int end = shown.nextClearBit(frame);
            // Blocks of frames that follow each other do, too: they were placed by runs.
            file.share(
                    StateInput.offsetOf(shownBlock[frame]),
                    frames,
                    (long) frame << Address.PAGE_SHIFT,
                    (long) (end - frame) << Address.PAGE_SHIFT);
            frame = end;
        }
    }

    /**
     * Gives the next huge page's worth of shown frames memory of its own, at the same address: some hundred microseconds.
     *
     * @return whether there are more
     */
    public boolean moveShown() {
        Mapping to = staging;
        FileView file = shownFile;
        if (to == null || file == null || !fileIsMine) {
            return false;
        }
        int first = shown.nextSetBit(nextShown);
        if (first >= 0) {
            first &= -FRAMES_MOVED;
            int end = Math.min(first + FRAMES_MOVED, framesMapped);
            for (int frame = first; frame < end; frame++) {
                if (backed.get(frame)) {
                    long offset = (long) frame << Address.PAGE_SHIFT;
                    Memory.copy(frameAddress(frame), to.address() + offset, Address.PAGE_BYTES);
                }
            }
            if (frames.takeOver(
                    (long) first << Address.PAGE_SHIFT,
                    to,
                    (long) (end - first) << Address.PAGE_SHIFT)) {
                // What the file's cache took is what the next step's memory is made of.
                for (int frame = first; frame < end; frame++) {
                    if (shown.get(frame)) {
                        file.forget(StateInput.offsetOf(shownBlock[frame]), Address.PAGE_BYTES);
                    } else if (!backed.get(frame)) {
                        // A huge page came for the sake of the other.
                        frames.release((long) frame << Address.PAGE_SHIFT, Address.PAGE_BYTES);
                    }
                }
                shown.clear(first, end);
                nextShown = end;
                return true;
            }
        }
        // All are moved; or the kernel cannot, and they stay as they are.
        closeShown();
        return false;
    }

    private void closeShown() {
        if (staging != null) {
            staging.close();
            staging = null;
        }
        if (shownFile != null) {
            shownFile.close();
            shownFile = null;
        }
    }

    private long frameAddress(int frame) {
        return frames.address() + ((long) frame << Address.PAGE_SHIFT);
    }

    private void setPage(int page, long address) {
        Memory.putLong(tableAddress + ((long) page << 3), address);
    }

    /** Walks the books; for tests and the simulator. */
    public void checkInvariants() {
        assert framesInUse >= 0 && framesInUse + freeCount + releasedCount == framesTouched;
        assert mutableCount <= framesInUse;
        long dead = 0;
        for (int i = 0; i < mutableCount; i++) {
            int page = mutable[(mutableHead + i) % mutable.length];
            assert pageAddress(page) == frameAddress(page - 1) : "mutable page " + page;
            dead += deadBytes[page - 1];
        }
        assert dead <= allDeadBytes && allDeadBytes - dead <= Address.PAGE_BYTES
                : "dead " + dead + " of " + allDeadBytes;
    }

    @Override
    public void close() {
        closeShown();
        frames.close();
        table.close();
    }
}
