package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.tiering.DamagedBlockException;
import ironcache.tiering.PageMender;
import ironcache.tiering.SegmentStore;
import ironcache.tiering.TableLoader;
import ironcache.wal.ImageFile;
import ironcache.wal.WalWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.BitSet;
import java.util.Objects;
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
 *
 * <p>Here are reads and writes of keys. {@link PagedObjects}, {@link Scans}, {@link Expirer} and {@link FieldExpirer} have the rest of the commands' work, {@link Background} that
 * between commands.
 */
public final class Shard implements AutoCloseable {
    public static final int DATABASES = 16;

    /** Waiters of the shard's own: reaper, settler, replay and the expiry of fields. The frontend's follow. */
    private static final int INTERNAL_WAITERS = 4;

    private static final int REPLAY_WAITER = 2;

    /** Tokens of file operations from here on are not the shard's. */
    public static final long FIRST_FOREIGN_TOKEN = 0x70L << 56;

    /** Picks of RANDOMKEY that may turn out expired. */
    private static final int RANDOM_TRIES = 100;

    private static final int NOTHING_BYTES = 128;

    private final Store store;
    private final Keyspace[] databases = new Keyspace[DATABASES];
    private final Expirer expirer;
    private final FieldExpirer fieldExpirer;
    private final Space space;
    private final PagedObjects pagedObjects;
    private final KeyWrites writes;
    private final Scans scans;
    private final ShardStats stats;
    private final Settler settler;
    private final Rewriter rewriter;
    private final Background background;
    private final Replay replay;
    private final FileCompletions fileCompletions;
    private final ShardListener listener;
    private final ShardConfig config;
    private final long commandBytes;

    /** The current command's waiter. */
    private int current;

    /** What is replayed waits for a read. */
    private boolean replayWaits;

    /** The current command waits for the settler rather than for a read. */
    private boolean waiting;

    /** Keeps the loads of {@link #touch} from being optimised away. */
    @SuppressWarnings("UnusedVariable")
    private long touchSink;

    /** Of a page, at most; buckets have 600 on average. */
    private static final int TOUCHED_PAGE_BYTES = 1024;

    /** Two lines to load where there is no record. */
    private final long nothing = Memory.allocate(NOTHING_BYTES, MemoryTag.OTHER);

    /**
     * A shard without data in a directory of its own. What an earlier process left there is restored ({@link #replay}), or deleted ({@link #deleteLeftovers}).
     *
     * @throws IOException where the directory cannot be used; the message names it
     */
    public Shard(Io io, Clock clock, ShardConfig config, ShardListener listener)
            throws IOException {
        this.config = config;
        this.listener = listener;
        MemoryPlan plan = new MemoryPlan(config.memoryBytes(), config.shards());
        store = plan.newStore(io, config, this::onColdReady);
        store.nowMillis = clock.currentTimeMillis();
        stats = store.stats;
        store.views.setLimit(plan.viewBytes);
        store.cold.limitCommands(plan.commandBytes);
        commandBytes = plan.commandBytes;
        rewriter = new Rewriter(store, FileCompletions.COMPACT);
        settler = new Settler(store, FileCompletions.SETTLE);
        expirer = new Expirer(store);
        fieldExpirer = new FieldExpirer(store, databases);
        pagedObjects = new PagedObjects(store);
        writes = new KeyWrites(store, expirer);
        scans = new Scans(store, config.hashSeed());
        space = new Space(store, rewriter, clock, plan, listener);
        background =
                new Background(
                        store, space, rewriter, settler, expirer, fieldExpirer, clock, listener);
        fileCompletions = new FileCompletions(store, rewriter, settler, clock);
        for (int db = 0; db < DATABASES; db++) {
            databases[db] = store.newKeyspace();
        }
        replay = new Replay(store, writes, expirer, fieldExpirer, pagedObjects, databases);
    }

    // Commands.

    /**
     * A command begins.
     *
     * @param waiter the frontend's number of its connection
     * @param nowMillis its time, of the wall clock, to its end
     */
    public void begin(int waiter, long nowMillis) {
        waiting = false;
        store.nowMillis = nowMillis;
        current = waiter;
        background.commandBegan = true;
        store.cold.begin(waiter + INTERNAL_WAITERS);
        store.effects.begin();
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
        background.expiryHeld = held;
    }

