package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ZSCAN of sets of which many members have one score: all that are there from the first call to the last, whatever their scores become meanwhile, in few calls. */
final class SortedSetScanTest {
    private static final int MEMBERS = 60_000;
    private static final int BATCH = 500;

    /** Of a hundredth of the members each, twice as many calls. */
    private static final int CALLS_MAX = 200;

    @TempDir private Path data;

    private final long seed = Long.getLong("ironcache.seed", 42);
    private final Prng random = new Prng(seed);

    private static String member(int number) {
        return "member:" + number;
    }

    /** Nine of ten have the same, some of the others another. */
    private String score() {
        int number = random.nextInt(100);
        return Integer.toString(number < 90 ? 0 : number < 95 ? 1 : random.nextInt(1_000_000));
    }

    private void fill(RespClient client) {
        for (int from = 0; from < MEMBERS; from += BATCH) {
            List<String> words = new ArrayList<>(List.of("ZADD", "set"));
            for (int i = from; i < from + BATCH; i++) {
                words.add(score());
                words.add(member(i));
            }
            client.call(words.toArray(String[]::new));
        }
    }

    /** Even ones change their scores, and of the others some go. */
    private void change(RespClient client, Set<String> gone) {
        for (int i = 0; i < 20; i++) {
            int number = random.nextInt(MEMBERS / 2);
            client.call("ZADD", "set", score(), member(2 * number));
            if (random.nextInt(4) == 0) {
                client.call("ZREM", "set", member(2 * number + 1));
                gone.add(member(2 * number + 1));
            }
            client.call("ZADD", "set", score(), "new:" + random.nextInt(MEMBERS));
        }
    }

    @Test
    void whoIsThereAllAlongIsReturned() throws Exception {
        try (ServerProcess server = ServerProcess.start("ironcache", data, "--maxmemory", "256mb");
                RespClient client = server.connect()) {
            fill(client);
            Set<String> seen = new HashSet<>();
            Set<String> gone = new HashSet<>();
            String cursor = "0";
            int calls = 0;
            do {
                List<Reply> reply = client.call("ZSCAN", "set", cursor).elements();
                cursor = reply.getFirst().text();
                List<Reply> found = reply.getLast().elements();
                for (int i = 0; i < found.size(); i += 2) {
                    seen.add(found.get(i).text());
                }
                change(client, gone);
                calls++;
            } while (!cursor.equals("0"));
            for (int i = 0; i < MEMBERS; i++) {
                String member = member(i);
                assertTrue(
                        seen.contains(member) || gone.contains(member),
                        () -> member + " is missing, -Dironcache.seed=" + seed);
            }
            assertTrue(calls <= CALLS_MAX, "calls: " + calls);
        }
    }
}
