package ironcache.index;

import ironcache.ffm.Prng;

/** The seed of a test: fresh each run, or {@code -Dironcache.seed}. A failure names the one to paste. */
final class Seeds {
    private Seeds() {}

    interface Body {
        void run(Prng prng);
    }

    static void run(Body body) {
        String wish = System.getProperty("ironcache.seed", "");
        long seed = wish.isEmpty() ? Prng.freshSeed() : Long.parseLong(wish);
        try {
            body.run(new Prng(seed));
        } catch (RuntimeException | Error e) {
            throw new AssertionError("-Dironcache.seed=" + seed + " : " + e.getMessage(), e);
        }
    }
}
