package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashChecker.Prefix;
import ironcache.tools.CrashChecker.Rules;
import ironcache.tools.CrashChecker.Seen;
import ironcache.tools.CrashChecker.Verdict;
import ironcache.tools.CrashChecker.Violation;
import ironcache.tools.CrashOp.How;
import ironcache.tools.CrashStep.Verb;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Crashes by hand: each kind of damage has to be named, and what a crash may do has to pass. No server. */
class CrashCheckerTest {
    private static final long SECOND_NS = 1_000_000_000L;
    private static final long KILLED_NS = 100 * SECOND_NS;
    private static final long KILLED_MS = 5_000_000;

    private final Map<String, CrashState> base = new HashMap<>();
    private final List<CrashOp> ops = new ArrayList<>();
    private final Map<String, Seen> found = new HashMap<>();

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Acknowledged so many milliseconds before the kill; -1: not at all. Took a millisecond. */
    private CrashOp op(double agoMs, String reply, CrashOp op) {
        boolean acknowledged = agoMs >= 0;
        double ago = acknowledged ? agoMs : 0;
        op.ackedNs = acknowledged ? KILLED_NS - (long) (ago * 1e6) : CrashOp.NEVER;
        op.ackedMs = KILLED_MS - (long) ago;
        op.sentNs = KILLED_NS - (long) (ago * 1e6) - 1_000_000;
        op.sentMs = KILLED_MS - (long) ago - 1;
        op.reply = acknowledged ? new Reply(bytes(reply + "\r\n")) : null;
        ops.add(op);
        return op;
    }

    private void set(double agoMs, String key, String value) {
        op(agoMs, "+OK", CrashOp.command(1, CrashStep.of(Verb.SET, key, bytes(value))));
    }

    private void delete(double agoMs, String key) {
        op(agoMs, ":1", CrashOp.command(1, CrashStep.of(Verb.DEL, key)));
    }

    private void increment(double agoMs, String key, int sum) {
        op(agoMs, ":" + sum, CrashOp.command(1, CrashStep.of(Verb.INCR, key)));
    }

    private void multi(double agoMs, int client, String token, String... keys) {
        List<CrashStep> steps = new ArrayList<>();
        StringBuilder reply = new StringBuilder("*" + keys.length);
        for (String key : keys) {
            steps.add(CrashStep.of(Verb.SET, key, bytes(token)));
            reply.append("\r\n+OK");
        }
        op(agoMs, reply.toString(), new CrashOp(client, How.MULTI, steps));
    }

    private void found(String key, String value) {
        found(key, value, -1, KILLED_MS + 1000);
    }

    private void found(String key, String value, long expiresMs, long atMs) {
        found.put(
                key,
                new Seen(
                        value == null ? null : bytes(value),
                        value == null ? -2 : expiresMs,
                        atMs,
                        atMs + 1));
    }

    private Verdict judge(Rules rules) {
        return new CrashChecker(rules, base, ops, KILLED_NS, KILLED_MS).judge(found);
    }

    private Verdict good(Policy policy) {
        Verdict verdict = judge(Rules.of(policy));
        assertEquals(List.of(), verdict.violations());
        return verdict;
    }

    private void bad(Policy policy, String kind) {
        bad(Rules.of(policy), kind);
    }

    private void bad(Rules rules, String kind) {
        List<Violation> violations = judge(rules).violations();
        assertEquals(
                List.of(kind), violations.stream().map(Violation::kind).toList(), violations + "");
    }

    @Test
    void whatWasAcknowledgedIsThere() {
        set(50, "c1:string:1", "a");
        set(2, "c1:string:1", "b");
        found("c1:string:1", "b");
        assertEquals(0, good(Policy.ALWAYS).lost());
    }

    @Test
    void whatWasNotAcknowledgedMayBeThereOrNot() {
        set(50, "c1:string:1", "a");
        set(-1, "c1:string:1", "b");
        found("c1:string:1", "b");
        assertEquals(0, good(Policy.ALWAYS).lost());
        found("c1:string:1", "a");
        assertEquals(1, good(Policy.ALWAYS).lost());
    }

