package ironcache.tools;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import ironcache.engine.SlotTable;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimFaults;
import ironcache.resp.SimulatedNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A small data directory of two shards with files of all kinds, made by the server's own shards on the simulated disk ({@link SimulatedNode}), and what it has to hold. From one
 * seed always the same. Owned by one thread.
 */
final class CorruptionData implements AutoCloseable {
    /** How the directory came to be. */
    enum Origin {
        /** Cold pages, a snapshot, a log behind it in segments that were used before; it came to rest before the process was killed. */
        LOG_AT_REST,
        /** As above, and killed in the middle of its writes: nothing says of the last commit that it was durable. */
        LOG_KILLED,
        /** As the first, and an orderly end: state files too. */
        STATE_AND_LOG,
        /** No log and no snapshot: cold pages and the state of an orderly end. */
        STATE_ALONE,
        /** No log but that of the snapshot's own time. */
        SNAPSHOT_ALONE;

        boolean keepsLog() {
            return this != STATE_ALONE && this != SNAPSHOT_ALONE;
        }

        boolean keepsState() {
            return this == STATE_AND_LOG || this == STATE_ALONE;
        }
    }

    static final int SHARDS = 2;
    static final Path ROOT = SimulatedNode.DIRECTORY;

    private static final long MIB = 1L << 20;
    private static final long DISK_BYTES = 4096 * MIB;
    private static final long LIMIT_NANOS = 60_000_000_000L;
    private static final int READ_BATCH = 64;
    private static final int KEY_BYTES = 64;
    private static final SlotTable SLOTS = new SlotTable(SHARDS);
    private static final int LARGE_BYTES = 48_000;

    /** Values that push others out of memory; not all are older ones' successors, so that of cold pages much is alive. */
    private static final int FILLERS = 50;

    /** In pages of their own. */
    private static final int PAGED_BYTES = 100_000;

    /** Beyond any simulated time. */
    private static final String LATER_MS = "95617584000000";

    /** Of many keys. */
    private static final int MANY_VALUE_BYTES = 700;

    private static final int GO_COLD_EVERY = 8_000;

    private static final long REST_NANOS = 3_000_000_000L;

    /** Until all that is written no more has parity. */
    private static final long PARITY_NANOS = 20_000_000_000L;

    final Origin origin;
    final SimDisk disk = new SimDisk(DISK_BYTES);

    /** What each key holds; in the order of its name. */
    final Map<String, String> values = new TreeMap<>();

    /** Keys that expire at {@link #LATER_MS}. */
    final Set<String> expiring = new HashSet<>();

    /** What each key held at any time. */
    private final Map<String, Set<String>> history = new HashMap<>();

    /** What the keys of each shard's last command held before it. A kill in the middle may have taken it, for all that the disk can tell. */
    private final Map<String, String> before = new HashMap<>();

    private final int parityPercent;
    private final Prng prng;
    private final SimClock clock = new SimClock();
    private SimulatedNode node;
    private SimulatedSession session;
    private int written;
    private int fillers;
    private int commands;
    private final int[] lastCommand = new int[SHARDS];

    CorruptionData(Origin origin, long seed) throws IOException {
        this(origin, 0, seed);
    }

    /**
     * Of a number of keys, most of them cold.
     *
     * @param keys 0: some hundred
     */
    CorruptionData(Origin origin, int keys, long seed) throws IOException {
        this(origin, keys, 0, seed);
    }

    /** As above, with {@code parity-percent}. */
    CorruptionData(Origin origin, int keys, int parityPercent, long seed) throws IOException {
        this.origin = origin;
        this.parityPercent = parityPercent;
        prng = new Prng(seed * 31 + origin.ordinal());
        try {
            node =
                    start(
                            disk,
                            clock,
                            prng.nextLong(),
                            origin.keepsLog(),
                            origin.keepsState(),
                            parityPercent);
            await(() -> !node.isLoading());
            session = new SimulatedSession(node.connect());
            if (keys == 0) {
                write();
            } else {
                writeMany(keys);
            }
        } finally {
            close();
        }
    }

    static SimulatedNode start(
            SimDisk on, SimClock clock, long seed, boolean keepsLog, boolean takesState)
            throws IOException {
        return start(on, clock, seed, keepsLog, takesState, 0);
    }

