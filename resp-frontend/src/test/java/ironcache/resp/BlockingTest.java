package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SystemClock;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Commands that wait for keys, with commands of the test's own: {@code GIVE key value}, {@code TAKE key [key ...] milliseconds} which takes the first value that is there,
 * {@code TAKEMOVE source destination milliseconds} which renames, and {@code TAKEOVER} which first looks at the destination.
 */
@ParameterizedClass
@ValueSource(ints = {1, 4})
class BlockingTest {
    private static final long MIB = 1 << 20;
    private static final int VALUE_BYTES = 4000;
    private static final int CLIENTS = 12;

    @Parameter private int shards;
    @TempDir private Path directory;

    private RunningServer running;
    private final List<Client> clients = new ArrayList<>();

    private static CommandTable table() {
        CommandTable t = Commands.table();
        t.add(
                        "GIVE",
                        c -> {
                            StringCommands.set(c);
                            c.ready(1);
                        })
                .arity(3)
                .flags(CommandFlag.WRITE)
                .keys(1, 1, 1);
        t.add("TAKE", BlockingTest::take).arity(-3).flags(CommandFlag.WRITE).keys(1, -2, 1);
        t.add("TAKEMOVE", BlockingTest::takeMove).arity(4).flags(CommandFlag.WRITE).keys(1, 2, 1);
        t.add(
                        "TAKEOVER",
                        c -> {
                            if (c.peek(1) != 0) {
                                long _ = c.peek(2);
                            }
                            takeMove(c);
                        })
                .arity(4)
                .flags(CommandFlag.WRITE)
                .keys(1, 2, 1);
        t.complete();
        return t;
    }

    private static void take(CommandContext c) {
        int last = c.argc() - 2;
        for (int i = 1; i <= last; i++) {
            long record = c.read(i);
            if (record != 0) {
                StringReplies.bulk(c, record);
                c.delete(i);
                c.changed(i, "del");
                return;
            }
        }
        if (c.parseLong(last + 1)) {
            c.block(1, last, c.longValue());
            c.reply().nullArray();
        }
    }

    private static void takeMove(CommandContext c) {
        if (c.read(1) != 0) {
            KeyCommands.rename(c);
        } else if (c.parseLong(3)) {
            c.block(1, 1, c.longValue());
            c.reply().nullBulk();
        }
    }