    /** The command ended: what was staged for it may go, what it changed is logged. */
    public void end() {
        store.views.leave();
        store.effects.end();
        store.cold.end();
    }

    /**
     * A command over several shards ends; what it changed is logged as one unit. First {@link #unitSeqno} of all shards is asked.
     *
     * @param parts shards in which it changed something
     * @param shards their numbers
     * @param seqnos what they answered
     */
    public void end(int parts, int[] shards, long[] seqnos) {
        store.views.leave();
        store.effects.end(parts, shards, seqnos);
        store.cold.end();
    }

    /** Where the current command's changes will be in the log; 0: it changed nothing here, or no log is kept. */
    public long unitSeqno() {
        return store.effects.unitSeqno();
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
        if (!parkIfReading()) {
            background.tellReady(current);
        }
    }

    /** The command waits for something else than a read; where it has changed something, its unit of the log goes on with it. */
    public void suspend() {
        store.views.leave();
        store.effects.park();
        store.cold.end();
    }

    /**
     * As {@link #park}, of a command over several shards, which need not all have something to wait for.
     *
     * @return whether onReady follows
     */
    public boolean parkIfReading() {
        store.views.leave();
        store.effects.park();
        if (waiting) {
            store.cold.end();
            settler.await(current);
            return true;
        }
        return store.cold.park();
    }

    // Threads take turns in the shard; the caller sees to it that only one is in it. The owner is
    // the one whose Io it is.

    /** A thread enters. What it asks of the disk waits for the owner where it is another. */
    public void enter(boolean owner) {
        store.cold.setLent(!owner);
    }

    /** Whether the owner has something to do that should not wait for its next turn. */
    public boolean wantsOwner() {
        return store.cold.hasUnsubmitted() || background.hasWork() || store.effects.wantsCommit();
    }

    /** The waiter's connection closed while parked. No onReady follows. */
    public void abandon(int waiter) {
        store.cold.abandon(waiter + INTERNAL_WAITERS);
        settler.abandon(waiter);
        space.abandon(waiter);
        scans.abandon(waiter);
        background.abandon(waiter);
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
        return space.writeRefusal();
    }

    /** False: no frame is free right now; park the write command with {@link #parkForSpace}, it is soon run again. */
    public boolean hasSpace() {
        return space.isEnough();
    }

    /** Whether a command that is one of several, of which the first have happened, has memory, though {@link #writeRefusal} says why others have none. */
    public boolean hasReserve() {
        return space.hasReserve();
    }

    /**
     * So many bytes at most a command gathers before it writes or replies, and copies. One that reads more from the SSD at once is unwound by {@link
     * ironcache.tiering.CommandMemoryException}.
     */
    public long commandBytes() {
        return commandBytes;
    }

    public void parkForSpace(int waiter) {
        space.await(waiter);
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
     * Batch lookups: brings the buckets of {@code count} keys, then their records' first lines, into the cache. Three rounds of short loops with independent
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
        touchSink = sink + firstLines(hashes, count);
    }

    /** As {@link #touch}, of pages.
     *
     * @param objects each page's
     * @param pages their numbers; overwritten
     */
    public void touchPages(long[] objects, long[] pages, int count) {
        long sink = 0;
        for (int i = 0; i < count; i++) {
            pages[i] = store.hash(store.pageKey(objects[i], pages[i]), Store.PAGE_KEY_BYTES);
            sink += pagedObjects.indexOf(objects[i]).touchLines(pages[i]);
        }
        for (int i = 0; i < count; i++) {
            pages[i] = store.log.resolve(pagedObjects.indexOf(objects[i]).touch(pages[i]));
        }
        sink += firstLines(pages, count);
        for (int i = 0; i < count; i++) {
            sink += moreLines(pages[i] == 0 ? nothing : pages[i]);
        }
        touchSink = sink;
    }

