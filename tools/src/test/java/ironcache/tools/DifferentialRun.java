package ironcache.tools;

import ironcache.tools.CommandGen.Families;
import ironcache.tools.LockStep.Mismatch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Plays seeded random commands against IronCache and Valkey side by side and wants the same replies.
 *
 * <pre>tools/conformance differential --commands 1000000 --seed 42</pre>
 *
 * The stream is cut into epochs of 20,000 commands, each from empty servers and a seed of its own, so that a failure is
 * replayed ({@code --replay SEED}) and shrunk in seconds.
 */
public final class DifferentialRun {
    static final int EPOCH_COMMANDS = 20_000;
    private static final long SHRINK_LIMIT_MS = 90_000;
    private static final int SHOWN_BEFORE = 12;

    /** What a run found: null mismatch for nothing. */
    record Result(
            long commands, long epochSeed, Mismatch mismatch, List<Op> shrunk, String report) {}

    private DifferentialRun() {}

    @SuppressWarnings("try") // Pressure works on its own until it is closed.
    public static void main(String[] argv) throws Exception {
        long commands = 1_000_000;
        long seed = System.nanoTime();
        Long replay = null;
        int failures = 1;
        String subject = "ironcache";
        String oracle = "valkey";
        long pressureMib = 0;
        Families families = Families.STRINGS;
        List<String> settings = new ArrayList<>();
        for (int i = 0; i < argv.length; i += 2) {
            String value = i + 1 < argv.length ? argv[i + 1] : "";
            switch (argv[i]) {
                case "--commands" -> commands = Long.parseLong(value);
                case "--seed" -> seed = Long.parseLong(value);
                case "--replay" -> replay = Long.parseLong(value);
                case "--failures" -> failures = Integer.parseInt(value);
                case "--subject" -> subject = value;
                case "--oracle" -> oracle = value;
                case "--pressure" -> pressureMib = Long.parseLong(value);
                case "--families" -> families = Families.valueOf(value.toUpperCase(Locale.ROOT));
                case "--setting" -> settings.addAll(List.of(value.split("=", 2)));
                default ->
                        throw new IllegalArgumentException(
                                argv[i]
                                        + ": allowed are --commands --seed --replay --failures --subject --oracle --pressure MIB"
                                        + " --families strings|collections --setting NAME=VALUE");
            }
        }
        for (int i = 0; i < settings.size(); i += 2) {
            settings.set(i, "--" + settings.get(i));
        }
        Path dir = Files.createTempDirectory("ironcache-differential");
        int found = 0;
        try (ServerProcess left =
                        ServerProcess.start(oracle, Files.createDirectory(dir.resolve("oracle")));
                ServerProcess right =
                        ServerProcess.start(
                                subject,
                                Files.createDirectory(dir.resolve("subject")),
                                settings.toArray(String[]::new));
                Pressure pressure =
                        pressureMib > 0 ? new Pressure(right.port(), pressureMib) : null) {
            if (replay != null) {
                Result result = epoch(left.port(), right.port(), replay, EPOCH_COMMANDS, families);
                System.out.println(result.mismatch == null ? "no difference" : result.report);
                found = result.mismatch == null ? 0 : 1;
            } else {
                found = run(left.port(), right.port(), seed, commands, failures, families);
            }
            System.out.printf(
                    "peak RSS: %s %d MiB, %s %d MiB%n",
                    left.name(), left.peakRssKib() >> 10, right.name(), right.peakRssKib() >> 10);
        } finally {
            deleteTree(dir);
        }
        System.exit(found == 0 ? 0 : 1);
    }

    private static int run(
            int oraclePort,
            int subjectPort,
            long seed,
            long commands,
            int failures,
            Families families)
            throws Exception {
        System.out.printf("differential run: %,d commands, seed %d%n", commands, seed);
        long started = System.nanoTime();
        long done = 0;
        int found = 0;
        for (long e = 0; done < commands && found < failures; e++) {
            int count = (int) Math.min(EPOCH_COMMANDS, commands - done);
            Result result = epoch(oraclePort, subjectPort, epochSeed(seed, e), count, families);
            done += count;
            if (result.mismatch != null) {
                found++;
                System.out.println(result.report);
            }
            double seconds = (System.nanoTime() - started) / 1e9;
            System.out.printf(
                    "%,12d of %,d commands, %,.0f/s, %d differences%n",
                    done, commands, done / seconds, found);
        }
        return found;
    }

