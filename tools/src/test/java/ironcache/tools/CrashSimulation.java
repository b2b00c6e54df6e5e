package ironcache.tools;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimFaults;
import ironcache.resp.SimulatedNode;
import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashChecker.Prefix;
import ironcache.tools.CrashChecker.Rules;
import ironcache.tools.CrashChecker.Seen;
import ironcache.tools.CrashChecker.Verdict;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * One seed of the whole server on a disk that loses what it may lose: shards, logs, snapshots and recovery as they are ({@link SimulatedNode}), clients that write, crashes at calls of
 * the disk that the seed chooses, and {@link CrashChecker}, which says what has to be there afterwards. Owned by one thread.
 */
class CrashSimulation {
    /** What is wrong on purpose. */
    enum Bug {
        NONE,
        /** Syncs of files do nothing. */
        IGNORED_SYNC,
        /** Syncs of directories do nothing. */
        IGNORED_DIRECTORY_SYNC,
        /** Renames are durable before what is in the file. */
        REORDERED_RENAME,
        /** Replies do not wait for the log. */
        EARLY_REPLIES
    }

    /**
     * What one seed led to.
     *
     * @param failures what no server should do, and what should have been there and was not, each with its crash
     * @param traceHash of all that happened
     * @param restored snapshots that were restored, and those of them of which it was known what they had to show
     * @param calls of the disk
     */
    record Outcome(
            List<String> failures,
            long traceHash,
            int sent,
            int acknowledged,
            int refused,
            int lost,
            int crashes,
            int crashesInRecovery,
            long snapshots,
            int restored,
            int restoredExactly,
            long coldReads,
            long calls) {
        boolean clean() {
            return failures.isEmpty();
        }
    }

    private static final long MIB = 1L << 20;
    private static final long DISK_BYTES = 8192 * MIB;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** Nobody waits so long. */
    private static final long MOST_WAIT_NANOS = 30 * NANOS_PER_SECOND;

    private static final int MOST_LOG_SHOWN = 4000;
    private static final int MOST_SHARDS = 4;
    private static final int CLIENTS = 3;
    private static final int KEYS_PER_CLIENT = 24;
    private static final int GROUPS = 4;
    private static Consumer<String> diskLog;

    /** {@code -Dironcache.parity=5}: with parity, as one more thread that uses the disk. */
    private static final int PARITY_PERCENT = Integer.getInteger("ironcache.parity", 0);

    private static final int PIPELINE = 4;
    private static final int READ_BATCH = 16;
    private static final int MOST_CRASHES_IN_RECOVERY = 3;
    private static final int SWITCHES_ONE_IN = 4;

    /** The server reads its clock once a turn. */
    static final long CLOCK_SLACK_MS = 20;

    /** Of {@code everysec}: a sync takes its time. */
    private static final long SLACK_NANOS = 100_000_000;

    /**
     * What the server has to do.
     *
     * @param thinkNanosMax between a client's operations
     * @param squeezeChance how often a shard's memory is squeezed, so that it evicts
     * @param saves there are snapshots
     */
    record Load(long thinkNanosMax, double squeezeChance, boolean saves) {
        static Load drawn(Prng prng, Policy policy) {
            return new Load(
                    policy == Policy.EVERYSEC
                            ? new long[] {20_000_000, 200_000_000}[prng.nextInt(2)]
                            : new long[] {0, 200_000, 5_000_000}[prng.nextInt(3)],
                    new double[] {0, 0, 0.001, 0.005}[prng.nextInt(4)],
                    prng.nextInt(3) > 0);
        }
    }

    /** An end of a connection that sends operations and waits for their replies. */
    final class Player {
        private final CrashClient writer;
        private final CrashDatabases databases;
        private SimulatedSession session;
        private List<CrashOp> batch = List.of();
        private int at;
        private int repliesLeft;
        private long dueNanos;
        private long sinceNanos;

