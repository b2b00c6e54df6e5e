package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Outcome;
import ironcache.tools.HistoryChecker.SessionOrder;
import ironcache.tools.HistoryChecker.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Histories by hand: each kind of anomaly has to be named, and what only looks like one has to pass. */
class HistoryCheckerTest {
    private final History history = new History();

    private void unit(int client, long invoked, long returned, KeyOp... ops) {
        unit(client, invoked, returned, Outcome.OK, ops);
    }

    private void unit(int client, long invoked, long returned, Outcome outcome, KeyOp... ops) {
        history.add(
                new History.Unit(
                        client, client, invoked, returned, outcome, "by hand", List.of(ops)));
    }

    private static String token(String name) {
        return name + ".".repeat(History.TOKEN_CHARS - name.length());
    }

    private static KeyOp append(String key, String name) {
        return KeyOp.append(key, token(name), 0);
    }

    private static KeyOp append(String key, String name, int place) {
        return KeyOp.append(key, token(name), place);
    }

    private static KeyOp list(String key, String... names) {
        StringBuilder value = new StringBuilder();
        for (String name : names) {
            value.append(token(name));
        }
        return KeyOp.list(key, value.toString());
    }

    private static KeyOp write(String key, String value) {
        return KeyOp.write(key, value);
    }

    private static KeyOp read(String key, String value) {
        return KeyOp.read(key, value);
    }

    private void accepted() {
        Verdict verdict = HistoryChecker.check(history);
        assertEquals(0, verdict.count(), verdict::describe);
    }

    private String flagged(String name) {
        Verdict verdict = HistoryChecker.check(history);
        assertTrue(verdict.count() > 0, "nothing was found where there is: " + name);
        assertTrue(
                verdict.anomalies().stream().anyMatch(a -> a.name().startsWith(name)),
                verdict::describe);
        return verdict.describe();
    }

    // Valid.

    @Test
    void acceptsNothing() {
        accepted();
    }

    @Test
    void acceptsConcurrentUnitsInAnyOrder() {
        unit(1, 0, 100, append("x", "a"), append("y", "b"));
        unit(2, 0, 100, append("x", "c"), append("y", "d"));
        unit(3, 50, 100, list("x", "c"), list("y", "d"));
        unit(4, 10, 20, list("x"), list("y"));
        unit(5, 200, 210, list("x", "c", "a"), list("y", "d", "b"));
        accepted();
    }

    @Test
    void acceptsConcurrentRegisters() {
        unit(1, 0, 100, write("x", "1"), write("y", "1"));
        unit(2, 0, 100, write("x", "2"), write("y", "2"));
        unit(3, 50, 60, read("x", null), read("y", null));
        unit(4, 61, 90, read("x", "2"), read("y", "2"));
        unit(5, 95, 99, read("x", "1"), read("y", "1"));
        unit(6, 200, 210, read("x", "1"), read("z", null));
        accepted();
    }

    @Test
    void acceptsOwnWrites() {
        unit(
                1,
                0,
                1,
                list("x"),
                append("x", "a", 1),
                list("x", "a"),
                append("x", "b", 2),
                list("x", "a", "b"));
        unit(1, 2, 3, write("r", "1"), read("r", "1"), write("r", "2"), read("r", "2"));
        unit(2, 4, 5, read("r", "2"), write("r", "3"), list("x", "a", "b"));
        unit(2, 6, 7, append("y", "c", 1), list("y", "c"), read("r", "3"));
        accepted();
    }

    @Test
    void acceptsAbortedUnitsThatLeftNothing() {
        unit(1, 0, 1, append("x", "a", 1), write("r", "1"));
        unit(2, 2, 3, Outcome.ABORTED, append("x", "b"), write("r", "2"));
        unit(3, 4, 5, list("x", "a"), read("r", "1"));
        accepted();
    }

    @Test
    void acceptsUnansweredUnitsThatHappenedOrNot() {
        unit(1, 0, History.NEVER, Outcome.UNKNOWN, append("x", "a"), write("r", "1"));
        unit(2, 0, History.NEVER, Outcome.UNKNOWN, append("x", "b"), write("r", "2"));
        unit(3, 5, 6, list("x"), read("r", null));
        unit(3, 7, 8, list("x", "b"), read("r", "2"));
        unit(3, 9, 10, list("x", "b"), read("r", "2"));
        accepted();
    }

