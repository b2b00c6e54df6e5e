package ironcache.tools;

import ironcache.tools.CrashOp.How;
import ironcache.tools.CrashStep.Verb;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Says what a client sends that has two databases for itself, and empties and exchanges them. Its keys are named <i>database/name</i>. */
final class CrashDatabases {
    private static final int DATABASES = 2;
    private static final int NAMES = 8;

    private final int client;
    private final SplittableRandom random;
    private final String prefix;
    private long written;

    CrashDatabases(int client, int cycle, long seed) {
        this.client = client;
        random = new SplittableRandom(seed);
        prefix = Integer.toString(cycle, 36) + "." + client + ".";
    }

    private static String key(int database, int name) {
        return database + "/k" + name;
    }

    static List<String> all(int database) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < NAMES; i++) {
            all.add(key(database, i));
        }
        return all;
    }

    static List<String> all() {
        List<String> all = new ArrayList<>();
        for (int database = 1; database <= DATABASES; database++) {
            all.addAll(all(database));
        }
        return all;
    }

    CrashOp next() {
        int database = 1 + random.nextInt(DATABASES);
        int dice = random.nextInt(100);
        if (dice < 10) {
            List<CrashStep> steps = new ArrayList<>();
            all(database).forEach(key -> steps.add(CrashStep.of(Verb.FLUSHED, key)));
            return new CrashOp(client, How.FLUSHDB, steps, database);
        }
        if (dice < 20) {
            List<CrashStep> steps = new ArrayList<>();
            for (int i = 0; i < NAMES; i++) {
                steps.add(CrashStep.swapped(key(1, i), key(2, i)));
            }
            return new CrashOp(client, How.SWAPDB, steps);
        }
        String key = key(database, random.nextInt(NAMES));
        byte[] value =
                (prefix + Long.toString(++written, 36) + ";").getBytes(StandardCharsets.ISO_8859_1);
        CrashStep step =
                dice < 30
                        ? CrashStep.of(Verb.DEL, key)
                        : CrashStep.of(dice < 45 ? Verb.APPEND : Verb.SET, key, value);
        return new CrashOp(client, How.COMMAND, List.of(step), database);
    }
}
