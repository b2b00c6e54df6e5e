package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AdmissionTest {
    private static final long MIB = 1 << 20;
    private static final long BUDGET = 4 * MIB;

    private final Admission admission = new Admission(BUDGET);
    private final List<Connection> admitted = new ArrayList<>();
    private final List<Connection> all = new ArrayList<>();

    AdmissionTest() {
        admission.setListener(admitted::add);
    }

    private Connection connection() {
        Connection c = new Connection(all.size(), 0, 1, all.size());
        all.add(c);
        return c;
    }

    private void check() {
        admission.checkInvariants(all);
    }

    @Test
    void whatFitsIsAdmittedAtOnce() {
        Connection a = connection();
        Connection b = connection();
        assertTrue(admission.admitInput(a, 2 * MIB));
        assertTrue(admission.admitInput(b, 2 * MIB));
        assertEquals(BUDGET, admission.reservedBytes());
        assertEquals(2 * MIB, a.inputBound);
        admission.releaseInput(a);
        admission.releaseInput(b);
        assertEquals(0, admission.reservedBytes());
        assertEquals(Admission.SMALL_BYTES, a.inputBound);
        check();
    }

    /** One bigger than all there is goes alone; those that fit go on beside it. */
    @Test
    void oneTooBigAtATime() {
        Connection giant = connection();
        Connection second = connection();
        Connection third = connection();
        Connection small = connection();
        assertTrue(admission.admitInput(giant, 512 * MIB));
        assertFalse(admission.admitInput(second, 30 * MIB));
        assertFalse(admission.admitInput(third, 5 * MIB));
        assertTrue(admission.admitInput(small, MIB));
        assertEquals(2, admission.waiting());
        check();

        admission.releaseInput(small);
        assertTrue(admitted.isEmpty());
        admission.releaseInput(giant);
        assertEquals(List.of(second), admitted);
        assertEquals(30 * MIB, second.inputBound);
        check();
        admission.releaseInput(second);
        assertEquals(List.of(second, third), admitted);
        admission.releaseInput(third);
        assertEquals(0, admission.reservedBytes());
        assertEquals(0, admission.waiting());
        check();
    }

    @Test
    void thoseInLineAreAdmittedInOrder() {
        Connection giant = connection();
        Connection filler = connection();
        admission.admitInput(giant, 30 * MIB);
        admission.admitInput(filler, BUDGET);
        List<Connection> line = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Connection c = connection();
            line.add(c);
            assertFalse(admission.admitInput(c, MIB));
        }
        admission.releaseInput(filler);
        assertEquals(line.subList(0, 4), admitted);
        admission.releaseInput(line.get(2));
        assertEquals(line.subList(0, 5), admitted);
        admission.releaseInput(giant);
        // The slot is free again, so the next one need not fit.
        assertEquals(line.subList(0, 6), admitted);
        check();
    }

    /** Two MSETs that learn of their second value when each holds half: one of them gets all it needs. */
    @Test
    void growingHoldersDoNotDeadlock() {
        Connection a = connection();
        Connection b = connection();
        assertTrue(admission.admitInput(a, 2 * MIB));
        assertTrue(admission.admitInput(b, 2 * MIB));
        assertTrue(admission.admitInput(a, 4 * MIB));
        assertTrue(
                admission.admitInput(b, 4 * MIB), "what the first gave up when it took the slot");
        assertFalse(admission.admitInput(b, 6 * MIB));
        assertTrue(admission.admitInput(a, 100 * MIB));
        assertEquals(104 * MIB, admission.reservedBytes());
        check();
        admission.releaseInput(a);
        assertEquals(List.of(b), admitted);
        assertEquals(6 * MIB, b.inputBound);
        check();
    }

    @Test
    void theDeadLeaveTheLineAndGiveBack() {
        Connection giant = connection();
        Connection first = connection();
        Connection second = connection();
        Connection third = connection();
        admission.admitInput(giant, 30 * MIB);
        admission.admitInput(first, 10 * MIB);
        admission.admitInput(second, 10 * MIB);
        admission.admitInput(third, 10 * MIB);
        admission.leaveLine(second);
        admission.forget(first);
        check();
        admission.forget(giant);
        assertEquals(List.of(third), admitted);
        admission.forget(third);
        assertEquals(0, admission.reservedBytes());
        assertEquals(0, admission.waiting());
        check();
    }

    /** An ECHO holds its request while its reply is made; the reply's part shrinks as it is sent. */
    @Test
    void inputAndOutputAddUp() {
        Connection echo = connection();
        Connection other = connection();
        assertTrue(admission.admitInput(echo, MIB));
        assertTrue(admission.admitOutput(echo, MIB));
        assertEquals(2 * MIB, admission.reservedBytes());
        assertTrue(admission.admitOutput(other, 30 * MIB));
        admission.releaseInput(echo);
        assertEquals(31 * MIB, admission.reservedBytes());
        admission.releaseOutput(other, 2 * MIB);
        // Now it fits beside the other, and the slot is free for the next.
        assertTrue(admission.admitOutput(connection(), 30 * MIB));
        admission.releaseOutput(echo, 0);
        assertEquals(32 * MIB, admission.reservedBytes());
        check();
    }

    /** Random asking, growing, releasing, in every other round dying; whoever is not in line ends some time, and then all have been served. */
    @Test
    void nobodyWaitsForEver() {
        long seed = Long.getLong("ironcache.seed", 42);
        for (int round = 0; round < 200; round++) {
            randomRound(
                    new Prng(seed + round), round % 2 == 0, "-Dironcache.seed=" + (seed + round));
        }
    }

    private void randomRound(Prng prng, boolean dying, String seed) {
        all.clear();
        admitted.clear();
        int[] steps = new int[20];
        for (int i = 0; i < steps.length; i++) {
            connection();
            steps[i] = 1 + prng.nextInt(6);
        }
        int open = steps.length;
        for (int turns = 0; open > 0; turns++) {
            assertTrue(turns < 100_000, seed);
            int i = prng.nextInt(steps.length);
            Connection c = all.get(i);
            if (steps[i] == 0) {
                continue;
            }
            // In every other round, nobody leaves the line but by being admitted.
            if (dying && prng.nextInt(100) == 0 || !c.inLine && --steps[i] == 0) {
                steps[i] = 0;
                open--;
                admission.forget(c);
            } else if (!c.inLine) {
                long bytes = Admission.SMALL_BYTES + 1L + prng.nextInt((int) (2 * MIB));
                switch (prng.nextInt(5)) {
                    case 0, 1 -> admission.admitInput(c, c.inputBound + bytes);
                    case 2 -> admission.admitOutput(c, c.outputBound + bytes);
                    case 3 -> admission.releaseInput(c);
                    default -> admission.releaseOutput(c, c.outputBound / 2);
                }
            }
            check();
        }
        assertEquals(0, admission.reservedBytes(), seed);
        assertEquals(0, admission.waiting(), seed);
    }
}
