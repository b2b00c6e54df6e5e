package ironcache.tools;

import ironcache.ffm.Prng;
import ironcache.ffm.SimDisk.Failure;
import ironcache.ffm.SimDisk.Moment;
import ironcache.recovery.RecoveryException;
import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashChecker.Seen;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A run that is the same each time, up to one call of the disk, at which the power fails or the call does: a start, operations with snapshots and keys that go cold
 * among them, an end in good order, and another start. What follows is a crash where there was none, and a start that has to find all that was acknowledged.
 * Owned by one thread.
 */
final class CallSimulation extends CrashSimulation {
    /**
     * What the run is to meet.
     *
     * @param call of the disk, counted from 1; 0: nothing happens
     * @param crash when the power fails, or null
     * @param failure how the call fails, or null
     * @param lasts so do all that follow, until the operations are done
     */
    record Event(long call, Moment crash, Failure failure, boolean lasts) {
        static final Event NONE = new Event(0, null, null, false);
    }

    /** What a failing call led to, as far as anybody sees. */
    enum Effect {
        /** The server said why it does not start, and did so when the fault was gone. */
        START_REFUSED,
        SNAPSHOT_FAILED,
        /** Write commands got errors. */
        WRITES_REFUSED,
        /** And go on getting them, though the fault is gone. */
        FOR_GOOD,
        /** Connections were closed whose replies waited. */
        CUT_OFF,
        /** Snapshots go on failing, though the fault is gone. */
        NO_MORE_SNAPSHOTS,
        /** Reads of keys on the SSD say that a block is damaged, until a restart. */
        BLOCKS_LOST
    }

    /**
     * @param calls what each call of the disk was, where nothing happened; else empty
     * @param effects of the failure
     */
    record Result(
            List<String> failures,
            List<String> calls,
            Set<Effect> effects,
            int sent,
            int acknowledged,
            int refused,
            int lost,
            long snapshots,
            long coldReads) {}

    private static final int[] SAVE_AT = {200, 450, 800};

    /** After a call failed: so many operations are enough to see what comes of it. */
    private static final int OPERATIONS_AFTERWARDS = 150;

    /** What was refused is tried again within this time. */
    private static final long CLEARS_WITHIN_NANOS = 3_000_000_000L;

    private static final long LASTS_NANOS = 5_000_000_000L;
    private static final long SNAPSHOT_WITHIN_NANOS = 10_000_000_000L;
    private static final int MOST_LOG_BYTES = 64 << 10;
    private static final int PROBES = 16;
    private static final String PROBE_DATABASE = "5";

    private final Event event;
    private final int operations;
    private final long seed;
    private final List<String> calls = new ArrayList<>();
    private final Set<Effect> effects = EnumSet.noneOf(Effect.class);

    /** Why the server ended by itself, which it may while it starts. */
    private String refusal;

    private long failedNs = Long.MAX_VALUE;

    /** The server met the failure while it served, and went on when it was over. */
    private boolean wentOn;

    private CallSimulation(
            long seed, int shards, Policy policy, Bug bug, int operations, Event event) {
        super(seed, shards, policy, bug, load(policy));
        this.seed = seed;
        this.operations = operations;
        this.event = event;
        mayFail = event.failure != null;
        disk.setObserver(
                (call, moment) -> {
                    if (call == event.call && moment == Moment.BEFORE) {
                        failedNs = clock.nanoTime();
                    }
                });
        if (event.crash != null) {
            disk.crashAt(event.call, event.crash);
        } else if (event.failure != null && event.lasts) {
            disk.failFrom(event.call, event.failure);
        } else if (event.failure != null) {
            disk.failAt(event.call, event.failure);
        } else {
            disk.setLog(line -> calls.add(kind(line)));
        }
    }

    private static Load load(Policy policy) {
        return new Load(policy == Policy.EVERYSEC ? 20_000_000 : 200_000, 0.002, true);
    }

    /** {@code WRITE wal} of {@code 1814 WRITE data/shard-2/wal-0000000000000031.iron 4096+4096: 4096}. */
    private static String kind(String line) {
        String[] words = line.split("[ :]");
        String name = words[2].substring(words[2].lastIndexOf('/') + 1);
        String file = name.indexOf('-') < 0 ? "data" : name.substring(0, name.indexOf('-'));
        return words[1] + " " + file;
    }

    static Result play(long seed, int shards, Policy policy, Bug bug, int operations, Event event) {
        CallSimulation one = new CallSimulation(seed, shards, policy, bug, operations, event);
        try {
            one.play();
        } catch (IOException | RuntimeException | Error e) {
            one.fail("the simulation ended", e);
        } finally {
            one.close();
        }
        return new Result(
                one.failures,
                one.calls,
                one.effects,
                one.sent,
                one.acknowledged,
                one.refused,
                one.lost,
                one.snapshots,
                one.coldReads);
    }

    @Override
    boolean mayBeDamaged(Reply reply) {
        boolean may = mayFail && CrashOp.isDamage(reply);
        if (may) {
            effects.add(Effect.BLOCKS_LOST);
        }
        return may;
    }

    @Override
    boolean mayRefuse() {
        return event.failure != null;
    }

    private boolean hasFailed() {
        return event.failure != null && disk.calls() >= event.call;
    }

