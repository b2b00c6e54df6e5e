package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole server in this process, over NIO, with real sockets: what the simulator's sockets would not notice. */
class ServerTest {
    private static final long MIB = 1 << 20;

    @TempDir private Path directory;

    private RunningServer running;
    private Server server;

    @BeforeEach
    void start() {
        running = RunningServer.start(directory, 48 * MIB);
        server = running.server();
    }

    @AfterEach
    void stop() {
        running.close();
    }

    private final class Client implements AutoCloseable {
        private final Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
        private final InputStream in = socket.getInputStream();

        Client() throws IOException {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(30_000);
        }

        void send(String bytes) throws IOException {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
        }

        String read(int bytes) throws IOException {
            return new String(in.readNBytes(bytes), StandardCharsets.ISO_8859_1);
        }

        void expect(String reply) throws IOException {
            assertEquals(reply, read(reply.length()));
        }

        void expectEnd() throws IOException {
            assertEquals(-1, in.read());
        }

        String line() throws IOException {
            StringBuilder line = new StringBuilder();
            int b;
            while ((b = in.read()) != '\n' && b >= 0) {
                line.append((char) b);
            }
            return line.toString().strip();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private static String command(String... words) {
        StringBuilder text = new StringBuilder("*" + words.length + "\r\n");
        for (String word : words) {
            text.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
        }
        return text.toString();
    }

    @Test
    void pipelinesInOnePieceAndByteByByte() throws IOException {
        String pipeline =
                command("SET", "a", "1")
                        + "PING\r\n"
                        + command("get", "a")
                        + command("ECHO", "x".repeat(300))
                        + "\r\n"
                        + command("NOSUCH", "b")
                        + command("GET");
        String replies =
                "+OK\r\n+PONG\r\n$1\r\n1\r\n$300\r\n"
                        + "x".repeat(300)
                        + "\r\n"
                        + "-ERR unknown command 'NOSUCH', with args beginning with: 'b' \r\n"
                        + "-ERR wrong number of arguments for 'get' command\r\n";
        try (Client whole = new Client();
                Client pieces = new Client()) {
            whole.send(pipeline.repeat(50));
            whole.expect(replies.repeat(50));
            for (int i = 0; i < pipeline.length(); i++) {
                pieces.send(pipeline.substring(i, i + 1));
            }
            pieces.expect(replies);
        }
    }

    @Test
    void protocolErrorAnswersWhatCameBeforeAndCloses() throws IOException {
        try (Client client = new Client()) {
            client.send(command("SET", "a", "1") + "*1\r\n!3\r\n" + command("PING"));
            client.expect("+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n");
            client.expectEnd();
        }
        try (Client client = new Client()) {
            client.send(command("QUIT") + command("PING"));
            client.expect("+OK\r\n");
            client.expectEnd();
        }
    }

    @Test
    void bigValuesTravelBothWays() throws IOException {
        String value = "0123456789abcdef".repeat(64 << 10);
        try (Client client = new Client()) {
            client.send(command("SET", "big", value));
            client.expect("+OK\r\n");
            client.send(command("GET", "big") + command("ECHO", value) + command("STRLEN", "big"));
            client.expect("$1048576\r\n" + value + "\r\n$1048576\r\n" + value + "\r\n:1048576\r\n");
        }
        try (Client client = new Client()) {
            client.send(command("PING"));
            client.expect("+PONG\r\n");
        }
    }

    /** More at once than there is memory for: they take turns, all are answered, and network memory stays bounded. */
    @Test
    void manyHugeValuesAtOnce() throws IOException {
        int clients = 8;
        int valueBytes = 6 << 20;
        long before = MemoryTag.NETWORK.bytes();
        MemoryTag.NETWORK.resetPeak();
        List<CompletableFuture<Void>> running = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            String key = "huge:" + i;
            String value = value(i).repeat(valueBytes / 1000);
            CompletableFuture<Void> done = new CompletableFuture<>();
            running.add(done);
            Thread thread =
                    new Thread(
                            () -> {
                                try (Client client = new Client()) {
                                    for (int round = 0; round < 2; round++) {
                                        client.send(command("SET", key, value));
                                        client.expect("+OK\r\n");
                                        client.send(command("GET", key));
                                        client.expect(
                                                "$" + value.length() + "\r\n" + value + "\r\n");
                                    }
                                    done.complete(null);
                                } catch (Throwable t) {
                                    done.completeExceptionally(t);
                                }
                            },
                            key);
            thread.setDaemon(true);
            thread.start();
        }
        running.forEach(CompletableFuture::join);
        // Two values' buffers, 1 MB of each one's reply, and what was received before the pause.
        long most = 2L * valueBytes + clients * (2 * MIB);
        long peak = MemoryTag.NETWORK.peakBytes() - before;
        assertTrue(peak <= most, peak + " bytes of " + most);
        assertTrue(
                server.loop().buffers().admission.waits() > 0,
                "nobody waited: the test tested nothing");
    }

