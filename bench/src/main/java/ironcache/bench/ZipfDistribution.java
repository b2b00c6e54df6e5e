package ironcache.bench;

/**
 * Ranks with probability proportional to 1 / (rank + 1)^theta, exactly, by rejection-inversion (W. Hörmann and G.
 * Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6(3), 1996).
 *
 * <p>Unlike YCSB's generator it needs no sum over all keys (10 M calls of pow for 10 M keys), takes any theta &gt; 0
 * including 1, and has no error in the middle ranks. A draw costs about 1.1 rounds of one exp and one log.
 */
final class ZipfDistribution {
    private final long count;
    private final double theta;
    private final double integralAtHalf;
    private final double integralAtEnd;
    private final double shortcut;

    ZipfDistribution(long count, double theta) {
        if (count < 1 || !(theta > 0)) {
            throw new IllegalArgumentException("Zipf over " + count + " keys with theta " + theta);
        }
        this.count = count;
        this.theta = theta;
        integralAtHalf = integral(1.5) - 1;
        integralAtEnd = integral(count + 0.5);
        shortcut = 2 - integralInverse(integral(2.5) - density(2));
    }

    /** A rank in [0, count); rank 0 is the hottest. */
    long next(Mix64 random) {
        while (true) {
            double u = integralAtEnd + random.nextDouble() * (integralAtHalf - integralAtEnd);
            double x = integralInverse(u);
            long k = Math.min(Math.max((long) (x + 0.5), 1), count);
            // The first test accepts almost always and spares the second one's pow.
            if (k - x <= shortcut || u >= integral(k + 0.5) - density((double) k)) {
                return k - 1;
            }
        }
    }

    /** x^-theta, the continuous hat over the ranks 1.. */
    private double density(double x) {
        return Math.exp(-theta * Math.log(x));
    }

    /** Integral of the density from 1 to x: (x^(1-theta) - 1) / (1 - theta), and log x for theta = 1. */
    private double integral(double x) {
        double log = Math.log(x);
        return log * expm1Ratio((1 - theta) * log);
    }

    private double integralInverse(double area) {
        // Rounding may carry t just below -1, where the logarithm has no value.
        double t = Math.max(area * (1 - theta), -1);
        return Math.exp(area * log1pRatio(t));
    }

    /** (e^x - 1) / x, continuous at 0. */
    private static double expm1Ratio(double x) {
        return Math.abs(x) > 1e-8 ? Math.expm1(x) / x : 1 + x / 2 * (1 + x / 3);
    }

    /** log(1 + x) / x, continuous at 0. */
    private static double log1pRatio(double x) {
        return Math.abs(x) > 1e-8 ? Math.log1p(x) / x : 1 - x * (0.5 - x / 3);
    }
}
