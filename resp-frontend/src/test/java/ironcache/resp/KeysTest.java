package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** KEYS over a data set several times the shard's memory: the exact keys, and not all of their records in RAM. */
class KeysTest {
    private static final long MIB = 1 << 20;
    private static final int KEYS = 80_000;
    private static final int VALUE_BYTES = 1600;

    /** The bound on staged records of a shard this size, a step's pinned ones, and some room. */
    private static final long STAGING_BYTES = 6 * MIB;

    @TempDir private Path directory;

    private RunningServer running;
    private Server server;
    private Socket socket;
    private InputStream in;
    private long stagingPeakBytes;

    @BeforeEach
    void start() throws IOException {
        running = RunningServer.start(directory, 32 * MIB);
        server = running.server();
        socket = connect();
        socket.setSoTimeout(1);
        in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), server.port());
    }

    @AfterEach
    void stop() throws IOException {
        socket.close();
        running.close();
    }

    @Test
    void listsEachColdKeyOnceInBoundedMemory() throws IOException {
        Prng prng = new Prng(Long.getLong("ironcache.seed", 42));
        fill(0, KEYS, prng);
        // Written again while cold: their old records are still in the index, not yet settled.
        fill(0, KEYS / 20, prng);
        long networkBytes = MemoryTag.NETWORK.bytes();
        long stagingBytes = MemoryTag.STAGING.bytes();
        long parks = server.node().stats().parks;

        assertEquals(names(i -> true), keys("*"));
        assertEquals(names(i -> key(i).startsWith("k:77")), keys("k:77*"));
        assertEquals(List.of(), keys("none*"));

        assertTrue(
                server.node().stats().parks > parks, "nothing was cold: the test tested nothing");
        assertTrue(
                stagingPeakBytes < stagingBytes + STAGING_BYTES,
                "staged at most: " + stagingPeakBytes + ", before: " + stagingBytes);

        // A client that leaves in the middle leaves nothing behind.
        Socket hasty = connect();
        send(hasty, command("KEYS", "*"));
        hasty.setSoLinger(true, 0);
        hasty.close();
        assertEquals(names(i -> i == 5), keys("k:5"));
        assertTrue(
                MemoryTag.NETWORK.bytes() <= networkBytes + MIB,
                "left behind: " + (MemoryTag.NETWORK.bytes() - networkBytes));
    }

    private void fill(int from, int to, Prng prng) throws IOException {
        char[] value = new char[VALUE_BYTES];
        for (int i = from; i < to; i += 100) {
            StringBuilder pipeline = new StringBuilder();
            for (int j = i; j < i + 100; j++) {
                for (int at = 0; at < VALUE_BYTES; at++) {
                    value[at] = (char) prng.nextInt(256);
                }
                pipeline.append(command("SET", key(j), new String(value)));
            }
            send(socket, pipeline.toString());
            for (int j = 0; j < 100; j++) {
                assertEquals("+OK", line());
            }
        }
    }

    private static String key(int i) {
        return "k:" + i;
    }

    private static List<String> names(IntPredicate which) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < KEYS; i++) {
            if (which.test(i)) {
                names.add(key(i));
            }
        }
        Collections.sort(names);
        return names;
    }

    private List<String> keys(String pattern) throws IOException {
        send(socket, command("KEYS", pattern));
        int count = Integer.parseInt(line().substring(1));
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            line();
            keys.add(line());
        }
        Collections.sort(keys);
        return keys;
    }

    private static void send(Socket to, String bytes) throws IOException {
        to.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b = read(); b != '\n'; b = read()) {
            line.append((char) b);
        }
        return line.toString().strip();
    }

    /** Looks at the staging area while it waits. */
    private int read() throws IOException {
        for (int waits = 0; waits < 120_000; waits++) {
            try {
                int b = in.read();
                assertTrue(b >= 0, "the server closed the connection");
                return b;
            } catch (SocketTimeoutException e) {
                stagingPeakBytes = Math.max(stagingPeakBytes, MemoryTag.STAGING.bytes());
            }
        }
        throw new AssertionError("no reply");
    }

    private static String command(String... words) {
        StringBuilder text = new StringBuilder("*" + words.length + "\r\n");
        for (String word : words) {
            text.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
        }
        return text.toString();
    }
}