        /** Its connection was closed: what became of its last operations is not known. */
        private boolean ended;

        /** Nothing that it sent waits for a reply, or for ever. */
        boolean isQuiet() {
            return ended || at >= batch.size();
        }

        boolean wasCutOff() {
            return ended;
        }

        Player(CrashClient writer, CrashDatabases databases) {
            this.writer = writer;
            this.databases = databases;
        }

        void step() throws IOException {
            if (ended) {
                return;
            }
            if (at < batch.size()) {
                receive();
            } else if (!resting && node.nanoTime() >= dueNanos) {
                send();
            }
        }

        private void send() throws IOException {
            if (session == null) {
                session = new SimulatedSession(node.connect());
            }
            batch = writer != null ? writer.next() : List.of(databases.next());
            List<byte[][]> commands = new ArrayList<>();
            for (CrashOp op : batch) {
                op.encode(commands);
                op.sentMs = clock.currentTimeMillis();
                op.sentNs = clock.nanoTime();
                ops.add(op);
            }
            at = 0;
            repliesLeft = batch.getFirst().replies();
            sinceNanos = clock.nanoTime();
            session.send(commands);
        }

        private void receive() {
            for (Reply reply = session.next(); reply != null; reply = session.next()) {
                sinceNanos = clock.nanoTime();
                repliesHash = Prng.mix(repliesHash ^ Prng.mix(reply.hashCode()));
                if (--repliesLeft > 0) {
                    continue;
                }
                CrashOp op = batch.get(at);
                op.reply = reply;
                op.ackedNs = clock.nanoTime();
                op.ackedMs = clock.currentTimeMillis();
                at++;
                if (at == batch.size()) {
                    answered();
                    return;
                }
                repliesLeft = batch.get(at).replies();
            }
            if (session.isClosed()) {
                ended = true;
                if (!mayFail) {
                    fail("the server closed a connection that waited for " + batch.get(at));
                }
            } else if (clock.nanoTime() - sinceNanos > MOST_WAIT_NANOS) {
                ended = true;
                fail("no reply comes to " + batch.get(at) + ": " + node);
            }
        }

        private void answered() {
            if (writer != null) {
                writer.answered();
            }
            long most = load.thinkNanosMax;
            dueNanos = clock.nanoTime() + (most == 0 ? 0 : prng.nextLong(most));
        }

        void end() {
            if (writer != null) {
                writer.answered();
            }
        }
    }

    final Prng prng;
    final int shards;
    final Policy policy;
    private final Bug bug;
    private final KeptSnapshots snapshotsKept;
    final Rules rules;
    final SimClock clock = new SimClock();
    final SimDisk disk = new SimDisk(DISK_BYTES);
    private final SimFaults faults = new SimFaults();
    private final CrashKeys keys = new CrashKeys(CLIENTS, KEYS_PER_CLIENT, GROUPS);
    private final List<String> names = keys.all();
    private final Load load;

    /** The power stays on, and the process ends in good order. */
    private final boolean calm;

    /** The log is switched on and off, at the start and while clients write. */
    private final boolean switches;

    /** {@code appendonly} at the start. */
    private boolean startsWithLog = true;

    /** In this cycle not all was logged. */
    private boolean unlogged;

    final List<String> failures = new ArrayList<>();

    SimulatedNode node;
    Map<String, CrashState> base = new HashMap<>();

    // Of the cycle.
    private int cycle;
    List<CrashOp> ops = new ArrayList<>();

    /** Nothing new is sent. */
    boolean resting;

    /** The disk may fail, and so may operations. */
    boolean mayFail;

    // Of all.
    private long traceHash;
    private long repliesHash;
    int sent;
    int acknowledged;
    int refused;
    int lost;
    int crashes;
    private int crashesInRecovery;
    long snapshots;
    long coldReads;

