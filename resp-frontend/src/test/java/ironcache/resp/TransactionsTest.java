package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Transactions over a data set several times the shards' memory; what they reply is compared with Valkey elsewhere. */
@ParameterizedClass
@ValueSource(ints = {1, 4})
class TransactionsTest {
    private static final long MIB = 1 << 20;
    private static final int VALUE_BYTES = 4000;
    private static final int HUGE_BYTES = 4 << 20;

    @Parameter private int shards;
    @TempDir private Path directory;

    private RunningServer running;
    private final Prng prng = new Prng(Long.getLong("ironcache.seed", 42));

    /** A connection that sends commands and reads their replies as flat lists of lines. */
    private final class Client implements AutoCloseable {
        private final Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), running.server().port());
        private final InputStream in = new BufferedInputStream(socket.getInputStream(), 1 << 16);

        Client() throws IOException {
            socket.setSoTimeout(20_000);
        }

        void send(String... words) throws IOException {
            StringBuilder text = new StringBuilder("*" + words.length + "\r\n");
            for (String word : words) {
                text.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
            }
            socket.getOutputStream().write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
        }

        List<String> reply() throws IOException {
            List<String> lines = new ArrayList<>();
            for (int left = 1; left > 0; left--) {
                String line = line();
                int n = "*$".indexOf(line.charAt(0)) < 0 ? 0 : Integer.parseInt(line.substring(1));
                if (line.startsWith("*")) {
                    left += Math.max(n, 0);
                } else if (line.startsWith("$") && n >= 0) {
                    byte[] bytes = in.readNBytes(n + 2);
                    line = new String(bytes, 0, n, StandardCharsets.ISO_8859_1);
                }
                lines.add(line);
            }
            return lines;
        }

        List<String> call(String... words) throws IOException {
            send(words);
            return reply();
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder();
            for (int b = in.read(); b != '\n'; b = in.read()) {
                assertTrue(b >= 0, "the server closed the connection");
                line.append((char) b);
            }
            return line.toString().strip();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @BeforeEach
    void start() {
        running = RunningServer.start(directory, shards, 32 * MIB);
    }

    @AfterEach
    void stop() {
        running.close();
    }

    /** Filler, several times the shards' memory. */
    private int keys() {
        return shards == 1 ? 20_000 : 45_000;
    }

    private void fill(Client client) throws IOException {
        char[] value = new char[VALUE_BYTES];
        for (int i = 0; i < keys(); i += 50) {
            for (int j = i; j < i + 50; j++) {
                for (int at = 0; at < VALUE_BYTES; at++) {
                    value[at] = (char) prng.nextInt(256);
                }
                client.send("SET", "k:" + j, new String(value));
            }
            for (int j = 0; j < 50; j++) {
                assertEquals(List.of("+OK"), client.reply());
            }
        }
    }

    /** Of a counter of all threads, as far as it is seen from here. */
    private long sum(ToLongFunction<ServerStats> counter) {
        long sum = 0;
        for (Partition partition : running.server().node().shards.all) {
            sum += counter.applyAsLong(partition.stats);
        }
        return sum;
    }

    private static String text(int length, int seed) {
        return Character.toString('a' + seed % 26).repeat(length);
    }

    @Test
    void readsAllItsColdKeysBeforeItBegins() throws IOException {
        try (Client client = new Client()) {
            client.call("SET", "counter", "0");
            fill(client);
            long holds = sum(stats -> stats.transactionHolds);
            long parks = sum(stats -> stats.parks);
            client.call("MULTI");
            client.call("INCR", "counter");
            for (int i = 0; i < 100; i++) {
                client.call("STRLEN", "k:" + prng.nextInt(keys() / 2));
            }
            client.call("SELECT", "1");
            client.call("INCR", "counter");
            List<String> expected = new ArrayList<>(List.of("*103", ":1"));
            for (int i = 0; i < 100; i++) {
                expected.add(":" + VALUE_BYTES);
            }
            expected.add("+OK");
            expected.add(":1");
            assertEquals(expected, client.call("EXEC"));
            assertTrue(
                    sum(stats -> stats.parks) > parks, "nothing was cold: the test tested nothing");
            assertEquals(holds, sum(stats -> stats.transactionHolds));
        }
    }

    @Test
    void nobodySeesHalfOfOneThatMissesInItsMiddle() throws IOException {
        try (Client writer = new Client();
                Client reader = new Client()) {
            for (int round = 0; round < 12; round++) {
                writer.call("MSET", "left", "" + round, "right", "" + round);
                writer.call("SET", "huge", text(HUGE_BYTES, round));
                fill(writer);
                // The pages of a huge string are not keys: the transaction finds them cold in its
                // middle.
                writer.call("MULTI");
                writer.call("SET", "left", "new" + round);
                writer.call("GETRANGE", "huge", "2000000", "2000003");
                writer.call("SET", "ttl", "1", "PX", "1");
                writer.call("GETRANGE", "huge", "3000000", "3000003");
                writer.call("EXISTS", "ttl");
                writer.call("SET", "right", "new" + round);
                writer.send("EXEC");
                for (int i = 0; i < 20; i++) {
                    List<String> seen = reader.call("MGET", "left", "right");
                    assertEquals(seen.get(1), seen.get(2), "round " + round);
                }
                String four = text(4, round);
                assertEquals(List.of("*6", "+OK", four, "+OK", four, ":1", "+OK"), writer.reply());
            }
            assertTrue(
                    sum(stats -> stats.transactionHolds) > 0,
                    "none was held: the test tested nothing");
        }
    }

    @Test
    void runsToItsEndWhenItsClientLeaves() throws IOException {
        try (Client other = new Client()) {
            for (int round = 0; round < 6; round++) {
                other.call("MSET", "left", "old", "right", "old");
                other.call("SET", "huge", text(HUGE_BYTES, round));
                fill(other);
                try (Client hasty = new Client()) {
                    hasty.call("MULTI");
                    hasty.call("SET", "left", "new");
                    hasty.call("GETRANGE", "huge", "2000000", "2000003");
                    hasty.call("SET", "right", "new");
                    hasty.send("EXEC");
                    hasty.socket.setSoLinger(true, 0);
                }
                List<String> seen = other.call("MGET", "left", "right");
                assertEquals(seen.get(1), seen.get(2), "round " + round);
            }
            assertEquals(List.of("+PONG"), other.call("PING"));
        }
    }

    @Test
    void biggerThanTheMemoryThatIsFree() throws IOException {
        try (Client client = new Client()) {
            String value = text(100_000, 1);
            client.call("MULTI");
            for (int i = 0; i < 600; i++) {
                client.call("SET", "big:" + i, value);
            }
            List<String> replies = client.call("EXEC");
            assertEquals(601, replies.size());
            assertEquals(600, replies.stream().filter("+OK"::equals).count());
            for (int i = 0; i < 600; i += 37) {
                assertEquals(List.of(value), client.call("GET", "big:" + i));
            }
        }
    }

    @Test
    void aDamagedKeyIsAnErrorOfItsCommandAlone() throws IOException {
        try (Client client = new Client()) {
            fill(client);
            try (Stream<Path> files = Files.walk(directory).filter(Files::isRegularFile)) {
                for (Path file : files.toList()) {
                    Files.write(file, new byte[(int) Files.size(file)], StandardOpenOption.WRITE);
                }
            }
            client.call("MULTI");
            client.call("SET", "new", "v");
            client.call("STRLEN", "k:0");
            client.call("GET", "new");
            List<String> replies = client.call("EXEC");
            assertEquals(4, replies.size(), replies.toString());
            assertEquals("+OK", replies.get(1));
            assertTrue(replies.get(2).contains("damaged block"), replies.toString());
            assertEquals("v", replies.get(3));
            assertEquals(List.of("+PONG"), client.call("PING"));
        }
    }

    @Test
    void watchedKeyExpires() throws IOException {
        try (Client client = new Client()) {
            client.call("SET", "k", "v", "PX", "1");
            client.call("WATCH", "k");
            while (!client.call("EXISTS", "k").equals(List.of(":0"))) {
                Thread.onSpinWait();
            }
            // Whether it was still there when the watch began is the clock's choice; a later one is
            // not there, and stays so.
            client.call("UNWATCH");
            client.call("WATCH", "k");
            client.call("MULTI");
            assertEquals(List.of("*0"), client.call("EXEC"));

            client.call("SET", "k", "v");
            client.call("PEXPIRE", "k", "50");
            client.call("WATCH", "k");
            client.call("MULTI");
            try (Client other = new Client()) {
                while (!other.call("EXISTS", "k").equals(List.of(":0"))) {
                    Thread.onSpinWait();
                }
            }
            assertEquals(List.of("*-1"), client.call("EXEC"));
        }
    }

    @Test
    void tellsHowManyWatch() throws IOException {
        try (Client client = new Client();
                Client leaving = new Client()) {
            client.call("WATCH", "a", "b", "a");
            leaving.call("WATCH", "b");
            String info = client.call("INFO", "clients").get(0);
            assertTrue(info.contains("watching_clients:2\r\n"), info);
            assertTrue(info.contains("total_watched_keys:3\r\n"), info);
            leaving.call("QUIT");
            client.call("MULTI");
            client.call("PING");
            List<String> replies = client.call("EXEC");
            assertEquals(List.of("*1", "+PONG"), replies);
            // Another thread closes the connection, behind its last reply.
            do {
                info = client.call("INFO", "clients").get(0);
            } while (!info.contains("total_watched_keys:0\r\n"));
            assertTrue(info.contains("watching_clients:0\r\n"), info);
        }
    }
}
