package ironcache.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What repeated measurements of one figure gave. The median is the figure; minimum and maximum say how far to trust it. */
record Spread(double min, double median, double max) {
    static Spread of(double... values) {
        if (values.length == 0) {
            return new Spread(Double.NaN, Double.NaN, Double.NaN);
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        double median =
                sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(sorted[0], median, sorted[sorted.length - 1]);
    }

    /** Ratios round by round: what disturbed the machine for a while disturbed both. */
    static Spread ofRatios(double[] numerators, double[] denominators) {
        double[] ratios = new double[Math.min(numerators.length, denominators.length)];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = numerators[i] / denominators[i];
        }
        return of(ratios);
    }

    /** The bar, and whether the median is as high. */
    String atLeast(double bar, String format) {
        return verdict(bar, format, median >= bar);
    }

    /** The bar, and whether the median is as low. */
    String atMost(double bar, String format) {
        return verdict(bar, format, median <= bar);
    }

    /** Name, figure and bar: a row of a table. */
    List<String> rowAtLeast(String title, String format, double bar, String barFormat) {
        return List.of(title, toText(format), atLeast(bar, barFormat));
    }

    List<String> rowAtMost(String title, String format, double bar, String barFormat) {
        return List.of(title, toText(format), atMost(bar, barFormat));
    }

    private static String verdict(double bar, String format, boolean met) {
        return String.format(Locale.ROOT, format, bar) + (met ? " met" : " MISSED");
    }

    /** min – <b>median</b> – max in Markdown, each in the given format; a dash where nothing was measured. */
    String toText(String format) {
        if (Double.isNaN(median)) {
            return "-";
        }
        String pattern = format + " – **" + format + "** – " + format;
        return String.format(Locale.ROOT, pattern, min, median, max);
    }
}
