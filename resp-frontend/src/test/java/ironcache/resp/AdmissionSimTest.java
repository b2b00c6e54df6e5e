package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * The whole server over simulated sockets, disk and time: many clients send and ask for values of megabytes at once, some die or fall silent, and
 * network memory stays bounded while everybody else is answered rightly.
 */
class AdmissionSimTest {
    private static final int MIB = 1 << 20;
    private static final long NETWORK_BYTES = 16L * MIB;
    private static final int CLIENTS = 12;

    /** Bytes of a value; two of them, in one MSET, are the biggest request. */
    private static final int MOST_VALUE_BYTES = 3 * MIB;

    /** The allowance, the biggest request (which is copied when its buffer grows), and what the simulated kernel had handed up of the waiting. */
    private static final long BOUND = NETWORK_BYTES + 9L * MIB + CLIENTS * (512L << 10);

    /** A client that sends its requests and reads its replies as the sockets allow, and compares each byte. */
    private static final class Client {
        private final SimIo.Peer peer;
        private final Deque<byte[]> requests = new ArrayDeque<>();
        private final Deque<byte[]> replies = new ArrayDeque<>();
        private final byte[] buffer = new byte[64 << 10];
        private int sent;
        private int got;
        private boolean ended;

        Client(SimIo.Peer peer) {
            this.peer = peer;
        }

        void add(byte[] request, byte[] reply) {
            requests.add(request);
            replies.add(reply);
        }

        boolean isDone() {
            return requests.isEmpty() && replies.isEmpty();
        }

        void step() throws IOException {
            if (ended) {
                return;
            }
            int read = peer.read(buffer, 0, buffer.length);
            ended = read < 0;
            for (int i = 0; i < read; i++) {
                byte[] expected = Objects.requireNonNull(replies.peek(), "more than was asked for");
                assertEquals(expected[got++], buffer[i]);
                if (got == expected.length) {
                    replies.remove();
                    got = 0;
                }
            }
            byte[] request = requests.peek();
            if (!ended && request != null) {
                sent += peer.write(request, sent, request.length - sent);
                if (sent == request.length) {
                    requests.remove();
                    sent = 0;
                }
            }
        }
    }

    private final SimClock clock = new SimClock();
    private final List<Client> clients = new ArrayList<>();
    private SimIo io;
    private Server server;
    private long before;

    private interface Scenario {
        void run(Prng prng) throws IOException;
    }

