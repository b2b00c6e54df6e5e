package ironcache.tools;

import ironcache.ffm.Memory;
import ironcache.ffm.Prng;
import ironcache.ffm.SimDisk;
import ironcache.recovery.FileWorker;
import ironcache.tiering.BlindStore;
import ironcache.tools.CorruptionDamage.Kind;
import ironcache.tools.CorruptionDamage.Target;
import ironcache.tools.CorruptionData.Origin;
import ironcache.tools.CorruptionData.Served;
import ironcache.wal.BlindRecovery;
import ironcache.wal.Damage;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Damages small data directories of all kinds of files, one place at a time, and judges what the tool and the server make of it ({@link CorruptionData}, {@link
 * CorruptionDamage}):
 *
 * <ul>
 *   <li>{@code verify} finds it, or it is harmless: a start serves everything.
 *   <li>A start refuses, naming the file, or serves what is right: a key that cannot be read is an error, never another value.
 *   <li>What {@code recover} makes has no wrong value, and where a key is missing, its report is not empty. Where frames of the log are lost, and the report says so, a key may
 *       be as it was before them: nobody knows whose they were.
 * </ul>
 *
 * <p>The server is the real one on the simulated disk; verify and recover read the same bytes from real files. {@code tools/conformance corruption --cases N --seed S}.
 */
final class CorruptionRun implements AutoCloseable {
    /** What is wrong on purpose. */
    enum Bug {
        NONE,
        /** verify does not look at the checksums of pages and their blocks. */
        VERIFY_SKIPS_PAGES,
        /** verify does not look at those of frames. */
        VERIFY_SKIPS_FRAMES,
        /** verify does not look at state files. */
        VERIFY_SKIPS_STATE,
        /** recover does not say what it lost. */
        RECOVER_IS_MUTE,
        /** The server does not verify blocks of pages that it reads. */
        SERVER_SKIPS_PAGES,
        /** Nor frames of the log. */
        SERVER_SKIPS_FRAMES;

        boolean isOfServer() {
            return this == SERVER_SKIPS_PAGES || this == SERVER_SKIPS_FRAMES;
        }
    }

    private static final String IRONCACHE = "ironcache";
    private static final int ORIGINS = Origin.values().length;
    private static final long SALVAGE_MEMORY_BYTES = 64L << 20;
    private static final long FREED_BYTES = 256L << 20;
    private static final int LINE_MAX = 2000;

    /** Cases between two lines that say how far it is. */
    private static final int PROGRESS = 1000;

    /** Of a target and a kind. */
    private static final class Tally {
        int cases;
        int found;
        int refused;
        int refusedKeys;
        int harmless;
        int recovered;
        int recoveredWhole;
    }

    private final CorruptionData data;
    private final CorruptionDamage.Files files;
    private final Path root;
    private final Path real;
    private final long seed;
    private final Bug bug;

    /** Every so many cases the damaged directory is recovered into another one. */
    private final int recoverEvery;

    /** Command line of a server that is started on the damaged directory in a process of its own; null: the simulated one is. */
    private final String server;

    private final Outcome outcome;
    private int number;

    /** By shard, where the process was killed. */
    private final List<LogEnd> ends = new ArrayList<>();

    /**
     * The end of a log.
     *
     * @param unwitnessed how many of its last frames have no witness
     */
    private record LogEnd(Path file, long bytes, int unwitnessed) {}

    CorruptionRun(
            Origin origin, long seed, int recoverEvery, Bug bug, String server, Outcome outcome)
            throws IOException {
        this.seed = seed;
        this.server = server;
        this.bug = bug;
        this.recoverEvery = recoverEvery;
        this.outcome = outcome;
        data = new CorruptionData(origin, seed);
        files = new CorruptionDamage.Files(data.disk);
        root = scratch();
        real = root.resolve("in");
        export(data.disk, real);
        if (origin == Origin.LOG_KILLED) {
            for (int shard = 0; shard < CorruptionData.SHARDS; shard++) {
                ends.add(end(shard));
            }
        }
    }

