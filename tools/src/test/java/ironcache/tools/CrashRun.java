package ironcache.tools;

import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashChecker.Prefix;
import ironcache.tools.CrashChecker.Rules;
import ironcache.tools.CrashChecker.Seen;
import ironcache.tools.CrashChecker.Verdict;
import ironcache.tools.CrashChecker.Violation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Kills a server again and again while clients write, starts it on the same directory, and wants back what it had
 * acknowledged: {@link CrashChecker} says what that is.
 *
 * <pre>tools/conformance crash --policy always --cycles 500 --snapshots yes --seed 42</pre>
 *
 * The seed decides what is asked and how long each cycle is; what the kill meets is the machine's doing.
 */
public final class CrashRun {
    private static final int PIPELINE = 16;
    private static final int REPLY_LIMIT_MS = 60_000;
    private static final long RECOVERY_LIMIT_NS = 180_000_000_000L;

    /** The launcher may have to build first. */
    private static final long FIRST_START_LIMIT_NS = 900_000_000_000L;

    private static final int READERS = 4;
    private static final int READ_BATCH = 32;
    private static final int VIOLATIONS_SHOWN = 5;
    private static final int LOG_CHARS = 110;

    /** Words of a log line about the recovery that is worth a look. */
    private static final Pattern LOG =
            Pattern.compile(
                    "(?i)recover|replay|torn|truncat|short read|damage|corrupt|warm|loaded from (append|disk|base)"
                            + "|exception|assert");

    /** What to do; a builder would be longer. */
    static final class Options {
        String server = "ironcache";
        List<String> settings = new ArrayList<>();
        int cycles = 20;
        double secondsMin = 0.3;
        double secondsMax = 2;
        int clients = 8;
        int keys = 400;
        int groups = 24;

        /** Operations a second of all clients together; 0: as fast as they get replies. */
        int rate;

        long seed = System.nanoTime();
        Policy policy = Policy.ALWAYS;
        double slackSeconds = 0.1;
        double clockSlackSeconds = 0.25;
        Prefix prefix = Prefix.CLIENT;
        boolean snapshots;

        /** In how many of 100 crashes the server is killed again while it recovers. */
        int recoveryKills = 15;

        /** In how many of 100 cycles the server is asked to stop instead: then nothing acknowledged may be lost. */
        int terminations;

        /** Settings of which one value is chosen for each start. */
        Map<String, List<String>> varied = new LinkedHashMap<>();

        long pressureMib;
        CrashPlant planted = CrashPlant.NONE;

        /** Whether the directory is copied before each recovery, to look at what it was made of. */
        boolean copies;

        /** Whether cycles are told of on stdout. */
        boolean verbose;
    }

    record Figures(
            int cycles,
            long sent,
            long acknowledged,
            long lost,
            long lostAcknowledged,
            double oldestLostMs,
            int recoveryKills,
            int snapshots,
            double recoveryMsMedian,
            double recoveryMsMax) {}

    private final Options options;
    private final Path dir;
    private final Rules rules;
    private final CrashKeys keys;
    private final List<String> names;
    private final SplittableRandom random;
    private final CrashFiller filler;
    private final List<Violation> violations = new ArrayList<>();
    private final List<Double> recoveriesMs = new ArrayList<>();
    private final ConcurrentLinkedQueue<String> troubles = new ConcurrentLinkedQueue<>();

    private volatile ServerProcess server;
    private volatile boolean killing;
    private Map<String, CrashState> base = new HashMap<>();

    // Of the cycle.
    private long killedNs;
    private long killedMs;
    private boolean terminated;

    // Of all of them.
    private int recoveryKills;
    private int snapshots;

    CrashRun(Path dir, Options options) {
        this.dir = dir;
        this.options = options;
        rules =
                new Rules(
                        options.policy,
                        (long) (options.slackSeconds * 1e9),
                        (long) (options.clockSlackSeconds * 1e3),
                        options.prefix);
        keys = new CrashKeys(options.clients, options.keys, options.groups);
        names = keys.all();
        random = new SplittableRandom(options.seed);
        filler = options.pressureMib > 0 ? new CrashFiller(options.pressureMib) : null;
    }

