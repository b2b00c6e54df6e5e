package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import ironcache.tiering.PageBuffer;
import ironcache.tiering.PageLayout;
import ironcache.tiering.SegmentStore.Segment;
import ironcache.tiering.SegmentStore.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The one rewrite: walks a page's records, asks what becomes of each, and moves it there. Sealing walks the oldest mutable page, compaction the pages of the SSD
 * segment with the least alive; both in slices, on the owner thread, and both may stop anywhere and go on later.
 *
 * <pre>
 * record                                         sealing                  compaction
 * dead, expired, or of a flushed keyspace        dropped                  dropped
 * clean copy of an SSD record (has a home)       entry points home again  -
 * original of a clean copy in RAM                -                        dropped; the copy is the original now
 * read since it was written or last looked at    back to the tail         -
 * any other                                      packed and sealed        packed and sealed
 * </pre>
 */
final class Rewriter implements AutoCloseable {
    /** Records between two looks at the clock. */
    private static final int RECORDS_PER_CHECK = 64;

    /** Back to the tail goes at most this share of a page, so that sealing always makes room. */
    private static final int SECOND_CHANCE_BYTES_MAX = Address.PAGE_BYTES / 8 * 7;

    /** A mutable page with at least this much dead is worth rewriting within RAM when the disk is full. */
    private static final int DEAD_BYTES_WORTHWHILE = Address.PAGE_BYTES / 4;

    /** RAM is squeezed where more than one part in so many of it is dead, from so many bytes on; of a shard at rest more thoroughly. */
    private static final int SQUEEZED_SHARE = 6;

    private static final int SQUEEZED_SHARE_AT_REST = 256;
    private static final long SQUEEZED_BYTES_MIN = 16L << 20;

    /** Compaction leaves segments alone that are alive to at least this many parts in 16. */
    private static final int ALIVE_SIXTEENTHS = 15;

    /** Pages that compaction reads ahead. */
    static final int BUFFERS = 2;

    private enum Outcome {
        MOVED,
        BLOCKED
    }

    private final Store store;

    // Sealing: the page being walked, 0 for none.
    private int source;
    private int sourceOffset;
    private int sourceEnd;
    private int secondChanceBytesLeft;
    private boolean toTail;

    // Compaction: read page by page into two buffers in turn.
    private final PageBuffer[] buffers = new PageBuffer[BUFFERS];
    private int currentBuffer;
    private @Nullable Segment compacting;
    private int nextPage;
    private int endPage;
    private int compactOffset;
    private @Nullable String damage;