    private LogEnd end(int shard) throws IOException {
        NavigableMap<Long, Path> logs = DataDirectory.open(real).shard(shard).logs;
        try (FileWorker worker = new FileWorker()) {
            for (Path file : logs.descendingMap().values()) {
                LogEnd end = end(worker, file);
                if (end != null) {
                    return end;
                }
            }
        }
        throw new IllegalStateException("shard " + shard + " has no frames");
    }

    private LogEnd end(FileWorker worker, Path file) throws IOException {
        LogEnd end = null;
        try (FileScan scan = new FileScan(worker.io, 0)) {
            worker.handle((token, result) -> scan.onFile((int) token, result));
            scan.open(file);
            FrameReader.Status status = scan.next();
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    worker.await();
                } else {
                    end =
                            new LogEnd(
                                    CorruptionData.ROOT.resolve(real.relativize(file)),
                                    scan.offset() + FrameLayout.HEADER_BYTES + scan.length(),
                                    (int) (scan.seqno() - scan.witness()));
                }
                status = scan.next();
            }
        }
        return end;
    }

    /**
     * How many of its last commands each shard may lack, for all that the disk can tell. Where the process was killed, the last; where the damage has taken all that was written
     * to the end of a log, those whose frames have no witness: it is as if they had never been written.
     *
     * @param damage null: none
     */
    private int[] mayLack(CorruptionDamage damage) {
        int[] most = new int[CorruptionData.SHARDS];
        for (int shard = 0; shard < ends.size(); shard++) {
            LogEnd end = ends.get(shard);
            boolean taken = damage != null && damage.takes(end.file, end.bytes);
            most[shard] = taken ? Math.max(1, end.unwitnessed) : 1;
        }
        return most;
    }

    /** In memory, where that can be. */
    static Path scratch() throws IOException {
        Path memory = Path.of("/dev/shm");
        return Files.isWritable(memory)
                ? Files.createTempDirectory(memory, "ironcache-corruption")
                : Files.createTempDirectory("ironcache-corruption");
    }

    static void export(SimDisk disk, Path to) throws IOException {
        for (String name : disk.names()) {
            Path file = to.resolve(CorruptionData.ROOT.relativize(Path.of(name)));
            Files.createDirectories(file.getParent());
            Files.write(file, disk.contents(Path.of(name)));
        }
    }

    private Path real(Path file) {
        return real.resolve(CorruptionData.ROOT.relativize(file));
    }

    /** Makes a range of a real file what it is on the disk, its length too. */
    private void copy(SimDisk from, Path file, long[] range) throws IOException {
        try (RandomAccessFile to = new RandomAccessFile(real(file).toFile(), "rw")) {
            to.setLength(from.bytes(file));
            to.seek(range[0]);
            to.write(from.contents(file, range[0], (int) (range[1] - range[0])));
        }
    }

    /** Without damage everything verifies and is served; else nothing that follows means anything. */
    void checkSound() throws IOException {
        Verification verification = verify();
        int[] mayLack = mayLack(null);
        Served served = data.serve(data.disk.copy(), seed, true, mayLack);
        if (verification.findingCount() > 0 || !served.isAll()) {
            fail(
                    "no damage",
                    ""
                            + verification.findings()
                            + ", "
                            + served.refusal()
                            + served.failures()
                            + served.errors()
                            + served.missing());
        }
        recover(verification, "no damage", mayLack);
    }

    private String name() {
        return data.origin + ", --seed " + seed + ", case " + number;
    }

    private Verification verify() {
        long from = System.nanoTime();
        Verification verification =
                new Verification(DataDirectory.open(real), new ToolProgress("verify", true));
        verification.run(1);
        outcome.verifyNanos += System.nanoTime() - from;
        return verification;
    }

    /** The findings of a verify that has the planted bug. */
    private List<Damage> seen(Verification verification) {
        Predicate<Damage> skipped =
                switch (bug) {
                    case VERIFY_SKIPS_PAGES -> one -> is(one, Target.SEGMENT);
                    case VERIFY_SKIPS_FRAMES -> one -> is(one, Target.LOG) || is(one, Target.IMAGE);
                    case VERIFY_SKIPS_STATE -> one -> is(one, Target.STATE);
                    case NONE, RECOVER_IS_MUTE, SERVER_SKIPS_PAGES, SERVER_SKIPS_FRAMES ->
                            one -> false;
                };
        return verification.findings().stream().filter(skipped.negate()).toList();
    }

    private static boolean is(Damage one, Target target) {
        return CorruptionDamage.target(one.file()) == target;
    }

    /** One damage, judged, and taken back. */
    void damageOne() throws IOException {
        number++;
        Prng prng = new Prng(Prng.mix(seed * 1_000_003 + number));
        SimDisk disk = data.disk.copy();
        CorruptionDamage damage =
                switch (bug) {
                    // Elsewhere a server that believes it would follow wild lengths.
                    case SERVER_SKIPS_PAGES ->
                            CorruptionDamage.flipValue(disk, files, prng, Target.SEGMENT);
                    case SERVER_SKIPS_FRAMES ->
                            CorruptionDamage.flipValue(disk, files, prng, Target.LOG);
                    default -> CorruptionDamage.make(disk, files, prng);
                };
        Tally tally =
                outcome.tallies
                        .computeIfAbsent(damage.target, t -> new EnumMap<>(Kind.class))
                        .computeIfAbsent(damage.kind, k -> new Tally());
        tally.cases++;
        try {
            for (Map.Entry<Path, long[]> one : damage.touched.entrySet()) {
                copy(disk, one.getKey(), one.getValue());
            }
            judge(damage, disk, tally);
        } catch (IOException | RuntimeException | Error e) {
            fail(damage.toString(), "ended: " + text(e));
        } finally {
            for (Map.Entry<Path, long[]> one : damage.touched.entrySet()) {
                copy(data.disk, one.getKey(), one.getValue());
            }
        }
    }

    private static String text(Throwable e) {
        StringBuilder text = new StringBuilder(e.toString());
        for (int i = 0; i < Math.min(10, e.getStackTrace().length); i++) {
            text.append("\n    at ").append(e.getStackTrace()[i]);
        }
        return e.getCause() == null ? text.toString() : text + "\n  by " + text(e.getCause());
    }

    private void fail(String damage, String what) {
        String line = name() + ", " + damage + ": " + what;
        outcome.failures.add(line.length() > LINE_MAX ? line.substring(0, LINE_MAX) : line);
        if (bug == Bug.NONE) {
            System.out.println("FAILED " + outcome.failures.getLast());
        }
    }

    private void judge(CorruptionDamage damage, SimDisk disk, Tally tally) throws IOException {
        Verification verification = verify();
        List<Damage> findings = seen(verification);
        boolean found = !findings.isEmpty();
        int[] mayLack = mayLack(damage);
        // Before the start, which changes what it finds.
        if (number % recoverEvery == 0) {
            long recoverFrom = System.nanoTime();
            boolean whole = recover(verification, damage.toString(), mayLack);
            outcome.recoverNanos += System.nanoTime() - recoverFrom;
            tally.recovered++;
            tally.recoveredWhole += whole ? 1 : 0;
        }
        long from = System.nanoTime();
        Served served = serve(disk, mayLack);
        outcome.serveNanos += System.nanoTime() - from;
        served.failures().stream()
                // Whose a record in a damaged block was, and whether that is gone since, is not
                // known.
                .filter(one -> !(damage.target == Target.SEGMENT && one.startsWith("DBSIZE")))
                .forEach(one -> fail(damage.toString(), one));
        boolean stateRefused = served.log().contains("state of the last shutdown is not used: ");
        if (served.refusal() != null) {
            tally.refused++;
            checkRefusal(damage, served.refusal());
        } else if (!served.errors().isEmpty()) {
            tally.refusedKeys++;
        }
        if (!served.missing().isEmpty() && !(stateRefused && data.origin == Origin.STATE_ALONE)) {
            fail(
                    damage.toString(),
                    served.missing().size()
                            + " keys are missing, as "
                            + served.missing().getFirst()
                            + "; the server said: "
                            + served.log()
                            + "; verify: "
                            + findings
                            + verification.notes());
        }
        if (!served.older().isEmpty()) {
            fail(
                    damage.toString(),
                    "WRONG VALUE: "
                            + served.older().size()
                            + " keys are as they were before, as "
                            + served.older().getFirst()
                            + "; the server said: "
                            + served.log()
                            + "; verify: "
                            + findings
                            + verification.notes());
        }
        boolean harmless = served.isAll() && !stateRefused;
        if (found) {
            tally.found++;
        } else if (harmless) {
            tally.harmless++;
        } else if (data.origin == Origin.STATE_ALONE && damage.target == Target.SEGMENT) {
            // Only the state knows which pages count: found when they are read.
            tally.found++;
        } else if (served.failures().isEmpty()) {
            fail(
                    damage.toString(),
                    "verify finds nothing, but: "
                            + served.refusal()
                            + served.errors()
                            + served.missing().size()
                            + " missing; "
                            + served.log());
        }
    }

    private Served serve(SimDisk disk, int[] mayLack) throws IOException {
        return switch (bug) {
            case SERVER_SKIPS_PAGES -> {
                try (BlindStore _ = BlindStore.plant()) {
                    yield data.serve(disk, seed + number, true, mayLack);
                }
            }
            case SERVER_SKIPS_FRAMES -> {
                try (BlindRecovery _ = BlindRecovery.plant()) {
                    yield data.serve(disk, seed + number, true, mayLack);
                }
            }
            default ->
                    server == null
                            ? data.serve(disk, seed + number, true, mayLack)
                            : serveReal(mayLack);
        };
    }

    /** By a process of its own, on a copy of the directory. */
    private Served serveReal(int[] mayLack) throws IOException {
        Path copy = root.resolve("served");
        delete(copy);
        try (Stream<Path> all = Files.walk(real)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                Path to = copy.resolve(real.relativize(file));
                Files.createDirectories(to.getParent());
                Files.copy(file, to);
            }
        }
        ServerProcess started = ServerProcess.launch(server, copy, settings());
        try (started) {
            String refusal = started.awaitLoaded();
            if (refusal != null) {
                return new Served(refusal, List.of(), List.of(), List.of(), List.of(), refusal);
            }
            try (RespClient client = new RespClient(started.port())) {
                Served read = data.read(client::pipeline, mayLack);
                return new Served(
                        null,
                        read.failures(),
                        read.errors(),
                        read.missing(),
                        read.older(),
                        started.logTail());
            }
        } finally {
            delete(copy);
        }
    }

    private String[] settings() {
        return new String[] {
            "--shards",
            "" + CorruptionData.SHARDS,
            "--maxmemory",
            "256mb",
            "--maxdisk",
            "512mb",
            "--appendonly",
            data.origin.keepsLog() ? "yes" : "no",
            "--appendfsync",
            "always",
            "--warm-restart",
            data.origin.keepsState() ? "yes" : "no"
        };
    }

    /** File, field, expected, actual, and what to do. */
    private void checkRefusal(CorruptionDamage damage, String refusal) {
        boolean names =
                damage.touched.keySet().stream()
                        .anyMatch(file -> refusal.contains(file.getFileName().toString()));
        if (!names || !refusal.contains("expected") || !refusal.contains("ironcache-tool")) {
            fail(damage.toString(), "refused without saying what and where: " + refusal);
        }
    }

    /** Recovers the damaged directory into another one, and asks a server on that. @return whether all of it was saved */
    private boolean recover(Verification verification, String damage, int[] mayLack)
            throws IOException {
        Path out = root.resolve("out");
        delete(out);
        Salvage salvage =
                new Salvage(
                        DataDirectory.open(real),
                        out,
                        SALVAGE_MEMORY_BYTES,
                        new ToolProgress("recover", true));
        try {
            salvage.run(verification.findings());
            SimDisk made = new SimDisk(1L << 32);
            try (Stream<Path> all = Files.walk(out)) {
                for (Path file : all.filter(Files::isRegularFile).toList()) {
                    made.put(
                            CorruptionData.ROOT.resolve(out.relativize(file)),
                            Files.readAllBytes(file));
                }
            }
            Served served = data.serve(made, seed + number, false, mayLack);
            boolean told = !salvage.report.isComplete() && bug != Bug.RECOVER_IS_MUTE;
            served.failures().forEach(one -> fail(damage, "after recover: " + one));
            if (served.refusal() != null) {
                fail(damage, "after recover, the start is refused: " + served.refusal());
            }
            if (!served.errors().isEmpty()) {
                fail(damage, "after recover: " + served.errors().getFirst());
            }
            List<String> lost = new ArrayList<>(served.missing());
            lost.addAll(served.older());
            if (!lost.isEmpty() && !told) {
                fail(
                        damage,
                        "recover lost "
                                + lost.size()
                                + " keys and does not say so, as "
                                + lost.getFirst()
                                + " "
                                + salvage.report.decisions);
            }
            if (!served.older().isEmpty()
                    && salvage.report.lostFrames == 0
                    && !salvage.report.lostTail) {
                fail(
                        damage,
                        "after recover, "
                                + served.older().size()
                                + " keys are as they were before, and no frame of the log is said to"
                                + " be lost: "
                                + served.older().getFirst()
                                + " "
                                + salvage.report.decisions
                                + salvage.report.losses);
            }
            return served.isAll();
        } catch (ToolException e) {
            fail(damage, "recover: " + text(e));
            return false;
        } finally {
            delete(out);
        }
    }

    @Override
    public void close() throws IOException {
        delete(root);
    }

    static void delete(Path directory) throws IOException {
        if (Files.exists(directory)) {
            try (Stream<Path> all = Files.walk(directory)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    // Many.

    /** What many cases led to. */
    static final class Outcome {
        private final Map<Target, Map<Kind, Tally>> tallies = new TreeMap<>();
        final List<String> failures = new ArrayList<>();
        private long verifyNanos;
        private long serveNanos;
        private long recoverNanos;

        int cases() {
            return sum(one -> one.cases);
        }

        int recovered() {
            return sum(one -> one.recovered);
        }

        private int sum(java.util.function.ToIntFunction<Tally> of) {
            return tallies.values().stream()
                    .flatMap(kinds -> kinds.values().stream())
                    .mapToInt(of)
                    .sum();
        }

        private void progress(int done, long nanos) {
            System.out.printf(
                    Locale.ROOT,
                    "%,d cases, %,d failures; a case %.1f ms: verify %.1f, start %.1f, recover"
                            + " %.1f%n",
                    done,
                    failures.size(),
                    nanos / 1e6 / done,
                    verifyNanos / 1e6 / done,
                    serveNanos / 1e6 / done,
                    recoverNanos / 1e6 / done);
        }

        String table() {
            StringBuilder text = new StringBuilder();
            text.append(
                    String.format(
                            Locale.ROOT,
                            "%-9s%-11s%8s%8s%9s%9s%10s%10s%8s%n",
                            "target",
                            "kind",
                            "cases",
                            "found",
                            "refused",
                            "errors",
                            "harmless",
                            "recovered",
                            "whole"));
            tallies.forEach(
                    (target, kinds) -> kinds.forEach((kind, one) -> line(text, target, kind, one)));
            Tally all = new Tally();
            all.cases = cases();
            all.found = sum(one -> one.found);
            all.refused = sum(one -> one.refused);
            all.refusedKeys = sum(one -> one.refusedKeys);
            all.harmless = sum(one -> one.harmless);
            all.recovered = recovered();
            all.recoveredWhole = sum(one -> one.recoveredWhole);
            line(text, "all", "", all);
            return text.toString();
        }

        private static void line(StringBuilder text, Object target, Object kind, Tally one) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "%-9s%-11s%,8d%,8d%,9d%,9d%,10d%,10d%,8d%n",
                            target,
                            kind,
                            one.cases,
                            one.found,
                            one.refused,
                            one.refusedKeys,
                            one.harmless,
                            one.recovered,
                            one.recoveredWhole));
        }
    }

    /**
     * Directories of all origins, so many damages to each, until there were enough.
     *
     * @param perDirectory damages to a directory before another one is made
     */
    static Outcome play(int cases, int perDirectory, long seed, int recoverEvery, Bug bug)
            throws IOException {
        return play(cases, perDirectory, seed, recoverEvery, bug, null);
    }

    /** @param server null: the simulated one */
    static Outcome play(
            int cases, int perDirectory, long seed, int recoverEvery, Bug bug, String server)
            throws IOException {
        Outcome outcome = new Outcome();
        long from = System.nanoTime();
        int done = 0;
        for (long round = seed; done < cases; round++) {
            for (Origin origin : Origin.values()) {
                if (done >= cases) {
                    break;
                }
                if (bug == Bug.SERVER_SKIPS_FRAMES && !origin.keepsLog()) {
                    continue;
                }
                try (CorruptionRun run =
                        new CorruptionRun(origin, round, recoverEvery, bug, server, outcome)) {
                    if (bug == Bug.NONE) {
                        run.checkSound();
                    }
                    for (int i = 0; i < perDirectory && done < cases; i++, done++) {
                        run.damageOne();
                        if (bug != Bug.NONE && !outcome.failures.isEmpty()) {
                            return outcome; // It is caught.
                        }
                    }
                }
                if (bug == Bug.NONE && done / PROGRESS != (done - perDirectory) / PROGRESS) {
                    System.out.print(outcome.table());
                    outcome.progress(done, System.nanoTime() - from);
                }
            }
        }
        return outcome;
    }

    public static void main(String[] arguments) throws IOException {
        Memory.keepFreed(FREED_BYTES);
        int cases = 1000;
        int perDirectory = 200;
        int recoverEvery = 10;
        long seed = 1;
        int keys = 120_000;
        double pagesDamaged = 0;
        int real = 0;
        Bug bug = Bug.NONE;
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            String value = arguments[i + 1];
            switch (arguments[i]) {
                case "--cases" -> cases = Integer.parseInt(value);
                case "--seed" -> seed = Long.parseLong(value);
                case "--per-directory" -> perDirectory = Integer.parseInt(value);
                case "--recover-every" -> recoverEvery = Integer.parseInt(value);
                case "--pages-damaged" -> pagesDamaged = Double.parseDouble(value);
                case "--keys" -> keys = Integer.parseInt(value);
                case "--real" -> real = Integer.parseInt(value);
                case "--bug" -> bug = Bug.valueOf(value.toUpperCase(Locale.ROOT).replace('-', '_'));
                default -> throw new IllegalArgumentException(arguments[i]);
            }
        }
        if (pagesDamaged > 0) {
            System.exit(CorruptionPages.run(keys, pagesDamaged, seed) ? 0 : 1);
        }
        Outcome outcome =
                real > 0
                        ? play(
                                real,
                                Math.ceilDiv(real, ORIGINS),
                                seed,
                                recoverEvery,
                                bug,
                                IRONCACHE)
                        : play(cases, perDirectory, seed, recoverEvery, bug);
        System.out.print(outcome.table());
        System.out.printf(
                Locale.ROOT,
                "seed %d, %,d cases, %,d failures%n",
                seed,
                outcome.cases(),
                outcome.failures.size());
        if (bug != Bug.NONE && !outcome.failures.isEmpty()) {
            System.out.println("caught: " + outcome.failures.getFirst());
        }
        System.exit(outcome.failures.isEmpty() ? 0 : 1);
    }
}
