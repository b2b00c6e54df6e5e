package ironcache.tools;

import ironcache.datatypes.CollectionCheck;
import ironcache.datatypes.Strings;
import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.Clock;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Record;
import ironcache.recovery.FileWorker;
import ironcache.recovery.NewShard;
import ironcache.recovery.ShardTurns;
import ironcache.recovery.StoredShard;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * A shard of the engine in a new directory: takes effects as a start of the server does, and leaves a snapshot behind. Owned by one thread; owns the shard.
 */
final class ShardRebuild implements AutoCloseable {
    private static final long STUCK_NANOS = 30_000_000_000L;

    private final FileWorker worker;
    private final Clock clock = SystemClock.INSTANCE;
    private final ShardConfig config;
    private final NewShard made;
    private final Shard shard;
    private final BooleanSupplier cancelled;

    ShardRebuild(FileWorker worker, int number, ShardConfig config, BooleanSupplier cancelled)
            throws IOException {
        this.worker = worker;
        this.config = config;
        this.cancelled = cancelled;
        made =
                new NewShard(
                        worker,
                        number,
                        config,
                        () -> {
                            if (cancelled.getAsBoolean()) {
                                throw new InterruptedToolException("interrupted");
                            }
                        });
        shard = made.shard();
        shard.beginReplay();
    }

    /** Applies effects. */
    void apply(long effects, int length) {
        int at = 0;
        long progressNanos = clock.nanoTime();
        while (at < length) {
            int before = at;
            at = shard.replay(effects, length, at);
            boolean more = shard.work(ShardTurns.WORK_NANOS);
            worker.io.poll(at > before || more ? 0 : ShardTurns.WORK_NANOS);
            long now = clock.nanoTime();
            if (at > before) {
                progressNanos = now;
            } else if (now - progressNanos > STUCK_NANOS || cancelled.getAsBoolean()) {
                throw new ToolException(
                        config.directory()
                                + ": cannot go on writing: "
                                + (cancelled.getAsBoolean()
                                        ? "interrupted"
                                        : String.valueOf(shard.writeRefusal())));
            }
        }
    }

    /** An image comes, without its references, and then the log behind it. */
    void beginImage() {
        shard.beginPortableReplay();
    }

    void endReplay() {
        shard.endReplay();
    }

    /** Runs a command to its end, however often it misses. */
    void run(Runnable command) {
        made.write(command);
    }

    /** What commands are about. */
    Shard shard() {
        return shard;
    }

    /** Whether the database has the key of this record. */
    boolean has(int db, long record) {
        boolean[] found = new boolean[1];
        long key = Record.key(record);
        int length = Record.keyLength(record);
        run(() -> found[0] = shard.peek(db, key, length, shard.hash(key, length)) != 0);
        return found[0];
    }

    /**
     * Removes keys whose paged object is not known to be right.
     *
     * @param unsure says it of an object's number
     * @param checkPages also those that lack a page, or of which elements are missing
     * @return their names
     */
    List<String> removeBroken(Predicate<Long> unsure, boolean checkPages) {
        List<String> names = new ArrayList<>();
        for (int db = 0; db < Shard.DATABASES; db++) {
            List<byte[]> roots = new ArrayList<>();
            int current = db;
            long[] cursor = new long[1];
            do {
                List<byte[]> batch = new ArrayList<>();
                run(
                        () -> {
                            batch.clear();
                            long next =
                                    shard.scan(
                                            current,
                                            cursor[0],
                                            1000,
                                            record -> {
                                                if (Record.isPaged(record)) {
                                                    batch.add(StoredShard.keyOf(record));
                                                }
                                            });
                            cursor[0] = next;
                        });
                roots.addAll(batch);
            } while (cursor[0] != 0);
            for (byte[] key : roots) {
                if (isBroken(current, key, unsure, checkPages)) {
                    names.add(remove(current, key));
                }
            }
        }
        return names;
    }

    private interface KeyCommand {
        void run(long key, int length, long hash);
    }

    private void withKey(byte[] key, KeyCommand command) {
        long at = Memory.allocate(Math.max(8, key.length), MemoryTag.OTHER);
        try {
            Memory.copyIn(key, 0, at, key.length);
            run(() -> command.run(at, key.length, shard.hash(at, key.length)));
        } finally {
            Memory.free(at, Math.max(8, key.length), MemoryTag.OTHER);
        }
    }

    private boolean isBroken(int db, byte[] key, Predicate<Long> unsure, boolean checkPages) {
        boolean[] broken = new boolean[1];
        long[] root = new long[2];
        boolean[] isString = new boolean[1];
        withKey(
                key,
                (at, length, hash) -> {
                    long record = shard.peek(db, at, length, hash);
                    if (record != 0 && Record.isPaged(record)) {
                        root[0] = RootLayout.object(Record.value(record));
                        root[1] = RootLayout.pages(Record.value(record));
                        isString[0] = Strings.isString(record);
                    }
                });
        if (root[0] == 0) {
            return false;
        }
        if (unsure.test(root[0])) {
            return true;
        }
        if (checkPages && !isString[0]) {
            return !isWhole(db, key);
        }
        for (long page = 0; checkPages && page < root[1] && !broken[0]; page++) {
            long number = page;
            run(() -> broken[0] = shard.readPage(root[0], number) == 0);
        }
        return broken[0];
    }

    /** Of a paged collection, not all of whose page numbers need be those of pages. */
    private boolean isWhole(int db, byte[] key) {
        CollectionCheck check = new CollectionCheck();
        withKey(key, (at, length, hash) -> check.begin(shard, shard.peek(db, at, length, hash)));
        boolean[] more = new boolean[1];
        do {
            run(() -> more[0] = check.step());
        } while (more[0]);
        return check.isWhole();
    }

    /** @return its name, for the report */
    private String remove(int db, byte[] key) {
        String[] name = new String[1];
        withKey(
                key,
                (at, length, hash) -> {
                    name[0] = "db " + db + " " + InspectCommand.text(at, length, 256);
                    shard.delete(db, at, length, hash);
                });
        return name[0];
    }

    /** Makes a key hold a value. */
    void set(int db, long key, int keyLength, long value, long valueLength, long expiryMillis) {
        run(
                () ->
                        Strings.set(
                                shard,
                                db,
                                key,
                                keyLength,
                                shard.hash(key, keyLength),
                                value,
                                valueLength,
                                expiryMillis));
    }

    int segmentPages() {
        return shard.segmentPages();
    }

    /** For the manifest. */
    NewShard made() {
        return made;
    }

    /** Before the worker. */
    @Override
    public void close() {
        made.close();
    }

    /** After the worker's Io is closed. */
    void free() {
        made.free();
    }
}
