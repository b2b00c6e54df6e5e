package ironcache.tools;

import ironcache.ffm.SimDisk.Failure;
import ironcache.ffm.SimDisk.Moment;
import ironcache.tools.CallSimulation.Effect;
import ironcache.tools.CallSimulation.Event;
import ironcache.tools.CallSimulation.Result;
import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashSimulation.Bug;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * {@link CallSimulation} for each call of its run: the power fails there, or the call does. Says what was found, and of failures what they led to, which has to be
 * what docs/operations.md says.
 *
 * <pre>
 * tools/conformance crashes --every-call --seed 1
 * tools/conformance crashes --every-call --seed 1 --fault all
 * </pre>
 */
final class CallsRun {
    /** What is done to each call. */
    enum Fault {
        EIO(Failure.IO_ERROR),
        EIO_DROPPING(Failure.IO_ERROR_DROPPING),
        SHORT(Failure.SHORT),
        ENOSPC(Failure.NO_SPACE);

        final Failure failure;

        Fault(Failure failure) {
            this.failure = failure;
        }

        /** Whether it is another than the one before it for this kind of call. */
        boolean concerns(String call) {
            return switch (this) {
                case EIO -> true;
                case EIO_DROPPING -> call.startsWith("SYNC");
                case SHORT -> call.startsWith("WRITE");
                case ENOSPC -> !call.startsWith("DELETE") && !call.startsWith("SYNC_DIRECTORY");
            };
        }
    }

    /**
     * @param stride 1: every call
     * @param onlyCall 0: all
     * @param faults none: the power fails, once right before and once right after a call; else the call fails, once by itself and once with all that follow
     */
    record Options(
            long seed,
            int shards,
            Policy policy,
            Bug bug,
            int operations,
            int stride,
            int onlyCall,
            Set<Fault> faults) {
        static final int SHARDS = 2;
        static final int OPERATIONS = 1000;

        static Options of(long seed, Policy policy, int stride, Set<Fault> faults) {
            return new Options(seed, SHARDS, policy, Bug.NONE, OPERATIONS, stride, 0, faults);
        }
    }

    private static final double PROGRESS_EVERY_SECONDS = 60;
    private static final int SHOWN = 2;

    private final Options options;
    private final long started = System.nanoTime();
    private long told = started;
    private List<String> calls = List.of();
    private int runs;
    private long lost;
    private final List<String> violations = new ArrayList<>();
    private final Map<String, Integer> kinds = new TreeMap<>();

    /** By fault and kind of call, how often it led to what. */
    private final Map<String, Map<String, Integer>> effects = new TreeMap<>();

    private CallsRun(Options options) {
        this.options = options;
    }

    /** Goes through the calls, and says what was found. @return what should not be */
    static List<String> run(Options options) {
        return run(options, 1);
    }

    /** @param threads that have calls of their own; each run is one thread's */
    static List<String> run(Options options, int threads) {
        CallsRun run = new CallsRun(options);
        run.play(threads);
        return run.violations;
    }