    @Test
    void acceptsUnansweredAdditions() {
        unit(1, 0, 1, write("a", "100"), write("b", "100"));
        unit(2, 2, History.NEVER, Outcome.UNKNOWN, KeyOp.add("a", -7), KeyOp.add("b", 7));
        unit(3, 3, 4, read("a", "100"), read("b", "100"));
        unit(3, 5, 6, read("a", "93"), read("b", "107"));
        accepted();
    }

    @Test
    void acceptsUnansweredAdditionsThatFollowEachOtherUnseen() {
        unit(1, 0, 1, write("a", "100"), write("b", "100"));
        unit(2, 2, History.NEVER, Outcome.UNKNOWN, KeyOp.add("a", -7), KeyOp.add("b", 7));
        unit(2, 2, History.NEVER, Outcome.UNKNOWN, KeyOp.add("b", -30), KeyOp.add("a", 30));
        unit(3, 5, 6, read("a", "123"), read("b", "77"));
        unit(3, 7, 8, read("a", "123"), write("a", "1"));
        accepted();
        assertEquals(0, HistoryChecker.check(history).undecided());
        unit(3, 9, 10, read("b", "100"));
        flagged("");
    }

    @Test
    void acceptsPipelinedUnitsOfOneConnectionInAnyOrder() {
        unit(1, 0, 10, write("x", "1"));
        unit(1, 0, 11, write("y", "1"));
        unit(2, 2, 3, read("y", "1"));
        unit(2, 4, 5, read("x", null));
        accepted();
        Verdict strict = HistoryChecker.check(history, SessionOrder.ALL);
        assertEquals("real-time violation", strict.anomalies().getFirst().name(), strict::describe);
    }

    // Broken. Single keys.

    @Test
    void staleReadOfAList() {
        unit(1, 0, 1, append("x", "a"));
        unit(1, 2, 3, append("x", "b"));
        unit(2, 4, 5, list("x", "a"));
        unit(2, 6, 7, list("x", "a", "b"));
        String text = flagged("stale read");
        assertTrue(text.contains("had returned when"), text);
    }

    @Test
    void staleReadOfARegister() {
        unit(1, 0, 1, write("x", "1"));
        unit(1, 2, 3, write("x", "2"));
        unit(2, 4, 5, read("x", "1"));
        flagged("stale read");
    }

    @Test
    void staleReadOfAnAbsentRegister() {
        unit(1, 0, 1, write("x", "1"));
        unit(2, 4, 5, read("x", null));
        flagged("stale read");
    }

    @Test
    void readThatGoesBack() {
        unit(1, 0, 1, write("x", "1"));
        unit(1, 2, 100, write("x", "2"));
        unit(2, 10, 11, read("x", "2"));
        unit(3, 12, 13, read("x", "1"));
        flagged("");
    }

    @Test
    void readsThatSwapTwoConcurrentWrites() {
        unit(1, 0, 100, write("x", "1"));
        unit(2, 0, 100, write("x", "2"));
        unit(3, 10, 11, read("x", "1"));
        unit(3, 12, 13, read("x", "2"));
        unit(4, 14, 15, read("x", "1"));
        String text = flagged("");
        assertTrue(text.contains("which read"), text);
    }

    @Test
    void readFromTheFuture() {
        unit(1, 0, 1, list("x", "a"));
        unit(2, 2, 3, append("x", "a"));
        flagged("real-time violation");
    }

    @Test
    void lostUpdateOfALists() {
        unit(1, 0, 10, append("x", "a", 1));
        unit(2, 0, 10, append("x", "b", 1));
        flagged("lost append");
    }

    @Test
    void lostAppendThatAReadMisses() {
        unit(1, 0, 1, append("x", "a"));
        unit(2, 2, 3, append("x", "b"));
        unit(3, 4, 5, list("x", "b"));
        flagged("");
    }

    @Test
    void lostAppendThatAnotherReplaced() {
        unit(1, 0, 10, append("x", "a", 1));
        unit(2, 0, 10, append("x", "b", 1));
        unit(3, 20, 21, list("x", "b"));
        flagged("lost append");
    }

    @Test
    void lostUpdateOfARegister() {
        unit(1, 0, 1, write("x", "1"));
        unit(2, 2, 10, read("x", "1"), write("x", "2"));
        unit(3, 2, 10, read("x", "1"), write("x", "3"));
        flagged("lost update");
    }

    @Test
    void duplicatedAppend() {
        unit(1, 0, 1, append("x", "a", 1));
        unit(2, 2, 3, list("x", "a", "a"));
        flagged("duplicated append");
    }

