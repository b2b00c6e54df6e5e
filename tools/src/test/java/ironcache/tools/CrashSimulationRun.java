package ironcache.tools;

import ironcache.ffm.Memory;
import ironcache.tools.CallsRun.Fault;
import ironcache.tools.CallsRun.Options;
import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashSimulation.Bug;
import ironcache.tools.CrashSimulation.Outcome;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * {@link CrashSimulation}, seed by seed.
 *
 * <pre>tools/conformance crashes --simulated 20000 --seed 1</pre>
 */
public final class CrashSimulationRun {
    private static final double PROGRESS_EVERY_SECONDS = 60;
    private static final int SHOWN = 2;
    private static final long FREED_BYTES = 256L << 20;

    private CrashSimulationRun() {}

    public static void main(String[] argv) {
        long seed = 1;
        int seeds = 1000;
        int shards = 0;
        Policy policy = null;
        Bug bug = Bug.NONE;
        boolean everyCall = false;
        Set<Fault> faults = EnumSet.noneOf(Fault.class);
        int stride = 1;
        int threads = 1;
        int call = 0;
        int operations = Options.OPERATIONS;
        for (int i = 0; i < argv.length; i += 2) {
            String value = i + 1 < argv.length ? argv[i + 1] : "";
            switch (argv[i]) {
                case "--every-call" -> {
                    everyCall = true;
                    i--;
                }
                case "--fault" -> faults = faults(value);
                case "--threads" -> threads = Integer.parseInt(value);
                case "--call" -> call = Integer.parseInt(value);
                case "--stride" -> stride = Integer.parseInt(value);
                case "--operations" -> operations = Integer.parseInt(value);
                case "--simulated" -> seeds = Integer.parseInt(value);
                case "--seed" -> seed = Long.parseLong(value);
                case "--shards" -> shards = Integer.parseInt(value);
                case "--policy" -> policy = Policy.valueOf(value.toUpperCase(Locale.ROOT));
                case "--bug" -> bug = Bug.valueOf(value.toUpperCase(Locale.ROOT).replace('-', '_'));
                case "--disk-log" -> {
                    if (value.equals("yes")) {
                        CrashSimulation.setDiskLog(System.out::println);
                    }
                }
                default ->
                        throw new IllegalArgumentException(
                                argv[i]
                                        + ": allowed are --simulated SEEDS --seed --shards --policy always|everysec --bug BUG --disk-log yes;"
                                        + " --every-call --fault eio|short|enospc|all --stride N --call N --operations N --threads N");
            }
        }
        Memory.keepFreed(FREED_BYTES);
        if (everyCall) {
            Options options =
                    new Options(
                            seed,
                            shards == 0 ? Options.SHARDS : shards,
                            policy == null ? Policy.ALWAYS : policy,
                            bug,
                            operations,
                            stride,
                            call,
                            faults);
            System.exit(CallsRun.run(options, threads).isEmpty() ? 0 : 1);
        }
        System.exit(run(seed, seeds, shards, policy, bug) == 0 ? 0 : 1);
    }

    private static Set<Fault> faults(String name) {
        return switch (name) {
            case "all" -> EnumSet.allOf(Fault.class);
            case "eio" -> EnumSet.of(Fault.EIO, Fault.EIO_DROPPING);
            default -> EnumSet.of(Fault.valueOf(name.toUpperCase(Locale.ROOT)));
        };
    }

    /** Plays so many seeds and says what was found; returns how many of them were not clean. */
    static int run(long firstSeed, int seeds, int shards, Policy policy, Bug bug) {
        long started = System.nanoTime();
        long told = started;
        long sent = 0;
        long acknowledged = 0;
        long lost = 0;
        long crashes = 0;
        long inRecovery = 0;
        long snapshots = 0;
        long coldReads = 0;
        long calls = 0;
        int bad = 0;
        Map<String, Integer> kinds = new TreeMap<>();
        for (long seed = firstSeed; seed < firstSeed + seeds; seed++) {
            Outcome outcome = CrashSimulation.play(seed, shards, policy, bug);
            sent += outcome.sent();
            acknowledged += outcome.acknowledged();
            lost += outcome.lost();
            crashes += outcome.crashes();
            inRecovery += outcome.crashesInRecovery();
            snapshots += outcome.snapshots();
            coldReads += outcome.coldReads();
            calls += outcome.calls();
            if (!outcome.clean()) {
                bad++;
                if (kinds.merge(kind(outcome), 1, Integer::sum) <= SHOWN) {
                    System.out.println("seed " + seed + ":");
                    outcome.failures().stream().limit(SHOWN).forEach(System.out::println);
                    System.out.println(outcome.failures().getLast());
                }
            }
            if ((System.nanoTime() - told) / 1e9 > PROGRESS_EVERY_SECONDS) {
                told = System.nanoTime();
                System.out.println(seed + 1 - firstSeed + " seeds, " + bad + " not clean");
            }
        }
        System.out.printf(
                "%,d seeds from %d in %.1f s: %,d operations sent, %,d acknowledged, %,d lost; %,d crashes, %,d in recovery;"
                        + " %,d snapshots, %,d cold reads, %,d calls of the disk%n",
                seeds,
                firstSeed,
                (System.nanoTime() - started) / 1e9,
                sent,
                acknowledged,
                lost,
                crashes,
                inRecovery,
                snapshots,
                coldReads,
                calls);
        System.out.printf("%,d seeds not clean %s%n", bad, bad == 0 ? "" : kinds);
        return bad;
    }

    /** For counting: of what kind the first complaint is. */
    private static String kind(Outcome outcome) {
        return outcome.failures()
                .getFirst()
                .lines()
                .findFirst()
                .orElse("")
                .replaceFirst("cycle \\d+: ", "")
                .replaceAll("[\\[(0-9].*", "");
    }
}