    private void play(int threads) {
        Result _ = once(Event.NONE); // The first run of a process is not like the others.
        Result whole = once(Event.NONE);
        if (!whole.failures().isEmpty()) {
            complain("no call", whole);
            return;
        }
        calls = whole.calls();
        System.out.printf(
                "seed %d, %s, %d shards: %,d operations (%,d acknowledged), %,d calls of the disk %s, %,d snapshots, %,d cold reads%n",
                options.seed,
                options.policy,
                options.shards,
                whole.sent(),
                whole.acknowledged(),
                calls.size(),
                counted(calls),
                whole.snapshots(),
                whole.coldReads());
        AtomicInteger next = new AtomicInteger(1 + (int) (options.seed % options.stride));
        List<Thread> others = new ArrayList<>();
        for (int i = 1; i < threads; i++) {
            Thread other = new Thread(() -> playFrom(next), "calls-" + i);
            others.add(other);
            other.start();
        }
        playFrom(next);
        for (Thread other : others) {
            try {
                other.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        summarize();
    }

    private void playFrom(AtomicInteger next) {
        for (int call = next.getAndAdd(options.stride);
                call <= calls.size();
                call = next.getAndAdd(options.stride)) {
            if (options.onlyCall != 0 && options.onlyCall != call) {
                continue;
            }
            if (options.faults.isEmpty()) {
                crash(call);
            } else {
                fail(call);
            }
            tell(call);
        }
    }

    private static Map<String, Integer> counted(List<String> calls) {
        Map<String, Integer> counts = new TreeMap<>();
        calls.forEach(call -> counts.merge(call, 1, Integer::sum));
        return counts;
    }

    private Result once(Event event) {
        return CallSimulation.play(
                options.seed,
                options.shards,
                options.policy,
                options.bug,
                options.operations,
                event);
    }

    private void crash(int call) {
        for (Moment moment : Moment.values()) {
            Result result = once(new Event(call, moment, null, false));
            add(moment + " call " + call + ", " + calls.get(call - 1), result);
        }
    }

    private void fail(int call) {
        String kind = calls.get(call - 1);
        for (Fault fault : options.faults) {
            if (fault.concerns(kind)) {
                fail(call, kind, fault, false);
                if (fault != Fault.EIO_DROPPING) {
                    fail(call, kind, fault, true);
                }
            }
        }
    }

    private void fail(int call, String kind, Fault fault, boolean lasts) {
        Result result = once(new Event(call, null, fault.failure, lasts));
        String name = fault + (lasts ? " from call " : " at call ") + call + ", " + kind;
        add(name, result);
        addEffects(kind, fault, lasts, name, result);
    }

    private synchronized void add(String name, Result result) {
        runs++;
        lost += result.lost();
        if (!result.failures().isEmpty()) {
            complain(name, result);
        }
    }

    private synchronized void addEffects(
            String kind, Fault fault, boolean lasts, String name, Result result) {
        Set<Effect> odd = EnumSet.copyOf(result.effects());
        odd.removeAll(allowed(kind, fault, lasts));
        if (!odd.isEmpty()) {
            violations.add(name + " led to " + odd);
            count("led to " + odd.iterator().next());
            System.out.println(violations.getLast());
        }
        effects.computeIfAbsent(
                        fault + (lasts ? " and all after it: " : ": ") + kind,
                        any -> new TreeMap<>())
                .merge(result.effects().toString(), 1, Integer::sum);
    }

    /** What may become of it, as docs/operations.md has it. */
    private static Set<Effect> allowed(String call, Fault fault, boolean lasts) {
        Set<Effect> allowed =
                EnumSet.of(Effect.START_REFUSED, Effect.SNAPSHOT_FAILED, Effect.WRITES_REFUSED);
        boolean eio = fault == Fault.EIO || fault == Fault.EIO_DROPPING;
        boolean ofLog = call.endsWith(" wal") || call.startsWith("SYNC_DIRECTORY");
        boolean sync = call.startsWith("SYNC");
        if (lasts && eio || ofLog && (eio || sync)) {
            allowed.add(Effect.FOR_GOOD);
            allowed.add(Effect.CUT_OFF);
            allowed.add(Effect.NO_MORE_SNAPSHOTS);
        }
        if (fault == Fault.EIO_DROPPING && (lasts || call.equals("SYNC segment"))) {
            allowed.add(Effect.BLOCKS_LOST);
        }
        if (lasts || call.equals("RENAME manifest") || call.equals("SYNC segment")) {
            allowed.add(Effect.NO_MORE_SNAPSHOTS);
        }
        return allowed;
    }

    private synchronized void complain(String name, Result result) {
        String first = result.failures().getFirst();
        violations.add(name + ": " + String.join("\n", result.failures()));
        System.out.println(
                count(first) <= SHOWN
                        ? name + ": " + String.join("\n", result.failures())
                        : name + ": " + first.lines().findFirst().orElse(""));
    }

    private int count(String what) {
        String kind =
                what.lines()
                        .findFirst()
                        .orElse("")
                        .replaceFirst("cycle \\d+: ", "")
                        .replaceAll("[\\[(0-9].*", "");
        return kinds.merge(kind, 1, Integer::sum);
    }

    private synchronized void tell(int call) {
        if ((System.nanoTime() - told) / 1e9 > PROGRESS_EVERY_SECONDS) {
            told = System.nanoTime();
            System.out.printf(
                    "call %,d of %,d, %,d runs, %,d not clean%n",
                    call, calls.size(), runs, violations.size());
        }
    }

    private void summarize() {
        effects.forEach((what, outcomes) -> System.out.println(what + " " + outcomes));
        System.out.printf(
                "%,d runs in %.1f s, %,d operations lost that nobody had to keep; %,d violations %s%n",
                runs,
                (System.nanoTime() - started) / 1e9,
                lost,
                violations.size(),
                kinds.isEmpty() ? "" : kinds);
    }
}
