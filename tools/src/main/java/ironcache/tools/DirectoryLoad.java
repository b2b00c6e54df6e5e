package ironcache.tools;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.engine.SlotTable;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.recovery.FileWorker;
import ironcache.recovery.RebuiltNode;
import ironcache.wal.Damage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Makes a new data directory of the keys that SELECT and SET commands name: a snapshot, made by the engine. Owned by one thread. */
final class DirectoryLoad implements LoadCommand.Target {
    private static final int SHARDS_MAX = 64;

    private final Path to;
    private final NewDirectory made;
    private final List<FileWorker> workers = new ArrayList<>();
    private final List<ShardRebuild> shards = new ArrayList<>();
    private final SlotTable slots;
    private final long hashSeed = Prng.freshSeed();
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
            throw damaged(command, "command", "SELECT, SET or ECHO: load others into a server");
        }
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
            int shard =
                    shards.size() == 1 ? 0 : slots.shardOf(SlotTable.slotOf(memory, key.length));
            if (expiry == 0 || expiry > System.currentTimeMillis()) {
                shards.get(shard)
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
    }
}
