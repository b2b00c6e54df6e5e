package ironcache.ffm;

import org.junit.jupiter.api.Assumptions;

/** What the machine that runs the tests has. */
final class TestMachine {
    private TestMachine() {}

    /** Skips, and says why, where there is no liburing.so.2. */
    static void assumeLiburing() {
        Assumptions.assumeTrue(
                RingCalls.liburingPresent(),
                "skipped: no liburing.so.2 (Debian: apt-get install liburing2)");
    }
}