    private static SimulatedNode start(
            SimDisk on,
            SimClock clock,
            long seed,
            boolean keepsLog,
            boolean takesState,
            int parityPercent)
            throws IOException {
        return new SimulatedNode(
                SHARDS,
                seed,
                SimulatedNode.Bug.NONE,
                new SimulatedNode.Durable(
                        on,
                        clock,
                        new SimFaults(),
                        "always",
                        0,
                        keepsLog,
                        takesState,
                        1,
                        parityPercent));
    }

    // Making it.

    private interface Condition {
        boolean holds();
    }

    private void await(Condition condition) {
        long from = node.nanoTime();
        while (!condition.holds()) {
            node.step();
            if (node.nanoTime() - from > LIMIT_NANOS) {
                throw new IllegalStateException("does not come to an end: " + node);
            }
        }
    }

    private void rest(long nanos) {
        long from = node.nanoTime();
        await(() -> node.nanoTime() - from > nanos);
    }

    private Reply call(String... words) {
        session.send(List.<byte[][]>of(RespClient.bytes(words)));
        Reply[] reply = new Reply[1];
        await(() -> (reply[0] = session.next()) != null);
        if (reply[0].isError()) {
            throw new IllegalStateException(String.join(" ", words) + ": " + reply[0].show(200));
        }
        return reply[0];
    }

    /** No two are alike, and none can be squeezed. */
    private String value(int bytes) {
        StringBuilder text = new StringBuilder(bytes + 24);
        text.append('v').append(written++).append('.');
        while (text.length() < bytes) {
            text.append(Long.toString(prng.nextLong(), 36));
        }
        return text.toString();
    }

    private void set(String key, int bytes) {
        next();
        String value = value(bytes);
        changes(key, value);
        call("SET", key, value);
        expiring.remove(key);
    }

    /** Another command begins. */
    private void next() {
        commands++;
    }

    /** Null: it is gone. */
    private void changes(String key, String value) {
        int shard = shardOf(key);
        if (lastCommand[shard] != commands) {
            lastCommand[shard] = commands;
            before.keySet().removeIf(other -> shardOf(other) == shard);
        }
        before.put(key, values.get(key));
        if (value == null) {
            values.remove(key);
        } else {
            values.put(key, value);
            history.computeIfAbsent(key, k -> new HashSet<>()).add(value);
        }
    }

    private static int shardOf(String key) {
        byte[] bytes = key.getBytes(ISO_8859_1);
        long at = Memory.allocate(KEY_BYTES, MemoryTag.OTHER);
        Memory.copyIn(bytes, 0, at, bytes.length);
        int shard = SLOTS.shardOf(SlotTable.slotOf(at, bytes.length));
        Memory.free(at, KEY_BYTES, MemoryTag.OTHER);
        return shard;
    }

    private String anyKey() {
        List<String> keys = List.copyOf(values.keySet());
        return keys.get(prng.nextInt(keys.size()));
    }

    private void write() {
        // What will be cold: of all sizes.
        int large = 16 + prng.nextInt(24);
        for (int i = 0; i < large; i++) {
            set("large" + i, 1_000 + prng.nextInt(LARGE_BYTES));
        }
        set("paged", PAGED_BYTES);
        pipelineSmall("cold", 100 + prng.nextInt(300));
        goCold();
        if (origin == Origin.STATE_ALONE) {
            change(60);
            end();
            return;
        }
        save();
        change(100);
        goCold();
        change(60);
        save();
        if (origin != Origin.SNAPSHOT_ALONE) {
            // More than a segment of each log: one that was used before is used again.
            for (int i = 0; i < 50; i++) {
                set("late" + i % 7, LARGE_BYTES);
            }
            change(80);
        }
        end();
    }

    /** Nine of ten keys are cold when the snapshot is made; the others are in its image, or in the log behind it. */
    private void writeMany(int keys) {
        int cold = keys - keys / 10;
        for (int from = 0; from < cold; from += GO_COLD_EVERY) {
            pipeline("key", from, Math.min(cold, from + GO_COLD_EVERY), MANY_VALUE_BYTES);
            node.squeeze();
            rest(20_000_000);
        }
        goCold();
        pipeline("key", cold, keys - keys / 20, MANY_VALUE_BYTES);
        save();
        pipeline("key", keys - keys / 20, keys, MANY_VALUE_BYTES);
        // Newer values of cold keys.
        pipeline("key", 0, keys / 50, MANY_VALUE_BYTES);
        end();
    }

    private void pipelineSmall(String name, int count) {
        pipeline(name, 0, count, 120);
    }