    /** A page is searched from its begin to its end, each entry where the one before says: the processor would wait for one line after another. */
    private static long moreLines(long record) {
        long sink = 0;
        long end = Record.value(record) + Math.min(Record.valueLength(record), TOUCHED_PAGE_BYTES);
        for (long at = record + 128; at < end; at += 64) {
            sink += Memory.getLong(at);
        }
        return sink;
    }

    /** Loads the first lines of records, 0: there is none. @return anything */
    private long firstLines(long[] records, int count) {
        long sink = 0;
        for (int i = 0; i < count; i++) {
            // Loads without a condition: while a data set is loaded no key is found, and a compiler
            // that saw only that would take these for rare and leave them calls.
            long record = records[i] == 0 ? nothing : records[i];
            // The lines behind it too, where most values are: a record of a hundred bytes is in
            // three lines more often than not. Kept within the page (frames are aligned).
            long last = (record | Address.PAGE_BYTES - 1) - 7;
            sink +=
                    Memory.getLong(record)
                            + Memory.getLong(Math.min(record + 64, last))
                            + Memory.getLong(Math.min(record + 96, last));
        }
        return sink;
    }

    /** Finds a record and counts the visit (keyspace hits and misses are counted by the caller). May miss. */
    public long read(int db, long key, int keyLength, long hash) {
        Keyspace keyspace = databases[db];
        long record = store.find(keyspace.keys, key, keyLength, hash);
        if (record == 0) {
            return 0;
        }
        if (Record.hasExpiry(record) && store.isExpired(record)) {
            expirer.lapse(keyspace, key, keyLength, hash, record);
            return 0;
        }
        if (Log.isMutable(store.foundAddress)) {
            store.visit(record);
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
            expirer.lapse(keyspace, key, keyLength, hash, record);
            return 0;
        }
        return record;
    }

    /**
     * Blind write: makes {@code key} hold a new value of {@code valueLength} bytes (at most Record.MAX_VALUE_BYTES), replacing whatever it
     * held (a paged object is retired) in place where it fits; does not wait for the SSD. Misses only where very many shadows are unsettled, or two keys have
     * the same hash, and before it writes.
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
        return writes.upsert(databases[db], key, keyLength, hash, kind, valueLength, expiryMillis);
    }

    /**
     * Before the first write of a command that upserts several keys: that of this one will not miss, unless it has the same hash as another of them. May miss.
     *
     * @param noted sum of what the calls before, for the command's other keys, have returned
     * @return what it adds to that sum
     */
    public int expectUpsert(int db, long key, int keyLength, long hash, int noted) {
        return writes.expectUpsert(databases[db], key, keyLength, hash, noted);
    }

    /**
     * RMW on an existing key: the record with its kind and value length changed and the common prefix of the value and the expiry kept,
     * in place where it fits, else copied. The key exists (the caller has read it in this command). May miss.
     *
     * @return address of the value; bytes past the old length are undefined
     */
    public long modify(int db, long key, int keyLength, long hash, int kind, int newValueLength) {
        return modify(db, key, keyLength, hash, kind, newValueLength, 0, newValueLength);
    }

    /** As above, of a value of which only {@code count} bytes from {@code from} on will differ from what it was: the log need not hold the others. */
    public long modify(
            int db,
            long key,
            int keyLength,
            long hash,
            int kind,
            int newValueLength,
            int from,
            int count) {
        return writes.modify(
                databases[db], key, keyLength, hash, kind, newValueLength, from, count);
    }

    /**
     * RMW on an existing key, already read in this command, whose value begins with a {@link SplicedLayout}: replaces {@code removed} bytes of it, from {@code from} on, by {@code
     * inserted} ones that the caller writes at once. What is behind them moves. May miss.
     *
     * @return address of the value
     */
    public long splice(
            int db,
            long key,
            int keyLength,
            long hash,
            int kind,
            int from,
            int removed,
            int inserted) {
        return writes.splice(databases[db], key, keyLength, hash, kind, from, removed, inserted);
    }

    /** Sets (or with 0 removes) the expiry of an existing key, already read in this command. May miss. */
    public void expireAt(int db, long key, int keyLength, long hash, long expiryMillis) {
        expirer.set(databases[db], key, keyLength, hash, expiryMillis);
    }

