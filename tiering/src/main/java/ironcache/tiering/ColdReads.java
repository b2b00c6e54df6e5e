package ironcache.tiering;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Record;
import java.util.Arrays;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads of records from the SSD, and the staging area where they wait for the commands that asked for them.
 *
 * <p>A cold record is one aligned read of the block that it begins in, and of as many more as the page's table says, verified block by block. The
 * record alone is copied to the staging area; the read buffer is free again at once. Records asked for by the command that
 * runs now ({@link #request}) are pinned until that command ends, however often it is parked in between; so a command that needs many gets
 * them all at last. Prefetched ones and those whose commands ended stay, unpinned, until the area's bound pushes the oldest out.
 *
 * <pre>
 * entry: an address that was asked for         READING → READY | DAMAGED → gone
 * link:  (waiter, entry), as long as the waiter's command lives; a waiter is ready when none of its entries is READING
 * slot:  one read in flight with its buffer; entries of the same first block share it
 * </pre>
 *
 * <p>One owner thread. Entries, links and slots are numbered into arrays; nothing is allocated per read but the record's
 * copy, from malloc.
 */
public final class ColdReads implements AutoCloseable {
    private static final int NONE = -1;
    private static final int SMALL_SLOT_BLOCKS = 2;
    private static final int LARGE_SLOT_BLOCKS = (Record.MAX_BYTES >>> PageLayout.BLOCK_SHIFT) + 2;
    private static final int LARGE_SLOTS = 16;

    /** Prefetches that wait for a slot; more of them would be pushed out before they are used. */
    private static final int QUEUED_MAX = 16 << 10;

    /** So much a command may hold however much others do. */
    private static final long SMALL_BYTES = 1 << 20;

    /** No record's address: the page went away while a command held the copy. */
    private static final long FORGOTTEN = 0;

    private static final byte READING = 1;
    private static final byte READY = 2;
    private static final byte DAMAGED = 3;

    private final SegmentStore segments;
    private final long tokenBase;
    private final IntConsumer onReady;
    private final int smallSlots;
    private final Mapping buffers;
    private final int buffer;
    private final Io io;
    private final long stagingBytesMax;

    // Entries.
    private final LongIntMap entryOf = new LongIntMap();
    private long[] entryAddress = new long[256];
    private byte[] entryState = new byte[256];
    private long[] entryCopy = new long[256];
    private int[] entryBytes = new int[256];
    private int[] entryPins = new int[256];
    private int[] entryLinks = new int[256];

    /** Its page was damaged, and has been mended, or could not be. */
    private boolean[] entryMended = new boolean[256];

    /** Next in the slot's list, the queue or the free list. */
    private int[] entryNext = new int[256];

    private int[] entryNewer = new int[256];
    private int[] entryOlder = new int[256];
    private int entriesUsed;
    private int freeEntry = NONE;

    /** Unpinned ready entries, by the time that they became so. */
    private int oldest = NONE;

    private int newest = NONE;
    private long stagedBytes;
    private @Nullable String damage;

    // Links.
    private int[] linkWaiter = new int[256];
    private int[] linkEntry = new int[256];
    private int[] linkNextOfEntry = new int[256];
    private int[] linkNextOfWaiter = new int[256];
    private int linksUsed;
    private int freeLink = NONE;

    // Waiters.
    private int[] waiterLinks = new int[64];
    private int[] waiterReading = new int[64];
    private boolean[] waiterParked = new boolean[64];

    /** What a waiter's records take that are there. */
    private long[] waiterBytes = new long[64];

    private long allWaitersBytes;
    private long commandBytesMax = Long.MAX_VALUE;
    private int current = NONE;

    // Slots.
    private final LongIntMap slotOf = new LongIntMap();
    private final long[] slotBlock;
    private final int[] slotBlocks;
    private final int[] slotEntries;

    /** Found by others through slotOf: not the second, longer read of a block that is being read already. */
    private final boolean[] slotShared;

    private final int[] freeSmall;
    private int freeSmallCount;
    private final int[] freeLarge = new int[LARGE_SLOTS];
    private int freeLargeCount;

    /** Entries that wait for a slot, first in first out. */
    private int queueHead = NONE;

    private int queueTail = NONE;
    private int queued;

    /** Another thread runs commands: it may not use the owner's I/O. */
    private boolean lent;

    /** Slots whose reads wait for the owner. */
    private int[] unsubmitted = new int[16];

    private int unsubmittedCount;

    private long reads;
    private long readBytes;
    private long checksumErrors;

    /**
     * @param slots reads in flight at most
     * @param tokenBase high bits of the tokens of reads, low 32 bits zero
     * @param stagingBytesMax bound on unpinned staged records
     * @param onReady receives parked waiters whose records have all arrived
     */
    public ColdReads(
            Io io,
            SegmentStore segments,
            int slots,
            long stagingBytesMax,
            long tokenBase,
            IntConsumer onReady) {
        this.io = io;
        this.segments = segments;
        this.tokenBase = tokenBase;
        this.onReady = onReady;
        this.stagingBytesMax = stagingBytesMax;
        smallSlots = slots;
        int all = slots + LARGE_SLOTS;
        long bytes = bufferBytes(slots);
        buffers = Mapping.reserve(bytes, MemoryTag.STAGING);
        buffers.commit(bytes);
        buffer = io.registerBuffer(buffers.address(), bytes);
        slotBlock = new long[all];
        slotBlocks = new int[all];
        slotEntries = new int[all];
        slotShared = new boolean[all];
        freeSmall = new int[slots];
        for (int i = 0; i < slots; i++) {
            freeSmall[freeSmallCount++] = slots - 1 - i;
        }
        for (int i = 0; i < LARGE_SLOTS; i++) {
            freeLarge[freeLargeCount++] = slots + i;
        }
        Arrays.fill(waiterLinks, NONE);
    }

    /** What the buffers of so many slots take. */
    public static long bufferBytes(int slots) {
        return (long) slots * SMALL_SLOT_BLOCKS + (long) LARGE_SLOTS * LARGE_SLOT_BLOCKS
                << PageLayout.BLOCK_SHIFT;
    }

    /** So much a command may hold at once; all of them together twice that, and a little each. */
    public void limitCommands(long bytesMax) {
        commandBytesMax = bytesMax;
    }

    // Commands.

    /** What is asked for from now on is for this waiter's command. */
    public void begin(int waiter) {
        if (waiter >= waiterLinks.length) {
            growWaiters(waiter);
        }
        current = waiter;
        waiterParked[waiter] = false;
    }

    /** The command is over; its records are unpinned. */
    public void end() {
        if (waiterLinks[current] != NONE) {
            release(current);
        }
        current = NONE;
    }

    /**
     * The command unwound; it is told when all that it asked for is there. What it got stays pinned.
     *
     * @return false: it is there already, run it again
     */
    public boolean park() {
        int waiter = current;
        current = NONE;
        if (waiterReading[waiter] == 0) {
            return false;
        }
        waiterParked[waiter] = true;
        return true;
    }

    /** The waiter is gone, parked or not. */
    public void abandon(int waiter) {
        if (waiter < waiterLinks.length) {
            waiterParked[waiter] = false;
            release(waiter);
        }
    }

    private void release(int waiter) {
        int link = waiterLinks[waiter];
        waiterLinks[waiter] = NONE;
        waiterReading[waiter] = 0;
        allWaitersBytes -= waiterBytes[waiter];
        waiterBytes[waiter] = 0;
        while (link != NONE) {
            int next = linkNextOfWaiter[link];
            int entry = linkEntry[link];
            unlinkFromEntry(entry, link);
            linkNextOfWaiter[link] = freeLink;
            freeLink = link;
            if (--entryPins[entry] == 0 && entryState[entry] != READING) {
                retain(entry);
            }
            link = next;
        }
    }

    private void unlinkFromEntry(int entry, int link) {
        if (entryLinks[entry] == link) {
            entryLinks[entry] = linkNextOfEntry[link];
            return;
        }
        int before = entryLinks[entry];
        while (linkNextOfEntry[before] != link) {
            before = linkNextOfEntry[before];
        }
        linkNextOfEntry[before] = linkNextOfEntry[link];
    }

    // Lending.

    /** From now on another thread runs commands, or no longer does. */
    public void setLent(boolean newLent) {
        lent = newLent;
        segments.setLent(newLent);
    }

    /** Whether reads wait for {@link #submitWaiting}. */
    public boolean hasUnsubmitted() {
        return unsubmittedCount > 0;
    }

    /** On the owner's thread: does what had to wait while it was lent. */
    public void submitWaiting() {
        for (int i = 0; i < unsubmittedCount; i++) {
            int slot = unsubmitted[i];
            submit(slot);
            segments.unpin((int) (slotBlock[slot] / PageLayout.BLOCKS));
        }
        unsubmittedCount = 0;
        segments.deleteSurplus();
    }

    // Records.

    /**
     * The staged copy of the record at this address, or 0 where it has not been read. Valid until the command ends.
     *
     * @throws DamagedBlockException where what was read failed its verification
     */
    public long staged(long address) {
        int entry = entryOf.get(address);
        if (entry == LongIntMap.ABSENT || entryState[entry] == READING) {
            return 0;
        }
        pin(entry);
        if (entryState[entry] == DAMAGED) {
            throw new DamagedBlockException(damage == null ? "unreadable block" : damage);
        }
        return entryCopy[entry];
    }

    /** Whether the record's page failed a verification before: no use in asking again. */
    public boolean isDamaged(long address) {
        return segments.isDamaged(Address.page(address));
    }

    /**
     * As {@link #request}, of one after the other.
     *
     * @throws CommandMemoryException where the command holds too many already
     */
    public void demand(long address) {
        long held = current == NONE ? 0 : waiterBytes[current];
        if (held > commandBytesMax
                || held > SMALL_BYTES && allWaitersBytes - commandBytesMax > commandBytesMax) {
            throw CommandMemoryException.SIGNAL;
        }
        request(address);
    }

    /** Asks for a record on behalf of the current command. */
    public void request(long address) {
        pin(entryFor(address));
    }

    /** Asks for a record that a command may need soon. */
    public void prefetch(long address) {
        if (queued < QUEUED_MAX) {
            entryFor(address);
        }
    }

    private int entryFor(long address) {
        int entry = entryOf.get(address);
        if (entry != LongIntMap.ABSENT) {
            return entry;
        }
        entry = takeEntry();
        entryAddress[entry] = address;
        entryState[entry] = READING;
        entryCopy[entry] = 0;
        entryPins[entry] = 0;
        entryLinks[entry] = NONE;
        entryMended[entry] = false;
        entryOf.put(address, entry);
        if (!start(entry)) {
            segments.pin(Address.page(address));
            enqueue(entry);
        }
        return entry;
    }

    private void pin(int entry) {
        if (current == NONE) {
            return;
        }
        for (int link = entryLinks[entry]; link != NONE; link = linkNextOfEntry[link]) {
            if (linkWaiter[link] == current) {
                return;
            }
        }
        if (entryPins[entry]++ == 0 && entryState[entry] != READING) {
            unretain(entry);
        }
        int link = takeLink();
        linkWaiter[link] = current;
        linkEntry[link] = entry;
        linkNextOfEntry[link] = entryLinks[entry];
        entryLinks[entry] = link;
        linkNextOfWaiter[link] = waiterLinks[current];
        waiterLinks[current] = link;
        if (entryState[entry] == READING) {
            waiterReading[current]++;
        } else if (entryState[entry] == READY) {
            hold(current, entryBytes[entry]);
        }
    }

    private void hold(int waiter, int bytes) {
        waiterBytes[waiter] += bytes;
        allWaitersBytes += bytes;
    }

    // Reads.

    /** Puts the entry into a read in flight or begins one. @return false: no slot is free */
    private boolean start(int entry) {
        long address = entryAddress[entry];
        int page = Address.page(address);
        int offset = Address.offset(address);
        int blocks = segments.blocksOf(page, offset);
        long key = (long) page * PageLayout.BLOCKS + (offset >>> PageLayout.BLOCK_SHIFT);
        int slot = slotOf.get(key);
        if (slot == LongIntMap.ABSENT || slotBlocks[slot] < blocks) {
            boolean shared = slot == LongIntMap.ABSENT;
            if (blocks <= SMALL_SLOT_BLOCKS ? freeSmallCount == 0 : freeLargeCount == 0) {
                return false;
            }
            slot =
                    blocks <= SMALL_SLOT_BLOCKS
                            ? freeSmall[--freeSmallCount]
                            : freeLarge[--freeLargeCount];
            slotBlock[slot] = key;
            slotBlocks[slot] = blocks;
            slotEntries[slot] = NONE;
            slotShared[slot] = shared;
            if (shared) {
                slotOf.put(key, slot);
            }
            submit(slot);
        }
        entryNext[entry] = slotEntries[slot];
        slotEntries[slot] = entry;
        return true;
    }

    private void submit(int slot) {
        if (lent) {
            if (unsubmittedCount == unsubmitted.length) {
                unsubmitted = Arrays.copyOf(unsubmitted, 2 * unsubmittedCount);
            }
            unsubmitted[unsubmittedCount++] = slot;
            segments.pin((int) (slotBlock[slot] / PageLayout.BLOCKS));
            return;
        }
        int page = (int) (slotBlock[slot] / PageLayout.BLOCKS);
        int block = (int) (slotBlock[slot] % PageLayout.BLOCKS);
        reads++;
        readBytes += (long) slotBlocks[slot] << PageLayout.BLOCK_SHIFT;
        segments.read(page, block, slotBlocks[slot], slotAddress(slot), buffer, tokenBase | slot);
    }

    private long slotAddress(int slot) {
        return buffers.address()
                + ((slot < smallSlots
                                ? (long) slot * SMALL_SLOT_BLOCKS
                                : (long) smallSlots * SMALL_SLOT_BLOCKS
                                        + (long) (slot - smallSlots) * LARGE_SLOT_BLOCKS)
                        << PageLayout.BLOCK_SHIFT);
    }

    /**
     * Completion of the read in this slot.
     *
     * @param result bytes read or a negative errno
     */
    public void onRead(int slot, int result) {
        long key = slotBlock[slot];
        int page = (int) (key / PageLayout.BLOCKS);
        int expected = slotBlocks[slot] << PageLayout.BLOCK_SHIFT;
        if (slotShared[slot]) {
            slotOf.remove(key);
        }
        int entry = slotEntries[slot];
        while (entry != NONE) {
            int next = entryNext[entry];
            if (result != expected) {
                checksumErrors++;
                if (mend(entry, page)) {
                    entry = next;
                    continue;
                }
                damage =
                        segments.describe(page)
                                + ", field read: expected "
                                + expected
                                + " bytes, actual "
                                + (result < 0 ? Errno.name(result) : Integer.toString(result));
                arrived(entry, DAMAGED);
            } else {
                take(entry, page, (int) (key % PageLayout.BLOCKS), slot);
            }
            entry = next;
        }
        if (slot < smallSlots) {
            freeSmall[freeSmallCount++] = slot;
        } else {
            freeLarge[freeLargeCount++] = slot;
        }
        segments.unpin(page);
        startQueued();
    }

    /** Verifies the blocks of one record and copies it out of the slot's buffer. */
    private void take(int entry, int page, int firstBlock, int slot) {
        long base = slotAddress(slot);
        int offset = Address.offset(entryAddress[entry]) - (firstBlock << PageLayout.BLOCK_SHIFT);
        // The header lies within the first block; it is believed only once that block is verified.
        int verified = 0;
        int needed = 1;
        while (verified < needed) {
            long at = base + ((long) verified << PageLayout.BLOCK_SHIFT);
            if (!segments.verify(page, firstBlock + verified, at)) {
                checksumErrors++;
                if (mend(entry, page)) {
                    return;
                }
                damage = segments.damage(page, firstBlock + verified, at);
                segments.markDamaged(page);
                arrived(entry, DAMAGED);
                return;
            }
            if (verified++ == 0) {
                int end = offset + Record.length(base + offset);
                needed = Math.min((end - 1 >>> PageLayout.BLOCK_SHIFT) + 1, slotBlocks[slot]);
            }
        }
        int bytes = Record.length(base + offset);
        long copy = Memory.allocate(bytes, MemoryTag.STAGING);
        Memory.copy(base + offset, copy, bytes);
        entryCopy[entry] = copy;
        entryBytes[entry] = bytes;
        stagedBytes += bytes;
        arrived(entry, READY);
    }

    /** Has the page mended, and then reads it again: once. The entry goes on as READING. @return false: what was read is what there is */
    private boolean mend(int entry, int page) {
        if (entryMended[entry]) {
            return false;
        }
        entryMended[entry] = true;
        return segments.mend(page, () -> readAgain(entry));
    }

    private void readAgain(int entry) {
        if (start(entry)) {
            segments.unpin(Address.page(entryAddress[entry]));
        } else {
            enqueue(entry); // The pin is the queue's now.
        }
    }

    private void arrived(int entry, byte state) {
        entryState[entry] = state;
        for (int link = entryLinks[entry]; link != NONE; link = linkNextOfEntry[link]) {
            int waiter = linkWaiter[link];
            if (state == READY) {
                hold(waiter, entryBytes[entry]);
            }
            if (--waiterReading[waiter] == 0 && waiterParked[waiter]) {
                waiterParked[waiter] = false;
                onReady.accept(waiter);
            }
        }
        if (entryPins[entry] == 0) {
            retain(entry);
        }
    }

    private void enqueue(int entry) {
        queued++;
        entryNext[entry] = NONE;
        if (queueHead == NONE) {
            queueHead = entry;
        } else {
            entryNext[queueTail] = entry;
        }
        queueTail = entry;
    }

    private void startQueued() {
        while (queueHead != NONE) {
            int entry = queueHead;
            int next = entryNext[entry];
            if (!start(entry)) {
                return;
            }
            queueHead = next;
            queued--;
            segments.unpin(Address.page(entryAddress[entry]));
        }
    }

    // Staged records that no command holds: oldest first out.

    private void retain(int entry) {
        if (entryState[entry] == DAMAGED) {
            drop(entry);
            return;
        }
        entryOlder[entry] = newest;
        entryNewer[entry] = NONE;
        if (newest == NONE) {
            oldest = entry;
        } else {
            entryNewer[newest] = entry;
        }
        newest = entry;
        while (stagedBytes > stagingBytesMax && oldest != NONE) {
            int victim = oldest;
            unretain(victim);
            drop(victim);
        }
    }

    private void unretain(int entry) {
        int older = entryOlder[entry];
        int newer = entryNewer[entry];
        if (older == NONE) {
            oldest = newer;
        } else {
            entryNewer[older] = newer;
        }
        if (newer == NONE) {
            newest = older;
        } else {
            entryOlder[newer] = older;
        }
    }

    private void drop(int entry) {
        if (entryAddress[entry] != FORGOTTEN) {
            entryOf.remove(entryAddress[entry]);
        }
        if (entryCopy[entry] != 0) {
            Memory.free(entryCopy[entry], entryBytes[entry], MemoryTag.STAGING);
            stagedBytes -= entryBytes[entry];
            entryCopy[entry] = 0;
        }
        entryNext[entry] = freeEntry;
        freeEntry = entry;
    }

    /**
     * Pages become free and their numbers may come to mean other records: unpinned copies go. There are no reads of theirs in flight
     * or queued, and a pinned copy belongs to a command that will find the record's new address in the index.
     */
    public void forget(int firstPage, int pages) {
        for (int entry = oldest; entry != NONE; ) {
            int newer = entryNewer[entry];
            if (isWithin(entry, firstPage, pages)) {
                unretain(entry);
                drop(entry);
            }
            entry = newer;
        }
        for (int waiter = 0; waiter < waiterLinks.length; waiter++) {
            for (int link = waiterLinks[waiter]; link != NONE; link = linkNextOfWaiter[link]) {
                int entry = linkEntry[link];
                if (isWithin(entry, firstPage, pages)) {
                    // Still held by its command, but not found under this address any more.
                    entryOf.remove(entryAddress[entry]);
                    entryAddress[entry] = FORGOTTEN;
                }
            }
        }
    }

    private boolean isWithin(int entry, int firstPage, int pages) {
        int page = Address.page(entryAddress[entry]);
        return page >= firstPage && page < firstPage + pages;
    }

    // Arrays.

    private int takeEntry() {
        if (freeEntry != NONE) {
            int entry = freeEntry;
            freeEntry = entryNext[entry];
            return entry;
        }
        if (entriesUsed == entryAddress.length) {
            int length = 2 * entriesUsed;
            entryAddress = Arrays.copyOf(entryAddress, length);
            entryState = Arrays.copyOf(entryState, length);
            entryCopy = Arrays.copyOf(entryCopy, length);
            entryBytes = Arrays.copyOf(entryBytes, length);
            entryPins = Arrays.copyOf(entryPins, length);
            entryLinks = Arrays.copyOf(entryLinks, length);
            entryMended = Arrays.copyOf(entryMended, length);
            entryNext = Arrays.copyOf(entryNext, length);
            entryNewer = Arrays.copyOf(entryNewer, length);
            entryOlder = Arrays.copyOf(entryOlder, length);
        }
        return entriesUsed++;
    }

    private int takeLink() {
        if (freeLink != NONE) {
            int link = freeLink;
            freeLink = linkNextOfWaiter[link];
            return link;
        }
        if (linksUsed == linkWaiter.length) {
            int length = 2 * linksUsed;
            linkWaiter = Arrays.copyOf(linkWaiter, length);
            linkEntry = Arrays.copyOf(linkEntry, length);
            linkNextOfEntry = Arrays.copyOf(linkNextOfEntry, length);
            linkNextOfWaiter = Arrays.copyOf(linkNextOfWaiter, length);
        }
        return linksUsed++;
    }

    private void growWaiters(int waiter) {
        int before = waiterLinks.length;
        int length = Math.max(2 * before, waiter + 1);
        waiterLinks = Arrays.copyOf(waiterLinks, length);
        Arrays.fill(waiterLinks, before, length, NONE);
        waiterReading = Arrays.copyOf(waiterReading, length);
        waiterParked = Arrays.copyOf(waiterParked, length);
        waiterBytes = Arrays.copyOf(waiterBytes, length);
    }

    public long reads() {
        return reads;
    }

    public long readBytes() {
        return readBytes;
    }

    public long checksumErrors() {
        return checksumErrors;
    }

    /** The last damage found, or null. */
    public @Nullable String lastDamage() {
        return damage;
    }

    @Override
    public void close() {
        for (int entry = 0; entry < entriesUsed; entry++) {
            if (entryCopy[entry] != 0) {
                Memory.free(entryCopy[entry], entryBytes[entry], MemoryTag.STAGING);
            }
        }
        if (buffer != Io.UNREGISTERED) {
            io.unregisterBuffer(buffer);
        }
        buffers.close();
    }
}