    public static void main(String[] argv) throws Exception {
        Options options = new Options();
        options.verbose = true;
        String given = "";
        for (int i = 0; i < argv.length; i += 2) {
            String value = i + 1 < argv.length ? argv[i + 1] : "";
            switch (argv[i]) {
                case "--server", "--subject" -> options.server = value;
                case "--cycles" -> options.cycles = Integer.parseInt(value);
                case "--seconds" -> {
                    String[] bounds = value.split(",");
                    options.secondsMin = Double.parseDouble(bounds[0]);
                    options.secondsMax = Double.parseDouble(bounds[bounds.length - 1]);
                }
                case "--clients" -> options.clients = Integer.parseInt(value);
                case "--keys" -> options.keys = Integer.parseInt(value);
                case "--groups" -> options.groups = Integer.parseInt(value);
                case "--rate" -> options.rate = Integer.parseInt(value);
                case "--seed" -> options.seed = Long.parseLong(value);
                case "--policy" -> options.policy = Policy.valueOf(constant(value));
                case "--slack" -> options.slackSeconds = Double.parseDouble(value);
                case "--clock-slack" -> options.clockSlackSeconds = Double.parseDouble(value);
                case "--prefix" -> options.prefix = Prefix.valueOf(constant(value));
                case "--snapshots" -> options.snapshots = yes(value);
                case "--recovery-kills" -> options.recoveryKills = Integer.parseInt(value);
                case "--terminations" -> options.terminations = Integer.parseInt(value);
                case "--vary" ->
                        options.varied.put(
                                value.split("=", 2)[0], List.of(value.split("=", 2)[1].split(",")));
                case "--pressure" -> options.pressureMib = Long.parseLong(value);
                case "--planted" -> options.planted = CrashPlant.valueOf(constant(value));
                case "--copies" -> options.copies = yes(value);
                case "--dir" -> given = value;
                case "--setting" -> {
                    options.settings.add("--" + value.split("=", 2)[0]);
                    options.settings.add(value.split("=", 2)[1]);
                }
                default ->
                        throw new IllegalArgumentException(
                                argv[i]
                                        + ": allowed are --server --policy always|everysec --cycles --seconds MIN,MAX"
                                        + " --clients --keys --groups --rate --seed --slack SECONDS --clock-slack SECONDS"
                                        + " --prefix off|slot|client|all --snapshots yes|no --recovery-kills PERCENT"
                                        + " --terminations PERCENT --pressure MIB --setting NAME=VALUE --vary NAME=VALUE,VALUE,... --dir DIR --copies yes|no --planted BUG");
            }
        }
        if (ServerProcess.command(options.server) == null) {
            System.out.println(
                    "no " + options.server + ": " + ServerProcess.whyAbsent(options.server));
            System.exit(2);
        }
        Path folder =
                given.isEmpty()
                        ? Files.createTempDirectory("ironcache-crash")
                        : Files.createDirectories(Path.of(given).toAbsolutePath());
        System.out.printf(
                "crash: %s, appendfsync %s, %d cycles of %s to %s s, %d clients, seed %d%n",
                options.server,
                options.policy.name().toLowerCase(Locale.ROOT),
                options.cycles,
                options.secondsMin,
                options.secondsMax,
                options.clients,
                options.seed);
        CrashRun run = new CrashRun(folder, options);
        Runtime.getRuntime().addShutdownHook(new Thread(run::killServer));
        Figures figures = run.run();
        System.out.printf(
                "%d cycles: %,d operations sent, %,d acknowledged, %,d lost, of these %,d acknowledged (the oldest"
                        + " %.1f ms before its crash); %d kills during recovery, %d snapshots asked for; served again after"
                        + " %.0f ms (median), %.0f ms (longest); %d VIOLATIONS%n",
                figures.cycles,
                figures.sent,
                figures.acknowledged,
                figures.lost,
                figures.lostAcknowledged,
                figures.oldestLostMs,
                figures.recoveryKills,
                figures.snapshots,
                figures.recoveryMsMedian,
                figures.recoveryMsMax,
                run.violations.size());
        if (run.violations.isEmpty()) {
            DifferentialRun.deleteTree(folder);
        } else {
            System.out.println("the data directory is kept: " + folder);
        }
        System.exit(run.violations.isEmpty() ? 0 : 1);
    }

    /** An option's value as a constant is written. */
    private static String constant(String value) {
        return value.toUpperCase(Locale.ROOT).replace('-', '_');
    }

    private static boolean yes(String value) {
        return switch (value) {
            case "yes" -> true;
            case "no" -> false;
            default -> throw new IllegalArgumentException("yes or no, not '" + value + "'");
        };
    }

    List<Violation> violations() {
        return violations;
    }