    private void pipeline(String name, int first, int count, int mostBytes) {
        for (int from = first; from < count; from += READ_BATCH) {
            List<byte[][]> batch = new ArrayList<>();
            for (int i = from; i < Math.min(count, from + READ_BATCH); i++) {
                String value = value(8 + prng.nextInt(mostBytes));
                next();
                changes(name + i, value);
                expiring.remove(name + i);
                batch.add(RespClient.bytes("SET", name + i, value));
            }
            session.send(batch);
            int[] left = {batch.size()};
            await(
                    () -> {
                        while (session.next() != null) {
                            left[0]--;
                        }
                        return left[0] == 0;
                    });
        }
    }

    /** Sealed pages go to the disk as new ones are written behind them. */
    private void goCold() {
        for (int i = 0; i < 40; i++) {
            node.squeeze();
            set("fill" + fillers++ % FILLERS, LARGE_BYTES);
        }
        rest(20_000_000);
    }

    private void save() {
        long done = node.snapshots();
        call("BGSAVE");
        if (origin != Origin.SNAPSHOT_ALONE) {
            // Some of it happens meanwhile.
            change(8);
        }
        await(() -> node.snapshots() > done);
    }

    private void change(int count) {
        for (int i = 0; i < count; i++) {
            changeOne();
        }
    }

    private void changeOne() {
        String key = anyKey();
        next();
        switch (prng.nextInt(8)) {
            case 0, 1 -> set("small" + prng.nextInt(200), 8 + prng.nextInt(200));
            case 2 -> {
                changes(key, null);
                call("DEL", key);
                expiring.remove(key);
            }
            case 3 -> {
                String tail = value(20);
                changes(key, values.get(key) + tail);
                call("APPEND", key, tail);
            }
            case 4 -> {
                String part = value(10);
                call("SETRANGE", key, "3", part);
                String old = values.get(key);
                StringBuilder now = new StringBuilder(old);
                now.setLength(Math.max(old.length(), 3 + part.length()));
                now.replace(3, 3 + part.length(), part);
                changes(key, now.toString());
            }
            case 5 -> {
                // The same time again changes nothing, and nothing is logged.
                if (expiring.add(key)) {
                    changes(key, values.get(key));
                }
                call("PEXPIREAT", key, LATER_MS);
            }
            case 6 -> {
                // Over both shards: whole or absent.
                String one = "pair" + prng.nextInt(20) + "a";
                String other = "pair" + prng.nextInt(20) + "b";
                String value = value(40);
                changes(one, value);
                changes(other, value);
                call("MSET", one, value, other, value);
                expiring.remove(one);
                expiring.remove(other);
            }
            default -> set(key, 10 + prng.nextInt(3_000));
        }
    }

    private void end() {
        if (origin == Origin.LOG_KILLED) {
            return;
        }
        rest(parityPercent == 0 ? REST_NANOS : PARITY_NANOS);
        before.clear();
        if (origin.keepsState()) {
            node.stop();
        }
    }

    @Override
    public void close() {
        if (node != null) {
            node.close();
            node = null;
            disk.kill(prng);
        }
    }

    // Reading it back.

    /**
     * What a start on a directory led to.
     *
     * @param refusal why there was none; null: there was
     * @param failures what must not be
     * @param errors keys that were refused with an error
     * @param missing keys that are not there
     * @param older keys that hold what they held before, or are there again
     * @param log what the server said
     */
    record Served(
            String refusal,
            List<String> failures,
            List<String> errors,
            List<String> missing,
            List<String> older,
            String log) {
        boolean isAll() {
            return refusal == null
                    && failures.isEmpty()
                    && errors.isEmpty()
                    && missing.isEmpty()
                    && older.isEmpty();
        }
    }

    /**
     * Starts a server on the disk and reads every key.
     *
     * @param asBefore with the log and the state as the process before had them; else on what was recovered
     * @param mayLack whether the last command may be lost
     */
    Served serve(SimDisk on, long seed, boolean asBefore, boolean mayLack) {
        boolean keepsLog = !asBefore || origin.keepsLog();
        SimulatedNode started = null;
        try {
            started = start(on, new SimClock(), seed, keepsLog, asBefore && origin.keepsState());
            long from = started.nanoTime();
            while (started.isLoading()) {
                started.step();
                if (started.nanoTime() - from > LIMIT_NANOS) {
                    return failed(started, "does not get ready: " + started);
                }
            }
            return read(started, mayLack);
        } catch (ironcache.recovery.RecoveryException e) {
            return new Served(
                    String.valueOf(e.getMessage()),
                    List.of(),
                    List.of(),
                    List.of(),
                    List.of(),
                    started == null ? "" : started.log());
        } catch (IOException | RuntimeException | AssertionError e) {
            StringBuilder text = new StringBuilder("the start ended: " + e);
            for (int i = 0; i < Math.min(10, e.getStackTrace().length); i++) {
                text.append("\n    at ").append(e.getStackTrace()[i]);
            }
            return failed(started, text.toString());
        } finally {
            if (started != null) {
                started.close();
            }
        }
    }

