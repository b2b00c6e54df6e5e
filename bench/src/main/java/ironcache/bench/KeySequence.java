package ironcache.bench;

import org.jspecify.annotations.Nullable;

/** Which key comes next: numbers in [first, first + count). Owned by the load thread; no allocation per draw. */
sealed interface KeySequence {
    long next();

    /**
     * @param spec {@code uniform}, {@code zipf:THETA} (scrambled over the key space), {@code sequential} or {@code shuffled}
     *     (every key once, in seeded random order; then again)
     */
    static KeySequence of(String spec, long first, long count, long seed) {
        if (count < 1) {
            throw new IllegalArgumentException("--keys " + count + ": at least 1");
        }
        if (spec.startsWith("zipf:")) {
            return new Zipf(
                    first,
                    new ZipfDistribution(count, Double.parseDouble(spec.substring(5))),
                    new KeyPermutation(count, 0),
                    new Mix64(seed));
        }
        return switch (spec) {
            case "uniform" -> new Uniform(first, count, new Mix64(seed));
            case "sequential" -> new Cursor(first, count, null);
            case "shuffled" -> new Cursor(first, count, new KeyPermutation(count, seed));
            default ->
                    throw new IllegalArgumentException(
                            "--key-dist " + spec + ": uniform, zipf:THETA, sequential or shuffled");
        };
    }

    /** Every key equally likely. */
    record Uniform(long first, long count, Mix64 random) implements KeySequence {
        @Override
        public long next() {
            return first + random.nextLong(count);
        }
    }

    /** Few keys hot; the permutation does not depend on the run's seed, so that all runs agree on which ones. */
    record Zipf(long first, ZipfDistribution ranks, KeyPermutation scramble, Mix64 random)
            implements KeySequence {
        @Override
        public long next() {
            return first + scramble.apply(ranks.next(random));
        }
    }

    /** Every key once per round. */
    final class Cursor implements KeySequence {
        private final long first;
        private final long count;
        private final @Nullable KeyPermutation order;
        private long index;

        Cursor(long first, long count, @Nullable KeyPermutation order) {
            this.first = first;
            this.count = count;
            this.order = order;
        }

        @Override
        public long next() {
            long at = index;
            index = at + 1 == count ? 0 : at + 1;
            return first + (order == null ? at : order.apply(at));
        }
    }
}
