package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Commands that gather, or copy, more than one may hold are refused before they write anything, and leave nothing behind. */
final class CommandMemoryTest extends ServerTestBase {
    private static final String TAIL = "t".repeat(500);
    private static final int MEMBERS = 160_000;

    private static void fill(RespClient client, String command, String key, int from, int to) {
        for (int i = from; i < to; i += 500) {
            List<String> words = new ArrayList<>(List.of(command, key));
            for (int n = i; n < i + 500; n++) {
                if (command.equals("ZADD")) {
                    words.add(Integer.toString(n));
                }
                words.add(n + TAIL);
            }
            assertTrue(!client.call(words.toArray(new String[0])).isError());
        }
    }

    private static long other(RespClient client) {
        String info = client.call("INFO", "memory").text();
        int at = info.indexOf("used_memory_other:");
        return Long.parseLong(info.substring(at + 18, info.indexOf('\r', at)));
    }

    @Test
    void whatIsTooMuchIsRefused() throws Exception {
        try (ServerProcess subject = startSubject("--shards", "1", "--maxmemory", "256mb");
                RespClient client = subject.connect()) {
            fill(client, "SADD", "set", 0, MEMBERS);
            fill(client, "SADD", "few", MEMBERS - 1_000, MEMBERS + 1_000);
            fill(client, "ZADD", "sorted", 0, MEMBERS);
            fill(client, "RPUSH", "list", 0, MEMBERS);
            client.call("SET", "to", "before");
            long before = other(client);
            for (String refused :
                    new String[] {
                        "SUNIONSTORE to set few",
                        "SDIFFSTORE to set few",
                        "SUNION set few",
                        "ZUNIONSTORE to 2 sorted few",
                        "ZUNION 2 sorted few",
                        "SORT list ALPHA STORE to",
                        "SORT list ALPHA LIMIT 0 1",
                        "COPY list copy",
                        "COPY set copy",
                        "MOVE sorted 2",
                        "SPOP set 100000",
                    }) {
                Reply reply = client.call(refused.split(" "));
                assertTrue(reply.toString().contains("OOM"), refused + ": " + reply);
                assertEquals("before", client.call("GET", "to").text(), refused);
                assertTrue(other(client) < before + (4 << 20), refused);
            }
            assertEquals("0", client.call("EXISTS", "copy").text());
            for (String taken :
                    new String[] {
                        "SINTERSTORE to set few",
                        "SINTERCARD 2 set few",
                        "ZINTERSTORE to 2 sorted few",
                        "RENAME list renamed",
                        "LPOP renamed",
                        "COPY few copy"
                    }) {
                Reply reply = client.call(taken.split(" "));
                assertTrue(!reply.isError(), taken + ": " + reply);
            }
            assertEquals(MEMBERS, Integer.parseInt(client.call("SCARD", "set").text()));
            assertEquals(MEMBERS, Integer.parseInt(client.call("ZCARD", "sorted").text()));
            assertEquals(MEMBERS - 1, Integer.parseInt(client.call("LLEN", "renamed").text()));
            assertEquals(1_000, Integer.parseInt(client.call("ZCARD", "to").text()));
        }
    }
}
