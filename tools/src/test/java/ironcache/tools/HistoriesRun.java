package ironcache.tools;

import ironcache.resp.SimulatedNode;
import ironcache.tools.HistoryChecker.SessionOrder;
import ironcache.tools.HistoryChecker.Verdict;
import ironcache.tools.HistoryClient.Work;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Clients that get in each other's way: MULTI with appends and reads, MSET and MGET, transfers with and without WATCH.
 * All that they ask and get is recorded, and judged: is there an order of all of it that a store of one thread could
 * have gone through?
 *
 * <pre>tools/conformance histories --seconds 60 --clients 8 --seed 42</pre>
 *
 * The run is cut into rounds with fresh keys, each judged when it has ended. The seed decides what is asked; what meets
 * what is the machine's doing.
 */
public final class HistoriesRun {
    private static final double ROUND_SECONDS = 5;

    /** So that a history and its graph stay within the heap, however fast the server is. */
    private static final int ROUND_UNITS_PER_CLIENT = 300_000;

    private static final int PIPELINE = 6;
    private static final int REPLY_LIMIT_MS = 60_000;

    /** What to do; a builder would be longer. */
    static final class Options {
        int clients = 8;
        double seconds = 60;
        double roundSeconds = ROUND_SECONDS;
        long seed = System.nanoTime();
        Set<Work> works = EnumSet.allOf(Work.class);

        /** Each client loses its connection once in so many sends; 0: never. */
        int cutEvery = 3_000;

        SessionOrder session = SessionOrder.PER_KEY;

        /** Whether rounds are told of on stdout. */
        boolean verbose;
    }

    record Figures(
            int rounds,
            long units,
            long keyOps,
            long aborted,
            long unanswered,
            long snapshots,
            long undecided,
            long anomalies,
            double playedSeconds,
            double judgedSeconds,
            Map<Work, Integer> works) {}

    private final int port;
    private final Options options;
    private final List<String> failures = new ArrayList<>();

    HistoriesRun(int port, Options options) {
        this.port = port;
        this.options = options;
    }

    @SuppressWarnings("try") // Pressure works on its own until it is closed.
    public static void main(String[] argv) throws Exception {
        Options options = new Options();
        options.verbose = true;
        int port = 0;
        String subject = "ironcache";
        long pressureMib = 0;
        int modelSeeds = 0;
        int simulatedSeeds = 0;
        int shards = 0;
        String bug = "none";
        List<String> settings = new ArrayList<>();
        for (int i = 0; i < argv.length; i += 2) {
            String value = i + 1 < argv.length ? argv[i + 1] : "";
            switch (argv[i]) {
                case "--port" -> port = Integer.parseInt(value);
                case "--clients" -> options.clients = Integer.parseInt(value);
                case "--seconds" -> options.seconds = Double.parseDouble(value);
                case "--round" -> options.roundSeconds = Double.parseDouble(value);
                case "--seed" -> options.seed = Long.parseLong(value);
                case "--work" -> options.works = works(value);
                case "--cut-every" -> options.cutEvery = Integer.parseInt(value);
                case "--session" -> options.session = SessionOrder.valueOf(constant(value));
                case "--model" -> modelSeeds = Integer.parseInt(value);
                case "--simulated" -> simulatedSeeds = Integer.parseInt(value);
                case "--shards" -> shards = Integer.parseInt(value);
                case "--bug" -> bug = value;
                case "--subject" -> subject = value;
                case "--pressure" -> pressureMib = Long.parseLong(value);
                case "--setting" -> {
                    settings.add("--" + value.split("=", 2)[0]);
                    settings.add(value.split("=", 2)[1]);
                }
                default ->
                        throw new IllegalArgumentException(
                                argv[i]
                                        + ": allowed are --port --clients --seconds --round --seed --work --cut-every"
                                        + " --session per-key|all --subject --pressure MIB --setting NAME=VALUE"
                                        + " --model SEEDS --simulated SEEDS --shards N --bug BUG");
            }
        }
        if (modelSeeds > 0 || simulatedSeeds > 0) {
            int bad =
                    modelSeeds > 0
                            ? SteppedRun.runModels(
                                    options.seed,
                                    modelSeeds,
                                    ModelStore.Bug.valueOf(constant(bug)),
                                    options.session)
                            : SimulatedRun.run(
                                    options.seed,
                                    simulatedSeeds,
                                    shards,
                                    SimulatedNode.Bug.valueOf(constant(bug)),
                                    options.session);
            System.exit(bad == 0 ? 0 : 1);
        }
        System.out.printf(
                "histories: %d clients, %s s, seed %d%n",
                options.clients, options.seconds, options.seed);
        Path dir = Files.createTempDirectory("ironcache-histories");
        int failed;
        try (ServerProcess server =
                        port != 0
                                ? null
                                : ServerProcess.start(
                                        subject, dir, settings.toArray(String[]::new));
                Pressure pressure =
                        pressureMib > 0
                                ? new Pressure(port != 0 ? port : server.port(), pressureMib)
                                : null) {
            int at = port != 0 ? port : server.port();
            HistoriesRun run = new HistoriesRun(at, options);
            Figures figures = run.run();
            System.out.printf(
                    "%,d units of %,d operations on keys in %.0f s (judged in %.1f s): %,d aborted,"
                            + " %,d unanswered, %,d snapshots of banks, %,d reads not judged, %,d ANOMALIES, %d failures%n",
                    figures.units,
                    figures.keyOps,
                    figures.playedSeconds,
                    figures.judgedSeconds,
                    figures.aborted,
                    figures.unanswered,
                    figures.snapshots,
                    figures.undecided,
                    figures.anomalies,
                    run.failures.size());
            System.out.println(figures.works);
            run.tellColdReads();
            run.failures.forEach(failure -> System.out.println("FAILED: " + failure));
            failed = run.failures.size();
        } finally {
            DifferentialRun.deleteTree(dir);
        }
        System.exit(failed == 0 ? 0 : 1);
    }