    private void killServer() {
        ServerProcess running = server;
        if (running != null) {
            try {
                running.kill();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends at the first crash that was not survived as it should be; the server does not run any more then. */
    Figures run() throws IOException, InterruptedException {
        long sent = 0;
        long acknowledged = 0;
        long lost = 0;
        long lostAcknowledged = 0;
        double oldest = 0;
        int cycle = 0;
        try {
            start();
            if (!violations.isEmpty()) {
                tell(cycle);
            } else if (filler != null) {
                filler.fill(server.port());
            }
            while (cycle < options.cycles && violations.isEmpty()) {
                cycle++;
                int snapshotsBefore = snapshots;
                int killsBefore = recoveryKills;
                double seconds =
                        options.secondsMin
                                + random.nextDouble() * (options.secondsMax - options.secondsMin);
                List<CrashOp> ops = play(cycle, seconds);
                if (!troubles.isEmpty()) {
                    troubles.forEach(text -> violate("trouble", text));
                    tell(cycle);
                    break;
                }
                killInRecovery();
                start();
                if (!violations.isEmpty()) {
                    tell(cycle);
                    break;
                }
                Rules now = terminated ? rules.with(Policy.ALWAYS) : rules;
                CrashChecker checker = new CrashChecker(now, base, ops, killedNs, killedMs);
                plant(checker);
                Map<String, Seen> found = read();
                Verdict verdict = checker.judge(found);
                violations.addAll(verdict.violations());
                if (filler != null) {
                    filler.check(server.port(), now, killedNs, random.nextLong(), violations);
                }
                base = CrashChecker.base(found);
                sent += verdict.sent();
                acknowledged += verdict.acknowledged();
                lost += verdict.lost();
                lostAcknowledged += verdict.lostAcknowledged();
                oldest = Math.max(oldest, verdict.oldestLostMs());
                if (options.verbose) {
                    tell(
                            cycle,
                            seconds,
                            verdict,
                            snapshots - snapshotsBefore,
                            recoveryKills - killsBefore);
                }
                if (!violations.isEmpty()) {
                    tell(cycle);
                }
            }
        } finally {
            killServer();
        }
        List<Double> times = recoveriesMs.stream().sorted().toList();
        return new Figures(
                cycle,
                sent,
                acknowledged,
                lost,
                lostAcknowledged,
                oldest,
                recoveryKills,
                snapshots,
                times.isEmpty() ? 0 : times.get(times.size() / 2),
                times.isEmpty() ? 0 : times.getLast());
    }

    private void violate(String kind, String text) {
        violations.add(new Violation(kind, "", text));
    }

    private void tell(
            int cycle, double seconds, Verdict verdict, int snapshotsAsked, int recoveryKilled) {
        StringBuilder more = new StringBuilder();
        if (verdict.lostAcknowledged() > 0) {
            more.append(
                    ", %,d of these acknowledged, up to %.1f ms before"
                            .formatted(verdict.lostAcknowledged(), verdict.oldestLostMs()));
        }
        if (verdict.refused() > 0) {
            more.append(", %,d refused".formatted(verdict.refused()));
        }
        if (terminated) {
            more.append(", stopped in good order");
        }
        if (snapshotsAsked > 0) {
            more.append(", snapshot");
        }
        if (recoveryKilled > 0) {
            more.append(", killed %d times more while it recovered".formatted(recoveryKilled));
        }
        String line =
                server.logTail()
                        .lines()
                        .filter(l -> LOG.matcher(l).find())
                        .reduce((a, b) -> b)
                        .orElse("");
        System.out.printf(
                "cycle %d: %.2f s, %,d sent, %,d acknowledged, %,d lost%s; served after %.0f ms%s%n",
                cycle,
                seconds,
                verdict.sent(),
                verdict.acknowledged(),
                verdict.lost(),
                more,
                recoveriesMs.getLast(),
                line.isEmpty()
                        ? ""
                        : " | " + line.substring(0, Math.min(LOG_CHARS, line.length())));
    }

    private void tell(int cycle) {
        if (!options.verbose) {
            return;
        }
        for (int i = 0; i < Math.min(VIOLATIONS_SHOWN, violations.size()); i++) {
            System.out.println("VIOLATION in cycle " + cycle + ": " + violations.get(i));
        }
        if (violations.size() > VIOLATIONS_SHOWN) {
            Map<String, Integer> kinds = new TreeMap<>();
            violations.forEach(violation -> kinds.merge(violation.kind(), 1, Integer::sum));
            System.out.println("… and more: " + kinds);
        }
        System.out.println("the server's log since its last start:\n" + server.logTail());
    }

    // The server.

    private String[] settings() {
        List<String> all = new ArrayList<>();
        all.addAll(
                List.of(
                        "--appendonly",
                        "yes",
                        "--appendfsync",
                        options.policy.name().toLowerCase(Locale.ROOT)));
        all.addAll(options.settings);
        options.varied.forEach(
                (name, values) -> {
                    all.add("--" + name);
                    all.add(values.get(random.nextInt(values.size())));
                });
        return all.toArray(String[]::new);
    }

    /** Returns when the server answers, or has been found unable to. */
    private void start() throws IOException {
        for (int attempt = 1; ; attempt++) {
            long from = System.nanoTime();
            server = ServerProcess.launch(options.server, dir, settings());
            if (answers(server, from)) {
                if (killedNs != 0) {
                    recoveriesMs.add((System.nanoTime() - from) / 1e6);
                }
                return;
            }
            if (attempt == 3 || !server.logTail().contains("in use")) {
                violate("the server does not start", server.logTail());
                return;
            }
        }
    }

    private boolean answers(ServerProcess started, long from) {
        long limit = killedNs == 0 ? FIRST_START_LIMIT_NS : RECOVERY_LIMIT_NS;
        while (started.isAlive() && System.nanoTime() - from < limit) {
            try (RespClient client = new RespClient(started.port(), REPLY_LIMIT_MS)) {
                for (Reply reply = client.call("GET", names.getFirst());
                        reply != Reply.CLOSED;
                        reply = client.call("GET", names.getFirst())) {
                    if (!reply.isError()) {
                        return true;
                    }
                    LockSupport.parkNanos(2_000_000);
                }
            } catch (IOException e) {
                // It does not listen yet.
            }
            LockSupport.parkNanos(2_000_000);
        }
        return false;
    }

    /** A crash while the one before is being recovered from, at any moment of that. */
    private void killInRecovery() throws IOException, InterruptedException {
        while (random.nextInt(100) < options.recoveryKills) {
            double share = random.nextDouble();
            double usualMs = recoveriesMs.isEmpty() ? 300 : recoveriesMs.getLast();
            server = ServerProcess.launch(options.server, dir, settings());
            LockSupport.parkNanos((long) (share * usualMs * 1e6));
            server.kill();
            recoveryKills++;
        }
    }

    // A cycle.

    /** Lets clients write, and kills the server. Returns what they sent. */
    private List<CrashOp> play(int cycle, double seconds) throws IOException, InterruptedException {
        killing = false;
        List<List<CrashOp>> logs = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        int port = server.port();
        for (int i = 0; i < options.clients; i++) {
            List<CrashOp> log = new ArrayList<>();
            logs.add(log);
            CrashClient client =
                    new CrashClient(
                            i,
                            cycle,
                            keys,
                            i % 4 == 3 ? PIPELINE : 1,
                            random.nextLong(),
                            System::currentTimeMillis);
            threads.add(Thread.ofPlatform().start(() -> live(client, port, log)));
        }
        if (filler != null) {
            threads.add(Thread.ofPlatform().start(() -> filler.write(port)));
        }
        long from = System.nanoTime();
        long end = from + (long) (seconds * 1e9);
        if (options.snapshots && random.nextInt(100) < 40) {
            // Every other time the kill follows so soon that it meets the snapshot.
            long before =
                    random.nextBoolean()
                            ? random.nextLong(200_000_000)
                            : random.nextLong(end - from);
            waitUntil(Math.max(from, end - before));
            try (RespClient client = new RespClient(port, REPLY_LIMIT_MS)) {
                boolean rewrite = !options.server.equals("ironcache") && random.nextBoolean();
                client.call(rewrite ? "BGREWRITEAOF" : "BGSAVE");
                snapshots++;
            } catch (IOException e) {
                troubles.add("no connection for a snapshot: " + e);
            }
        }
        waitUntil(end);
        if (!server.isAlive()) {
            troubles.add("the server ended by itself");
        }
        killing = true;
        terminated = random.nextInt(100) < options.terminations;
        if (terminated) {
            killedNs = System.nanoTime();
            int code = server.stop();
            if (code != 0) {
                troubles.add("asked to stop, the server ended with code " + code);
            }
        } else {
            killedNs = server.kill();
        }
        killedMs = System.currentTimeMillis();
        for (Thread thread : threads) {
            thread.join();
        }
        if (options.copies) {
            copyDirectory();
        }
        List<CrashOp> ops = new ArrayList<>();
        logs.forEach(ops::addAll);
        return ops;
    }

    private static void waitUntil(long ns) {
        for (long left; (left = ns - System.nanoTime()) > 0; ) {
            LockSupport.parkNanos(left);
        }
    }

    private void live(CrashClient client, int port, List<CrashOp> log) {
        long pauseNs = options.rate == 0 ? 0 : 1_000_000_000L * options.clients / options.rate;
        long due = System.nanoTime();
        try (RespClient connection = new RespClient(port, REPLY_LIMIT_MS)) {
            // Until the kill cuts it off: what is under way then is the interesting part.
            while (true) {
                List<CrashOp> batch = client.next();
                log.addAll(batch);
                try {
                    if (!send(connection, batch)) {
                        return;
                    }
                } finally {
                    client.answered();
                }
                if (pauseNs > 0) {
                    due += pauseNs * batch.size();
                    LockSupport.parkNanos(due - System.nanoTime());
                }
            }
        } catch (IOException | RuntimeException e) {
            if (!killing) {
                troubles.add("a client ended: " + e);
            }
        }
    }

    /** Returns whether all replies came. */
    private boolean send(RespClient connection, List<CrashOp> batch) {
        List<byte[][]> commands = new ArrayList<>();
        batch.forEach(op -> op.encode(commands));
        long sentMs = System.currentTimeMillis();
        long sentNs = System.nanoTime();
        for (CrashOp op : batch) {
            op.sentMs = sentMs;
            op.sentNs = sentNs;
        }
        connection.startPipeline(commands);
        for (CrashOp op : batch) {
            Reply reply = null;
            for (int i = op.replies(); i > 0; i--) {
                reply = connection.readOrClosed();
                if (reply == Reply.CLOSED || reply == Reply.TIMED_OUT) {
                    if (!killing) {
                        troubles.add(reply + " for " + op);
                    }
                    return false;
                }
            }
            op.reply = reply;
            op.ackedNs = System.nanoTime();
            op.ackedMs = System.currentTimeMillis();
        }
        return true;
    }

    private void copyDirectory() throws IOException {
        Path copy = dir.resolveSibling(dir.getFileName() + "-before");
        if (Files.exists(copy)) {
            DifferentialRun.deleteTree(copy);
        }
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(dir.relativize(file).toString()));
            }
        }
    }