    private void play() throws IOException {
        boolean orderly = false;
        if (start() && work()) {
            if (hasFailed()) {
                wentOn = true;
                lookAround();
            } else if (stop()) {
                orderly = !hasFailed();
                close();
                boolean _ = start();
            }
        }
        if (!failures.isEmpty()) {
            return;
        }
        if (refusal != null) {
            effects.add(Effect.START_REFUSED);
        }
        long killedNs = clock.nanoTime();
        // Nothing of the second before a sync that failed need be there, whenever the crash comes;
        // nor what a server that had to stop could not write.
        boolean clears = event.failure == null || wentOn && !effects.contains(Effect.FOR_GOOD);
        long sureNs = clears ? killedNs : Math.min(killedNs, failedNs);
        long killedMs = clock.currentTimeMillis();
        int moment = event.crash == null ? 0 : 1 + event.crash.ordinal();
        Prng chance = new Prng(Prng.mix(seed * 31 + event.call) + moment);
        crash(chance, refusal != null);
        refusal = null;
        mayFail = false;
        if (start()) {
            judge(orderly ? rules.with(Policy.ALWAYS) : rules, sureNs, killedMs);
        }
    }

    /** @return whether the server is up, and has answered all that it was asked */
    private boolean work() throws IOException {
        List<Player> players = players();
        int saves = 0;
        int enough = operations;
        while (runs() && ops.size() < enough && !isOverdue()) {
            step(players);
            if (saves < SAVE_AT.length && ops.size() >= SAVE_AT[saves] && runs()) {
                save(saves++ % 2 == 0 ? "BGSAVE" : "BGREWRITEAOF");
            }
            if (enough == operations && hasFailed()) {
                enough = Math.min(enough, ops.size() + OPERATIONS_AFTERWARDS);
            }
        }
        resting = true;
        while (runs() && !players.stream().allMatch(Player::isQuiet)) {
            if (hasFailed()) {
                disk.heal();
            }
            step(players);
        }
        if (hasFailed()) {
            disk.heal();
        }
        players.forEach(Player::end);
        if (!runs()) {
            return false;
        }
        if (players.stream().anyMatch(Player::wasCutOff)) {
            effects.add(Effect.CUT_OFF);
        }
        if (event.failure == Failure.IO_ERROR_DROPPING) {
            ops.forEach(op -> op.mayFindDamage = true);
        }
        if (ops.stream().anyMatch(CrashOp::foundDamage)) {
            effects.add(Effect.BLOCKS_LOST);
        }
        if (ops.stream().anyMatch(CrashOp::isRefused)) {
            effects.add(Effect.WRITES_REFUSED);
        }
        return true;
    }

    private boolean runs() {
        if (failures.isEmpty() && node.logBytes() > MOST_LOG_BYTES) {
            fail("the server's log has no end");
        }
        return isUp() && !disk.isDead() && failures.isEmpty();
    }

    /** Everybody waits for a disk that fails, or was cut off. */
    private boolean isOverdue() {
        return hasFailed() && clock.nanoTime() - failedNs > LASTS_NANOS;
    }

    // After a failure, in the server that met it.

    private void lookAround() throws IOException {
        waitUntil(clock.nanoTime() + CLEARS_WITHIN_NANOS);
        if (!runs()) {
            return;
        }
        Map<String, Seen> found = read();
        if (found == null) {
            return;
        }
        CrashChecker checker =
                new CrashChecker(
                        rules.with(Policy.ALWAYS),
                        base,
                        ops,
                        clock.nanoTime(),
                        clock.currentTimeMillis());
        checker.withoutRefused(found)
                .judge(found)
                .violations()
                .forEach(violation -> fail("in the server that goes on: " + violation));
        writeProbes();
        takeSnapshot();
        if (runs() && node.log().contains("snapshot failed")) {
            effects.add(Effect.SNAPSHOT_FAILED);
        }
    }

    private void waitUntil(long nanos) {
        while (runs() && clock.nanoTime() < nanos) {
            step();
        }
    }

    /** To all shards. */
    private void writeProbes() throws IOException {
        List<byte[][]> commands = new ArrayList<>();
        commands.add(RespClient.bytes("SELECT", PROBE_DATABASE));
        for (int i = 0; i < PROBES; i++) {
            commands.add(RespClient.bytes("SET", "probe" + i, "there"));
        }
        if (!runs()) {
            return;
        }
        List<Reply> replies = callUnlessCutOff(new SimulatedSession(node.connect()), commands);
        if (replies.size() < commands.size() && runs()) {
            // The first write that meets a log that failed waits for its reply as others did.
            effects.add(Effect.CUT_OFF);
            replies = call(new SimulatedSession(node.connect()), commands);
        }
        for (int i = 1; replies != null && i < replies.size(); i++) {
            Reply reply = replies.get(i);
            if (reply.isError() && reply.text().startsWith("MISCONF ")) {
                effects.add(Effect.FOR_GOOD);
            } else if (reply.isError()) {
                fail("a write after the fault got " + reply.show(200));
            }
        }
    }

    private void takeSnapshot() throws IOException {
        if (!runs()) {
            return;
        }
        long before = node.snapshots();
        save("BGSAVE");
        long until = clock.nanoTime() + SNAPSHOT_WITHIN_NANOS;
        while (runs() && node.snapshots() == before && clock.nanoTime() < until) {
            step();
        }
        if (runs() && node.snapshots() == before) {
            effects.add(Effect.NO_MORE_SNAPSHOTS);
        }
    }

    // The end of the server.

    @Override
    boolean isUp() {
        return refusal == null;
    }

    @Override
    void onEnded(Throwable e) {
        if (hasFailed() && node.isLoading() && e instanceof RecoveryException) {
            refuse(e);
        } else {
            super.onEnded(e);
        }
    }

    @Override
    void onNotStarted(Throwable e) {
        if (hasFailed() && (e instanceof RecoveryException || e instanceof IOException)) {
            refuse(e);
        } else {
            super.onNotStarted(e);
        }
    }

    private void refuse(Throwable e) {
        refusal = String.valueOf(e.getMessage());
        if (!refusal.contains("data/")) {
            fail("a refusal that names no file", e);
        }
    }
}