    /** More than fits in RAM, written and read back in pipelines: parked commands keep their order and their bytes. */
    @Test
    void coldValuesComeBackInOrder() throws IOException {
        int keys = 60_000;
        Prng prng = new Prng(Long.getLong("ironcache.seed", 42));
        try (Client client = new Client();
                Client other = new Client()) {
            for (int i = 0; i < keys; i += 100) {
                StringBuilder pipeline = new StringBuilder();
                for (int j = i; j < i + 100; j++) {
                    pipeline.append(command("SET", "key:" + j, value(j)));
                }
                client.send(pipeline.toString());
                client.expect("+OK\r\n".repeat(100));
            }
            for (int round = 0; round < 200; round++) {
                StringBuilder pipeline = new StringBuilder();
                StringBuilder replies = new StringBuilder();
                for (int j = 0; j < 50; j++) {
                    int key = prng.nextInt(keys);
                    pipeline.append(command("GET", "key:" + key)).append("PING\r\n");
                    replies.append("$1000\r\n").append(value(key)).append("\r\n+PONG\r\n");
                }
                client.send(pipeline.toString());
                other.send(command("PING"));
                other.expect("+PONG\r\n");
                client.expect(replies.toString());
            }
        }
        assertTrue(server.node().stats().parks > 0, "nothing was cold: the test tested nothing");
    }

    private static String value(int i) {
        String seed = Long.toString(Prng.mix(i), 36) + "-";
        return seed.repeat(1000 / seed.length() + 1).substring(0, 1000);
    }

    /** A connection that goes while its command waits for the SSD leaves nothing behind that fires later. */
    @Test
    void clientsThatGoWhileParked() throws IOException {
        try (Client client = new Client()) {
            for (int i = 0; i < 60_000; i += 100) {
                StringBuilder pipeline = new StringBuilder();
                for (int j = i; j < i + 100; j++) {
                    pipeline.append(command("SET", "key:" + j, value(j)));
                }
                client.send(pipeline.toString());
                client.expect("+OK\r\n".repeat(100));
            }
            for (int round = 0; round < 50; round++) {
                Client hasty = new Client();
                StringBuilder pipeline = new StringBuilder();
                for (int j = 0; j < 100; j++) {
                    pipeline.append(command("GET", "key:" + (round * 997 + j * 13) % 60_000));
                }
                hasty.send(pipeline.toString());
                hasty.socket.setSoLinger(true, 0);
                hasty.close();
            }
            client.send(command("GET", "key:1") + command("PING"));
            client.expect("$1000\r\n" + value(1) + "\r\n+PONG\r\n");
        }
    }

    @Test
    void replyModes() throws IOException {
        try (Client client = new Client()) {
            client.send(
                    command("CLIENT", "REPLY", "SKIP") + command("PING") + command("ECHO", "a"));
            client.expect("$1\r\na\r\n");
            client.send(
                    command("CLIENT", "REPLY", "OFF")
                            + command("PING")
                            + command("CLIENT", "REPLY", "ON")
                            + command("ECHO", "b"));
            client.expect("+OK\r\n$1\r\nb\r\n");
        }
    }

    @Test
    void passwordIsAskedFor() throws IOException {
        try (Client admin = new Client()) {
            admin.send(command("CONFIG", "SET", "requirepass", "secret"));
            admin.expect("+OK\r\n");
            try (Client client = new Client()) {
                client.send(
                        command("GET", "a")
                                + command("AUTH", "wrong")
                                + command("AUTH", "secret")
                                + command("PING"));
                client.expect(
                        "-NOAUTH Authentication required.\r\n"
                                + "-WRONGPASS invalid username-password pair or user is disabled.\r\n+OK\r\n+PONG\r\n");
            }
            try (Client stranger = new Client()) {
                stranger.send("*11\r\n");
                stranger.expect("-ERR Protocol error: unauthenticated multibulk length\r\n");
                stranger.expectEnd();
            }
        }
    }

    @Test
    void slowlogAndStatistics() throws IOException {
        try (Client client = new Client()) {
            client.send(
                    command("CONFIG", "SET", "slowlog-log-slower-than", "0")
                            + command("SET", "a", "1")
                            + command("GET", "a")
                            + command("SLOWLOG", "LEN")
                            + command("CONFIG", "RESETSTAT"));
            client.expect("+OK\r\n+OK\r\n$1\r\n1\r\n");
            String length = client.line();
            assertTrue(Integer.parseInt(length.substring(1)) >= 2, length);
            client.expect("+OK\r\n");
            client.send(
                    command("GET", "a").repeat(10)
                            + command("GET", "none")
                            + command("INFO", "commandstats"));
            client.expect("$1\r\n1\r\n".repeat(10) + "$-1\r\n");
            int bytes = Integer.parseInt(client.line().substring(1));
            String info = client.read(bytes + 2);
            assertTrue(info.contains("cmdstat_get:calls=11,"), info);
        }
    }

    /** The promise that the heap is idle: a hundred thousand requests, and less than a byte of heap for each. */
    @Test
    void requestsAllocateNothing() throws IOException {
        String value = "v".repeat(64);
        StringBuilder pipeline = new StringBuilder();
        StringBuilder replies = new StringBuilder();
        for (int i = 0; i < 100; i++) {
            pipeline.append(command("SET", "key:" + i, value)).append(command("GET", "key:" + i));
            replies.append("+OK\r\n$64\r\n").append(value).append("\r\n");
        }
        try (Client client = new Client()) {
            long least = Long.MAX_VALUE;
            for (int window = 0; window < 10 && least >= 20_000; window++) {
                long before = allocated(client);
                for (int i = 0; i < 100; i++) {
                    client.send(pipeline.toString());
                    client.expect(replies.toString());
                }
                least = Math.min(least, allocated(client) - before);
            }
            // NIO's selector allocates a little per turn; the 20,000 requests of a window nothing.
            assertTrue(least < 20_000 * 2L, least + " bytes for 20,000 requests");
        }
    }

    private static long allocated(Client client) throws IOException {
        client.send(command("DEBUG", "ALLOCATED"));
        return Long.parseLong(client.line().substring(1));
    }
}
