package ironcache.tools;

import ironcache.datatypes.Strings;
import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.Clock;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Record;
import ironcache.recovery.ShardSnapshot;
import ironcache.recovery.Snapshot;
import ironcache.wal.ImageFile;
import ironcache.wal.Manifest;
import ironcache.wal.Peers;
import ironcache.wal.SyncPolicy;
import ironcache.wal.WalOptions;
import ironcache.wal.WalWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A shard of the engine in a new directory: takes effects as a start of the server does, and leaves a snapshot behind. Owned by one thread; owns the shard.
 */
final class ShardRebuild implements AutoCloseable {
    private static final long STUCK_NANOS = 30_000_000_000L;
    private static final long IMAGE_TOKEN = Shard.FIRST_FOREIGN_TOKEN | 1L << 48;
    private static final int LOG_SEGMENT_BYTES = 2 << 20;

    private final FileWorker worker;
    private final Clock clock = SystemClock.INSTANCE;
    private final ShardConfig config;
    private final int number;
    private final Shard shard;
    private final BooleanSupplier cancelled;
    private final ShardTurns turns;
    private @Nullable ImageFile image;
    private @Nullable WalWriter log;

    ShardRebuild(FileWorker worker, int number, ShardConfig config, BooleanSupplier cancelled)
            throws IOException {
        this.worker = worker;
        this.number = number;
        this.config = config;
        this.cancelled = cancelled;
        turns = new ShardTurns(worker, cancelled);
        shard = new Shard(worker.io, clock, config, turns);
        worker.handle(this::onFile);
        shard.beginReplay();
    }

    private void onFile(long token, int result) {
        ImageFile writing = image;
        if (token >= Shard.FIRST_FOREIGN_TOKEN) {
            if (writing != null) {
                writing.onFile((int) token, result);
            }
        } else {
            shard.fileHandler().onFile(token, result);
        }
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

    /** Objects that were retired when the image was made are, now that their pages are there. */
    void endImage() {
        // Not endImageReplay, which reads the tables of each page with a live record: here some of
        // these are still on their way to the disk.
        shard.endPortableReplay();
    }

    void endReplay() {
        shard.endReplay();
    }

    private void turn() {
        turns.turn(shard);
    }

    private void run(Runnable command) {
        turns.write(shard, command);
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
     * @param checkPages also those that lack a page
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
        withKey(
                key,
                (at, length, hash) -> {
                    long record = shard.peek(db, at, length, hash);
                    if (record != 0 && Record.isPaged(record)) {
                        root[0] = RootLayout.object(Record.value(record));
                        root[1] = RootLayout.pages(Record.value(record));
                    }
                });
        if (root[0] == 0) {
            return false;
        }
        if (unsure.test(root[0])) {
            return true;
        }
        for (long page = 0; checkPages && page < root[1] && !broken[0]; page++) {
            long number = page;
            run(() -> broken[0] = shard.readPage(root[0], number) == 0);
        }
        return broken[0];
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

    long keyCount() {
        return shard.keyCount();
    }

    int segmentPages() {
        return shard.segmentPages();
    }

    /** Makes a snapshot of the shard as it is. */
    Manifest.SnapshotPart snapshot(long nodeId) throws IOException {
        WalWriter newLog =
                new WalWriter(
                        worker.io,
                        config.directory(),
                        number,
                        nodeId,
                        new WalOptions(LOG_SEGMENT_BYTES, SyncPolicy.ALWAYS),
                        Shard.logToken(),
                        Peers.NONE,
                        1,
                        1);
        log = newLog;
        shard.keepLog(newLog);
        ImageFile newImage =
                new ImageFile(worker.io, config.directory(), number, nodeId, 1, IMAGE_TOKEN);
        image = newImage;
        Snapshot node = new Snapshot(1, 1);
        ShardSnapshot part = new ShardSnapshot(node, shard, newLog, newImage);
        while (node.phase() != Snapshot.Phase.SYNCED) {
            if (node.phase() == Snapshot.Phase.CUTTING) {
                part.cut();
                node.cut();
            } else if (node.phase() == Snapshot.Phase.FAILED) {
                throw new ToolException(config.directory() + ": " + node.failure());
            }
            turn();
            part.step();
        }
        Manifest.SnapshotPart made =
                new Manifest.SnapshotPart(
                        1,
                        part.beginSeqno(),
                        part.cutSeqno(),
                        part.firstLog(),
                        part.lastLog(),
                        part.segments());
        node.keep();
        part.end(true);
        // Its completions come through the shard, as long as that keeps it.
        while (!newLog.isQuiet()) {
            turn();
        }
        shard.keepLog(null);
        return made;
    }

    long imageBytes() {
        ImageFile made = image;
        return made == null ? 0 : made.writtenBytes();
    }

    /** Before the worker. */
    @Override
    public void close() {
        shard.close();
    }

    /** After the worker's Io is closed. */
    void free() {
        if (image != null) {
            image.close();
        }
        if (log != null) {
            log.close();
        }
    }
}