    static {
        // The first servers of a process leave constants behind.
        for (long seed = 1; seed <= 2; seed++) {
            Outcome _ = play(seed, 2, Policy.ALWAYS, Bug.NONE);
        }
    }

    /** Tells what is done to the disk. */
    static void setDiskLog(Consumer<String> newLog) {
        diskLog = newLog;
    }

    /**
     * @param shards 0: 1 to 4, as the seed says
     * @param load null: as the seed says
     */
    CrashSimulation(long seed, int shards, Policy policy, Bug bug, Load load) {
        this(seed, shards, policy, bug, load, 1);
    }

    private CrashSimulation(
            long seed, int shards, Policy policy, Bug bug, Load load, int snapshotsKept) {
        this.snapshotsKept = new KeptSnapshots(this, snapshotsKept);
        prng = new Prng(seed);
        this.shards = shards > 0 ? shards : 1 + prng.nextInt(MOST_SHARDS);
        this.policy = policy;
        this.bug = bug;
        rules =
                new Rules(
                        policy,
                        SLACK_NANOS,
                        CLOCK_SLACK_MS,
                        policy == Policy.ALWAYS ? Prefix.ALL : Prefix.SLOT);
        this.load = load != null ? load : Load.drawn(prng, policy);
        calm = prng.nextInt(12) == 0;
        switches = new Prng(~seed ^ 0x5317).nextInt(SWITCHES_ONE_IN) == 0;
        names.addAll(CrashDatabases.all());
        disk.setLog(diskLog);
        faults.ignoreSync = bug == Bug.IGNORED_SYNC;
        faults.ignoreDirectorySync = bug == Bug.IGNORED_DIRECTORY_SYNC;
        faults.reorderedRename = bug == Bug.REORDERED_RENAME;
    }

    private static Map<MemoryTag, Long> offHeapBytes() {
        Map<MemoryTag, Long> bytes = new EnumMap<>(MemoryTag.class);
        for (MemoryTag tag : MemoryTag.values()) {
            bytes.put(tag, tag.bytes());
        }
        return bytes;
    }

    /**
     * Several cycles of writing and crashing.
     *
     * @param shards 0: as the seed says
     * @param policy null: as the seed says
     */
    static Outcome play(long seed, int shards, Policy policy, Bug bug) {
        return play(seed, shards, policy, bug, 1);
    }

    /**
     * As above.
     *
     * @param snapshotsKept with several, one is made behind each start, and each that is kept is restored after each crash
     */
    static Outcome play(long seed, int shards, Policy policy, Bug bug, int snapshotsKept) {
        Policy chosen =
                policy != null
                        ? policy
                        : new Prng(~seed).nextInt(3) == 0 ? Policy.EVERYSEC : Policy.ALWAYS;
        Map<MemoryTag, Long> bytes = offHeapBytes();
        CrashSimulation one = new CrashSimulation(seed, shards, chosen, bug, null, snapshotsKept);
        try {
            one.play(2 + one.prng.nextInt(3));
            if (one.calm && one.failures.isEmpty()) {
                one.stop();
            }
        } catch (IOException | RuntimeException | Error e) {
            one.fail("the simulation ended", e);
        } finally {
            one.close();
        }
        bytes.forEach(
                (tag, before) -> {
                    // A thread that a crash met in the middle of a command has its memory.
                    if (one.calm && tag.bytes() != before) {
                        one.fail(
                                "memory that nobody gave back, %s: %d bytes"
                                        .formatted(tag, tag.bytes() - before));
                    }
                });
        return one.outcome();
    }

    private Outcome outcome() {
        return new Outcome(
                failures,
                Prng.mix(traceHash ^ Prng.mix(disk.traceHash()) ^ repliesHash),
                sent,
                acknowledged,
                refused,
                lost,
                crashes,
                crashesInRecovery,
                snapshots,
                snapshotsKept.restored(),
                snapshotsKept.restoredExactly(),
                coldReads,
                disk.calls());
    }