    @Test
    void refusedWithoutAWord() {
        multi(-1, 1, "a", "c1:string:1", "c1:string:2");
        set(-1, "c1:string:1", "b");
        found("c1:string:1", "b");
        found("c1:string:2", null);
        bad(Policy.ALWAYS, "torn transaction");
        assertEquals(ops.subList(1, 2), withoutRefused());
        // Half of it is there, whatever was refused.
        found("c1:string:1", "a");
        bad(Policy.ALWAYS, "torn transaction");
        assertEquals(ops, withoutRefused());
    }

    private List<CrashOp> withoutRefused() {
        return new CrashChecker(Rules.of(Policy.ALWAYS), base, ops, KILLED_NS, KILLED_MS)
                .withoutRefused(found)
                .operations();
    }

    @Test
    void acknowledgedWriteIsLost() {
        set(50, "c1:string:1", "a");
        set(2, "c1:string:1", "b");
        found("c1:string:1", "a");
        bad(Policy.ALWAYS, "lost write");
    }

    @Test
    void aSecondMayBeLostWithEverysec() {
        set(5_000, "c1:string:1", "a");
        set(1_050, "c1:string:1", "b");
        found("c1:string:1", "a");
        assertEquals(1, good(Policy.EVERYSEC).lostAcknowledged());
    }

    @Test
    void moreThanASecondIsLostWithEverysec() {
        set(5_000, "c1:string:1", "a");
        set(1_150, "c1:string:1", "b");
        found("c1:string:1", "a");
        bad(Policy.EVERYSEC, "lost write");
    }

    @Test
    void deletedKeyComesBack() {
        set(50, "c1:string:1", "a");
        delete(2, "c1:string:1");
        found("c1:string:1", "a");
        bad(Policy.ALWAYS, "deleted key came back");
    }

    @Test
    void keyOfAnEarlierCycleIsLost() {
        base.put("c1:string:1", CrashState.of(bytes("a")));
        found("c1:string:1", null);
        bad(Policy.ALWAYS, "lost write");
    }

    @Test
    void keyOfAnEarlierCycleComesBack() {
        found("c1:string:1", "a");
        bad(Policy.ALWAYS, "deleted key came back");
    }

    @Test
    void incrementIsThereTwice() {
        increment(50, "c1:number:1", 1);
        increment(2, "c1:number:1", 2);
        found("c1:number:1", "3");
        bad(Policy.ALWAYS, "wrong number");
    }

    @Test
    void partsOfValuesAreMixed() {
        set(50, "c1:string:1", "aaaa");
        set(2, "c1:string:1", "bbbb");
        found("c1:string:1", "bbaa");
        bad(Policy.ALWAYS, "value that nobody wrote");
    }

    /** The second operation of three is missing from what is there, the third is not. */
    @Test
    void gapInAKey() {
        op(30, ":1", CrashOp.command(1, CrashStep.of(Verb.APPEND, "c1:string:1", bytes("a"))));
        op(20, ":2", CrashOp.command(1, CrashStep.of(Verb.APPEND, "c1:string:1", bytes("b"))));
        op(10, ":3", CrashOp.command(1, CrashStep.of(Verb.APPEND, "c1:string:1", bytes("c"))));
        found("c1:string:1", "ac");
        bad(Policy.EVERYSEC, "value that nobody wrote");
    }

    @Test
    void replyThatCannotBe() {
        increment(50, "c1:number:1", 1);
        increment(2, "c1:number:1", 3);
        found("c1:number:1", "2");
        bad(Policy.ALWAYS, "wrong reply");
    }

    @Test
    void refusedWriteIsNotThere() {
        set(50, "c1:string:1", "a");
        CrashOp refused = CrashOp.command(1, CrashStep.of(Verb.SET, "c1:string:1", bytes("b")));
        op(2, "-OOM command not allowed", refused);
        found("c1:string:1", "a");
        assertEquals(1, good(Policy.ALWAYS).refused());
        found("c1:string:1", "b");
        bad(Policy.ALWAYS, "value that nobody wrote");
    }

    // Transactions.