    // Afterwards.

    private void plant(CrashChecker checker) throws IOException {
        if (options.planted == CrashPlant.NONE) {
            return;
        }
        try (RespClient client = new RespClient(server.port(), REPLY_LIMIT_MS)) {
            String done = options.planted.plant(checker, names, client);
            if (options.verbose) {
                System.out.println(
                        "planted: " + (done == null ? "nothing, there was no place for it" : done));
            }
        }
    }

    /** What each key holds now. */
    private Map<String, Seen> read() throws InterruptedException {
        List<Map<String, Seen>> parts = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        int port = server.port();
        for (int i = 0; i < READERS; i++) {
            List<String> part =
                    names.subList(names.size() * i / READERS, names.size() * (i + 1) / READERS);
            Map<String, Seen> seen = new LinkedHashMap<>();
            parts.add(seen);
            threads.add(Thread.ofPlatform().start(() -> read(port, part, seen)));
        }
        Map<String, Seen> all = new LinkedHashMap<>();
        for (int i = 0; i < READERS; i++) {
            threads.get(i).join();
            all.putAll(parts.get(i));
        }
        if (all.size() < names.size() && troubles.isEmpty()) {
            troubles.add("not all keys could be read");
        }
        troubles.forEach(text -> violate("trouble after recovery", text));
        return all;
    }