    Rewriter(Store store, long tokenBase) {
        this.store = store;
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = new PageBuffer(store.segments, tokenBase | i);
        }
    }

    // Sealing.

    /**
     * Rewrites mutable pages, oldest first, until {@code pages} frames would be free or time is up.
     *
     * @return false: nothing could be done, because no page can be sealed to now
     */
    boolean seal(int freeFramesWanted, long deadlineNanos, Clock clock) {
        boolean any = false;
        while (store.log.framesFree() + store.sealed.writing() < freeFramesWanted) {
            if (source == 0 && !beginPage()) {
                return any;
            }
            int records = 0;
            while (sourceOffset < sourceEnd) {
                Outcome outcome = sealNext();
                if (outcome == Outcome.BLOCKED) {
                    if (!store.segments.isDiskFull() || toTail) {
                        return any;
                    }
                    // The disk is full: what is dead can still be squeezed out of RAM.
                    if (store.log.deadBytes(source) < DEAD_BYTES_WORTHWHILE) {
                        putBack();
                        return false;
                    }
                    toTail = true;
                    continue;
                }
                any = true;
                if (++records % RECORDS_PER_CHECK == 0 && clock.nanoTime() - deadlineNanos >= 0) {
                    return true;
                }
            }
            store.log.freePage(source);
            source = 0;
        }
        return any;
    }

    /** Deals with the page's next record. @return BLOCKED: it is still the next */
    private Outcome sealNext() {
        long record = store.log.pageAddress(source) + sourceOffset;
        int length = Record.length(record);
        Outcome outcome = sealRecord(record, Address.of(source, sourceOffset));
        if (outcome == Outcome.MOVED) {
            sourceOffset += length;
        }
        return outcome;
    }

    /** Whether so much of RAM is dead that it should be squeezed out, though frames are free. */
    boolean wantsSqueeze(boolean atRest) {
        long used = (long) store.log.mutablePages() << Address.PAGE_SHIFT;
        return used >= SQUEEZED_BYTES_MIN
                && store.log.closedDeadBytes() > used / squeezedShare(atRest);
    }

    private static int squeezedShare(boolean atRest) {
        return atRest ? SQUEEZED_SHARE_AT_REST : SQUEEZED_SHARE;
    }

    /** Rewrites pages with much dead within RAM, until enough of it is free or time is up. @return whether it got anywhere */
    boolean squeeze(boolean atRest, long deadlineNanos, Clock clock) {
        boolean any = false;
        while (source != 0 || wantsSqueeze(atRest)) {
            if (source == 0) {
                // Where so large a share of all is dead, one page has as much of it at least.
                begin(store.log.takeDeadestMutable());
                toTail = true;
                secondChanceBytesLeft = Address.PAGE_BYTES;
            }
            int records = 0;
            while (sourceOffset < sourceEnd) {
                if (sealNext() == Outcome.BLOCKED) {
                    return any;
                }
                any = true;
                if (++records % RECORDS_PER_CHECK == 0 && clock.nanoTime() - deadlineNanos >= 0) {
                    return true;
                }
            }
            store.log.freePage(source);
            source = 0;
        }
        return any;
    }

    private boolean beginPage() {
        if (store.log.oldestMutable() == 0) {
            return false;
        }
        begin(store.log.takeOldestMutable());
        toTail = store.log.deadBytes(source) >= sourceEnd / 2;
        return true;
    }

    private void begin(int page) {
        source = page;
        sourceOffset = 0;
        sourceEnd = store.log.usedBytes(source);
        secondChanceBytesLeft = SECOND_CHANCE_BYTES_MAX;
    }

    /** A page that is being walked is as any other again: what was moved from it is dead there. */
    void pause() {
        if (source != 0) {
            putBack();
        }
    }

    private void putBack() {
        store.log.putBackMutable(source);
        source = 0;
    }

    /** What was moved is marked dead: the page may be put back half-way and be walked again. */
    private Outcome sealRecord(long record, long address) {
        if (Record.type(record) == Record.TYPE_FILLER || Record.isDead(record)) {
            return Outcome.MOVED;
        }
        HashIndex index = store.indexOf(record);
        if (index == null) {
            // Its flushed keyspace is being dissolved and would have marked it; now it need not.
            return store.keyspaces[Record.keyspace(record)] == null
                    ? Outcome.MOVED
                    : dropFlushed(record, address);
        }
        long hash = store.hash(Record.key(record), Record.keyLength(record));
        long slot = Store.slotOf(index, hash, address);
        if (slot == 0) {
            throw new IllegalStateException(
                    "no entry for the live record at page "
                            + Address.page(address)
                            + ", offset "
                            + Address.offset(address));
        }
        if (store.isExpired(record) && dropExpired(index, slot, address, record, hash)) {
            return Outcome.MOVED;
        }
        int visits = Record.visits(record);
        if ((visits > 0 || toTail) && secondChanceBytesLeft > 0) {
            moveToTail(index, slot, record, visits);
            store.log.markDead(address);
            return Outcome.MOVED;
        }
        if (Record.hasHome(record)) {
            index.replace(slot, Record.home(record));
            store.log.markDead(address);
            return Outcome.MOVED;
        }
        long sealed = store.sealed.append(Stream.SEAL, record);
        if (sealed == 0) {
            return Outcome.BLOCKED;
        }
        index.replace(slot, sealed);
        store.log.markDead(address);
        return Outcome.MOVED;
    }

    private void moveToTail(HashIndex index, long slot, long record, int visits) {
        int bytes = Record.carriedLength(record);
        boolean home = Record.hasHome(record);
        long address = store.log.allocate(bytes + (home ? 8 : 0));
        long copy = store.log.resolve(address);
        Record.copyCarried(record, copy);
        if (home) {
            Record.putHome(copy, Record.home(record));
        }
        for (int i = 1; i < visits; i++) {
            Record.visit(copy);
        }
        index.replace(slot, address);
        secondChanceBytesLeft -= bytes;
    }

    /** The page goes away before the reaper's walk came to this record: its entry must not be met by the walk. */
    private Outcome dropFlushed(long record, long address) {
        Keyspace keyspace = store.keyspaces[Record.keyspace(record)];
        assert keyspace != null;
        HashIndex index = Record.type(record) == Record.TYPE_PAGE ? keyspace.pages : keyspace.keys;
        long slot =
                Store.slotOf(
                        index, store.hash(Record.key(record), Record.keyLength(record)), address);
        if (slot != 0) {
            index.remove(slot);
        }
        store.supersede(address, record);
        return Outcome.MOVED;
    }

    /** @return false: older entries of its key are not settled, so it has to stay as what hides them */
    private boolean dropExpired(HashIndex index, long slot, long address, long record, long hash) {
        Keyspace keyspace = store.keyspaces[Record.keyspace(record)];
        assert keyspace != null;
        if (store.hasShadows(keyspace, Record.key(record), Record.keyLength(record), hash)) {
            return false;
        }
        store.effects.expired(keyspace, record);
        // The probe of hasShadows moved on; the slot is still right, for nothing was inserted.
        store.removeEntry(keyspace, index, slot, address, record);
        store.stats.expiredKeys++;
        return true;
    }

    // Compaction.

    /** Whether a segment should be compacted now: the space law is broken or space for new segments runs out. */
    boolean wantsCompaction() {
        return compacting != null
                || (store.segments.isOverLaw() || store.segments.isShortOfSpace())
                        && store.segments.hasCompactable(ALIVE_SIXTEENTHS);
    }

    /** @return false: nothing to do, or it waits for a read or for a page to write to */
    boolean compact(long deadlineNanos, Clock clock) {
        if (compacting == null && !beginCompaction()) {
            return false;
        }
        boolean any = false;
        int records = 0;
        while (compacting != null) {
            readAhead();
            PageBuffer buffer = buffers[currentBuffer];
            if (buffer.isEmpty()) {
                store.segments.endCompaction(compacting);
                compacting = null;
                store.stats.compactedSegments++;
                return true;
            }
            if (buffer.isLoaded()) {
                while (compactOffset < buffer.recordsEnd()) {
                    long record = buffer.address() + compactOffset;
                    int length = Record.length(record);
                    if (compactRecord(record, Address.of(buffer.page(), compactOffset))
                            == Outcome.BLOCKED) {
                        return any;
                    }
                    any = true;
                    compactOffset += length;
                    if (++records % RECORDS_PER_CHECK == 0
                            && clock.nanoTime() - deadlineNanos >= 0) {
                        return true;
                    }
                }
            } else if (buffer.damage() != null) {
                damage = buffer.damage();
            } else {
                return any;
            }
            buffer.clear();
            compactOffset = PageLayout.RECORDS_START;
            currentBuffer ^= 1;
        }
        return true;
    }

    private boolean beginCompaction() {
        compacting = wantsCompaction() ? store.segments.mostDead(ALIVE_SIXTEENTHS) : null;
        if (compacting == null) {
            return false;
        }
        store.segments.beginCompaction(compacting);
        nextPage = store.segments.firstPage(compacting);
        endPage = nextPage + store.segments.segmentPages();
        compactOffset = PageLayout.RECORDS_START;
        return true;
    }

    /** Keeps one page in work and one being read; pages without a live record are not read. */
    private void readAhead() {
        for (int i = 0; i < buffers.length; i++) {
            PageBuffer buffer = buffers[currentBuffer ^ i];
            while (buffer.isEmpty() && nextPage < endPage) {
                int page = nextPage++;
                if (store.segments.liveRecords(page) > 0) {
                    buffer.read(page);
                }
            }
        }
    }

    void onPageRead(int buffer, int result) {
        buffers[buffer].onRead(result);
    }

    private Outcome compactRecord(long record, long address) {
        store.settle(address, record);
        HashIndex index = store.indexOf(record);
        if (index == null) {
            return Outcome.MOVED;
        }
        long hash = store.hash(Record.key(record), Record.keyLength(record));
        long slot = 0;
        for (long s = index.first(hash); s != 0; s = index.next()) {
            long candidate = HashIndex.payload(s);
            if (candidate == address) {
                slot = s;
                break;
            }
            if (Log.isMutable(candidate)) {
                long copy = store.log.resolve(candidate);
                if (Record.hasHome(copy) && Record.home(copy) == address) {
                    store.dirty(copy);
                    return Outcome.MOVED;
                }
            }
        }
        if (slot == 0) {
            return Outcome.MOVED;
        }
        if (store.isExpired(record) && dropExpired(index, slot, address, record, hash)) {
            return Outcome.MOVED;
        }
        long moved = store.sealed.append(Stream.COMPACT, record);
        if (moved == 0) {
            return Outcome.BLOCKED;
        }
        index.replace(slot, moved);
        store.superseded(address, Record.carriedLength(record));
        store.stats.compactedBytes += Record.carriedLength(record);
        return Outcome.MOVED;
    }

    @Nullable String damage() {
        return damage;
    }

    @Override
    public void close() {
        for (PageBuffer buffer : buffers) {
            buffer.close();
        }
    }
}