    static long epochSeed(long seed, long epoch) {
        return seed + epoch;
    }

    static List<Op> commands(long seed, int count, Families families) {
        CommandGen gen = new CommandGen(seed, System.currentTimeMillis(), families);
        List<Op> ops = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            ops.add(gen.next());
        }
        return ops;
    }

    /** One epoch, shrunk where it fails. */
    static Result epoch(int oraclePort, int subjectPort, long seed, int count, Families families)
            throws Exception {
        List<Op> ops = commands(seed, count, families);
        try (LockStep servers = new LockStep(oraclePort, subjectPort)) {
            Mismatch found = servers.play(ops);
            if (found == null) {
                return new Result(count, seed, null, List.of(), "");
            }
            List<Op> failing = ops.subList(0, Math.min(ops.size(), found.index() + 1));
            StringBuilder report = new StringBuilder();
            report.append("DIFFERENCE at command ")
                    .append(found.index())
                    .append(" of the epoch with seed ")
                    .append(seed)
                    .append("; replay with: tools/conformance differential --families ")
                    .append(families.name().toLowerCase(Locale.ROOT))
                    .append(" --replay ")
                    .append(seed)
                    .append('\n');
            describe(report, found);
            report.append("the last commands on its keys:\n");
            for (Op op : lastRelated(failing, found.op())) {
                report.append("    ").append(op.show(60)).append('\n');
            }
            Shrinker shrinker =
                    new Shrinker(candidate -> servers.play(candidate) != null, SHRINK_LIMIT_MS);
            List<Op> small = failing;
            if (servers.play(failing) == null) {
                report.append("it did not happen again when played again: timing plays a part\n");
            } else {
                List<Op> related = related(failing, found.op());
                small = shrinker.shrink(servers.play(related) != null ? related : failing);
                report.append("shrunk to ")
                        .append(small.size())
                        .append(" commands in ")
                        .append(shrinker.trials())
                        .append(" trials:\n");
                for (Op op : small) {
                    report.append("    ").append(op.show(200)).append('\n');
                }
                Mismatch again = servers.play(small);
                if (again != null) {
                    describe(report, again);
                }
            }
            return new Result(count, seed, found, small, report.toString());
        }
    }

    private static void describe(StringBuilder report, Mismatch found) {
        report.append("  ").append(found.why()).append('\n');
        if (found.op() != null) {
            report.append("  command:  ").append(found.op().show(200)).append('\n');
        }
        report.append("  expected: ").append(found.expected()).append('\n');
        report.append("  actual:   ").append(found.actual()).append('\n');
    }

    private static List<Op> lastRelated(List<Op> ops, Op failing) {
        List<Op> related = related(ops, failing);
        return related.subList(Math.max(0, related.size() - SHOWN_BEFORE), related.size());
    }

    /** The commands that share an argument with the failing one, or change databases or connections as a whole. */
    private static List<Op> related(List<Op> ops, Op failing) {
        if (failing == null) {
            return ops;
        }
        Set<String> words = new HashSet<>();
        for (int i = 1; i < failing.args().length; i++) {
            words.add(failing.text(i));
        }
        Set<String> always =
                Set.of("SELECT", "SWAPDB", "MOVE", "FLUSHDB", "FLUSHALL", "RESET", "QUIT", "HELLO");
        List<Op> related = new ArrayList<>();
        for (Op op : ops) {
            boolean shares =
                    op == failing
                            || always.contains(op.name())
                            || Arrays.stream(op.args())
                                    .skip(1)
                                    .anyMatch(
                                            a ->
                                                    words.contains(
                                                            new String(
                                                                    a,
                                                                    StandardCharsets.ISO_8859_1)));
            if (shares) {
                related.add(op);
            }
        }
        return related;
    }

    static void deleteTree(Path dir) throws IOException {
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