    @Test
    void readsThatAreNoPrefixesOfOneAnother() {
        unit(1, 0, 1, append("x", "a"));
        unit(2, 0, 1, append("x", "b"));
        unit(3, 2, 3, list("x", "a", "b"));
        unit(4, 2, 3, list("x", "b"));
        flagged("incompatible order");
    }

    @Test
    void placeThatReadsDoNotConfirm() {
        unit(1, 0, 5, append("x", "a", 1));
        unit(2, 0, 5, append("x", "b", 2));
        unit(3, 6, 7, list("x", "b", "a"));
        flagged("incompatible order");
    }

    @Test
    void garbage() {
        unit(1, 0, 1, list("x", "a"));
        unit(2, 0, 1, read("r", "1"));
        unit(3, 0, 1, KeyOp.list("y", "abc"));
        assertEquals(3, HistoryChecker.check(history).count());
        flagged("garbage");
    }

    // Broken. Units of several keys.

    @Test
    void writeSkew() {
        unit(1, 0, 10, list("x"), append("y", "a"));
        unit(2, 0, 10, list("y"), append("x", "b"));
        unit(3, 20, 21, list("x", "b"), list("y", "a"));
        flagged("write skew (G2)");
    }

    @Test
    void writeSkewOfRegisters() {
        unit(1, 0, 1, write("x", "1"), write("y", "1"));
        unit(2, 2, 10, read("x", "1"), write("y", "2"));
        unit(3, 2, 10, read("y", "1"), write("x", "3"));
        flagged("write skew (G2)");
    }

    @Test
    void unrepeatableReads() {
        unit(1, 0, 1, write("x", "1"));
        unit(2, 0, 10, read("x", null), read("x", "1"));
        flagged("unrepeatable read");
        unit(3, 0, 10, append("l", "a"));
        unit(4, 0, 10, list("l"), list("l", "a"));
        flagged("unrepeatable read");
    }

    @Test
    void ownWritesNotSeen() {
        unit(1, 0, 1, append("x", "a"), list("x"));
        unit(2, 0, 1, write("y", "a"), read("y", null));
        assertEquals(2, HistoryChecker.check(history).count());
        flagged("own write not seen");
    }

    @Test
    void fracturedMset() {
        unit(1, 0, 1, write("x", "1"), write("y", "1"));
        unit(2, 2, 10, write("x", "2"), write("y", "2"));
        unit(3, 4, 5, read("x", "2"), read("y", "1"));
        flagged("fractured read");
    }

    @Test
    void msetsThatEachWonOneKey() {
        unit(1, 0, 10, write("x", "1"), write("y", "1"));
        unit(2, 0, 10, write("x", "2"), write("y", "2"));
        unit(3, 11, 12, read("x", "1"), read("y", "2"));
        flagged("circular writes (G0)");
    }

    @Test
    void fracturedReadOfNothingAndSomething() {
        unit(1, 0, 10, append("x", "a"), append("y", "b"));
        unit(2, 0, 10, list("x", "a"), list("y"));
        flagged("fractured read");
    }

    @Test
    void halfOfTwoAppendsToOneKey() {
        unit(1, 0, 10, append("x", "a", 1), append("x", "b", 2));
        unit(2, 0, 10, list("x", "a"));
        flagged("fractured read");
    }

    @Test
    void intermediateRead() {
        unit(1, 0, 10, write("x", "1"), write("x", "2"));
        unit(2, 0, 10, read("x", "1"));
        flagged("intermediate read");
    }

    @Test
    void longForkOfTwoReaders() {
        unit(1, 0, 100, write("x", "1"));
        unit(2, 0, 100, write("y", "1"));
        unit(3, 0, 100, read("x", "1"), read("y", null));
        unit(4, 0, 100, read("x", null), read("y", "1"));
        flagged("write skew (G2)");
    }

    @Test
    void circularInformationFlow() {
        unit(1, 0, 10, append("x", "a"), list("y", "b"));
        unit(2, 0, 10, append("y", "b"), list("x", "a"));
        flagged("circular information flow (G1c)");
    }