    @Test
    void transactionIsWholeOrAbsent() {
        multi(50, 1, "a", "g1:0", "g1:1");
        multi(-1, 2, "b", "g1:0", "g1:1");
        found("g1:0", "a");
        found("g1:1", "a");
        good(Policy.ALWAYS);
        found("g1:0", "b");
        found("g1:1", "b");
        good(Policy.ALWAYS);
    }

    @Test
    void transactionIsTorn() {
        multi(50, 1, "a", "g1:0", "g1:1");
        multi(-1, 2, "b", "g1:0", "g1:1");
        found("g1:0", "a");
        found("g1:1", "b");
        bad(Policy.ALWAYS, "torn transaction");
    }

    @Test
    void acknowledgedTransactionIsTornWithEverysec() {
        multi(5_000, 1, "a", "g1:0", "g1:1");
        multi(500, 2, "b", "g1:0", "g1:1");
        found("g1:0", "b");
        found("g1:1", "a");
        bad(Policy.EVERYSEC, "torn transaction");
    }

    /** That it found nothing to delete is in no log: what was appended later may be there without it. */
    @Test
    void whereATransactionChangesNothingItCannotBeMissed() {
        List<CrashStep> steps =
                List.of(CrashStep.of(Verb.INCR, "c1:number:1"), CrashStep.of(Verb.DEL, "c1:a"));
        op(-1, "", new CrashOp(1, How.MULTI, steps));
        set(-1, "c1:a", "later");
        found("c1:a", "later");
        found("c1:number:1", null);
        good(Policy.ALWAYS);
        // Where there was something to delete it can.
        ops.clear();
        set(5_000, "c1:a", "sooner");
        op(-1, "", new CrashOp(1, How.MULTI, steps));
        set(-1, "c1:a", "later");
        bad(Policy.ALWAYS, "torn transaction");
    }

    @Test
    void renameIsTorn() {
        set(50, "c1:renamed:1", "a");
        op(-1, "", CrashOp.command(1, CrashStep.rename("c1:renamed:1", "c1:renamed:2")));
        found("c1:renamed:1", null);
        found("c1:renamed:2", "a");
        good(Policy.ALWAYS);
        found("c1:renamed:1", "a");
        found("c1:renamed:2", null);
        good(Policy.ALWAYS);
        found("c1:renamed:2", "a");
        bad(Policy.ALWAYS, "torn transaction");
        found("c1:renamed:1", null);
        found("c1:renamed:2", null);
        bad(Policy.ALWAYS, "torn transaction");
    }

    // Order.

    @Test
    void laterWriteSurvivedAnEarlierOne() {
        set(500, "c1:string:1", "a");
        set(400, "c1:string:2", "b");
        found("c1:string:1", null);
        found("c1:string:2", "b");
        bad(Policy.EVERYSEC, "later write survived an earlier one");
        bad(with(Prefix.ALL), "later write survived an earlier one");
        assertEquals(List.of(), judge(with(Prefix.SLOT)).violations());
        assertEquals(List.of(), judge(with(Prefix.OFF)).violations());
        found("c1:string:1", "a");
        found("c1:string:2", null);
        good(Policy.EVERYSEC);
    }

    @Test
    void laterWriteInTheSameSlotSurvivedAnEarlierOne() {
        set(500, "{c1}:string:0", "a");
        set(400, "{c1}:string:3", "b");
        found("{c1}:string:0", null);
        found("{c1}:string:3", "b");
        bad(with(Prefix.SLOT), "later write survived an earlier one");
    }

    /** Sent at once, neither is the earlier one. */
    @Test
    void pipelinedWritesHaveNoOrder() {
        set(400, "c1:string:1", "a");
        set(399.5, "c1:string:2", "b");
        found("c1:string:1", null);
        found("c1:string:2", "b");
        good(Policy.EVERYSEC);
    }

    private static Rules with(Prefix prefix) {
        Rules rules = Rules.of(Policy.EVERYSEC);
        return new Rules(rules.policy(), rules.slackNs(), rules.clockSlackMs(), prefix);
    }

    // Expiry.

    private void expiring(double agoMs, long expiresMs) {
        CrashStep step = new CrashStep(Verb.SET_PXAT, "c1:volatile:1", null, bytes("a"), expiresMs);
        op(agoMs, "+OK", CrashOp.command(1, step));
    }

