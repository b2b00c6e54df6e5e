package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CrowdTest {
    private static final long WINDOW_NANOS = 500_000_000;

    private final Crowd crowd = new Crowd(1, 1);

    private int turnWith(int requests) {
        for (int i = 0; i < requests; i++) {
            crowd.arrived();
        }
        return crowd.next();
    }

    private void lookAt(int connections, int busyPercent) {
        crowd.look(connections, WINDOW_NANOS / 100 * busyPercent, WINDOW_NANOS);
    }

    @Test
    void answersAtOnceWhileThereIsTimeToSpare() {
        lookAt(50, 30);
        assertEquals(1, turnWith(20));
        assertEquals(1, turnWith(20));
    }

    @Test
    void busyIsWhoTakesTwoFifthsOfItsShareOfTheCores() {
        Crowd oneOfFour = new Crowd(4, 2);
        oneOfFour.look(50, WINDOW_NANOS / 100 * 19, WINDOW_NANOS);
        oneOfFour.arrived();
        oneOfFour.arrived();
        assertEquals(1, oneOfFour.next());
        oneOfFour.look(50, WINDOW_NANOS / 100 * 21, WINDOW_NANOS);
        oneOfFour.arrived();
        oneOfFour.arrived();
        assertEquals(2, oneOfFour.next());
        Crowd oneOfTwo = new Crowd(2, 16);
        oneOfTwo.look(50, WINDOW_NANOS / 100 * 21, WINDOW_NANOS);
        oneOfTwo.arrived();
        oneOfTwo.arrived();
        assertEquals(1, oneOfTwo.next());
    }

    @Test
    void growsWithTheSurplusUpToAQuarterOfTheConnections() {
        lookAt(50, 80);
        assertEquals(1 + 19 / 4, turnWith(20));
        assertEquals(5 + 15 / 4, turnWith(20));
        for (int i = 0; i < 10; i++) {
            turnWith(50);
        }
        assertEquals(12, turnWith(50));
        lookAt(1000, 80);
        for (int i = 0; i < 10; i++) {
            turnWith(500);
        }
        assertEquals(32, turnWith(500));
    }

    @Test
    void aVainWaitIsTheLast() {
        lookAt(50, 80);
        turnWith(40);
        assertEquals(10, turnWith(10));
        assertEquals(6, turnWith(8));
        assertEquals(1, turnWith(1));
        assertEquals(1, turnWith(1));
    }

    @Test
    void aFewConnectionsAreNoCrowd() {
        lookAt(7, 100);
        assertEquals(1, turnWith(7));
        assertEquals(1, turnWith(7));
    }

    @Test
    void staysUntilClearlyLessBusy() {
        lookAt(50, 80);
        turnWith(50);
        lookAt(50, 35);
        assertEquals(12, turnWith(50));
        lookAt(50, 25);
        assertEquals(1, turnWith(50));
        lookAt(50, 35);
        assertEquals(1, turnWith(50));
    }
}
