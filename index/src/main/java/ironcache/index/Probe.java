package ironcache.index;

/**
 * Chooses the line compare once, when the class loads, so that the compiler folds the choice away.
 * {@code -Dironcache.index.probe=512|256|128|scalar} overrules it, for tests and benchmarks.
 */
final class Probe {
    private static final int SCALAR = 0;

    /** Vector bits of one compare; 0 is the scalar twin. */
    static final int BITS = choose();

    private Probe() {}

    static int match(long line, long tag) {
        if (BITS == 512) {
            return VectorProbe.match512(line, tag);
        } else if (BITS == 256) {
            return VectorProbe.match256(line, tag);
        } else if (BITS == 128) {
            return VectorProbe.match128(line, tag);
        } else {
            return ScalarProbe.match(line, tag);
        }
    }

    static int empty(long line) {
        if (BITS == 512) {
            return VectorProbe.empty512(line);
        } else if (BITS == 256) {
            return VectorProbe.empty256(line);
        } else if (BITS == 128) {
            return VectorProbe.empty128(line);
        } else {
            return ScalarProbe.empty(line);
        }
    }

    private static int choose() {
        String wish = System.getProperty("ironcache.index.probe", "auto");
        switch (wish) {
            case "512", "256", "128":
                return Integer.parseInt(wish);
            case "scalar":
                return SCALAR;
            case "auto":
                break;
            default:
                throw new IllegalArgumentException(
                        "ironcache.index.probe="
                                + wish
                                + ": one of auto, 512, 256, 128, scalar wanted");
        }
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return SCALAR;
        }
        int bits = VectorProbe.preferredBits();
        // Four 128-bit compares measured no faster than the scalar twin (53 against 38 ns in
        // cache): only on request.
        return bits >= 512 ? 512 : bits >= 256 ? 256 : SCALAR;
    }
}