    @Test
    void keyIsThereUntilItExpires() {
        expiring(50, KILLED_MS + 10_000);
        found("c1:volatile:1", "a", KILLED_MS + 10_000, KILLED_MS + 9_000);
        good(Policy.ALWAYS);
        found("c1:volatile:1", null, -2, KILLED_MS + 11_000);
        good(Policy.ALWAYS);
    }

    @Test
    void keyIsGoneBeforeItExpires() {
        expiring(50, KILLED_MS + 10_000);
        found("c1:volatile:1", null, -2, KILLED_MS + 9_000);
        bad(Policy.ALWAYS, "lost write");
    }

    @Test
    void keyOutlivesItsExpiry() {
        expiring(50, KILLED_MS + 10_000);
        found("c1:volatile:1", "a", KILLED_MS + 10_000, KILLED_MS + 11_000);
        bad(Policy.ALWAYS, "wrong expiry");
        found("c1:volatile:1", "a", -1, KILLED_MS + 9_000);
        bad(Policy.ALWAYS, "wrong expiry");
    }

    @Test
    void persistedKeyStays() {
        expiring(50, KILLED_MS + 500);
        op(20, ":1", CrashOp.command(1, CrashStep.of(Verb.PERSIST, "c1:volatile:1")));
        found("c1:volatile:1", "a");
        good(Policy.ALWAYS);
        found("c1:volatile:1", null);
        bad(Policy.ALWAYS, "lost write");
    }

    /** Only its reply says whether INCR met the key before or after its time was over. */
    @Test
    void replySaysWhetherAKeyHadExpired() {
        CrashStep step =
                new CrashStep(Verb.SET_PXAT, "c1:number:1", null, bytes("7"), KILLED_MS - 20);
        op(50, "+OK", CrashOp.command(1, step));
        increment(20, "c1:number:1", 1);
        found("c1:number:1", "1");
        good(Policy.ALWAYS);
        found("c1:number:1", "8");
        bad(Policy.ALWAYS, "wrong number");
    }

    // At random.

    private static final int SEEDS = 150;
    private static final int CLIENTS = 3;

