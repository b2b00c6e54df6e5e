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
import java.util.NavigableSet;
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

    /** No shard may lack a command. */
    static final int[] NOTHING = new int[SHARDS];

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
    private final Set<String> expiring = new HashSet<>();

    /** Where each key is. */
    private final Map<String, Integer> shards = new HashMap<>();

    /** What each key held at any time. */
    private final Map<String, Set<String>> history = new HashMap<>();

    /** What each command has changed, by shard and number of the command. */
    private final List<TreeMap<Integer, Map<String, State>>> undo = new ArrayList<>();

    /**
     * What a key holds.
     *
     * @param value null: it is not there
     */
    private record State(String value, boolean expires) {}

    private final int parityPercent;
    private final Prng prng;
    private final SimClock clock = new SimClock();
    private SimulatedNode node;
    private SimulatedSession session;
    private int written;
    private int fillers;
    private int commands;

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
        for (int shard = 0; shard < SHARDS; shard++) {
            undo.add(new TreeMap<>());
        }
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

    /** Null: it is gone. What becomes of its expiry is said afterwards. */
    private void changes(String key, String value) {
        undo.get(shardOf(key))
                .computeIfAbsent(commands, number -> new HashMap<>())
                .putIfAbsent(key, state(key));
        if (value == null) {
            values.remove(key);
        } else {
            values.put(key, value);
            history.computeIfAbsent(key, k -> new HashSet<>()).add(value);
        }
    }

    private State state(String key) {
        return new State(values.get(key), expiring.contains(key));
    }

    private int shardOf(String key) {
        return shards.computeIfAbsent(key, CorruptionData::shardOfNew);
    }

    private static int shardOfNew(String key) {
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
                if (!expiring.contains(key)) {
                    changes(key, values.get(key));
                    expiring.add(key);
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
     * @param mayLack how many of its last commands each shard may lack
     */
    Served serve(SimDisk on, long seed, boolean asBefore, int[] mayLack) {
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

    private Served read(SimulatedNode started, int[] mayLack) throws IOException {
        SimulatedSession reader = new SimulatedSession(started.connect());
        Served served = read(commands -> replies(started, reader, commands), mayLack);
        return new Served(
                null, served.failures, served.errors, served.missing, served.older, started.log());
    }

    /**
     * Reads every key, and those that were deleted.
     *
     * @param mayLack how many of its last commands each shard may lack
     */
    Served read(Asker asker, int[] mayLack) throws IOException {
        Served served =
                new Served(
                        null,
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>(),
                        new ArrayList<>(),
                        "");
        // Those that were deleted too: they must not come back.
        Map<String, State> found = new TreeMap<>();
        List<String> keys = List.copyOf(new TreeSet<>(history.keySet()));
        long there = 0;
        for (int at = 0; at < keys.size(); at += READ_BATCH) {
            List<String> some = keys.subList(at, Math.min(keys.size(), at + READ_BATCH));
            List<byte[][]> commands = new ArrayList<>();
            for (String key : some) {
                commands.add(RespClient.bytes("GET", key));
                commands.add(RespClient.bytes("PEXPIRETIME", key));
            }
            List<Reply> replies = asker.ask(commands);
            if (replies == null) {
                served.failures.add("no reply comes");
                return served;
            }
            for (int i = 0; i < some.size(); i++) {
                Reply value = replies.get(2 * i);
                there += value.isNull() ? 0 : 1;
                note(some.get(i), value, replies.get(2 * i + 1), found, served);
            }
        }
        List<Reply> size = asker.ask(List.<byte[][]>of(RespClient.bytes("DBSIZE")));
        if (size == null) {
            served.failures.add("no reply comes");
        } else if (size.getFirst().integer() != there) {
            // What cannot be read is counted as well.
            served.failures.add("DBSIZE is " + size.getFirst().integer() + ", keys " + there);
        }
        judge(found, mayLack, served);
        return served;
    }

    private static void note(
            String key, Reply value, Reply expiry, Map<String, State> found, Served served) {
        if (!value.isError() && !expiry.isError()) {
            boolean expires = expiry.integer() >= 0;
            found.put(key, new State(value.text(), expires));
            if (expires && !Long.toString(expiry.integer()).equals(LATER_MS)) {
                served.failures.add("PEXPIRETIME " + key + ": " + expiry.show(200));
            }
            return;
        }
        Reply error = value.isError() ? value : expiry;
        if (error.text().contains("damaged")) {
            served.errors.add(key + ": " + error.text());
        } else {
            served.failures.add("reading " + key + ": " + error.show(200));
        }
    }

    // What is found has to be what was there after one of the last commands that may be lacking.

    private void judge(Map<String, State> found, int[] mayLack, Served served) {
        int[] lacks = new int[SHARDS];
        int cutAt = commands + 1;
        for (int shard = 0; shard < SHARDS; shard++) {
            lacks[shard] = lacks(shard, mayLack[shard], found);
            cutAt = Math.min(cutAt, firstSharedIn(lastCommands(shard, lacks[shard])));
        }
        // What one shard lacks of a command over both, the other lacks with all that followed.
        for (int shard = 0; shard < SHARDS && cutAt <= commands; shard++) {
            int behind = undo.get(shard).tailMap(cutAt, true).size();
            lacks[shard] = lacks(shard, Math.max(mayLack[shard], behind), found);
            if (lacks[shard] < behind) {
                served.failures.add("half of command " + cutAt + " over both shards is there");
            }
        }
        for (int shard = 0; shard < SHARDS; shard++) {
            report(found, expected(shard, lacks[shard]), served);
        }
    }

    /** Numbers of the last commands of a shard that changed something. */
    private NavigableSet<Integer> lastCommands(int shard, int count) {
        NavigableSet<Integer> last = new TreeSet<>();
        for (int number : undo.get(shard).descendingKeySet()) {
            if (last.size() == count) {
                break;
            }
            last.add(number);
        }
        return last;
    }

    /** The first command that changed both shards, or a number beyond all. */
    private int firstSharedIn(NavigableSet<Integer> numbers) {
        for (int number : numbers) {
            if (undo.stream().allMatch(one -> one.containsKey(number))) {
                return number;
            }
        }
        return commands + 1;
    }

    /** How many of its last commands a shard lacks: with which fewest keys are wrong. */
    private int lacks(int shard, int most, Map<String, State> found) {
        int best = 0;
        int fewest = Integer.MAX_VALUE;
        for (int count = 0; count <= Math.min(most, undo.get(shard).size()); count++) {
            Map<String, State> expected = expected(shard, count);
            int wrong = 0;
            for (Map.Entry<String, State> one : expected.entrySet()) {
                State there = found.get(one.getKey());
                wrong += there == null || there.equals(one.getValue()) ? 0 : 1;
            }
            if (wrong < fewest) {
                fewest = wrong;
                best = count;
            }
        }
        return best;
    }

    /** What the keys of a shard held before its last commands. */
    private Map<String, State> expected(int shard, int without) {
        Map<String, State> expected = new TreeMap<>();
        for (String key : history.keySet()) {
            if (shardOf(key) == shard) {
                expected.put(key, state(key));
            }
        }
        for (int number : lastCommands(shard, without).descendingSet()) {
            expected.putAll(undo.get(shard).get(number));
        }
        return expected;
    }

    private void report(Map<String, State> found, Map<String, State> expected, Served served) {
        expected.forEach(
                (key, state) -> {
                    State there = found.get(key);
                    if (there == null || there.equals(state)) {
                        return;
                    }
                    if (Objects.equals(there.value, state.value)) {
                        served.older.add(key + " (its time)");
                    } else if (there.value == null) {
                        served.missing.add(key);
                    } else if (history.get(key).contains(there.value)) {
                        served.older.add(key);
                    } else {
                        served.failures.add(
                                "WRONG VALUE of "
                                        + key
                                        + ": "
                                        + shown(there.value)
                                        + ", expected "
                                        + shown(state.value));
                    }
                });
    }

    private static String shown(String value) {
        return Reply.escape(String.valueOf(value).getBytes(ISO_8859_1), 60);
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
