package ironcache.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;

/**
 * The names of a crash run. Each client has keys that nobody else writes, of several kinds; a part of them in one slot,
 * the others all over. Most writes fall on a few, so that the others survive many crashes unchanged. Keys of a group
 * are written only together, by whoever has the group's lock.
 */
final class CrashKeys {
    enum Kind {
        NUMBER,
        STRING,
        VOLATILE,
        RENAMED,
        LIST,
        HASH,
        SET,
        ZSET
    }

    private static final int HOT = 6;
    private static final int HOT_PERCENT = 85;

    private final int clients;
    private final int perKind;
    private final Semaphore[] groups;

    CrashKeys(int clients, int perClient, int groups) {
        this.clients = clients;
        perKind = Math.max(HOT, perClient / Kind.values().length);
        this.groups = new Semaphore[groups];
        for (int i = 0; i < groups; i++) {
            this.groups[i] = new Semaphore(1);
        }
    }

    private static String name(int client, Kind kind, int i) {
        String form = i % 3 == 0 ? "{c%d}:%s:%d" : "c%d:%s:%d";
        return form.formatted(client, kind.name().toLowerCase(java.util.Locale.ROOT), i);
    }

    String pick(int client, Kind kind, SplittableRandom random) {
        boolean hot = random.nextInt(100) < HOT_PERCENT;
        return name(client, kind, random.nextInt(hot ? HOT : perKind));
    }

    int groups() {
        return groups.length;
    }

    /** Of whoever writes to it, until he knows what became of that. */
    Semaphore lock(int group) {
        return groups[group];
    }

    /** The keys that get the same token. */
    static List<String> members(int group) {
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < 2 + group % 4; i++) {
            keys.add("g" + group + ":" + i);
        }
        return keys;
    }

    static String counter(int group) {
        return "g" + group + ":count";
    }

    static boolean isOfGroup(String key) {
        return key.startsWith("g");
    }

    /** {@code c3} of a key of the third client; null where others write it too. */
    static String owner(String key) {
        if (isOfGroup(key)) {
            return null;
        }
        int from = key.charAt(0) == '{' ? 1 : 0;
        int to = from;
        while (to < key.length() && key.charAt(to) != ':' && key.charAt(to) != '}') {
            to++;
        }
        return key.substring(from, to);
    }

    static boolean isNumber(String key) {
        return key.contains(":number:") || key.endsWith(":count");
    }

    List<String> all() {
        List<String> keys = new ArrayList<>();
        for (int client = 0; client < clients; client++) {
            for (Kind kind : Kind.values()) {
                for (int i = 0; i < perKind; i++) {
                    keys.add(name(client, kind, i));
                }
            }
        }
        for (int group = 0; group < groups.length; group++) {
            keys.addAll(members(group));
            keys.add(counter(group));
        }
        return keys;
    }
}