    final void fail(String what) {
        failures.add("cycle " + cycle + ": " + what);
    }

    final void fail(String what, Throwable e) {
        StringBuilder text = new StringBuilder(what + ": " + e);
        StackTraceElement[] stack = e.getStackTrace();
        for (int i = 0; i < Math.min(8, stack.length); i++) {
            text.append("\n    at ").append(stack[i]);
        }
        fail(text.toString());
    }

    // Cycles.

    private void play(int cycles) throws IOException {
        if (!start()) {
            return;
        }
        for (cycle = 1; cycle <= cycles && failures.isEmpty(); cycle++) {
            boolean orderly = write();
            if (!failures.isEmpty()) {
                return;
            }
            long killedNs = clock.nanoTime();
            long killedMs = clock.currentTimeMillis();
            crash();
            if (snapshotsKept.areSeveral()) {
                snapshotsKept.restoreAll();
            }
            if (!recover()) {
                return;
            }
            judge(rulesNow(orderly), killedNs, killedMs);
            if (snapshotsKept.areSeveral() && failures.isEmpty()) {
                snapshotsKept.make();
            }
        }
    }

    private Rules rulesNow(boolean orderly) {
        if (unlogged) {
            return new Rules(Policy.NONE, SLACK_NANOS, CLOCK_SLACK_MS, Prefix.SLOT);
        }
        return orderly ? rules.with(Policy.ALWAYS) : rules;
    }

    /** Clients write until the power fails, or the process is to end. @return whether it ended in good order */
    private boolean write() throws IOException {
        List<Player> players = players();
        ops = new ArrayList<>();
        int mostOps = 60 + prng.nextInt(300);
        long before = disk.calls();
        if (!calm) {
            disk.crashAt(before + 1 + prng.nextInt(400), moment());
        }
        long saveAt = load.saves ? before + prng.nextInt(200) : Long.MAX_VALUE;
        resting = false;
        long switchAt =
                switches && prng.nextInt(2) == 0 ? before + prng.nextInt(200) : Long.MAX_VALUE;
        unlogged = !startsWithLog && (prng.nextInt(2) == 0 || !switchOn());
        while (!disk.isDead() && failures.isEmpty() && ops.size() < mostOps) {
            step(players);
            if (disk.calls() >= switchAt && !disk.isDead()) {
                switchLog();
                switchAt = disk.calls() + 20 + prng.nextInt(100);
            }
            if (disk.calls() >= saveAt && !disk.isDead()) {
                save();
                saveAt = disk.calls() + 50 + prng.nextInt(200);
                if (!calm && prng.nextInt(2) == 0) {
                    disk.crashAt(disk.calls() + 1 + prng.nextInt(80), moment());
                }
            }
        }
        players.forEach(Player::end);
        if (disk.isDead() || !failures.isEmpty() || !calm && prng.nextInt(3) > 0) {
            return false;
        }
        disk.crashAt(-1, SimDisk.Moment.BEFORE);
        return stop();
    }

    private void switchLog() throws IOException {
        unlogged = true;
        ask(
                new SimulatedSession(node.connect()),
                "CONFIG",
                "SET",
                "appendonly",
                prng.nextInt(2) == 0 ? "yes" : "no");
        unlogged = prng.nextInt(2) == 0 || !switchOn();
    }

    /** Has the log kept from now on, and waits until it is: then all is durable that was acknowledged before, too. @return false: the power failed before */
    private boolean switchOn() throws IOException {
        SimulatedSession session = new SimulatedSession(node.connect());
        ask(session, "CONFIG", "SET", "appendonly", "yes");
        long from = clock.nanoTime();
        while (!disk.isDead() && failures.isEmpty()) {
            String info = ask(session, "INFO", "persistence");
            if (clock.nanoTime() - from > MOST_WAIT_NANOS) {
                fail("the log is not kept: " + info);
            }
            if (info.contains("aof_rewrite_in_progress:0")
                    && info.contains("aof_rewrite_scheduled:0")) {
                return true;
            }
        }
        return false;
    }

