package ironcache.datatypes;

import ironcache.ffm.Prng;

/** Seeds of the property tests: {@code -Dironcache.seed=42} runs a failure again. */
final class Seed {
    private Seed() {}

    static long get() {
        String text = System.getProperty("ironcache.seed", "");
        return text.isEmpty() ? Prng.freshSeed() : Long.parseLong(text);
    }

    /** The line to paste. */
    static String line(long seed) {
        return "-Dironcache.seed=" + seed;
    }
}