    /** An option's value as a constant is written. */
    private static String constant(String value) {
        return value.toUpperCase(Locale.ROOT).replace('-', '_');
    }

    private static Set<Work> works(String names) {
        Set<Work> works = EnumSet.noneOf(Work.class);
        for (String name : names.split(",")) {
            works.add(Work.valueOf(constant(name)));
        }
        return works;
    }

    private void tellColdReads() throws IOException {
        try (RespClient client = new RespClient(port)) {
            for (String line : String.valueOf(client.call("INFO", "all").text()).split("\r\n")) {
                if (line.startsWith("cold_")) {
                    System.out.println(line);
                }
            }
        }
    }

    /** Anomalies, and replies that no server should give. */
    List<String> failures() {
        return failures;
    }

    Figures run() throws IOException, InterruptedException {
        SplittableRandom seeds = new SplittableRandom(options.seed);
        Map<Work, Integer> works = new TreeMap<>();
        long units = 0;
        long keyOps = 0;
        long aborted = 0;
        long unanswered = 0;
        long snapshots = 0;
        long undecided = 0;
        long anomalies = 0;
        double played = 0;
        double judged = 0;
        int rounds = 0;
        while (played < options.seconds && failures.isEmpty()) {
            double seconds = Math.min(options.roundSeconds, options.seconds - played);
            Round round = new Round(seeds.nextLong(), ++rounds);
            long from = System.nanoTime();
            round.play((long) (seconds * 1e9));
            long until = System.nanoTime();
            Verdict verdict = HistoryChecker.check(round.history, options.session);
            List<HistoryReport.Anomaly> sums = round.invariant.check(round.history);
            played += seconds;
            judged += (System.nanoTime() - until) / 1e9;
            round.clients.forEach(
                    c -> c.done().forEach((work, n) -> works.merge(work, n, Integer::sum)));
            units += verdict.units();
            keyOps += verdict.keyOps();
            aborted += verdict.aborted();
            unanswered += verdict.unanswered();
            undecided += verdict.undecided();
            snapshots += round.invariant.snapshots();
            anomalies += verdict.count() + sums.size();
            String where = "seed " + options.seed + ", round " + rounds + ": ";
            if (!verdict.clean()) {
                failures.add(where + verdict.count() + " anomalies\n" + verdict.describe());
            }
            sums.forEach(sum -> failures.add(where + sum));
            round.failures.forEach(failure -> failures.add(where + failure));
            if (options.verbose) {
                System.out.printf(
                        "round %d: %,d units in %.1f s, %,d keys, %,d edges (%,d inferred),"
                                + " judged in %.2f s: %d anomalies%n",
                        rounds,
                        verdict.units(),
                        (until - from) / 1e9,
                        verdict.keys(),
                        verdict.edges(),
                        verdict.inferred(),
                        (System.nanoTime() - until) / 1e9,
                        verdict.count() + sums.size());
            }
        }
        return new Figures(
                rounds,
                units,
                keyOps,
                aborted,
                unanswered,
                snapshots,
                undecided,
                anomalies,
                played,
                judged,
                works);
    }