    /** @return the reply; empty where the power failed before */
    private String ask(SimulatedSession session, String... command) {
        session.send(List.<byte[][]>of(RespClient.bytes(command)));
        while (!disk.isDead() && failures.isEmpty()) {
            Reply reply = session.next();
            if (reply != null) {
                if (reply.isError()) {
                    fail(String.join(" ", command) + " got " + reply.show(200));
                }
                return String.valueOf(reply.text());
            }
            step();
        }
        return "";
    }

    private SimDisk.Moment moment() {
        return prng.nextInt(2) == 0 ? SimDisk.Moment.BEFORE : SimDisk.Moment.AFTER;
    }

    final List<Player> players() {
        List<Player> players = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            int pipeline = i == CLIENTS - 1 ? PIPELINE : 1;
            players.add(
                    new Player(
                            new CrashClient(
                                    i,
                                    cycle,
                                    keys,
                                    pipeline,
                                    prng.nextLong(),
                                    clock::currentTimeMillis),
                            null));
        }
        players.add(new Player(null, new CrashDatabases(CLIENTS, cycle, prng.nextLong())));
        return players;
    }

    final void step(List<Player> players) throws IOException {
        step();
        if (!disk.isDead()) {
            for (Player player : players) {
                player.step();
            }
        }
    }

    /** One thread of the server goes on. What it throws when the power has failed is of no interest. */
    final void step() {
        try {
            node.step();
        } catch (RuntimeException | Error e) {
            if (!disk.isDead()) {
                onEnded(e);
            }
        }
    }

    /** The server has ended by itself. */
    void onEnded(Throwable e) {
        fail("the server ended", e);
    }

    private void save() throws IOException {
        save("BGSAVE");
    }

    final void save(String command) throws IOException {
        // Whoever asks: it is not waited for.
        SimulatedSession session = new SimulatedSession(node.connect());
        session.send(List.<byte[][]>of(RespClient.bytes(command)));
    }

    /** Asks the process to end, and waits for that. @return whether it did so before the power failed */
    final boolean stop() {
        try {
            node.stop();
            return true;
        } catch (RuntimeException | Error e) {
            if (!disk.isDead()) {
                fail("the server did not end in good order", e);
            }
            return false;
        }
    }

    /** The power fails, or the process is killed. Then some time passes. */
    private void crash() {
        crash(prng, prng.nextInt(8) == 0);
        if (prng.nextInt(3) == 0) {
            clock.advance(prng.nextLong(20 * NANOS_PER_SECOND));
        }
    }

    /** @param kill the power stays on */
    final void crash(Prng chance, boolean kill) {
        crashes++;
        if (diskLog != null) {
            diskLog.accept(
                    "crash " + crashes + " in cycle " + cycle + " at " + clock.nanoTime() + " ns");
        }
        if (kill) {
            disk.kill(chance);
        } else {
            disk.crash(chance);
        }
        close();
    }

    /** Starts on what the crash left; that may crash too. @return whether it serves */
    private boolean recover() throws IOException {
        for (int i = 0; !calm && i < MOST_CRASHES_IN_RECOVERY && prng.nextInt(3) == 0; i++) {
            disk.crashAt(disk.calls() + 1 + prng.nextInt(8 * shards), moment());
            boolean served = start();
            if (!failures.isEmpty()) {
                return false;
            }
            if (served) {
                disk.crashAt(-1, SimDisk.Moment.BEFORE);
                return true;
            }
            crashesInRecovery++;
            crash();
        }
        return start();
    }

    /** @return whether it serves; false where the power failed, or something was wrong */
    final boolean start() throws IOException {
        startsWithLog = !switches || prng.nextInt(2) == 0;
        try {
            node =
                    new SimulatedNode(
                            shards,
                            prng.nextLong(),
                            bug == Bug.EARLY_REPLIES
                                    ? SimulatedNode.Bug.EARLY_REPLIES
                                    : SimulatedNode.Bug.NONE,
                            new SimulatedNode.Durable(
                                    disk,
                                    clock,
                                    faults,
                                    policy.name().toLowerCase(Locale.ROOT),
                                    load.squeezeChance,
                                    startsWithLog,
                                    false,
                                    snapshotsKept.number(),
                                    PARITY_PERCENT));
        } catch (IOException | RuntimeException | Error e) {
            if (!disk.isDead()) {
                onNotStarted(e);
            }
            return false;
        }
        long from = clock.nanoTime();
        while (isUp() && node.isLoading() && !disk.isDead() && failures.isEmpty()) {
            step();
            if (clock.nanoTime() - from > MOST_WAIT_NANOS) {
                fail("the server does not get ready: " + node);
            }
        }
        return isUp() && !disk.isDead() && failures.isEmpty();
    }

    /** Whether the server has not ended by itself. */
    boolean isUp() {
        return true;
    }

    /** The server could not be made. */
    void onNotStarted(Throwable e) {
        fail("the server does not start", e);
    }

    final void close() {
        if (node != null) {
            if (!failures.isEmpty() && !node.log().isEmpty()) {
                String log = node.log();
                failures.add(
                        "the server's log:\n"
                                + log.substring(Math.max(0, log.length() - MOST_LOG_SHOWN)));
            }
            traceHash = Prng.mix(traceHash ^ node.traceHash());
            snapshots += node.snapshots();
            coldReads += node.coldReads();
            node.close();
            node = null;
        }
    }

    // Afterwards.

    /** Whether clients may have been cut off before they were told that an operation was refused. */
    boolean mayRefuse() {
        return false;
    }

    final void judge(Rules now, long killedNs, long killedMs) throws IOException {
        CrashChecker checker = new CrashChecker(now, base, ops, killedNs, killedMs);
        Map<String, Seen> found = read();
        if (found == null) {
            return;
        }
        checker = mayRefuse() ? checker.withoutRefused(found) : checker;
        Verdict verdict = checker.judge(found);
        verdict.violations().forEach(violation -> fail(violation.toString()));
        sent += verdict.sent();
        acknowledged += verdict.acknowledged();
        refused += verdict.refused();
        lost += verdict.lost();
        base = CrashChecker.base(found);
        checkKeyspaces(checker, found);
    }

    /** Whether a reply says that the disk has lost what it read, and that may be. */
    boolean mayBeDamaged(Reply reply) {
        return false;
    }

    /** What is there, but for what {@link #mayBeDamaged}. */
    final Map<String, Seen> read() throws IOException {
        Map<String, Seen> found = new LinkedHashMap<>();
        SimulatedSession session = new SimulatedSession(node.connect());
        for (int database = 0; database <= 2; database++) {
            call(session, RespClient.bytes("SELECT", Integer.toString(database)));
            List<String> here = namesOf(database);
            for (int from = 0; from < here.size(); from += READ_BATCH) {
                List<String> some = here.subList(from, Math.min(here.size(), from + READ_BATCH));
                List<byte[][]> commands = new ArrayList<>();
                for (String name : some) {
                    String key = database == 0 ? name : name.substring(name.indexOf('/') + 1);
                    commands.addAll(CrashCollections.read(name, key));
                }
                long fromMs = clock.currentTimeMillis();
                List<Reply> replies = call(session, commands);
                if (replies == null) {
                    return null;
                }
                for (int i = 0; i < some.size(); i++) {
                    int first = i * CrashCollections.READS;
                    List<Reply> its = replies.subList(first, first + CrashCollections.READS);
                    if (its.stream().anyMatch(this::mayBeDamaged)) {
                        continue;
                    }
                    String name = some.get(i);
                    if (!CrashCollections.isRead(name, its)) {
                        fail("reading " + name + " got " + its);
                        return null;
                    }
                    long untilMs = clock.currentTimeMillis();
                    found.put(name, CrashCollections.seen(name, its, fromMs, untilMs));
                }
            }
        }
        return found;
    }

    private List<String> namesOf(int database) {
        return database == 0
                ? names.stream().filter(name -> name.indexOf('/') < 0).toList()
                : CrashDatabases.all(database);
    }

    /** What lists and counts keys agrees with what is there. */
    private void checkKeyspaces(CrashChecker checker, Map<String, Seen> found) throws IOException {
        SimulatedSession session = new SimulatedSession(node.connect());
        for (int database = 0; database <= 2; database++) {
            List<Reply> replies =
                    call(
                            session,
                            List.of(
                                    RespClient.bytes("SELECT", Integer.toString(database)),
                                    RespClient.bytes("DBSIZE"),
                                    RespClient.bytes("KEYS", "*"),
                                    RespClient.bytes("DEBUG", "CHECK")));
            if (replies == null) {
                return;
            }
            Set<String> listed = new TreeSet<>();
            for (Reply key : replies.get(2).elements()) {
                String name = database == 0 ? key.text() : database + "/" + key.text();
                if (!listed.add(name)) {
                    fail("KEYS lists " + name + " twice");
                }
            }
            // Keys whose time may be over at any moment are there or not.
            int sure = 0;
            int unsure = 0;
            for (String name : namesOf(database)) {
                Seen seen = found.get(name);
                boolean fleeting =
                        seen.expiresMs() != -1 && seen.value() != null
                                || checker.candidates(name).stream().anyMatch(CrashState::expires);
                if (fleeting) {
                    unsure++;
                    listed.remove(name);
                } else if (seen.value() != null) {
                    sure++;
                    if (!listed.remove(name)) {
                        fail("KEYS does not list " + name + ", which is there");
                    }
                }
            }
            if (!listed.isEmpty()) {
                fail("KEYS lists " + listed + ", which are not there");
            }
            long size = replies.get(1).integer();
            if (size < sure || size > sure + unsure) {
                fail(
                        "DBSIZE of database %d is %d, and there are %d to %d keys"
                                .formatted(database, size, sure, sure + unsure));
            }
            if (replies.get(3).isError()) {
                fail("DEBUG CHECK: " + replies.get(3).text());
            }
        }
    }

    private void call(SimulatedSession session, byte[][] command) {
        call(session, List.<byte[][]>of(command));
    }

    /** Returns null where there was a failure. */
    final List<Reply> call(SimulatedSession session, List<byte[][]> commands) {
        List<Reply> replies = callUnlessCutOff(session, commands);
        if (replies.size() < commands.size() && failures.isEmpty()) {
            failWithoutReply(commands.get(replies.size()), ": the connection was closed");
        }
        return failures.isEmpty() ? replies : null;
    }

    /** Returns fewer replies than commands where the server closes the connection, or there was a failure. */
    final List<Reply> callUnlessCutOff(SimulatedSession session, List<byte[][]> commands) {
        List<Reply> replies = new ArrayList<>();
        session.send(commands);
        long from = clock.nanoTime();
        while (replies.size() < commands.size() && failures.isEmpty()) {
            Reply reply = session.next();
            if (reply != null) {
                repliesHash = Prng.mix(repliesHash ^ Prng.mix(reply.hashCode()));
                replies.add(reply);
                continue;
            }
            step();
            if (session.isClosed()) {
                break;
            }
            if (clock.nanoTime() - from > MOST_WAIT_NANOS) {
                failWithoutReply(commands.get(replies.size()), "");
            }
        }
        return replies;
    }

    private void failWithoutReply(byte[][] command, String why) {
        fail("no reply to " + Reply.escape(command[0], 20) + why);
    }
}