    /** Has {@link FieldExpiry} look at a hash when the first of its fields' times is over. Known to recovery; what is pending must be written. */
    public void fieldsExpireAt(int db, long key, int keyLength, long hash, long millis) {
        fieldExpirer.add(databases[db], hash, millis);
        store.effects.fieldsExpire(databases[db], key, keyLength, millis);
    }

    /** Who removes fields whose time is over; without one they stay. */
    public void setFieldExpiry(FieldExpiry fields) {
        fieldExpirer.serve(fields);
    }

    /** Fields were removed because their time was over. */
    public void countExpiredFields(long count) {
        stats.expiredFields += count;
    }

    /** Removes a key; a paged object is retired, its pages freed in the background. May miss. @return whether it existed */
    public boolean delete(int db, long key, int keyLength, long hash) {
        return writes.remove(databases[db], key, keyLength, hash, 0);
    }

    /** As {@link #delete} but keeps a paged object alive: its root has been or will be written under another key. May miss. */
    public boolean detach(int db, long key, int keyLength, long hash) {
        return writes.remove(databases[db], key, keyLength, hash, EffectLayout.DETACH);
    }

    // Paged objects: the root record (kind *_PAGED) is written with upsert; its value begins with
    // RootLayout: the object's number and how many pages it may have. Pages belong to the object's
    // database: RENAME only moves the root, MOVE has to copy.

    /** A new object number, owned by the database until its root is deleted or replaced. */
    public long createObject(int db) {
        return pagedObjects.create(databases[db]);
    }

    /** A salt for hashes within an object, which clients cannot guess. */
    public long salt(long object) {
        return store.hash(store.pageKey(object, -1), Store.PAGE_KEY_BYTES);
    }

    /** An object without a root dies; its pages are freed in the background. Done by upsert and delete for the roots that they replace. */
    public void retire(long object, long pages) {
        store.reaper.retire(object, pages);
    }

    /**
     * As {@link #request}, for a page of a paged object, one of many.
     *
     * @return whether it must be read
     * @throws ironcache.tiering.CommandMemoryException where the command holds too many already
     */
    public boolean requestPage(long object, long page) {
        return pagedObjects.request(object, page);
    }

    public void prefetchPage(long object, long page) {
        pagedObjects.prefetch(object, page);
    }

    /** @return record or 0. May miss. */
    public long readPage(long object, long page) {
        return pagedObjects.read(object, page);
    }

    /** Whether {@link #readPage} would miss. Nothing is asked for. */
    public boolean isPageCold(long object, long page) {
        return pagedObjects.isCold(object, page);
    }

    /** Writes a page that the object does not have: looks for none, so it never misses. @return address of the value */
    public long insertPage(long object, long page, int valueLength) {
        return pagedObjects.insert(object, page, valueLength);
    }

    /** Writes a page that the object may have. May miss, a new one too: a cold page may have a hash like its own. @return address of the value */
    public long upsertPage(long object, long page, int valueLength) {
        return pagedObjects.upsert(object, page, valueLength);
    }

    /** As {@link #modify} for a page. May miss. */
    public long modifyPage(long object, long page, int newValueLength) {
        return modifyPage(object, page, newValueLength, 0, newValueLength);
    }

    /** As above, where only {@code count} bytes from {@code from} on will differ from what was there. */
    public long modifyPage(long object, long page, int newValueLength, int from, int count) {
        return pagedObjects.modify(object, page, newValueLength, from, count);
    }

    /** As {@link #splice} for a page. May miss. */
    public long splicePage(long object, long page, int from, int removed, int inserted) {
        return pagedObjects.splice(object, page, from, removed, inserted, 0);
    }

    /** As {@link #splicePage} of an insertion into what will be {@code lengthMax} bytes long: where it has to be copied, it gets room for as much of that as a record can have. */
    public long growPage(long object, long page, int from, int inserted, int lengthMax) {
        return pagedObjects.splice(object, page, from, 0, inserted, lengthMax);
    }

    /** May miss. */
    public boolean deletePage(long object, long page) {
        return pagedObjects.delete(object, page);
    }

