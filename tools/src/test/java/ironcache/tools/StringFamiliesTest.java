package ironcache.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/**
 * What the general differential test meets too rarely in the strings and keyspace families: 80-bit arithmetic, glob patterns,
 * equally long common subsequences, and ranges around the lengths at which a string goes from its record to pages.
 */
class StringFamiliesTest extends FamilyTestBase {
    private static final int ROUNDS = 20_000;
    private static final int BATCH = 50;

    private static final String COMMANDS =
            "append copy dbsize decr decrby del delifeq exists expire expireat expiretime"
                    + " flushall flushdb get getdel getex getrange getset incr incrby incrbyfloat keys lcs mget move mset msetex msetnx"
                    + " object persist pexpire pexpireat pexpiretime psetex pttl randomkey rename renamenx scan set setex setnx setrange"
                    + " strlen substr swapdb touch ttl type unlink";

    @Test
    void rowsAreThoseOfTheOracle() throws Exception {
        compareRows(COMMANDS);
    }

    @Test
    void repliesAreThoseOfTheOracle() throws Exception {
        besideTheOracle(
                (oracle, subject) -> {
                    for (int round = 0; round < ROUNDS; round += BATCH) {
                        List<byte[][]> commands = new ArrayList<>();
                        for (int i = 0; i < BATCH; i++) {
                            addRandom(commands);
                        }
                        compare(oracle, subject, commands);
                    }
                });
    }

    private void addRandom(List<byte[][]> to) {
        switch (random.nextInt(12)) {
            case 0, 1, 2, 3, 4 -> add(to, "INCRBYFLOAT", "f" + random.nextInt(4), number());
            case 5 -> add(to, "SET", "f" + random.nextInt(4), number());
            case 6 -> {
                // One key at a time: the order of several is nobody's promise.
                String pattern = letters("ab*?[]^-\\c\u00e9", 9);
                add(to, "SELECT", "1");
                add(to, "FLUSHDB");
                add(to, "SET", letters("ab-]^\\[c\u00e9", 7), "1");
                add(to, "SCAN", "0", "MATCH", pattern);
                add(to, "KEYS", pattern);
                add(to, "SELECT", "0");
            }
            case 7 -> {
                add(to, "SET", "l1", letters("abcd", 60));
                add(to, "SET", "l2", letters("abcd", 60));
                add(to, "LCS", "l1", "l2");
                add(to, "LCS", "l1", "l2", "LEN");
                add(
                        to,
                        "LCS",
                        "l1",
                        "l2",
                        "IDX",
                        "WITHMATCHLEN",
                        "MINMATCHLEN",
                        "" + random.nextInt(4));
            }
            case 8 -> {
                int[] sizes = {10, 100, 70_000, 70_000, 300_000};
                add(
                        to,
                        "SETRANGE",
                        key(),
                        "" + random.nextInt(sizes[random.nextInt(sizes.length)]),
                        letters("xyz", 200));
                add(to, "OBJECT", "ENCODING", "s0");
            }
            case 9 -> {
                String key = key();
                add(to, "APPEND", key, letters("xyz", random.chance(0.3) ? 20_000 : 100));
                add(to, "GETRANGE", key, "" + position(), "" + position());
            }
            case 10 -> addWhole(to);
            default -> {
                String delta =
                        random.chance(0.5)
                                ? Long.toString(random.nextLong())
                                : "" + random.nextInt(100);
                add(to, "INCRBY", "i" + random.nextInt(3), delta);
                add(
                        to,
                        "APPEND",
                        "i" + random.nextInt(3),
                        new String[] {"", "1", "00"}[random.nextInt(3)]);
                add(to, "OBJECT", "ENCODING", "i0");
            }
        }
    }

    private void addWhole(List<byte[][]> to) {
        switch (random.nextInt(8)) {
            case 0 -> add(to, "GET", key());
            case 1 -> add(to, "DEL", key());
            case 2 -> add(to, "STRLEN", key());
            case 3 -> add(to, "RENAME", key(), "s2");
            case 4 -> add(to, "COPY", key(), "s1", "REPLACE");
            case 5 -> add(to, "GETDEL", key());
            case 6 -> add(to, "MOVE", key(), "2");
            default -> add(to, "SET", key(), "q".repeat(60_000 + random.nextInt(40_000)));
        }
    }

    private String key() {
        return "s" + random.nextInt(3);
    }

    private int position() {
        return random.nextInt(800_000) - 400_000;
    }

    /** Numbers of every magnitude and notation, and some that are none. */
    private String number() {
        return switch (random.nextInt(8)) {
            case 0 -> "" + (random.nextLong() >> random.nextInt(64));
            case 1 ->
                    Double.toString(
                            (random.nextDouble() - 0.5) * Math.pow(10, random.nextInt(40) - 20));
            case 2 -> random.nextInt(1000) + "." + letters("0123456789", 25);
            case 3 -> random.nextInt(99) + "e" + (random.nextInt(9980) - 4990);
            case 4 -> letters("0123456789.eE+-xXpPa f", 9);
            case 5 ->
                    "0x"
                            + Long.toHexString(random.nextLong())
                            + "."
                            + Long.toHexString(random.nextLong())
                            + "p"
                            + (random.nextInt(200) - 100);
            case 6 ->
                    String.format(
                            Locale.ROOT,
                            "%." + random.nextInt(40) + "f",
                            (random.nextDouble() - 0.5) * 1000);
            default -> letters("0123456789", 60) + "e" + (random.nextInt(100) - 60);
        };
    }
}
