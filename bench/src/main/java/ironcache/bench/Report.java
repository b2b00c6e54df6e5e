package ironcache.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.IChart;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * The report directory: {@code report.md} and its plots. Every line is written (and printed) when it is known, so that an
 * interrupted run leaves what it found.
 */
final class Report {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 500;

    private final Path directory;
    private final Path file;
    private int plots;

    Report(Path directory) throws IOException {
        this.directory = Files.createDirectories(directory);
        file = directory.resolve("report.md");
    }

    Path directory() {
        return directory;
    }

    void heading(String text) throws IOException {
        write("\n## " + text + "\n");
    }

    void line(String format, Object... arguments) throws IOException {
        write(
                (arguments.length == 0 ? format : String.format(Locale.ROOT, format, arguments))
                        + "\n");
    }

    void code(String text) throws IOException {
        write("```\n" + text.stripTrailing() + "\n```");
    }

    /** Cells are padded, so that the Markdown reads as a table on a terminal too. */
    void table(List<String> header, List<List<String>> rows) throws IOException {
        int[] widths = new int[header.size()];
        List<List<String>> all = new ArrayList<>(rows);
        all.addFirst(header);
        for (List<String> row : all) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        StringBuilder text = new StringBuilder("\n");
        for (int r = 0; r < all.size(); r++) {
            for (int i = 0; i < widths.length; i++) {
                String cell = all.get(r).get(i);
                text.append("| ").append(cell).repeat(' ', widths[i] - cell.length() + 1);
            }
            text.append("|\n");
            if (r == 0) {
                for (int width : widths) {
                    text.append('|').repeat('-', width + 2);
                }
                text.append("|\n");
            }
        }
        write(text.toString());
    }

    /** Bars: one group per category, one bar per series, the whiskers from minimum to maximum. */
    void bars(String title, String unit, List<String> categories, Map<String, List<Spread>> series)
            throws IOException {
        CategoryChart chart =
                new CategoryChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(title)
                        .yAxisTitle(unit)
                        .build();
        series.forEach(
                (name, spreads) ->
                        chart.addSeries(
                                name,
                                categories,
                                spreads.stream().map(Spread::median).toList(),
                                spreads.stream().map(s -> (s.max() - s.min()) / 2).toList()));
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setYAxisDecimalPattern("#,##0.##");
        chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNW);
        embed(title, chart);
    }

    /** Lines over time, one per series; each value stands for one interval of {@code intervalSeconds}. */
    void lines(String title, String unit, double intervalSeconds, Map<String, double[]> series)
            throws IOException {
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(title)
                        .xAxisTitle("seconds")
                        .yAxisTitle(unit)
                        .build();
        boolean empty = true;
        for (Map.Entry<String, double[]> entry : series.entrySet()) {
            double[] y = entry.getValue();
            if (y.length == 0) {
                continue;
            }
            double[] x = new double[y.length];
            for (int i = 0; i < x.length; i++) {
                x[i] = (i + 1) * intervalSeconds;
            }
            chart.addSeries(entry.getKey(), x, y).setMarker(SeriesMarkers.NONE);
            empty = false;
        }
        if (empty) {
            return;
        }
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setYAxisDecimalPattern("#,##0.##");
        embed(title, chart);
    }

    private void embed(String title, IChart chart) throws IOException {
        String name = String.format(Locale.ROOT, "plot-%02d.png", ++plots);
        Files.write(directory.resolve(name), ChartEncoder.getBytes(chart, "png"));
        write("\n![" + title + "](" + name + ")\n");
    }

    private void write(String text) throws IOException {
        System.out.println(text);
        Files.writeString(
                file,
                text + "\n",
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }
}