    // Long replies.

    /**
     * Holds on to a value as it is now, for a command that will go on with it after others have run. Within a command that has written nothing.
     *
     * @param record of the key, read in this command
     */
    public PageView openView(long record) {
        return store.views.open(record);
    }

    /**
     * From now until this run of the command ends, pages of the view's object are read as they were, and the time is what it was.
     *
     * @param view of this shard, not broken
     * @return a copy of the record that it was opened with, valid until it is closed; as its key was, it may be another's by now
     */
    public long enterView(PageView view) {
        return store.views.enter(view);
    }

    /** A walk through the object's pages is done with this one: unless the command runs again from a point before, it is not read again. */
    public void leavePage(long object, long page) {
        PageView view = store.views.current;
        if (view != null && view.isOf(object)) {
            view.leave(page);
        }
    }

    // The log.

    // Images.

    /** Begins to write the shard's image, between two commands; {@link #work} goes on with it. From now on a log is kept. */
    public void beginImage(ImageFile image) {
        store.segments.beginImage();
        ImageScan scan =
                new ImageScan(store, expirer, fieldExpirer, pagedObjects, databases, image);
        background.scan = scan;
        store.reaper.tell(scan::retired);
    }

    /** Whether all of the image has been appended to its file. */
    public boolean isImageScanned() {
        return scan().isDone();
    }

    /** Keys that the image has so far. */
    public long imageKeys() {
        ImageScan scan = background.scan;
        return scan == null ? 0 : scan.keys();
    }

    /** Marks the moment that image and log together stand for, between two commands and with no unit open. @return its seqno in the log */
    public long markCut() {
        WalWriter log = Objects.requireNonNull(store.effects.log());
        int bytes = EffectLayout.expiresBytes();
        long at = log.mark(bytes * DATABASES);
        for (int db = 0; db < DATABASES; db++) {
            EffectLayout.put(
                    at + (long) bytes * db,
                    EffectLayout.EXPIRES,
                    databases[db].number,
                    databases[db].expires,
                    databases[db].timed);
        }
        return log.appendedSeqno();
    }

    /** Begins to make the segments durable that the image refers to: as much of them as has been written. */
    public void syncImage() {
        store.segments.sync(scan().segments, FileCompletions.SYNC);
    }

    /** Whether no sync of segments is in flight. */
    public boolean isSynced() {
        return store.segments.isSynced();
    }

    /** Why what was written to the SSD tier will never be known to be durable, or null. */
    public @Nullable String syncFailure() {
        return store.segments.syncFailure();
    }

    /** Of a segment file of the SSD tier. */
    public int segmentPages() {
        return store.segments.segmentPages();
    }

    /** Segments of the SSD tier that the image refers to. */
    public BitSet imageSegments() {
        return (BitSet) scan().segments.clone();
    }

    /** @param kept whether the image's segments stay as they are until {@link #releaseImage} */
    public void endImage(boolean kept) {
        store.segments.endImage(kept ? scan().segments : new BitSet());
        background.scan = null;
        store.reaper.tell(null);
    }

    /** Before anything is read back: an image that will not be, but is kept, refers to these segments. It keeps them until {@link #releaseImage}. */
    public void restoreImage(BitSet segments) {
        store.segments.restoreImage(segments);
    }

    /** An image is gone that kept these segments. */
    public void releaseImage(BitSet segments) {
        store.segments.releaseImage(segments);
    }

    private ImageScan scan() {
        return Objects.requireNonNull(background.scan);
    }

    /** What is replayed now is an image, in an empty shard. */
    public void beginImageReplay() {
        background.replayingImage = true;
        replay.beginImage(false);
    }

    /**
     * All effects of the image are there; what it refers to is looked at. To be called until it says so, with completions between.
     *
     * @return whether all is there
     * @throws IllegalStateException where a page is damaged; the message says where and how
     */
    public boolean endImageReplay() {
        TableLoader loader = fileCompletions.tables;
        if (loader == null) {
            loader = new TableLoader(store.segments, FileCompletions.TABLES);
            fileCompletions.tables = loader;
        }
        if (!loader.step()) {
            return false;
        }
        fileCompletions.tables = null;
        loader.close();
        if (loader.damage() != null) {
            throw new IllegalStateException(loader.damage());
        }
        replay.endImage();
        background.replayingImage = false;
        return true;
    }

