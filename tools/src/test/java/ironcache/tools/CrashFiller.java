package ironcache.tools;

import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashChecker.Rules;
import ironcache.tools.CrashChecker.Violation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Values in database 15 that are written again and again, so many that the keys of the run get cold, segments are
 * sealed, and compaction has work. They have to survive like all others: each says which key's it is and how often that
 * had been written. The state of a key is two numbers, so that there can be more of them than the tool has memory.
 */
final class CrashFiller {
    private static final int VALUE_BYTES = 8 << 10;
    private static final int BATCH = 16;
    private static final int CHECKED = 400;
    private static final long BYTES_PER_SECOND = 16 << 20;

    private record Written(int key, int version, long ackedNs) {}

    private final int keys;

    /** Of each key: a version that it has at least, and one that it has at most; 0 for absent. */
    private final int[] atLeast;

    private final int[] atMost;
    private final List<Written> recent = new ArrayList<>();
    private long next;

    CrashFiller(long mib) {
        keys = Math.max(BATCH, (int) Math.min(1 << 24, (mib << 20) / VALUE_BYTES));
        atLeast = new int[keys];
        atMost = new int[keys];
    }

    /** Writes each key once, as fast as it goes. */
    void fill(int port) throws IOException {
        try (RespClient client = connect(port)) {
            while (next < keys) {
                if (!batch(client)) {
                    throw new IOException("the filler got no reply");
                }
            }
        }
    }

    /** Until the connection ends. */
    void write(int port) {
        long due = System.nanoTime();
        try (RespClient client = connect(port)) {
            while (batch(client)) {
                due += BATCH * VALUE_BYTES * 1_000_000_000L / BYTES_PER_SECOND;
                LockSupport.parkNanos(due - System.nanoTime());
            }
        } catch (IOException e) {
            // The crash came before the connection.
        }
    }

    private static RespClient connect(int port) throws IOException {
        RespClient client = new RespClient(port, 60_000);
        client.call("SELECT", "15");
        return client;
    }

    private boolean batch(RespClient client) {
        List<byte[][]> batch = new ArrayList<>();
        int from = (int) (next % keys);
        int count = Math.min(BATCH, keys - from);
        for (int key = from; key < from + count; key++) {
            atMost[key]++;
            batch.add(new byte[][] {ascii("SET"), name(key), value(key, atMost[key])});
        }
        List<Reply> replies = client.pipeline(batch);
        long now = System.nanoTime();
        for (int i = 0; i < count; i++) {
            if (i < replies.size() && replies.get(i).type() == '+') {
                recent.add(new Written(from + i, atMost[from + i], now));
            }
        }
        next += count;
        return replies.size() == count
                && replies.getLast() != Reply.CLOSED
                && replies.getLast() != Reply.TIMED_OUT;
    }

    /** After a crash: some keys, the last ones written among them. */
    void check(int port, Rules rules, long killedNs, long seed, List<Violation> violations)
            throws IOException {
        for (Written written : recent) {
            if (rules.policy() == Policy.ALWAYS
                    || written.ackedNs <= killedNs - 1_000_000_000L - rules.slackNs()) {
                atLeast[written.key] = written.version;
            }
        }
        List<Integer> chosen = new ArrayList<>();
        for (int i = Math.max(0, recent.size() - CHECKED); i < recent.size(); i++) {
            chosen.add(recent.get(i).key);
        }
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < CHECKED; i++) {
            chosen.add(random.nextInt(keys));
        }
        recent.clear();
        try (RespClient client = connect(port)) {
            for (int key : chosen) {
                Reply reply = client.call(new byte[][] {ascii("GET"), name(key)});
                if (reply.isError() || reply == Reply.CLOSED || reply == Reply.TIMED_OUT) {
                    violations.add(
                            new Violation(
                                    "no value",
                                    "filler:" + key,
                                    "GET filler:" + key + ": " + reply));
                    return;
                }
                byte[] value = reply.bytes();
                int version = version(value);
                boolean whole = value == null || Arrays.equals(value, value(key, version));
                if (!whole || version < atLeast[key] || version > atMost[key]) {
                    violations.add(
                            new Violation(
                                    "lost write",
                                    "filler:" + key,
                                    "filler:%d has version %d%s; it must be %d to %d"
                                            .formatted(
                                                    key,
                                                    version,
                                                    whole ? "" : ", damaged",
                                                    atLeast[key],
                                                    atMost[key])));
                    return;
                }
                atLeast[key] = version;
                atMost[key] = version;
            }
        }
    }

    private static int version(byte[] value) {
        if (value == null) {
            return 0;
        }
        String[] head =
                new String(value, 0, Math.min(40, value.length), StandardCharsets.ISO_8859_1)
                        .split("\\.");
        try {
            return head.length > 2 ? Integer.parseInt(head[1]) : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private static byte[] name(int key) {
        return ascii("filler:" + key);
    }

    private static byte[] value(int key, int version) {
        byte[] value = new byte[VALUE_BYTES];
        new SplittableRandom(key * 31L + version).nextBytes(value);
        byte[] head = ascii(key + "." + version + ".");
        System.arraycopy(head, 0, value, 0, head.length);
        return value;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