    private void read(int port, List<String> part, Map<String, Seen> seen) {
        try (RespClient client = new RespClient(port, REPLY_LIMIT_MS)) {
            for (int from = 0; from < part.size(); from += READ_BATCH) {
                List<String> batch = part.subList(from, Math.min(part.size(), from + READ_BATCH));
                List<byte[][]> commands = new ArrayList<>();
                for (String key : batch) {
                    commands.addAll(CrashCollections.read(key, key));
                }
                long fromMs = System.currentTimeMillis();
                List<Reply> replies = client.pipeline(commands);
                long untilMs = System.currentTimeMillis();
                for (int i = 0; i < batch.size(); i++) {
                    String key = batch.get(i);
                    int first = i * CrashCollections.READS;
                    if (first + CrashCollections.READS > replies.size()) {
                        troubles.add("reading " + key + " got " + Reply.CLOSED.show(200));
                        return;
                    }
                    List<Reply> its = replies.subList(first, first + CrashCollections.READS);
                    if (!CrashCollections.isRead(key, its)) {
                        troubles.add("reading " + key + " got " + its);
                        return;
                    }
                    seen.put(key, CrashCollections.seen(key, its, fromMs, untilMs));
                }
            }
        } catch (IOException | RuntimeException e) {
            troubles.add("reading back: " + e);
        }
    }
}