    /** As {@link #beginImageReplay}, of an image that comes without references, as effects of a log do. It need not be ended. */
    public void beginPortableReplay() {
        replay.beginImage(true);
    }

    /** Who looks after segments of the SSD tier that are full, and is asked where a page is damaged. Before anything is read back. */
    public void setMender(PageMender mender) {
        store.segments.setMender(mender);
    }

    /** Tells the mender of all segments that are full: those that were read back among them. */
    public void offerFullSegments() {
        store.segments.offerFull();
    }

    /** Deletes files of an earlier process that were not restored. */
    public void deleteLeftovers() throws IOException {
        store.segments.deleteLeftovers();
    }

    /**
     * From now on what commands change is appended to this log, on which the shard's {@link #work} makes commits; null: to none, and the one before only hears how its
     * operations end. Between commands.
     */
    public void keepLog(@Nullable WalWriter log) {
        store.effects.appendTo(log);
        if (log != null) {
            fileCompletions.log = log;
        }
    }

    /** The token of the log's file operations. */
    public static long logToken() {
        return FileCompletions.LOG;
    }

    /** Until {@link #endReplay} nothing runs but {@link #replay} and {@link #work}. */
    public void beginReplay() {
        background.replaying = true;
    }

    public void endReplay() {
        replay.end();
        background.replaying = false;
    }

    /**
     * Applies the effects that were logged in one frame, from where it stopped.
     *
     * @param effects their memory address; they have been verified
     * @param length bytes
     * @param from how many bytes of them have been applied
     * @return how many have been now: fewer than {@code length} where it has to wait for the SSD or for memory; call it again in a later turn
     * @throws IllegalStateException where something is no effect that this version knows; the message says where
     * @throws DamagedBlockException where a record that an effect changes cannot be read from the SSD; the message says why
     */
    public int replay(long effects, int length, int from) {
        int at = from;
        while (at < length && !replayWaits && hasSpace()) {
            int bytes = EffectLayout.bytes(effects + at);
            store.nowMillis = Background.BEFORE_ALL_EXPIRY;
            store.cold.begin(REPLAY_WAITER);
            try {
                if (bytes == 0 || !replay.apply(effects + at)) {
                    throw new IllegalStateException(
                            "field op at byte "
                                    + at
                                    + " of the payload: expected an effect, actual "
                                    + EffectLayout.op(effects + at));
                }
                store.cold.end();
                at += bytes;
            } catch (ColdMiss miss) {
                replayWaits = store.cold.park();
            }
        }
        return at;
    }

    // Warm restart. Nobody runs commands before a state is loaded, nor when one is about to be
    // saved.

    /** Finishes what is being written. To be called until it says so, with completions between. @return whether all that was given to the SSD is durable there, or never will be */
    public boolean quiesce() {
        return store.sealed.writing() == 0
                && !store.segments.isAllocating()
                && store.segments.syncAll(FileCompletions.SYNC) == 0;
    }

    /** As {@link ShardConfig#framesUsed}, for the shard that will load what this one saves. */
    public int framesUsed() {
        return store.log.framesUsed();
    }

    /** As {@link #framesUsed}. */
    public int notesUsed() {
        return store.shadows.size();
    }

    /** Writes all that is in RAM and outlives the process. Completions are no longer the shard's; all that can be done with it afterwards is to close it. */
    public void saveState(StateOutput out) {
        store.views.breakAll();
        rewriter.pause();
        int endPage = store.segments.endPage();
        store.log.saveFrames(out, endPage);
        out.putLong(pagedObjects.lastNumber());
        store.segments.save(out);
        store.log.save(out, endPage);
        store.sealed.save(out);
        store.shadows.save(out);
        expirer.save(out);
        fieldExpirer.save(out);
        store.save(out);
        for (Keyspace keyspace : databases) {
            out.putLong(keyspace.number);
        }
        store.reaper.save(out);
    }