    private static Served failed(SimulatedNode started, String what) {
        return new Served(
                null,
                List.of(what),
                List.of(),
                List.of(),
                List.of(),
                started == null ? "" : started.log());
    }

    /** Sends commands and gives their replies; null where these do not come. */
    interface Asker {
        List<Reply> ask(List<byte[][]> commands) throws IOException;
    }

    private Served read(SimulatedNode started, boolean mayLack) throws IOException {
        SimulatedSession reader = new SimulatedSession(started.connect());
        Served served = read(commands -> replies(started, reader, commands), mayLack);
        return new Served(
                null, served.failures, served.errors, served.missing, served.older, started.log());
    }

    /** Reads every key, and those that were deleted. */
    Served read(Asker asker, boolean mayLack) throws IOException {
        Served served =
                new Served(
                        null,
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>(),
                        "");
        // Those that were deleted too: they must not come back.
        Set<String> all = new TreeSet<>(history.keySet());
        List<String> keys = List.copyOf(all);
        long there = 0;
        for (int at = 0; at < keys.size(); at += READ_BATCH) {
            List<String> some = keys.subList(at, Math.min(keys.size(), at + READ_BATCH));
            List<byte[][]> commands = new ArrayList<>();
            for (String key : some) {
                commands.add(RespClient.bytes("GET", key));
                if (expiring.contains(key)) {
                    commands.add(RespClient.bytes("PEXPIRETIME", key));
                }
            }
            List<Reply> replies = asker.ask(commands);
            if (replies == null) {
                served.failures.add("no reply comes");
                return served;
            }
            int next = 0;
            for (String key : some) {
                Reply value = replies.get(next++);
                Reply expiry = expiring.contains(key) ? replies.get(next++) : null;
                there += value.isNull() ? 0 : 1;
                judge(key, value, expiry, mayLack, served);
            }
        }
        List<Reply> size = asker.ask(List.<byte[][]>of(RespClient.bytes("DBSIZE")));
        if (size == null) {
            served.failures.add("no reply comes");
        } else if (size.getFirst().integer() != there) {
            // What cannot be read is counted as well.
            served.failures.add("DBSIZE is " + size.getFirst().integer() + ", keys " + there);
        }
        return served;
    }

    private void judge(String key, Reply value, Reply expiry, boolean mayLack, Served served) {
        String expected = values.get(key);
        if (value.isError()) {
            if (value.text().contains("damaged")) {
                served.errors.add(key + ": " + value.text());
            } else {
                served.failures.add("GET " + key + ": " + value.show(200));
            }
        } else if (Objects.equals(value.text(), expected)) {
            if (expected != null
                    && expiry != null
                    && !expiry.isError()
                    && !Long.toString(expiry.integer()).equals(LATER_MS)
                    && !(mayLack && before.containsKey(key))) {
                served.older.add(key + " (its time)");
            }
        } else if (mayLack
                && before.containsKey(key)
                && Objects.equals(value.text(), before.get(key))) {
            // The last command was cut off.
        } else if (value.isNull()) {
            served.missing.add(key);
        } else if (history.get(key).contains(value.text())) {
            served.older.add(key);
        } else {
            served.failures.add(
                    "WRONG VALUE of "
                            + key
                            + ": "
                            + value.show(60)
                            + ", expected "
                            + Reply.escape(String.valueOf(expected).getBytes(ISO_8859_1), 60));
        }
    }

    private static List<Reply> replies(
            SimulatedNode started, SimulatedSession reader, List<byte[][]> commands) {
        reader.send(commands);
        List<Reply> replies = new ArrayList<>();
        long from = started.nanoTime();
        while (replies.size() < commands.size()) {
            Reply reply = reader.next();
            if (reply != null) {
                replies.add(reply);
                continue;
            }
            started.step();
            if (reader.isClosed() || started.nanoTime() - from > LIMIT_NANOS) {
                return null;
            }
        }
        return replies;
    }
}
