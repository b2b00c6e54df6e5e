package ironcache.engine;

import ironcache.ffm.Io;

/**
 * CONTRACT, implementation in progress. The store itself, one owner thread: Read / Upsert / RMW / Delete over index, log and
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

    // Commands.

    /** A command of {@code waiter} (the frontend's number of a connection) begins. */
    public void begin(int waiter) { throw new UnsupportedOperationException(); }

    /** The command ended: what was staged for it may go. */
    public void end() { throw new UnsupportedOperationException(); }

    /** The command unwound by {@link ColdMiss}; {@link ShardListener#onReady} follows, never before this call. */
    public void park() { throw new UnsupportedOperationException(); }

    /** The waiter's connection closed while parked. No onReady follows. */
    public void abandon(int waiter) { throw new UnsupportedOperationException(); }

    /** Milliseconds since the epoch, fixed for the whole command. */
    public long nowMillis() { throw new UnsupportedOperationException(); }

    /**
     * Why a command that may use more memory is refused now: the complete error line without CRLF, such as
     * {@code -OOM command not allowed ...}; null when writes are taken. Asked by the executor before DENYOOM commands.
     */
    public String writeRefusal() { throw new UnsupportedOperationException(); }

    /** False: no frame is free right now; park the write command with {@link #parkForSpace}, it is soon run again. */
    public boolean hasSpace() { throw new UnsupportedOperationException(); }

    public void parkForSpace(int waiter) { throw new UnsupportedOperationException(); }

    // Keys.

    public long hash(long key, int keyLength) { throw new UnsupportedOperationException(); }

    /** Queues the read of a cold key without unwinding. */
    public void prefetch(int db, long key, int keyLength, long hash) { throw new UnsupportedOperationException(); }

    /** Batch lookups, first round: loads the key's bucket; returns what {@link #touchRecord} takes. */
    public long touch(int db, long hash) { throw new UnsupportedOperationException(); }

    /** Batch lookups, second round: loads the record's first cache line. */
    public void touchRecord(long touched) { throw new UnsupportedOperationException(); }

    /** Finds a record and counts the visit (keyspace hits and misses are counted by the caller). May miss. */
    public long read(int db, long key, int keyLength, long hash) { throw new UnsupportedOperationException(); }

    /** As {@link #read}, without counting a visit (TYPE, OBJECT, TTL, SCAN ...). May miss. */
    public long peek(int db, long key, int keyLength, long hash) { throw new UnsupportedOperationException(); }

    /**
     * Blind write: makes {@code key} hold a new value of {@code valueLength} bytes (at most Record.MAX_VALUE_BYTES), replacing whatever it
     * held (a paged object is retired) in place where it fits; does not wait for the SSD and never misses.
     *
     * @param kind Record.STRING ...
     * @param expiryMillis absolute; 0 for none
     * @return address of the value, whose bytes the caller writes at once. The value must not be copied from the key's own old record (it may be the same bytes).
     */
    public long upsert(int db, long key, int keyLength, long hash, int kind, int valueLength, long expiryMillis) { throw new UnsupportedOperationException(); }

    /**
     * RMW on an existing key: the record with its kind and value length changed and the common prefix of the value and the expiry kept,
     * in place where it fits, else copied. The key exists (the caller has read it in this command). May miss.
     *
     * @return address of the value; bytes past the old length are undefined
     */
    public long modify(int db, long key, int keyLength, long hash, int kind, int newValueLength) { throw new UnsupportedOperationException(); }

    /** Sets (or with 0 removes) the expiry of an existing key, already read in this command. May miss. */
    public void expireAt(int db, long key, int keyLength, long hash, long expiryMillis) { throw new UnsupportedOperationException(); }

    /** Removes a key; a paged object is retired, its pages freed in the background. May miss. @return whether it existed */
    public boolean delete(int db, long key, int keyLength, long hash) { throw new UnsupportedOperationException(); }

    /** As {@link #delete} but keeps a paged object alive: its root has been or will be written under another key. May miss. */
    public boolean detach(int db, long key, int keyLength, long hash) { throw new UnsupportedOperationException(); }

    // Paged objects: the root record (kind *_PAGED) is written with upsert; its value begins with RootLayout: the object's number and
    // how many pages it may have. Pages belong to the object's database: RENAME only moves the root, MOVE has to copy.

    /** A new object number, owned by the database until its root is deleted or replaced. */
    public long createObject(int db) { throw new UnsupportedOperationException(); }

    /** An object without a root dies; its pages are freed in the background. Done by upsert and delete for the roots that they replace. */
    public void retire(long object, long pages) { throw new UnsupportedOperationException(); }

    public void prefetchPage(long object, long page) { throw new UnsupportedOperationException(); }

    /** @return record or 0. May miss. */
    public long readPage(long object, long page) { throw new UnsupportedOperationException(); }

    /** Blind write of a page; never misses where the page is new or in RAM, else may miss. @return address of the value */
    public long upsertPage(long object, long page, int valueLength) { throw new UnsupportedOperationException(); }

    /** As {@link #modify} for a page. May miss. */
    public long modifyPage(long object, long page, int newValueLength) { throw new UnsupportedOperationException(); }

    /** May miss. */
    public boolean deletePage(long object, long page) { throw new UnsupportedOperationException(); }

    // Databases.

    /** Keys in the database, exact. May miss (waits until unsettled shadows are settled). */
    public long size(int db) { throw new UnsupportedOperationException(); }

    /** Keys with an expiry. */
    public long expires(int db) { throw new UnsupportedOperationException(); }

    public void flush(int db) { throw new UnsupportedOperationException(); }

    public void swap(int db, int otherDb) { throw new UnsupportedOperationException(); }

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
    public long scan(int db, long cursor, long count, RecordVisitor visitor) { throw new UnsupportedOperationException(); }

    /** A random live record, 0 where the database is empty. May miss. */
    public long randomRecord(int db) { throw new UnsupportedOperationException(); }

    // The turn.

    /** Completions of the shard's file operations; the frontend registers it with {@link Io#setHandlers}. */
    public Io.FileHandler fileHandler() { throw new UnsupportedOperationException(); }

    /** Sealing, flushing, compaction, expiry, settling: a slice of at most about {@code budgetNanos}. @return whether more is waiting */
    public boolean work(long budgetNanos) { throw new UnsupportedOperationException(); }

    /** Nanoseconds until {@link #work} has something timed to do (active expiry); the frontend waits no longer in poll. */
    public long idleNanos() { throw new UnsupportedOperationException(); }

    /** Counters and gauges for INFO, MEMORY and the benchmarks; live, read on the owner thread. */
    public ShardStats stats() { throw new UnsupportedOperationException(); }

    @Override
    public void close() {}
}