    /**
     * Of a shard without data: takes over what another one saved.
     *
     * @throws IllegalStateException where that does not hang together
     * @throws UncheckedIOException where a file of the SSD tier cannot be opened; the message names it
     */
    public void loadState(StateInput in) {
        pagedObjects.seen(in.getLong());
        store.segments.load(in);
        store.log.load(in);
        store.sealed.load(in);
        store.shadows.load(in);
        expirer.load(in);
        fieldExpirer.load(in);
        store.load(in);
        for (int db = 0; db < DATABASES; db++) {
            databases[db] = Objects.requireNonNull(store.keyspaces[in.getInt(Store.KEYSPACES - 1)]);
        }
        store.reaper.load(in);
    }

    /** From now until {@link #ownState} nothing changes what is in memory, but for commands: not before the state's file is deleted, which memory shows. */
    public void freeze() {
        background.frozen = true;
    }

    /** The state's file is deleted. Any thread; where the shard is frozen no command runs meanwhile. */
    public void ownState() {
        store.log.ownState(background.frozen);
        background.frozen = false;
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

    /** Entries for keys in all databases; blind writes may have left two for one. */
    public long keyCount() {
        long keys = 0;
        for (Keyspace keyspace : databases) {
            keys += keyspace.keys.size();
        }
        return keys;
    }

    /** Keys with an expiry. */
    public long expires(int db) {
        return databases[db].expires;
    }

    /** Hashes of which some field has a time. */
    public long timedHashes(int db) {
        return databases[db].timed;
    }

    public void flush(int db) {
        Keyspace old = databases[db];
        if (old.keys.size() + old.pages.size() > 0) {
            databases[db] = store.newKeyspace();
            store.effects.mapped(databases);
            store.reaper.flush(old);
        }
    }

    public void swap(int db, int otherDb) {
        Keyspace keyspace = databases[db];
        databases[db] = databases[otherDb];
        databases[otherDb] = keyspace;
        store.effects.mapped(databases);
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
        return scans.scan(databases[db], cursor, count, visitor);
    }

    /** A random live record, 0 where the database is empty. May miss. */
    public long randomRecord(int db) {
        Keyspace keyspace = databases[db];
        for (int tries = 0; tries < RANDOM_TRIES && keyspace.keys.size() > 0; tries++) {
            long record = scans.pick(keyspace, current);
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
        return fileCompletions;
    }

    /** On the owner's thread: reads that others asked for, sealing, flushing, compaction, expiry, settling: a slice of at most about {@code budgetNanos}. @return whether more is waiting */
    public boolean work(long budgetNanos) {
        store.cold.submitWaiting();
        return background.work(budgetNanos);
    }

    /** Owner. Hands to the disk what of the log is due, as {@link #work} does. */
    public void commit() {
        background.commit();
    }

    /** Nanoseconds until {@link #work} has something timed to do (active expiry); the frontend waits no longer in poll. */
    public long idleNanos() {
        return background.idleNanos();
    }

    /** Of {@link #stats}: the time that active expiry took. */
    public long expiryNanos() {
        return store.stats.expiryNanos;
    }

    /** Counters and gauges for INFO, MEMORY and the benchmarks; live, read on the owner thread. */
    public ShardStats stats() {
        stats.gather(store, config.memoryBytes());
        return stats;
    }

    // Behind the door.

    private void onColdReady(int waiter) {
        switch (waiter) {
            case Reaper.WAITER -> store.reaper.onRead();
            case Settler.WAITER -> settler.onRead();
            case REPLAY_WAITER -> replayWaits = false;
            case FieldExpirer.WAITER -> fieldExpirer.onRead();
            default -> listener.onReady(waiter - INTERNAL_WAITERS);
        }
    }

    /** Tells of the SSD tier's segments. */
    public void visitSegments(SegmentStore.SegmentVisitor visitor) {
        store.segments.visitSegments(visitor);
    }

    /** Keys and pages of all databases, flushed ones too; for tests. */
    long entries() {
        return store.entries();
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
        fieldExpirer.active = active;
    }

    @Override
    public void close() {
        expirer.close();
        fieldExpirer.close();
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
