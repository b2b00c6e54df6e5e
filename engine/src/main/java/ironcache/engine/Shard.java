package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import ironcache.tiering.ColdReads;
import ironcache.tiering.FrequencySketch;
import ironcache.tiering.SealedPages;
import ironcache.tiering.SegmentStore;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The store itself, one owner thread: Read / Upsert / RMW / Delete over index, log and
 * SSD tier, for {@value #DATABASES} databases.
 *
 * <p>Keys are passed as (absolute address, length, hash), with the hash of {@link #hash}, computed once per
 * argument. Reads return the absolute memory address of a {@link ironcache.hybridlog.Record}, 0 where the
 * key does not exist (lazy expiry applied). Record and value addresses are valid until the next write to this shard
 * or the end of the command, whichever is first. (Writes do not move other records: addresses of *other* keys' records stay valid
 * to the end of the command; sealing and eviction only happen between commands.)
 *
 * <p>Any method marked "may miss" throws {@link ColdMiss} when it needs a record from the SSD. A handler does all its reads before its
 * first write, so that it can run again from the start. Multi-key handlers call {@link #prefetch} for all keys first.
 *
 * <p>Life of a command: {@code begin(waiter)}, handler, {@code end()}; on ColdMiss: {@code park()} instead of
 * {@code end()}, then {@link ShardListener#onReady} and again {@code begin(waiter)}, ...
 */
public final class Shard implements AutoCloseable {
    public static final int DATABASES = 16;

    /** Waiters of the shard's own: reaper and settler. The frontend's follow. */
    private static final int INTERNAL_WAITERS = 2;

    private static final String DISK_FULL =
            "-OOM command not allowed when used memory > 'maxmemory' and the SSD tier is full:"
                    + " free disk space, raise maxdisk, or delete keys; writes resume by themselves";

    // Kinds of file operations, in the tokens' high bits.
    private static final int TOKEN_SHIFT = 56;
    private static final long TOKEN_ALLOCATE = 1L << TOKEN_SHIFT;
    private static final long TOKEN_FLUSH = 2L << TOKEN_SHIFT;
    private static final long TOKEN_COLD_READ = 3L << TOKEN_SHIFT;
    private static final long TOKEN_COMPACT = 4L << TOKEN_SHIFT;
    private static final long TOKEN_SETTLE = 5L << TOKEN_SHIFT;

    private static final int OBJECT_SHIFT = 8;
    private static final int COLD_READS_MAX = 512;

    /** Picks of RANDOMKEY that may turn out expired. */
    private static final int RANDOM_TRIES = 100;

    private static final long TICK_NANOS = 1_000_000;
    private static final long IDLE_NANOS = 100_000_000;

    private final ShardConfig config;
    private final Clock clock;
    private final ShardListener listener;
    private final Store store;
    private final ShardStats stats;
    private final Rewriter rewriter;
    private final Settler settler;
    private final Expirer expirer;
    private final Prng prng;
    private final Keyspace[] databases = new Keyspace[DATABASES];

    /** Frames that stay free for commands that began; below half of it write commands wait. */
    private final int framesReserved;

    /** Fewer free frames than this and pages are sealed. */
    private int framesLow;

    private final ArrayDeque<Integer> spaceWaiters = new ArrayDeque<>();

    /** Waiters that need not wait after all; told in the next slice of work. */
    private final ArrayDeque<Integer> ready = new ArrayDeque<>();

    /** What depends on time is looked at once a millisecond. */
    private long tickMillis;

    private boolean compactionWanted;
    private boolean expiryHeld;
    private int current;

    /** The current command waits for the settler rather than for a read. */
    private boolean waiting;

    private long lastObject;

    /** Keeps the loads of {@link #touch} from being optimised away. */
    @SuppressWarnings("UnusedVariable")
    private long touchSink;

    /** Two lines to load where there is no record. */
    private final long nothing = Memory.allocate(NOTHING_BYTES, MemoryTag.OTHER);

    // Addresses that a scan met.
    private long[] scanned = new long[64];
    private int scannedCount;
    private final HashIndex.EntryVisitor collector = this::collect;

    /** What RANDOMKEY picked and waits for, by waiter: a new pick would be cold again. */
    private final Map<Integer, Long> randomPicks = new HashMap<>();

    /**
     * A shard without data in a directory of its own; segment files that an earlier process left there are deleted.
     *
     * @throws IOException where the directory cannot be used; the message names it
     */
    public Shard(Io io, Clock clock, ShardConfig config, ShardListener listener)
            throws IOException {
        this.config = config;
        this.clock = clock;
        this.listener = listener;
        prng = new Prng(config.hashSeed());
        int frames =
                Math.clamp(
                        config.memoryBytes() >>> Address.PAGE_SHIFT,
                        MIN_FRAMES,
                        Address.FIRST_SSD_PAGE / 2);
        framesReserved = Math.clamp(frames / 32, 4, 64);
        framesLow = 2 * framesReserved;
        SegmentStore segments =
                new SegmentStore(io, config.directory(), config.maxDiskBytes(), TOKEN_ALLOCATE);
        Log log = new Log(frames);
        SealedPages sealed = new SealedPages(log, segments, TOKEN_FLUSH);
        int reads = Math.clamp(frames, 64, COLD_READS_MAX);
        ColdReads cold =
                new ColdReads(
                        io,
                        segments,
                        reads,
                        Math.max(2L << 20, config.memoryBytes() / 64),
                        TOKEN_COLD_READ,
                        this::onColdReady);
        segments.setFreeListener(
                (firstPage, pages) -> {
                    cold.forget(firstPage, pages);
                    sealed.forget(firstPage, pages);
                });
        Shadows shadows = new Shadows(Math.clamp(config.memoryBytes() / 512, 1 << 12, 1 << 24));
        FrequencySketch sketch =
                new FrequencySketch(Math.clamp(config.memoryBytes() / 256, 1 << 16, 64 << 20));
        store = new Store(log, segments, sealed, cold, shadows, sketch, config.hashSeed());
        store.nowMillis = clock.currentTimeMillis();
        stats = store.stats;
        rewriter = new Rewriter(store, TOKEN_COMPACT);
        settler = new Settler(store, TOKEN_SETTLE);
        expirer = new Expirer(store);
        for (int db = 0; db < DATABASES; db++) {
            databases[db] = newKeyspace();
        }
    }

    private static final int MIN_FRAMES = 32;
    private static final int NOTHING_BYTES = 128;

    // Commands.

    /** A command of {@code waiter} (the frontend's number of a connection) begins. */
    public void begin(int waiter) {
        waiting = false;
        store.nowMillis = clock.currentTimeMillis();
        current = waiter;
        store.cold.begin(waiter + INTERNAL_WAITERS);
    }

    /** The command goes on as of an earlier time, at which it began. Called after {@link #begin}. */
    public void continueAt(long nowMillis) {
        store.nowMillis = nowMillis;
    }

    /**
     * A command that consists of others is in the middle of its work and waits, while the caller lets nobody else run one: no key is expired
     * actively either.
     */
    public void holdExpiry(boolean held) {
        expiryHeld = held;
    }

    /** The command ended: what was staged for it may go. */
    public void end() {
        store.cold.end();
    }

    /**
     * Within a command that reads much: what was staged for it so far may go, as if it had ended here. Addresses of records that it read
     * are no longer valid, and a later miss does not bring them back.
     */
    public void releaseReads() {
        store.cold.end();
        store.cold.begin(current + INTERNAL_WAITERS);
    }

    /** The command unwound by {@link ColdMiss}; {@link ShardListener#onReady} follows, never before this call. */
    public void park() {
        if (waiting) {
            store.cold.end();
            settler.await(current);
        } else if (!store.cold.park()) {
            ready.add(current);
        }
    }

    /** The waiter's connection closed while parked. No onReady follows. */
    public void abandon(int waiter) {
        store.cold.abandon(waiter + INTERNAL_WAITERS);
        settler.abandon(waiter);
        spaceWaiters.remove((Integer) waiter);
        randomPicks.remove(waiter);
        ready.remove((Integer) waiter);
    }

    /** Milliseconds since the epoch, fixed for the whole command. */
    public long nowMillis() {
        return store.nowMillis;
    }

    /**
     * Why a command that may use more memory is refused now: the complete error line without CRLF, such as
     * {@code -OOM command not allowed ...}; null when writes are taken. Asked by the executor before DENYOOM commands.
     */
    public @Nullable String writeRefusal() {
        if (store.log.framesFree() > framesReserved / 2) {
            return null;
        }
        if (store.sealed.isFailing()) {
            return "-MISCONF IronCache cannot write to its SSD ("
                    + store.sealed.lastError()
                    + "). Commands that may modify the data set are refused until a write succeeds.";
        }
        return store.segments.isDiskFull()
                        && store.sealed.evictable() == 0
                        && store.sealed.writing() == 0
                ? DISK_FULL
                : null;
    }

    /** False: no frame is free right now; park the write command with {@link #parkForSpace}, it is soon run again. */
    public boolean hasSpace() {
        return store.log.framesFree() > framesReserved / 2;
    }

    public void parkForSpace(int waiter) {
        spaceWaiters.add(waiter);
    }

    // Keys.

    public long hash(long key, int keyLength) {
        return store.hash(key, keyLength);
    }

    /**
     * Asks for a cold key on behalf of the current command, without unwinding. A command that gets true for some key, and calls
     * {@link #awaitRequested} when it has asked for all, finds them all when it runs again.
     *
     * @return whether something must be read
     */
    public boolean request(int db, long key, int keyLength, long hash) {
        return store.request(databases[db].keys, hash);
    }

    /** Unwinds the command until what it requested is there. */
    public void awaitRequested() {
        throw ColdMiss.SIGNAL;
    }

    /** Queues the read of a cold key without unwinding. */
    public void prefetch(int db, long key, int keyLength, long hash) {
        store.prefetch(databases[db].keys, hash);
    }

    /**
     * Batch lookups: brings the buckets of {@code count} keys, then their records' first two lines, into the cache. Three rounds of short loops with independent
     * loads, so that the processor runs ahead and the cache misses of many keys overlap.
     *
     * @param dbs each key's database
     * @param hashes each key's hash; overwritten
     */
    public void touch(int[] dbs, long[] hashes, int count) {
        long sink = 0;
        for (int i = 0; i < count; i++) {
            sink += databases[dbs[i]].keys.touchLines(hashes[i]);
        }
        for (int i = 0; i < count; i++) {
            hashes[i] = store.log.resolve(databases[dbs[i]].keys.touch(hashes[i]));
        }
        for (int i = 0; i < count; i++) {
            // Loads without a condition: while a data set is loaded no key is found, and a compiler
            // that saw only that would take these for rare and leave them calls.
            long record = hashes[i] == 0 ? nothing : hashes[i];
            // The second line too, where most values are; kept within the page (frames are
            // aligned).
            long second = Math.min(record + 64, (record | Address.PAGE_BYTES - 1) - 7);
            sink += Memory.getLong(record) + Memory.getLong(second);
        }
        touchSink = sink;
    }

    /** Finds a record and counts the visit (keyspace hits and misses are counted by the caller). May miss. */
    public long read(int db, long key, int keyLength, long hash) {
        Keyspace keyspace = databases[db];
        long record = store.find(keyspace.keys, key, keyLength, hash);
        if (record == 0) {
            return 0;
        }
        if (Record.hasExpiry(record) && store.isExpired(record)) {
            expire(keyspace, key, keyLength, hash, record);
            return 0;
        }
        if (Log.isMutable(store.foundAddress)) {
            Record.visit(record);
            return record;
        }
        return store.log.resolve(store.foundAddress) == 0
                ? store.promote(keyspace.keys, record, hash)
                : record;
    }

    /** As {@link #read}, without counting a visit (TYPE, OBJECT, TTL, SCAN ...). May miss. */
    public long peek(int db, long key, int keyLength, long hash) {
        Keyspace keyspace = databases[db];
        long record = store.find(keyspace.keys, key, keyLength, hash);
        if (record != 0 && Record.hasExpiry(record) && store.isExpired(record)) {
            expire(keyspace, key, keyLength, hash, record);
            return 0;
        }
        return record;
    }

    /**
     * Blind write: makes {@code key} hold a new value of {@code valueLength} bytes (at most Record.MAX_VALUE_BYTES), replacing whatever it
     * held (a paged object is retired) in place where it fits; does not wait for the SSD and never misses.
     *
     * @param kind Record.STRING ...
     * @param expiryMillis absolute; 0 for none
     * @return address of the value, whose bytes the caller writes at once. The value must not be copied from the key's own old record (it may be the same bytes).
     */
    public long upsert(
            int db,
            long key,
            int keyLength,
            long hash,
            int kind,
            int valueLength,
            long expiryMillis) {
        Keyspace keyspace = databases[db];
        HashIndex index = keyspace.keys;
        boolean anyCold = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            long record = store.log.resolve(address);
            if (record == 0) {
                anyCold = true;
            } else if (Record.hasKey(record, key, keyLength)) {
                return overwrite(
                        keyspace,
                        slot,
                        address,
                        record,
                        key,
                        keyLength,
                        hash,
                        kind,
                        valueLength,
                        expiryMillis);
            }
        }
        if (anyCold) {
            long slot = store.claimCold(keyspace, index, key, keyLength, hash);
            if (slot != 0) {
                long address = store.foundAddress;
                long record = store.cold.staged(address);
                return overwrite(
                        keyspace,
                        slot,
                        address,
                        record,
                        key,
                        keyLength,
                        hash,
                        kind,
                        valueLength,
                        expiryMillis);
            }
        }
        long record =
                store.append(key, keyLength, kind, valueLength, expiryMillis, keyspace.number);
        index.insert(hash, store.foundAddress);
        if (expiryMillis != 0) {
            keyspace.expires++;
            expirer.add(keyspace, hash, expiryMillis);
        }
        return Record.value(record);
    }

    /**
     * RMW on an existing key: the record with its kind and value length changed and the common prefix of the value and the expiry kept,
     * in place where it fits, else copied. The key exists (the caller has read it in this command). May miss.
     *
     * @return address of the value; bytes past the old length are undefined
     */
    public long modify(int db, long key, int keyLength, long hash, int kind, int newValueLength) {
        Keyspace keyspace = databases[db];
        long record = found(store.find(keyspace.keys, key, keyLength, hash));
        return modify(keyspace, keyspace.keys, record, kind, newValueLength);
    }

    /** Sets (or with 0 removes) the expiry of an existing key, already read in this command. May miss. */
    public void expireAt(int db, long key, int keyLength, long hash, long expiryMillis) {
        Keyspace keyspace = databases[db];
        long record = found(store.find(keyspace.keys, key, keyLength, hash));
        long before = Record.expiry(record);
        if (before != 0 && expiryMillis != 0 && Log.isMutable(store.foundAddress)) {
            store.dirty(record);
            Record.putExpiry(record, expiryMillis);
        } else if (before != expiryMillis) {
            long slot = store.foundSlot;
            long address = store.foundAddress;
            int length = Record.valueLength(record);
            long copy =
                    store.append(
                            Record.key(record),
                            Record.keyLength(record),
                            Record.kind(record),
                            length,
                            expiryMillis,
                            keyspace.number);
            Memory.copy(Record.value(record), Record.value(copy), length);
            keyspace.keys.replace(slot, store.foundAddress);
            store.supersede(address, record);
            stats.copyUpdates++;
        }
        countExpiry(keyspace, hash, before, expiryMillis);
    }

    /** Removes a key; a paged object is retired, its pages freed in the background. May miss. @return whether it existed */
    public boolean delete(int db, long key, int keyLength, long hash) {
        return remove(databases[db], key, keyLength, hash, true);
    }

    /** As {@link #delete} but keeps a paged object alive: its root has been or will be written under another key. May miss. */
    public boolean detach(int db, long key, int keyLength, long hash) {
        return remove(databases[db], key, keyLength, hash, false);
    }

    // Paged objects: the root record (kind *_PAGED) is written with upsert; its value begins with
    // RootLayout: the object's number and
    // how many pages it may have. Pages belong to the object's database: RENAME only moves the
    // root, MOVE has to copy.

    /** A new object number, owned by the database until its root is deleted or replaced. */
    public long createObject(int db) {
        return ++lastObject << OBJECT_SHIFT | databases[db].number;
    }

    /** An object without a root dies; its pages are freed in the background. Done by upsert and delete for the roots that they replace. */
    public void retire(long object, long pages) {
        store.reaper.retire(object, pages);
    }

    public void prefetchPage(long object, long page) {
        store.prefetch(
                pagesOf(object).pages,
                store.hash(store.pageKey(object, page), Store.PAGE_KEY_BYTES));
    }

    /** @return record or 0. May miss. */
    public long readPage(long object, long page) {
        long key = store.pageKey(object, page);
        long hash = store.hash(key, Store.PAGE_KEY_BYTES);
        HashIndex index = pagesOf(object).pages;
        long record = store.find(index, key, Store.PAGE_KEY_BYTES, hash);
        if (record == 0) {
            return 0;
        }
        if (Log.isMutable(store.foundAddress)) {
            Record.visit(record);
            return record;
        }
        return store.log.resolve(store.foundAddress) == 0
                ? store.promote(index, record, hash)
                : record;
    }

    /** Blind write of a page; never misses where the page is new or in RAM, else may miss. @return address of the value */
    public long upsertPage(long object, long page, int valueLength) {
        long key = store.pageKey(object, page);
        long hash = store.hash(key, Store.PAGE_KEY_BYTES);
        Keyspace keyspace = pagesOf(object);
        long record = store.find(keyspace.pages, key, Store.PAGE_KEY_BYTES, hash);
        if (record != 0) {
            return modify(keyspace, keyspace.pages, record, Record.PAGE, valueLength);
        }
        record =
                store.append(
                        key, Store.PAGE_KEY_BYTES, Record.PAGE, valueLength, 0, keyspace.number);
        keyspace.pages.insert(hash, store.foundAddress);
        return Record.value(record);
    }

    /** As {@link #modify} for a page. May miss. */
    public long modifyPage(long object, long page, int newValueLength) {
        long key = store.pageKey(object, page);
        Keyspace keyspace = pagesOf(object);
        long record =
                found(
                        store.find(
                                keyspace.pages,
                                key,
                                Store.PAGE_KEY_BYTES,
                                store.hash(key, Store.PAGE_KEY_BYTES)));
        return modify(keyspace, keyspace.pages, record, Record.PAGE, newValueLength);
    }

    /** May miss. */
    public boolean deletePage(long object, long page) {
        long key = store.pageKey(object, page);
        Keyspace keyspace = pagesOf(object);
        long record =
                store.find(
                        keyspace.pages,
                        key,
                        Store.PAGE_KEY_BYTES,
                        store.hash(key, Store.PAGE_KEY_BYTES));
        if (record != 0) {
            store.detachEntry(
                    keyspace, keyspace.pages, store.foundSlot, store.foundAddress, record);
        }
        return record != 0;
    }

    // Databases.

    /** Keys in the database, exact. May miss (waits until unsettled shadows are settled). */
    public long size(int db) {
        Keyspace keyspace = databases[db];
        if (keyspace.unsettled > 0) {
            waiting = true;
            throw ColdMiss.SIGNAL;
        }
        return keyspace.keys.size();
    }

    /** Keys with an expiry. */
    public long expires(int db) {
        return databases[db].expires;
    }

    public void flush(int db) {
        Keyspace old = databases[db];
        if (old.keys.size() + old.pages.size() > 0) {
            databases[db] = newKeyspace();
            store.reaper.flush(old);
        }
    }

    public void swap(int db, int otherDb) {
        Keyspace keyspace = databases[db];
        databases[db] = databases[otherDb];
        databases[otherDb] = keyspace;
    }

    /** Receives records of a scan; must not write to the shard. */
    public interface RecordVisitor {
        void visit(long record);
    }

    /**
     * Visits the records of whole buckets from {@code cursor} on until about {@code count} were visited; expired ones are left out.
     * May miss (nothing was visited then; all reads needed are queued together).
     *
     * @return the next cursor; 0 begins, 0 ends; Redis's SCAN guarantee
     */
    public long scan(int db, long cursor, long count, RecordVisitor visitor) {
        HashIndex index = databases[db].keys;
        scannedCount = 0;
        long next = cursor;
        do {
            next = index.scan(next, collector);
        } while (next != 0 && scannedCount < count);
        loadScanned();
        for (int i = 0; i < scannedCount; i++) {
            long record = current(databases[db], scanned[i]);
            if (record != 0) {
                visitor.visit(record);
            }
        }
        return next;
    }

    /** A random live record, 0 where the database is empty. May miss. */
    public long randomRecord(int db) {
        Keyspace keyspace = databases[db];
        for (int tries = 0; tries < RANDOM_TRIES && keyspace.keys.size() > 0; tries++) {
            Long parked = randomPicks.remove(current);
            long address = parked != null ? parked : pickRandom(keyspace);
            long record = store.log.resolve(address);
            if (record == 0) {
                record = store.cold.staged(address);
            }
            if (record == 0) {
                randomPicks.put(current, address);
                store.cold.request(address);
                throw ColdMiss.SIGNAL;
            }
            long key = Record.key(record);
            int keyLength = Record.keyLength(record);
            record = peek(db, key, keyLength, store.hash(key, keyLength));
            if (record != 0) {
                return record;
            }
        }
        return 0;
    }

    // The turn.

    /** Completions of the shard's file operations; the frontend registers it with {@link Io#setHandlers}. */
    public Io.FileHandler fileHandler() {
        return this::onFile;
    }

    /** Sealing, flushing, compaction, expiry, settling: a slice of at most about {@code budgetNanos}. @return whether more is waiting */
    public boolean work(long budgetNanos) {
        store.nowMillis = clock.currentTimeMillis();
        long now = clock.nanoTime();
        long deadline = now + budgetNanos;
        deliverReady();
        if (store.nowMillis != tickMillis) {
            tickMillis = store.nowMillis;
            boundLog();
            compactionWanted = rewriter.wantsCompaction();
            while (!expiryHeld && expirer.step() && clock.nanoTime() - deadline < 0) {}
        }
        if (store.log.framesFree() < framesLow) {
            makeRoom(now, deadline);
        }
        if (compactionWanted) {
            rewriter.compact(Math.max(deadline, now + budgetNanos / 2), clock);
        }
        while (!store.reaper.isIdle() && clock.nanoTime() - deadline < 0) {
            store.reaper.step();
        }
        if (!settler.isIdle()) {
            settler.work(Math.max(deadline, clock.nanoTime() + budgetNanos / 2), clock);
        }
        for (int waiter = settler.poll(); waiter >= 0; waiter = settler.poll()) {
            listener.onReady(waiter);
        }
        if (!spaceWaiters.isEmpty() && (hasSpace() || writeRefusal() != null)) {
            for (int n = spaceWaiters.size(); n > 0; n--) {
                listener.onReady(spaceWaiters.remove());
            }
        }
        return hasWork();
    }

    /** Nanoseconds until {@link #work} has something timed to do (active expiry); the frontend waits no longer in poll. */
    public long idleNanos() {
        if (hasWork()) {
            return 0;
        }
        return expirer.active && !expirer.isEmpty() || store.log.framesFree() < framesLow
                ? TICK_NANOS
                : IDLE_NANOS;
    }

    /** Counters and gauges for INFO, MEMORY and the benchmarks; live, read on the owner thread. */
    public ShardStats stats() {
        stats.memoryBudgetBytes = config.memoryBytes();
        stats.indexBytes = store.keyspaceBytes();
        stats.logFramesBytes = (long) store.log.framesInUse() << Address.PAGE_SHIFT;
        stats.metaBytes = MemoryTag.LOG_META.bytes();
        stats.stagingBytes = MemoryTag.STAGING.bytes();
        stats.mutablePages = store.log.mutablePages();
        stats.sealedPagesInRam = store.log.framesInUse() - stats.mutablePages;
        stats.diskBytes = store.segments.diskBytes();
        stats.diskLiveBytes = store.segments.liveBytes();
        stats.maxDiskBytes = store.segments.maxDiskBytes();
        stats.unsettledKeys = store.shadows.size();
        stats.diskFull = store.segments.isDiskFull();
        stats.coldReads = store.cold.reads();
        stats.coldReadBytes = store.cold.readBytes();
        stats.checksumErrors = store.cold.checksumErrors();
        stats.flushedBytes = store.sealed.flushedBytes();
        stats.sealedPages = store.sealed.sealedPages();
        stats.writeErrors = store.sealed.writeErrors();
        return stats;
    }

    // Behind the door.

    private long overwrite(
            Keyspace keyspace,
            long slot,
            long address,
            long record,
            long key,
            int keyLength,
            long hash,
            int kind,
            int valueLength,
            long expiryMillis) {
        long before = Record.expiry(record);
        if (Record.isPaged(record)) {
            store.retire(record);
        }
        countExpiry(keyspace, hash, before, expiryMillis);
        if (Log.isMutable(address) && (before == 0) == (expiryMillis == 0)) {
            store.dirty(record);
            if (Record.resize(record, kind, valueLength)) {
                if (expiryMillis != 0) {
                    Record.putExpiry(record, expiryMillis);
                }
                Record.visit(record);
                stats.inPlaceUpdates++;
                return Record.value(record);
            }
        }
        long copy = store.append(key, keyLength, kind, valueLength, expiryMillis, keyspace.number);
        keyspace.keys.replace(slot, store.foundAddress);
        store.supersede(address, record);
        stats.copyUpdates++;
        return Record.value(copy);
    }

    /** Of the record that was just found. */
    private long modify(
            Keyspace keyspace, HashIndex index, long record, int kind, int newValueLength) {
        long address = store.foundAddress;
        if (Log.isMutable(address)) {
            store.dirty(record);
            if (Record.resize(record, kind, newValueLength)) {
                Record.visit(record);
                stats.inPlaceUpdates++;
                return Record.value(record);
            }
        }
        long slot = store.foundSlot;
        long copy =
                store.append(
                        Record.key(record),
                        Record.keyLength(record),
                        kind,
                        newValueLength,
                        Record.expiry(record),
                        keyspace.number);
        Memory.copy(
                Record.value(record),
                Record.value(copy),
                Math.min(Record.valueLength(record), newValueLength));
        index.replace(slot, store.foundAddress);
        store.supersede(address, record);
        stats.copyUpdates++;
        return Record.value(copy);
    }

    private static long found(long record) {
        if (record == 0) {
            throw new IllegalStateException(
                    "the key to change does not exist; the command has not read it");
        }
        return record;
    }

    private boolean remove(Keyspace keyspace, long key, int keyLength, long hash, boolean retire) {
        long record = store.find(keyspace.keys, key, keyLength, hash);
        if (record == 0) {
            return false;
        }
        if (keyspace.unsettled > 0) {
            store.settleKey(keyspace, key, keyLength, hash);
            record = found(store.find(keyspace.keys, key, keyLength, hash));
        }
        boolean expired = store.isExpired(record);
        if (expired) {
            stats.expiredKeys++;
        }
        if (retire || expired) {
            store.removeEntry(keyspace, keyspace.keys, store.foundSlot, store.foundAddress, record);
        } else {
            store.detachEntry(keyspace, keyspace.keys, store.foundSlot, store.foundAddress, record);
        }
        return !expired;
    }

    /** Lazy expiry of the record just found; it stays as a hidden one while it hides older entries of its key. */
    private void expire(Keyspace keyspace, long key, int keyLength, long hash, long record) {
        if (store.hasShadows(keyspace, key, keyLength, hash)) {
            return;
        }
        store.removeEntry(keyspace, keyspace.keys, store.foundSlot, store.foundAddress, record);
        stats.expiredKeys++;
    }

    private void countExpiry(Keyspace keyspace, long hash, long before, long after) {
        if (before == 0 && after != 0) {
            keyspace.expires++;
        } else if (before != 0 && after == 0) {
            keyspace.expires--;
        }
        // An earlier word in the wheel fires first and goes back in with the later time.
        if (after != 0 && (before == 0 || after < before)) {
            expirer.add(keyspace, hash, after);
        }
    }

    private Keyspace pagesOf(long object) {
        Keyspace keyspace = store.keyspaces[(int) object & (1 << OBJECT_SHIFT) - 1];
        if (keyspace == null) {
            throw new IllegalStateException(
                    "paged object " + object + ": its database was flushed");
        }
        return keyspace;
    }

    private Keyspace newKeyspace() {
        while (true) {
            for (int number = 0; number < Store.KEYSPACES; number++) {
                if (store.keyspaces[number] == null) {
                    Keyspace keyspace = new Keyspace(number);
                    store.keyspaces[number] = keyspace;
                    return keyspace;
                }
            }
            store.reaper.dissolveOne();
        }
    }

    // Scans.

    private void collect(long slot, long address) {
        if (scannedCount == scanned.length) {
            scanned = Arrays.copyOf(scanned, 2 * scannedCount);
        }
        scanned[scannedCount++] = address;
    }

    /** Asks for all collected records that are cold. */
    private void loadScanned() {
        boolean missing = false;
        for (int i = 0; i < scannedCount; i++) {
            if (store.log.resolve(scanned[i]) == 0 && store.cold.staged(scanned[i]) == 0) {
                store.cold.request(scanned[i]);
                missing = true;
            }
        }
        if (missing) {
            throw ColdMiss.SIGNAL;
        }
    }

    /** The record at this address; 0 where it is expired or superseded. */
    private long current(Keyspace keyspace, long address) {
        long record = store.log.resolve(address);
        if (record == 0) {
            record = store.cold.staged(address);
            if (keyspace.unsettled > 0) {
                long key = Record.key(record);
                int keyLength = Record.keyLength(record);
                record = store.find(keyspace.keys, key, keyLength, store.hash(key, keyLength));
                if (store.foundAddress != address) {
                    // Superseded: the scan meets the current entry too, equal hashes share a
                    // bucket.
                    return 0;
                }
            }
        }
        return record == 0 || store.isExpired(record) ? 0 : record;
    }

    /** The address of a random entry of a database that is not empty. */
    private long pickRandom(Keyspace keyspace) {
        scannedCount = 0;
        long cursor = prng.nextLong() & Long.MAX_VALUE;
        while (scannedCount == 0) {
            cursor = keyspace.keys.scan(cursor, collector);
        }
        return scanned[prng.nextInt(scannedCount)];
    }

    // Background.

    private void onFile(long token, int result) {
        int value = (int) token;
        switch ((int) (token >>> TOKEN_SHIFT)) {
            case (int) (TOKEN_ALLOCATE >>> TOKEN_SHIFT) ->
                    store.segments.onAllocated(value, result);
            case (int) (TOKEN_FLUSH >>> TOKEN_SHIFT) ->
                    store.sealed.onWritten(value, result, clock.nanoTime());
            case (int) (TOKEN_COLD_READ >>> TOKEN_SHIFT) -> store.cold.onRead(value, result);
            case (int) (TOKEN_COMPACT >>> TOKEN_SHIFT) -> rewriter.onPageRead(value, result);
            case (int) (TOKEN_SETTLE >>> TOKEN_SHIFT) -> settler.onPageRead(value, result);
            default ->
                    throw new IllegalStateException(
                            "completion of an unknown file operation, token " + token);
        }
    }

    private void onColdReady(int waiter) {
        switch (waiter) {
            case Reaper.WAITER -> store.reaper.onRead();
            case Settler.WAITER -> settler.onRead();
            default -> listener.onReady(waiter - INTERNAL_WAITERS);
        }
    }

    private void deliverReady() {
        for (int n = ready.size(); n > 0; n--) {
            listener.onReady(ready.remove());
        }
    }

    /** Keeps frames free: takes those of written pages, and seals mutable ones. */
    private void makeRoom(long now, long deadline) {
        store.segments.maintain(now);
        store.sealed.retry(now);
        while (store.log.framesFree() < framesLow && store.sealed.evictOldest()) {}
        blocked = !rewriter.seal(framesLow, deadline, clock);
    }

    /** The last attempt to seal achieved nothing: it waits for a completion or for disk space. */
    private boolean blocked;

    /** What the index and the tables take, the log cannot have. */
    private void boundLog() {
        long others =
                store.keyspaceBytes()
                        + MemoryTag.LOG_META.bytes()
                        + MemoryTag.STAGING.bytes()
                        + MemoryTag.EXPIRY.bytes()
                        + MemoryTag.OTHER.bytes();
        store.log.setFramesLimit(
                (int) Math.max(MIN_FRAMES, config.memoryBytes() - others >>> Address.PAGE_SHIFT));
    }

    private boolean hasWork() {
        return !ready.isEmpty()
                || !store.reaper.isIdle()
                || !settler.isIdle()
                || store.log.framesFree() < framesLow && (!blocked || store.sealed.evictable() > 0);
    }

    /** Walks everything that is in RAM and asserts that it hangs together; for tests and the simulator. */
    public void checkInvariants() {
        store.checkInvariants();
    }

    /** What the last damaged block was, or null; for INFO and the log. */
    public @Nullable String damage() {
        String damage = store.cold.lastDamage();
        return damage != null ? damage : rewriter.damage();
    }

    /** Active expiry on or off (DEBUG SET-ACTIVE-EXPIRE). */
    public void setActiveExpiry(boolean active) {
        expirer.active = active;
    }

    @Override
    public void close() {
        expirer.close();
        rewriter.close();
        settler.close();
        store.sketch.close();
        store.cold.close();
        store.segments.close();
        store.log.close();
        store.close();
        Memory.free(nothing, NOTHING_BYTES, MemoryTag.OTHER);
    }
}
