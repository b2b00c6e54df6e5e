package ironcache.resp;

import static ironcache.resp.CommandFlag.READONLY;

import ironcache.datatypes.Keys;
import ironcache.engine.Shard;
import ironcache.hybridlog.Record;

/** MEMORY and its sub-commands. Stateless; runs on the shard's thread. */
final class MemoryCommands {
    /** Index entry of a key: 8 bytes and an estimate of the index's free slots. */
    private static final int INDEX_BYTES = 10;

    private MemoryCommands() {}

    static void register(CommandTable t) {
        CommandRow memory =
                t.container("MEMORY")
                        .group("server")
                        .since("4.0.0")
                        .complexity("Depends on subcommand.")
                        .summary("A container for memory diagnostics commands.");
        t.sub(memory, "USAGE", MemoryCommands::usage)
                .arity(-3)
                .flags(READONLY)
                .keys(2, 2, 1, KeyFlag.RO)
                .since("4.0.0")
                .complexity("O(N) where N is the number of samples.")
                .summary("Estimates the memory usage of a key.")
                .args(Arg.key("key"), Arg.integer("count").token("SAMPLES").optional());
        t.sub(memory, "STATS", MemoryCommands::stats)
                .wholeNode()
                .arity(2)
                .since("4.0.0")
                .complexity("O(1)")
                .summary("Returns details about memory usage.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_shards",
                        "response_policy:special");
        t.sub(memory, "DOCTOR", MemoryCommands::doctor)
                .wholeNode()
                .arity(2)
                .since("4.0.0")
                .complexity("O(1)")
                .summary("Outputs a memory problems report.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_shards",
                        "response_policy:special");
        t.sub(memory, "MALLOC-STATS", MemoryCommands::mallocStats)
                .arity(2)
                .wholeNode()
                .flags(CommandFlag.LOADING)
                .since("4.0.0")
                .complexity("Depends on how much memory is allocated, could be slow")
                .summary("Returns the allocator statistics.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_shards",
                        "response_policy:special");
        t.sub(memory, "PURGE", MemoryCommands::purge)
                .arity(2)
                .flags(CommandFlag.LOADING)
                .since("4.0.0")
                .complexity("Depends on how much memory is allocated, could be slow")
                .summary("Asks the allocator to release memory.")
                .tips("request_policy:all_shards", "response_policy:all_succeeded");
        t.sub(memory, "HELP", MemoryCommands::help)
                .arity(2)
                .flags(CommandFlag.LOADING, CommandFlag.STALE)
                .since("4.0.0")
                .complexity("O(1)")
                .summary("Returns helpful text about the different subcommands.");
    }