    private final class Client implements AutoCloseable {
        private final Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), running.server().port());
        private final InputStream in = new BufferedInputStream(socket.getInputStream(), 1 << 16);

        Client() throws IOException {
            socket.setSoTimeout(20_000);
            clients.add(this);
        }

        /** @param commands words with blanks between them */
        void send(String... commands) throws IOException {
            StringBuilder text = new StringBuilder();
            for (String command : commands) {
                String[] words = command.split(" ");
                text.append('*').append(words.length).append("\r\n");
                for (String word : words) {
                    text.append('$').append(word.length()).append("\r\n");
                    text.append(word).append("\r\n");
                }
            }
            socket.getOutputStream().write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
        }

        /** A bulk's text, or the line. */
        String reply() throws IOException {
            String line = line();
            if (line.startsWith("$") && !line.equals("$-1")) {
                int length = Integer.parseInt(line.substring(1));
                return new String(
                        in.readNBytes(length + 2), 0, length, StandardCharsets.ISO_8859_1);
            }
            return line;
        }

        String call(String command) throws IOException {
            send(command);
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
        running = RunningServer.start(directory, shards, 32 * MIB, BlockingTest::table);
    }

    @AfterEach
    void stop() throws IOException {
        for (Client client : clients) {
            client.close();
        }
        running.close();
    }

    /** The i-th key of a shard; where there is one shard, other keys for others. */
    private String key(int shard, int i) {
        int wanted = shards == 1 ? shard + 4 * i : i;
        long copy = Memory.allocate(32, MemoryTag.OTHER);
        try {
            for (int n = 0, found = 0; ; n++) {
                String key = "key:" + n;
                byte[] bytes = key.getBytes(StandardCharsets.ISO_8859_1);
                Memory.copyIn(bytes, 0, copy, bytes.length);
                if (running.server().node().shards.of(copy, bytes.length) == shard % shards
                        && found++ == wanted) {
                    return key;
                }
            }
        } finally {
            Memory.free(copy, 32, MemoryTag.OTHER);
        }
    }

    /** Asks until so many clients are blocked. */
    private void awaitBlocked(Client by, int count) throws IOException {
        long since = SystemClock.INSTANCE.nanoTime();
        String info;
        do {
            info = by.call("INFO clients");
            assertTrue(SystemClock.INSTANCE.nanoTime() - since < 20_000_000_000L, info);
        } while (!info.contains("\r\nblocked_clients:" + count + "\r\n"));
    }

    /** Sends a blocking command, and waits until it is blocked. */
    private Client blocked(Client by, int count, String... commands) throws IOException {
        Client client = new Client();
        client.send(commands);
        awaitBlocked(by, count);
        return client;
    }

    @Test
    void whoCameFirstIsServedFirst() throws IOException {
        Client giver = new Client();
        Deque<Client> line = new ArrayDeque<>();
        for (int i = 0; i < CLIENTS; i++) {
            line.add(blocked(giver, i + 1, "TAKE " + key(1, 0) + " 0"));
        }
        for (int i = 0; i < CLIENTS / 2; i++) {
            assertEquals("+OK", giver.call("GIVE " + key(1, 0) + " v" + i));
            assertEquals("v" + i, line.remove().reply());
        }
        // Many at once, from another thread's client.
        Client other = new Client();
        String[] gifts = new String[line.size()];
        for (int i = 0; i < gifts.length; i++) {
            gifts[i] = "GIVE " + key(1, 0) + " w" + i;
        }
        other.send(gifts);
        for (int i = 0; i < gifts.length; i++) {
            assertEquals("+OK", other.reply());
            assertEquals("w" + i, line.remove().reply());
        }
        awaitBlocked(giver, 0);
        assertEquals("*-1", giver.call("TAKE " + key(1, 0) + " 1"));
    }

    @Test
    void oneThatIsServedLeavesAllItsLines() throws IOException {
        Client giver = new Client();
        String a = key(0, 0);
        String b = key(1, 0);
        String c = key(2, 0);
        Client first = blocked(giver, 1, "TAKE " + a + " " + b + " " + c + " " + a + " 0");
        Client second = blocked(giver, 2, "TAKE " + c + " " + b + " 0");
        Client third = blocked(giver, 3, "TAKE " + a + " 0");
        assertEquals("+OK", giver.call("GIVE " + b + " 1"));
        assertEquals("1", first.reply());
        assertEquals("+OK", giver.call("GIVE " + a + " 2"));
        assertEquals("2", third.reply());
        assertEquals("+OK", giver.call("GIVE " + b + " 3"));
        assertEquals("3", second.reply());
        assertEquals("+OK", giver.call("GIVE " + c + " 4"));
        assertEquals("4", first.call("TAKE " + c + " 0"));
        assertTrue(giver.call("INFO clients").contains("total_blocking_keys:0"));
    }

    @Test
    void whatTheServedWriteServesOthers() throws IOException {
        Client giver = new Client();
        for (int round = 0; round < 3; round++) {
            Client end = blocked(giver, 1, "TAKE " + key(3, 1) + " 0");
            Client two = blocked(giver, 2, "TAKEMOVE " + key(2, 0) + " " + key(3, 1) + " 0");
            Client one = blocked(giver, 3, "TAKEMOVE " + key(1, 0) + " " + key(2, 0) + " 0");
            Client late = blocked(giver, 4, "TAKE " + key(1, 0) + " " + key(2, 0) + " 0");
            assertEquals("+OK", giver.call("GIVE " + key(1, 0) + " x" + round));
            assertEquals("+OK", one.reply());
            assertEquals("+OK", two.reply());
            assertEquals("x" + round, end.reply());
            assertEquals("+OK", giver.call("GIVE " + key(2, 0) + " y"));
            assertEquals("y", late.reply());
            assertEquals(":0", giver.call("DBSIZE"));
        }
    }

    @Test
    void nobodyTakesWhatWasGivenToOneThatWaits() throws Exception {
        Client giver = new Client();
        Client thief = new Client();
        String source = key(1, 0);
        int rounds = 300;
        Thread stealing =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        for (int i = 0; i < rounds * 4; i++) {
                                            assertEquals("$-1", thief.call("GETDEL " + source));
                                        }
                                    } catch (IOException e) {
                                        throw new AssertionError(e);
                                    }
                                });
        Throwable[] wrong = new Throwable[1];
        stealing.setUncaughtExceptionHandler((thread, e) -> wrong[0] = e);
        Client mover = new Client();
        for (int i = 0; i < rounds; i++) {
            mover.send("TAKEMOVE " + source + " " + key(2, 0) + " 0");
            awaitBlocked(giver, 1);
            assertEquals("+OK", giver.call("GIVE " + source + " " + i));
            assertEquals("+OK", mover.reply());
            assertEquals("" + i, giver.call("GETDEL " + key(2, 0)));
        }
        stealing.join();
        assertEquals(null, wrong[0]);
    }

    @Test
    void timesOut() throws IOException {
        Client giver = new Client();
        Client client = new Client();
        long since = SystemClock.INSTANCE.nanoTime();
        assertEquals("*-1", client.call("TAKE " + key(0, 0) + " " + key(1, 0) + " 30"));
        assertTrue(SystemClock.INSTANCE.nanoTime() - since >= 30_000_000, "too early");
        client.send("HELLO 3", "TAKE " + key(0, 0) + " 5");
        while (!client.line().equals("_")) {
            // The greeting's lines.
        }
        awaitBlocked(giver, 0);
        assertEquals("+OK", giver.call("GIVE " + key(0, 0) + " v"));
        assertEquals("v", giver.call("GETDEL " + key(0, 0)));
    }

    @Test
    void oneReplyWhetherServedOrTooLate() throws IOException {
        Client giver = new Client();
        Client client = new Client();
        for (int i = 0; i < 200; i++) {
            client.send("TAKE " + key(1, 0) + " " + key(2, 0) + " 1", "PING");
            assertEquals("+OK", giver.call("GIVE " + key(1, 0) + " v" + i));
            String taken = client.reply();
            assertEquals("+PONG", client.reply());
            assertEquals(taken.equals("*-1") ? "v" + i : "$-1", giver.call("GETDEL " + key(1, 0)));
        }
    }

    @Test
    void isUnblocked() throws IOException {
        Client giver = new Client();
        Client client = new Client();
        String id = client.call("CLIENT ID").substring(1);
        assertEquals(":0", giver.call("CLIENT UNBLOCK " + id));
        for (String reason : List.of("", " TIMEOUT", " ERROR")) {
            client.send("TAKE " + key(0, 0) + " " + key(3, 0) + " 0");
            awaitBlocked(giver, 1);
            assertTrue(giver.call("CLIENT LIST ID " + id).contains(" flags=b "));
            assertEquals(":1", giver.call("CLIENT UNBLOCK " + id + reason));
            assertEquals(":0", giver.call("CLIENT UNBLOCK " + id));
            assertEquals(
                    reason.equals(" ERROR")
                            ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK"
                            : "*-1",
                    client.reply());
        }
        assertEquals("+OK", giver.call("GIVE " + key(3, 0) + " v"));
        assertEquals("v", client.call("TAKE " + key(0, 0) + " " + key(3, 0) + " 0"));
    }

    @Test
    void whoGoesIsGivenNothing() throws IOException {
        Client giver = new Client();
        Client killed = new Client();
        String id = killed.call("CLIENT ID").substring(1);
        killed.send("TAKE " + key(1, 0) + " 0");
        awaitBlocked(giver, 1);
        Client gone = blocked(giver, 2, "TAKE " + key(1, 0) + " 0");
        Client stays = blocked(giver, 3, "TAKE " + key(1, 0) + " 0");
        giver.send("CLIENT KILL ID " + id, "GIVE " + key(1, 0) + " first");
        assertEquals(":1", giver.reply());
        assertEquals("+OK", giver.reply());
        assertEquals("first", gone.reply());
        gone.send("TAKE " + key(1, 0) + " 0");
        awaitBlocked(giver, 2);
        stays.close();
        awaitBlocked(giver, 1);
        assertEquals("+OK", giver.call("GIVE " + key(1, 0) + " second"));
        assertEquals("second", gone.reply());
    }

    @Test
    void laterCommandsWait() throws IOException {
        Client giver = new Client();
        String key = key(1, 0);
        Client client =
                blocked(
                        giver,
                        1,
                        "PING",
                        "SET " + key(2, 0) + " before",
                        "TAKE " + key + " 0",
                        "GET " + key(2, 0),
                        "TAKE " + key + " 0",
                        "PING");
        client.send("ECHO last");
        assertEquals("+PONG", client.reply());
        assertEquals("+OK", client.reply());
        assertEquals("+OK", giver.call("SET " + key(2, 0) + " after"));
        assertEquals("+OK", giver.call("GIVE " + key + " 1"));
        assertEquals("1", client.reply());
        assertEquals("after", client.reply());
        assertEquals("+OK", giver.call("GIVE " + key + " 2"));
        assertEquals("2", client.reply());
        assertEquals("+PONG", client.reply());
        assertEquals("last", client.reply());
    }

    @Test
    void aTransactionServesWhenItIsOverAndNeverWaits() throws IOException {
        Client giver = new Client();
        Client first = blocked(giver, 1, "TAKE " + key(1, 0) + " 0");
        Client second = blocked(giver, 2, "TAKEMOVE " + key(2, 0) + " " + key(3, 0) + " 0");
        Client third = blocked(giver, 3, "TAKE " + key(3, 0) + " 0");
        giver.send(
                "MULTI",
                "TAKE " + key(0, 0) + " 0",
                "GIVE " + key(2, 0) + " x",
                "GIVE " + key(1, 0) + " a",
                "GIVE " + key(1, 0) + " b",
                "EXISTS " + key(1, 0) + " " + key(2, 0),
                "EXEC");
        List<String> replies = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            replies.add(giver.reply());
        }
        assertEquals(List.of("*5", "*-1", "+OK", "+OK", "+OK", ":2"), replies.subList(6, 12));
        assertEquals("b", first.reply());
        assertEquals("+OK", second.reply());
        assertEquals("x", third.reply());
    }

    @Test
    void otherWaysToMakeAKeyReady() throws IOException {
        Client giver = new Client();
        Client client = blocked(giver, 1, "TAKE " + key(1, 0) + " 0");
        assertEquals("+OK", giver.call("SET " + key(2, 0) + " renamed"));
        assertEquals("+OK", giver.call("RENAME " + key(2, 0) + " " + key(1, 0)));
        assertEquals("renamed", client.reply());
        client.send("TAKE " + key(1, 0) + " 0");
        awaitBlocked(giver, 1);
        assertEquals("+OK", giver.call("FLUSHALL"));
        assertEquals("+OK", giver.call("SELECT 1"));
        assertEquals("+OK", giver.call("SET " + key(1, 0) + " swapped"));
        assertEquals("+OK", giver.call("SWAPDB 0 1"));
        assertEquals("swapped", client.reply());
        client.send("TAKE " + key(1, 0) + " 0");
        awaitBlocked(giver, 1);
        assertEquals("+OK", giver.call("SET " + key(1, 0) + " moved"));
        assertEquals(":1", giver.call("MOVE " + key(1, 0) + " 0"));
        assertEquals("moved", client.reply());
    }

    /** As far as it is seen from here. */
    private long parks() {
        long sum = 0;
        for (Partition partition : running.server().node().shards.all) {
            sum += partition.stats.parks;
        }
        return sum;
    }

    @Test
    void whoIsServedKeepsWhatItWasGivenWhileItWaitsForTheDisk() throws IOException {
        Client giver = new Client();
        Client thief = new Client();
        String source = key(1, 0);
        String destination = key(2, 0);
        assertEquals("+OK", giver.call("SET " + destination + " old"));
        String value = "v".repeat(VALUE_BYTES / 2);
        for (int i = 0; i < shards * 12_000; i += 50) {
            String[] sets = new String[50];
            for (int j = 0; j < 50; j++) {
                sets[j] =
                        "SET filler:"
                                + (i + j)
                                + " "
                                + Long.toHexString((i + j) * 0x9E3779B97F4A7C15L)
                                        .repeat(1 + VALUE_BYTES / 16)
                                + value;
            }
            giver.send(sets);
            for (int j = 0; j < 50; j++) {
                assertEquals("+OK", giver.reply());
            }
        }
        Client end = blocked(giver, 1, "TAKE never 0");
        Client mover = blocked(giver, 2, "TAKEOVER " + source + " " + destination + " 0");
        long parks = parks();
        thief.send("GETDEL " + source, "GETDEL " + source);
        giver.send("GIVE " + source + " new", "GETDEL " + source);
        assertEquals("+OK", giver.reply());
        assertEquals("$-1", giver.reply());
        assertEquals("+OK", mover.reply());
        assertTrue(parks() > parks, "nothing was cold: the test tested nothing");
        assertEquals("new", giver.call("GET " + destination));
        assertEquals("$-1", thief.reply());
        assertEquals("$-1", thief.reply());
        assertEquals("+OK", giver.call("GIVE never 1"));
        assertEquals("1", end.reply());
    }
}