    @Test
    void realTimeAcrossKeys() {
        // x was written before y was; who sees y and then x without its write is not living in one
        // order.
        unit(1, 0, 1, append("x", "a"));
        unit(1, 2, 3, append("y", "b"));
        unit(2, 2, 50, list("y", "b"), list("x"));
        unit(3, 60, 61, list("x", "a"), list("y", "b"));
        flagged("");
        History registers = new History();
        history.units().clear();
        unit(1, 0, 100, write("x", "1"));
        unit(2, 10, 11, read("x", "1"));
        unit(2, 12, 13, write("y", "1"));
        unit(3, 12, 20, read("y", "1"), read("x", null));
        registers.addAll(history);
        flagged("");
    }

    @Test
    void dirtyReadOfAnAbortedExec() {
        unit(1, 0, 1, Outcome.ABORTED, append("x", "a"), write("r", "1"));
        unit(2, 2, 3, list("x", "a"));
        flagged("aborted read");
        history.units().removeLast();
        unit(2, 2, 3, read("r", "1"));
        flagged("aborted read");
    }

    @Test
    void unansweredUnitOfWhichHalfHappened() {
        unit(
                1,
                0,
                History.NEVER,
                Outcome.UNKNOWN,
                append("x", "a"),
                append("y", "b"),
                write("r", "1"));
        unit(2, 1, 2, list("x", "a"));
        unit(2, 3, 4, list("y"));
        flagged("");
        history.units().removeLast();
        unit(2, 3, 4, read("r", null));
        flagged("");
    }

    @Test
    void orderThatOnlyInferenceFinds() {
        // Two writes at the same time; z tells that 1 came first, and a reader holds against it.
        unit(1, 0, 100, write("x", "1"), write("z", "1"));
        unit(2, 0, 100, read("z", "1"), write("x", "2"));
        unit(3, 0, 100, read("x", "2"), write("w", "1"));
        unit(4, 0, 100, read("w", "1"), read("x", "1"));
        String text = flagged("");
        assertTrue(text.contains("A before B"), text);
    }

    @Test
    void sumOfABank() {
        TransferInvariant invariant = new TransferInvariant();
        invariant.bank(0, List.of("a", "b"), 200);
        unit(1, 0, 1, write("a", "100"), write("b", "100"));
        unit(2, 2, 3, read("a", "100"), read("b", "100"));
        unit(2, 2, 3, read("a", "100"), write("a", "1"), read("b", "100"), write("b", "199"));
        unit(3, 4, 5, read("b", "199"));
        unit(3, 6, 7, read("b", "199"), read("a", "1"));
        assertEquals(List.of(), invariant.check(history));
        assertEquals(2, invariant.snapshots());
        unit(3, 8, 9, read("b", "199"), read("a", "100"));
        assertEquals("sum of a bank", invariant.check(history).getFirst().name());
    }

    /** A correct store of one thread, seen by eight clients at once; then one reply of 200,000 is made old. */
    @Test
    void findsOneStaleReadAmongManyThousands() {
        SplittableRandom random = new SplittableRandom(1);
        List<StringBuilder> lists = new ArrayList<>();
        String[] registers = new String[200];
        for (int i = 0; i < 5_000; i++) {
            lists.add(new StringBuilder());
        }
        int spoilt = 75_000;
        String old = null;
        for (int i = 0; i < 100_000; i++) {
            int list = i / 40 + random.nextInt(8);
            list = Math.min(list, lists.size() - 1);
            int register = random.nextInt(registers.length);
            List<KeyOp> ops = new ArrayList<>();
            if (i % 3 == 0) {
                String token = String.format("%08d", i);
                lists.get(list).append(token);
                int place = lists.get(list).length() / History.TOKEN_CHARS;
                ops.add(KeyOp.append("l" + list, token, place));
                registers[register] = "v" + i;
                ops.add(KeyOp.write("r" + register, registers[register]));
            } else {
                ops.add(KeyOp.list("l" + list, lists.get(list).toString()));
                ops.add(KeyOp.read("r" + register, registers[register]));
            }
            // The unit takes effect at 10 i; it was under way for some while around.
            unit(
                    i % 8,
                    10L * i - random.nextInt(35),
                    10L * i + random.nextInt(35),
                    ops.toArray(KeyOp[]::new));
            if (i == spoilt - 100) {
                old = registers[7];
            }
            if (i == spoilt) {
                registers[7] = "new";
                unit(9, 10L * i, 10L * i + 1, write("r7", "new"));
            }
            if (i == spoilt + 20) {
                unit(8, 10L * i, 10L * i + 1, read("r7", old));
            }
        }
        String text = flagged("");
        assertEquals(1, HistoryChecker.check(history).count(), text);
        history.units().removeIf(u -> u.client() == 8);
        accepted();
    }
}