    static void usage(CommandContext c) {
        for (int i = 3; i < c.argc(); i += 2) {
            if (!c.argIs(i, "SAMPLES") || i + 1 == c.argc()) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
            if (!c.parseLong(i + 1)) {
                return;
            }
            if (c.longValue() < 0) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        long record = c.peek(2);
        if (record == 0) {
            c.reply().nullBulk();
            return;
        }
        c.reply().integer((long) Record.length(record) + INDEX_BYTES + Keys.pageBytes(record));
    }

    static void stats(CommandContext c) {
        MemoryGauge memory = c.node().memory;
        memory.measure();
        long used = memory.usedBytes();
        long overhead = memory.overheadBytes();
        long dataset = Math.max(0, used - overhead);
        long keys = 0;
        int databases = 0;
        for (int db = 0; db < Shard.DATABASES; db++) {
            long size = c.node().shards.size(db);
            keys += size;
            databases += size > 0 ? 1 : 0;
        }
        ReplyWriter reply = c.reply();
        reply.map(22 + databases);
        integer(reply, "peak.allocated", memory.peakUsedBytes);
        integer(reply, "total.allocated", used);
        integer(reply, "startup.allocated", memory.startupBytes);
        integer(reply, "replication.backlog", 0);
        integer(reply, "clients.slaves", 0);
        integer(reply, "clients.normal", c.node().clientBytes());
        integer(reply, "cluster.links", 0);
        integer(reply, "aof.buffer", 0);
        integer(reply, "lua.caches", 0);
        integer(reply, "functions.caches", 0);
        for (int db = 0; db < Shard.DATABASES; db++) {
            if (c.node().shards.size(db) > 0) {
                reply.bulk("db." + db);
                reply.map(2);
                integer(reply, "overhead.hashtable.main", c.node().shards.size(db) * INDEX_BYTES);
                integer(reply, "overhead.hashtable.expires", 0);
            }
        }
        integer(reply, "overhead.db.hashtable.lut", ironcache.ffm.MemoryTag.INDEX.bytes());
        integer(reply, "overhead.db.hashtable.rehashing", 0);
        integer(reply, "overhead.total", overhead);
        integer(reply, "db.dict.rehashing.count", 0);
        integer(reply, "keys.count", keys);
        integer(
                reply,
                "keys.bytes-per-key",
                keys == 0 ? 0 : Math.max(0, used - memory.startupBytes) / keys);
        integer(reply, "dataset.bytes", dataset);
        real(
                reply,
                "dataset.percentage",
                100.0 * dataset / Math.max(1, used - memory.startupBytes));
        real(reply, "peak.percentage", 100.0 * used / Math.max(1, memory.peakUsedBytes));
        integer(reply, "allocator.resident", memory.residentBytes);
        real(reply, "fragmentation", (double) memory.residentBytes / Math.max(1, used));
        integer(reply, "fragmentation.bytes", memory.residentBytes - used);
    }

    private static void integer(ReplyWriter reply, String name, long value) {
        reply.bulk(name);
        reply.integer(value);
    }

    private static void real(ReplyWriter reply, String name, double value) {
        reply.bulk(name);
        reply.real(value);
    }

    static void doctor(CommandContext c) {
        MemoryGauge memory = c.node().memory;
        memory.measure();
        String damage = c.node().shards.damage();
        StringBuilder text = new StringBuilder();
        if (damage != null) {
            text.append("* The shard reports damage: ").append(damage).append("\n");
        }
        long maximum = c.node().config.number("maxmemory");
        if (maximum > 0 && memory.residentBytes > maximum * 115 / 100) {
            text.append("* The process is at ")
                    .append(InfoText.human(memory.residentBytes))
                    .append(", more than 15 % above maxmemory (")
                    .append(InfoText.human(maximum))
                    .append("): please report it with INFO memory.\n");
        }
        if (c.node().shards.stats().diskFull) {
            text.append(
                    "* The disk, or maxdisk, is full: writes are refused until space returns.\n");
        }
        c.reply()
                .verbatim(
                        text.isEmpty()
                                ? "I see no memory problem in this instance.\n"
                                : text.toString());
    }

    static void mallocStats(CommandContext c) {
        StringBuilder text = new StringBuilder("Off-heap memory by tag, bytes:\n");
        for (ironcache.ffm.MemoryTag tag : ironcache.ffm.MemoryTag.values()) {
            text.append(tag.name().toLowerCase(java.util.Locale.ROOT))
                    .append(": ")
                    .append(tag.bytes())
                    .append('\n');
        }
        text.append("heap: ").append(c.node().memory.heapBytes()).append('\n');
        c.reply().verbatim(text.toString());
    }

    static void purge(CommandContext c) {
        c.reply().ok();
    }

    static void help(CommandContext c) {
        Help.reply(c, "MEMORY", HELP);
    }

    private static final String[] HELP = {
        "DOCTOR",
        "    Return memory problems reports.",
        "MALLOC-STATS",
        "    Return internal statistics report from the memory allocator.",
        "PURGE",
        "    Attempt to purge dirty pages for reclamation by the allocator.",
        "STATS",
        "    Return information about the memory usage of the server.",
        "USAGE <key> [SAMPLES <count>]",
        "    Return memory in bytes used by <key> and its value. Nested values are",
        "    sampled up to <count> times (default: 5, 0 means sample all).",
    };
}