    private void simulate(long seed, Scenario scenario) throws IOException {
        long leftBefore = MemoryTag.NETWORK.bytes();
        io = new SimIo(seed, clock, new SimDisk(1L << 30));
        Config config = new Config();
        config.set(config.get("port"), "0");
        config.set(config.get("bind"), "127.0.0.1");
        Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), clock, 1);
        clients.clear();
        try (Server opened =
                new Server(
                        config,
                        List.of(io),
                        clock,
                        log,
                        Path.of("data"),
                        48L * MIB,
                        NETWORK_BYTES,
                        seed,
                        null,
                        null)) {
            server = opened;
            before = MemoryTag.NETWORK.bytes();
            MemoryTag.NETWORK.resetPeak();
            scenario.run(new Prng(seed));
            long peak = MemoryTag.NETWORK.peakBytes() - before;
            assertTrue(peak <= BOUND, peak + " bytes of " + BOUND);
            assertEquals(0, admission().reservedBytes());
            assertEquals(0, admission().waiting());
        } catch (IOException | RuntimeException | AssertionError e) {
            throw new AssertionError("-Dironcache.seed=" + seed, e);
        }
        assertEquals(leftBefore, MemoryTag.NETWORK.bytes());
    }

    private Admission admission() {
        return server.loop().buffers().admission;
    }

    private Client connect() throws IOException {
        Client client = new Client(io.connect(io.listenAddress(0)));
        clients.add(client);
        return client;
    }

    private void turn() throws IOException {
        server.loop().turn(1_000_000);
        List<Connection> open = new ArrayList<>();
        for (Connection c : server.loop().connections()) {
            if (c != null) {
                open.add(c);
            }
        }
        admission().checkInvariants(open);
        for (Client client : clients) {
            client.step();
        }
    }

    private void serve(List<Client> all) throws IOException {
        for (int turns = 0; !all.stream().allMatch(Client::isDone); turns++) {
            assertTrue(turns < 200_000, "somebody is not answered");
            turn();
        }
        for (int i = 0; i < 10; i++) {
            turn();
        }
    }

    private static byte[] value(Prng prng, int bytes) {
        byte[] value = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            value[i] = (byte) ('a' + prng.nextInt(26));
        }
        return value;
    }

    private static byte[] bulks(String head, byte[]... bulks) {
        int bytes = head.length();
        for (byte[] bulk : bulks) {
            bytes += bulk.length + 16;
        }
        byte[] text = new byte[bytes];
        int at = put(text, 0, head.getBytes(StandardCharsets.ISO_8859_1));
        for (byte[] bulk : bulks) {
            at = put(text, at, ("$" + bulk.length + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            at = put(text, at, bulk);
            at = put(text, at, new byte[] {'\r', '\n'});
        }
        return java.util.Arrays.copyOf(text, at);
    }

    private static int put(byte[] to, int at, byte[] from) {
        System.arraycopy(from, 0, to, at, from.length);
        return at + from.length;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] request(byte[]... words) {
        return bulks("*" + words.length + "\r\n", words);
    }

    private static void addCommands(Client client, String key, Prng prng, int rounds) {
        byte[] a = ascii(key + ":a");
        byte[] b = ascii(key + ":b");
        for (int i = 0; i < rounds; i++) {
            byte[] first = value(prng, 1 + prng.nextInt(MOST_VALUE_BYTES));
            byte[] second = value(prng, 1 + prng.nextInt(MOST_VALUE_BYTES));
            byte[] middle = value(prng, 1 + prng.nextInt(600 << 10));
            client.add(request(ascii("SET"), a, first), ascii("+OK\r\n"));
            client.add(request(ascii("GET"), a), bulks("", first));
            client.add(request(ascii("MSET"), a, second, b, middle), ascii("+OK\r\n"));
            client.add(request(ascii("PING")), ascii("+PONG\r\n"));
            client.add(request(ascii("MGET"), a, b), bulks("*2\r\n", second, middle));
            client.add(request(ascii("GETSET"), b, first), bulks("", middle));
            client.add(request(ascii("ECHO"), middle), bulks("", middle));
            client.add(request(ascii("GET"), b), bulks("", first));
            client.add(request(ascii("MSET"), a, first, b, second), ascii("+OK\r\n"));
        }
    }

    @Test
    void everybodyIsAnswered() throws IOException {
        long seed = Long.getLong("ironcache.seed", 42);
        for (int i = 0; i < 2; i++) {
            simulate(
                    seed + i,
                    prng -> {
                        for (int j = 0; j < CLIENTS; j++) {
                            addCommands(connect(), "key" + j, prng, 1);
                        }
                        serve(clients);
                        assertTrue(admission().waits() > 0, "nobody waited: nothing was tested");
                    });
        }
    }

    /** Clients that go in the middle, in line or with memory reserved, hold nobody up. */
    @Test
    void theDeadHoldNobodyUp() throws IOException {
        simulate(
                Long.getLong("ironcache.seed", 42),
                prng -> {
                    List<Client> living = new ArrayList<>();
                    List<Client> dying = new ArrayList<>();
                    for (int j = 0; j < CLIENTS; j++) {
                        Client client = connect();
                        (j % 2 == 0 ? dying : living).add(client);
                        addCommands(client, "key" + j, prng, 1);
                    }
                    for (int i = 0; i < dying.size(); i++) {
                        for (int turns = 0; turns < 40; turns++) {
                            turn();
                        }
                        Client client = dying.get(i);
                        clients.remove(client);
                        if (i % 2 == 0) {
                            client.peer.reset();
                        } else {
                            client.peer.close();
                        }
                    }
                    serve(living);
                });
    }

    /** Half a request and then silence: after a while the others are served all the same. A reply that nobody reads costs its reader nothing. */
    @Test
    void theSilentHoldNobodyUpForLong() throws IOException {
        simulate(
                Long.getLong("ironcache.seed", 42),
                prng -> {
                    byte[] big = value(prng, 5 * MIB);
                    Client writer = connect();
                    writer.add(request(ascii("SET"), ascii("big"), big), ascii("+OK\r\n"));
                    serve(List.of(writer));

                    Client lazy = connect();
                    lazy.add(
                            request(ascii("MGET"), ascii("big"), ascii("big")),
                            bulks("*2\r\n", big, big));
                    lazy.step();
                    clients.remove(lazy);
                    for (int turns = 0; turns < 100; turns++) {
                        turn();
                    }
                    assertTrue(admission().reservedBytes() > 9L * MIB);
                    serveOneMore(writer, big);

                    Client silent = connect();
                    byte[] request = request(ascii("SET"), ascii("silent"), big);
                    silent.add(java.util.Arrays.copyOf(request, 100_000), ascii("+OK\r\n"));
                    for (int turns = 0; turns < 100; turns++) {
                        turn();
                    }
                    assertEquals(5, admission().reservedBytes() / MIB);
                    assertFalse(silent.ended);
                    serveOneMore(writer, big);
                    assertTrue(silent.ended);
                    assertEquals(1, server.node().stats().stalledDisconnections);

                    clients.add(lazy);
                    serve(List.of(lazy));
                });
    }

    private void serveOneMore(Client writer, byte[] big) throws IOException {
        writer.add(request(ascii("SET"), ascii("big"), big), ascii("+OK\r\n"));
        serve(List.of(writer));
    }
}