    /** Some seconds on fresh keys. */
    private final class Round {
        private final History history = new History();
        private final TransferInvariant invariant = new TransferInvariant();
        private final List<HistoryClient> clients = new ArrayList<>();
        private final Set<String> failures = new TreeSet<>();
        private final ConcurrentLinkedQueue<String> lost = new ConcurrentLinkedQueue<>();
        private final HistoryKeys keys;
        private final long seed;

        Round(long seed, int number) {
            this.seed = seed;
            // A server that runs already may have seen this seed before.
            keys =
                    HistoryKeys.large(
                            "h" + Long.toString(System.nanoTime(), 36) + "." + number + ":");
        }

        void play(long ns) throws IOException, InterruptedException {
            List<History> histories = new ArrayList<>();
            for (int i = 0; i <= options.clients; i++) {
                histories.add(new History());
                clients.add(
                        new HistoryClient(
                                i,
                                seed,
                                keys,
                                options.works,
                                i % 4 == 3 ? PIPELINE : 1,
                                histories.get(i)));
            }
            try (RespClient connection = new RespClient(port, REPLY_LIMIT_MS)) {
                HistoryClient banker = clients.getLast();
                send(connection, banker, banker.fillBanks(invariant), -1);
            }
            long end = System.nanoTime() + ns;
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < options.clients; i++) {
                HistoryClient client = clients.get(i);
                History mine = histories.get(i);
                SplittableRandom cuts = new SplittableRandom(seed ^ ~i);
                threads.add(Thread.ofPlatform().start(() -> live(client, mine, cuts, end)));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            histories.forEach(history::addAll);
            clients.forEach(client -> failures.addAll(client.unexpected()));
            failures.addAll(lost);
            try (RespClient connection = new RespClient(port, REPLY_LIMIT_MS)) {
                connection.pipeline(keys.removal());
            }
        }

        private void live(HistoryClient client, History mine, SplittableRandom cuts, long end) {
            RespClient connection = null;
            try {
                while (lost.isEmpty()
                        && mine.size() < ROUND_UNITS_PER_CLIENT
                        && System.nanoTime() < end) {
                    if (connection == null) {
                        connection = new RespClient(port, REPLY_LIMIT_MS);
                    }
                    List<byte[][]> commands = client.next();
                    boolean cut = options.cutEvery > 0 && cuts.nextInt(options.cutEvery) == 0;
                    int wanted = cut ? cuts.nextInt(commands.size()) : -1;
                    if (!send(connection, client, commands, wanted)) {
                        connection.close();
                        connection = null;
                    }
                }
            } catch (IOException | RuntimeException e) {
                lost.add("a client ended: " + e);
            } finally {
                if (connection != null) {
                    connection.close();
                }
            }
        }

        /** @param wanted replies to wait for before the connection is to be lost; -1 for all, and no loss */
        private boolean send(
                RespClient connection, HistoryClient client, List<byte[][]> commands, int wanted) {
            long invoked = System.nanoTime();
            connection.startPipeline(commands);
            int count = wanted < 0 ? commands.size() : wanted;
            List<Reply> replies = new ArrayList<>(count);
            List<Long> returned = new ArrayList<>(count);
            while (replies.size() < count) {
                Reply reply = connection.readOrClosed();
                if (reply == Reply.CLOSED || reply == Reply.TIMED_OUT) {
                    lost.add(reply.show(100) + " after " + Arrays.toString(commands.getFirst()[0]));
                    break;
                }
                replies.add(reply);
                returned.add(System.nanoTime());
            }
            client.answered(invoked, replies, returned);
            return replies.size() == commands.size();
        }
    }
}
