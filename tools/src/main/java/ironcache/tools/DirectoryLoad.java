package ironcache.tools;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.engine.SlotTable;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import ironcache.recovery.FileWorker;
import ironcache.recovery.RebuiltNode;
import ironcache.wal.Damage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Makes a new data directory of the keys that a dump's commands name ({@link DumpWriter}): a snapshot, made by the engine. Owned by one thread. */
final class DirectoryLoad implements LoadCommand.Target {
    private static final int SHARDS_MAX = 64;

    private final Path to;
    private final NewDirectory made;
    private final List<FileWorker> workers = new ArrayList<>();
    private final List<ShardRebuild> shards = new ArrayList<>();
    private final SlotTable slots;
    private final long hashSeed = Prng.freshSeed();
    private final CollectionLoad collections = new CollectionLoad();
    private int db;
    private long keys;

    DirectoryLoad(Path to, int count, long memoryBytes, Cancellation cancellation)
            throws IOException {
        if (count < 1 || count > SHARDS_MAX) {
            throw new ToolException("--shards " + count + ": 1 to " + SHARDS_MAX);
        }
        this.to = to;
        slots = new SlotTable(count);
        made = NewDirectory.begin(to, "load");
        long each = Math.max(ShardConfig.LEAST_MEMORY_BYTES, memoryBytes / count);
        int segmentPages = 0;
        for (int i = 0; i < count; i++) {
            Path directory = to.resolve("shard-" + i);
            Files.createDirectories(directory);
            FileWorker worker = new FileWorker();
            workers.add(worker);
            ShardRebuild shard =
                    new ShardRebuild(
                            worker,
                            i,
                            new ShardConfig(directory, count, each, 0, segmentPages, hashSeed),
                            cancellation::isCancelled);
            shards.add(shard);
            segmentPages = shard.segmentPages();
            shard.endReplay();
        }
    }

    @Override
    public void bytes(byte[] from, int offset, int length) {
        // Words are all that is needed.
    }

    @Override
    public void command(DumpReader command) {
        if (command.isWord(0, "SET") && command.count() >= 3) {
            set(command);
        } else if (command.isWord(0, "SELECT") && command.count() == 2) {
            db = (int) number(command, 1, "database", Shard.DATABASES - 1);
        } else if (!command.isWord(0, "ECHO")) {
            Consumer<Shard> change = command.count() < 2 ? null : change(command);
            if (change == null) {
                throw damaged(command, "command", "what dump writes: load others into a server");
            }
            collections.take(command, db);
            ShardRebuild to = shardOf(collections.arg(1), collections.argLength(1));
            to.run(() -> change.accept(to.shard()));
        }
    }

    private ShardRebuild shardOf(long key, int keyLength) {
        return shards.size() == 1
                ? shards.getFirst()
                : shards.get(slots.shardOf(SlotTable.slotOf(key, keyLength)));
    }

    /** What a command does to a collection in its shard, or null: it is none of those. */
    private @Nullable Consumer<Shard> change(DumpReader command) {
        int count = command.count();
        if (command.isWord(0, "DEL") && count == 2) {
            return collections::delete;
        }
        if (command.isWord(0, "PEXPIREAT") && count == 3) {
            long millis = number(command, 2, "milliseconds", Long.MAX_VALUE);
            return shard -> collections.expire(shard, millis);
        }
        if (command.isWord(0, "RPUSH") && count > 2) {
            return of(command, Record.TYPE_LIST, collections::push);
        }
        if (command.isWord(0, "SADD") && count > 2) {
            return of(command, Record.TYPE_SET, collections::addMembers);
        }
        if (command.isWord(0, "HSET") && count > 3 && count % 2 == 0) {
            return of(command, Record.TYPE_HASH, collections::setFields);
        }
        if (command.isWord(0, "ZADD") && count > 3 && count % 2 == 0) {
            double[] scores = scores(command);
            return of(command, Record.TYPE_ZSET, shard -> collections.addScored(shard, scores));
        }
        if (command.isWord(0, "HPEXPIREAT") && count > 5 && command.isWord(3, "FIELDS")) {
            long millis = number(command, 2, "milliseconds", Long.MAX_VALUE);
            number(command, 4, "fields", count - 5L);
            return of(
                    command, Record.TYPE_HASH, shard -> collections.expireFields(shard, millis, 5));
        }
        return null;
    }

    /** The same, where the key may have a collection of this type and nothing else. */
    private Consumer<Shard> of(DumpReader command, int type, Consumer<Shard> change) {
        return shard -> {
            if (collections.isOther(shard, type)) {
                throw damaged(command, "key", "no key of another type");
            }
            change.accept(shard);
        };
    }

    private static double[] scores(DumpReader command) {
        double[] scores = new double[command.count() / 2 - 1];
        for (int i = 0; i < scores.length; i++) {
            String text = command.text(2 * i + 2);
            scores[i] =
                    switch (text) {
                        case "inf" -> Double.POSITIVE_INFINITY;
                        case "-inf" -> Double.NEGATIVE_INFINITY;
                        default -> score(command, text);
                    };
        }
        return scores;
    }

    private static double score(DumpReader command, String text) {
        try {
            double score = Double.parseDouble(text);
            if (!Double.isNaN(score)) {
                return score;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw damaged(command, "score", "a number");
    }

    private void set(DumpReader command) {
        long expiry = 0;
        if (command.count() == 5 && command.isWord(3, "PXAT")) {
            expiry = number(command, 4, "PXAT", Long.MAX_VALUE);
        } else if (command.count() != 3) {
            throw damaged(command, "SET", "no more than PXAT: load others into a server");
        }
        byte[] key = command.word(1);
        byte[] value = command.word(2);
        long bytes = Math.max(8, (long) key.length + value.length);
        long memory = Memory.allocate(bytes, MemoryTag.STAGING);
        try {
            Memory.copyIn(key, 0, memory, key.length);
            Memory.copyIn(value, 0, memory + key.length, value.length);
            if (expiry == 0 || expiry > System.currentTimeMillis()) {
                shardOf(memory, key.length)
                        .set(db, memory, key.length, memory + key.length, value.length, expiry);
            }
        } finally {
            Memory.free(memory, bytes, MemoryTag.STAGING);
        }
    }

    private static long number(DumpReader command, int word, String field, long most) {
        try {
            long number = Long.parseLong(command.text(word));
            if (number >= 0 && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw damaged(command, field, "0 to " + most);
    }

    private static DamageException damaged(DumpReader command, String field, String expected) {
        return new DamageException(
                new Damage(command.file(), command.offset(), field, expected, command.describe()));
    }

    @Override
    public void finish() throws IOException {
        RebuiltNode node = new RebuiltNode(new Prng(Prng.freshSeed()).nextLong(), hashSeed);
        for (ShardRebuild shard : shards) {
            node.add(shard.made());
        }
        keys = node.keys();
        made.publish(node.manifest());
        made.complete();
    }

    @Override
    public Map<String, Object> report() {
        return Map.of("directory", to, "shards", shards.size(), "directory_keys", keys);
    }

    @Override
    public List<String> refused() {
        return List.of();
    }

    @Override
    public void close() {
        shards.forEach(ShardRebuild::close);
        workers.forEach(FileWorker::close);
        shards.forEach(ShardRebuild::free);
        collections.close();
    }
}