    /**
     * What the clients of a run ask, of a store that is a map; a crash that leaves what it may leave, which has to pass,
     * and then one key that holds what it held before the last operation that had to survive, which must not.
     */
    @Test
    void randomCrashes() {
        int spoilt = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            Policy policy = seed % 2 == 0 ? Policy.ALWAYS : Policy.EVERYSEC;
            Simulated crash = new Simulated(seed, policy);
            Rules rules = new Rules(policy, 100_000_000, 0, Prefix.ALL);
            Verdict verdict = crash.judge(rules);
            assertEquals(List.of(), verdict.violations(), "seed " + seed);
            String key = crash.spoil();
            if (key != null) {
                spoilt++;
                List<Violation> violations = crash.judge(rules).violations();
                assertTrue(
                        violations.stream().anyMatch(v -> v.text().contains(key)),
                        () -> "seed " + crash.seed + ", " + key + ": " + violations);
            }
        }
        assertTrue(spoilt > SEEDS / 2, "only " + spoilt + " crashes could be spoilt");
    }

    private static final class Simulated {
        final long seed;
        final SplittableRandom random;
        final List<CrashOp> ops = new ArrayList<>();
        final Map<String, CrashState> before = new HashMap<>();
        final Map<String, Seen> found = new HashMap<>();
        final long killedNs;
        final long killedMs;

        Simulated(long seed, Policy policy) {
            this.seed = seed;
            random = new SplittableRandom(seed);
            CrashKeys keys = new CrashKeys(CLIENTS, 24, 3);
            List<CrashClient> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(
                        new CrashClient(
                                i, 1, keys, 4, seed * CLIENTS + i, System::currentTimeMillis));
            }
            // Deadlines that clients choose are of the wall clock; here no time passes between
            // them.
            long nowMs = System.currentTimeMillis();
            long nowNs = 10 * SECOND_NS;
            Map<String, CrashState> store = new HashMap<>();
            int wanted = 20 + random.nextInt(400);
            int lostFrom = wanted - random.nextInt(20);
            while (ops.size() < wanted) {
                CrashClient client = clients.get(random.nextInt(CLIENTS));
                List<CrashOp> batch = client.next();
                client.answered();
                long sentNs = nowNs;
                for (CrashOp op : batch) {
                    op.sentNs = sentNs;
                    op.sentMs = nowMs;
                    nowNs += 1_000 + random.nextInt(10_000_000);
                    if (ops.size() >= lostFrom && policy == Policy.ALWAYS) {
                        ops.add(op);
                        continue;
                    }
                    if (ops.size() == lostFrom) {
                        before.putAll(store);
                    }
                    op.reply = run(op, store);
                    op.ackedNs = nowNs;
                    op.ackedMs = nowMs;
                    ops.add(op);
                }
            }
            if (policy == Policy.ALWAYS) {
                // Of what got no reply, none or all of the first few have happened.
                int survived = lostFrom + random.nextInt(ops.size() - lostFrom + 1);
                ops.subList(lostFrom, survived).forEach(op -> run(op, store));
                before.clear();
                before.putAll(store);
                killedNs = nowNs;
            } else {
                // What is lost was acknowledged less than a second ago.
                killedNs = ops.get(Math.min(lostFrom, ops.size() - 1)).ackedNs + SECOND_NS;
                if (lostFrom == ops.size()) {
                    before.putAll(store);
                }
            }
            killedMs = nowMs;
            for (String key : keys.all()) {
                CrashState state = before.getOrDefault(key, CrashState.ABSENT);
                long expiresMs =
                        !state.isPresent() ? -2 : state.expires() ? state.expiresFromMs() : -1;
                found.put(key, new Seen(state.value(), expiresMs, nowMs, nowMs));
            }
        }

        private static Reply run(CrashOp op, Map<String, CrashState> store) {
            List<Reply> replies = new ArrayList<>();
            for (CrashStep step : op.steps) {
                CrashState state = store.getOrDefault(step.key(), CrashState.ABSENT);
                if (step.verb() == Verb.RENAME) {
                    if (state.isPresent()) {
                        store.put(step.to(), state);
                        store.put(step.key(), CrashState.ABSENT);
                    }
                    return new Reply(bytes(state.isPresent() ? "+OK\r\n" : "-ERR no such key\r\n"));
                }
                CrashStep.Outcome outcome = step.apply(state, op.sentMs, op.sentMs);
                store.put(step.key(), outcome.after());
                replies.add(outcome.reply());
            }
            if (op.how != How.MULTI) {
                return replies.getLast();
            }
            StringBuilder all = new StringBuilder("*" + replies.size() + "\r\n");
            replies.forEach(r -> all.append(new String(r.raw(), StandardCharsets.ISO_8859_1)));
            return new Reply(bytes(all.toString()));
        }

        Verdict judge(Rules rules) {
            return new CrashChecker(rules, Map.of(), ops, killedNs, killedMs).judge(found);
        }

        /** One key as it was before its first write; null where all may still be as they were then. */
        String spoil() {
            CrashChecker checker =
                    new CrashChecker(
                            Rules.of(Policy.ALWAYS),
                            Map.of(),
                            ops.stream()
                                    .filter(op -> op.ackedNs < killedNs - 1.2 * SECOND_NS)
                                    .toList(),
                            killedNs,
                            killedMs);
            for (Map.Entry<String, Seen> entry : found.entrySet()) {
                List<CrashState> states = checker.candidates(entry.getKey());
                boolean written =
                        entry.getValue().value() != null
                                && !CrashKeys.isNumber(entry.getKey())
                                && states.stream().allMatch(s -> s.isPresent() && !s.expires())
                                && ops.stream()
                                        .filter(op -> op.keys().contains(entry.getKey()))
                                        .allMatch(op -> op.ackedNs < killedNs - 1.2 * SECOND_NS);
                if (written) {
                    entry.setValue(new Seen(null, -2, killedMs, killedMs));
                    return entry.getKey();
                }
            }
            return null;
        }
    }
}
