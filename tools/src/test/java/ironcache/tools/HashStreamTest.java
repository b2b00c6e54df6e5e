package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** A long reply of a hash that changes meanwhile ends: it never goes on as another one. */
final class HashStreamTest extends ServerTestBase {
    private static final int FIELDS = 200_000;
    private static final String TAIL = "t".repeat(200);

    private static void fill(RespClient client) {
        client.call("DEL", "long");
        String[] words = new String[2002];
        words[0] = "HSET";
        words[1] = "long";
        for (int i = 0; i < FIELDS; i += 1000) {
            for (int n = 0; n < 1000; n++) {
                words[2 * n + 2] = "field" + (i + n);
                words[2 * n + 3] = (i + n) + TAIL;
            }
            client.call(words);
        }
    }

    @Test
    void whatWasBegunEndsWhenTheHashIsAnother() throws Exception {
        try (ServerProcess subject = startSubject("--shards", "1", "--maxmemory", "384mb");
                RespClient client = subject.connect()) {
            String[][] requests = {
                {"HGETALL", "long"}, {"HRANDFIELD", "long", "-1000000", "WITHVALUES"}
            };
            String[][] changes = {
                {"HEXPIRE", "long", "1000", "FIELDS", "1", "field7"}, {"DEL", "long"}
            };
            for (String[] request : requests) {
                for (String[] change : changes) {
                    fill(client);
                    String reply = cutOff(subject, client, request, change);
                    // One header, then strings alone.
                    assertFalse(reply.contains("\r\n*"), request[0] + " " + change[0]);
                    assertFalse(reply.contains("\r\n-"), request[0] + " " + change[0]);
                    if (request[0].equals("HGETALL") || change[0].equals("DEL")) {
                        assertTrue(reply.length() < 40_000_000, request[0] + " " + change[0]);
                    }
                }
            }
        }
    }

    /** What comes of a reply whose hash is changed when its first byte has come. */
    private static String cutOff(
            ServerProcess subject, RespClient client, String[] request, String[] change)
            throws Exception {
        try (RespClient slow = subject.connect()) {
            slow.send(RespClient.bytes(request));
            slow.socket().getInputStream().read();
            client.call(change);
            slow.send(RespClient.bytes("QUIT"));
            byte[] rest = slow.readToEnd();
            return new String(rest, StandardCharsets.ISO_8859_1);
        }
    }
}
