package ironcache.tools;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The workloads of {@link HistoriesRun} against a {@link SteppedStore}, in one thread and from one seed: the clock is
 * the number of steps.
 */
final class SteppedRun {
    private static final int CUT_EVERY_SENDS = 60;
    private static final int STEP_LIMIT_PER_SEND = 100_000;

    private static final int MODEL_SHARDS = 5;
    private static final int MODEL_CLIENTS = 8;
    private static final int MODEL_SENDS = 200;

    private final SteppedStore store;
    private final SplittableRandom random;
    private final History history = new History();
    private final TransferInvariant invariant = new TransferInvariant();
    private final List<HistoryClient> clients = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    private long now;

    /** Commands on their way, of one client. */
    private static final class Flight {
        long invoked;
        int commands;
        final List<Reply> replies = new ArrayList<>();
        final List<Long> returned = new ArrayList<>();
    }

    SteppedRun(SteppedStore store, long seed, int count) {
        this.store = store;
        random = new SplittableRandom(seed);
        HistoryKeys keys = HistoryKeys.small("");
        for (int i = 0; i <= count; i++) {
            clients.add(
                    new HistoryClient(
                            i,
                            seed,
                            keys,
                            EnumSet.allOf(HistoryClient.Work.class),
                            i % 4 == 3 ? 4 : 1,
                            history));
        }
    }

    /** Plays the model with so many seeds and says what was found; returns how many of them had anomalies. */
    static int runModels(
            long firstSeed, int seeds, ModelStore.Bug bug, HistoryChecker.SessionOrder session) {
        long started = System.nanoTime();
        long units = 0;
        int bad = 0;
        for (long seed = firstSeed; seed < firstSeed + seeds; seed++) {
            int shards = 1 + Math.floorMod(seed, MODEL_SHARDS);
            SteppedRun run = new SteppedRun(new ModelStore(shards, seed, bug), seed, MODEL_CLIENTS);
            run.play(MODEL_SENDS);
            List<HistoryReport.Anomaly> found = run.judge(session);
            units += run.history.size();
            if (!found.isEmpty() || !run.failures.isEmpty()) {
                if (++bad == 1) {
                    System.out.println("first with seed " + seed + ": " + found + run.failures);
                }
            }
        }
        System.out.printf(
                "%,d seeds from %d, %,d units in %.1f s: %,d seeds with anomalies%n",
                seeds, firstSeed, units, (System.nanoTime() - started) / 1e9, bad);
        return bad;
    }

    History history() {
        return history;
    }

    List<String> failures() {
        return failures;
    }

    /** Plays so many sends of all clients together. */
    History play(int sends) {
        int last = clients.size() - 1;
        finish(last, clients.get(last), begin(last, clients.get(last).fillBanks(invariant)));
        Flight[] flights = new Flight[last];
        int left = sends;
        int under = 0;
        while (left > 0 || under > 0) {
            int c = random.nextInt(last);
            if (flights[c] == null && left > 0) {
                flights[c] = begin(c, clients.get(c).next());
                left--;
                under++;
            }
            boolean lively = false;
            for (int steps = random.nextInt(4); steps >= 0; steps--) {
                now++;
                lively |= store.step();
            }
            for (int i = 0; i < last; i++) {
                if (flights[i] != null && arrived(i, clients.get(i), flights[i])) {
                    flights[i] = null;
                    under--;
                    lively = true;
                }
            }
            if (!lively && left == 0 && under > 0) {
                throw new IllegalStateException(
                        "the store does nothing, and owes replies to " + under + " clients");
            }
        }
        for (HistoryClient client : clients) {
            failures.addAll(client.unexpected());
        }
        Collections.sort(failures);
        return history;
    }

    /** Both checkers' complaints. */
    List<HistoryReport.Anomaly> judge(HistoryChecker.SessionOrder session) {
        List<HistoryReport.Anomaly> all =
                new ArrayList<>(HistoryChecker.check(history, session).anomalies());
        all.addAll(invariant.check(history));
        return all;
    }

    private Flight begin(int c, List<byte[][]> commands) {
        Flight flight = new Flight();
        flight.invoked = ++now;
        flight.commands = commands.size();
        store.send(c, commands);
        return flight;
    }

    private boolean arrived(int c, HistoryClient client, Flight flight) {
        for (Reply reply; (reply = store.receive(c)) != null; ) {
            flight.replies.add(reply);
            flight.returned.add(++now);
        }
        boolean cut =
                flight.replies.size() < flight.commands
                        && random.nextInt(CUT_EVERY_SENDS * 16) == 0;
        if (cut) {
            store.cut(c);
        }
        if (cut || flight.replies.size() == flight.commands) {
            client.answered(flight.invoked, flight.replies, flight.returned);
            return true;
        }
        return false;
    }

    private void finish(int c, HistoryClient client, Flight flight) {
        for (int steps = 0; flight.replies.size() < flight.commands; steps++) {
            if (steps > STEP_LIMIT_PER_SEND) {
                throw new IllegalStateException("no end of the first send");
            }
            now++;
            store.step();
            for (Reply reply; (reply = store.receive(c)) != null; ) {
                flight.replies.add(reply);
                flight.returned.add(++now);
            }
        }
        client.answered(flight.invoked, flight.replies, flight.returned);
    }
}
