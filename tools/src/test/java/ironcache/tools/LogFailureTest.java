package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimDisk.Failure;
import ironcache.ffm.SimFaults;
import ironcache.resp.SimulatedNode;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients hear with {@code appendfsync always} while a log cannot be written, and after it has failed. */
class LogFailureTest {
    private static final int MOST_STEPS = 100_000;

    /** Of the first shard of two, and of the second. */
    private static final String FIRST = "b";

    private static final String SECOND = "a";

    private SimDisk disk = new SimDisk(1L << 30);
    private SimClock clock = new SimClock();
    private SimulatedNode node;

    @AfterEach
    void close() {
        if (node != null) {
            node.close();
            node = null;
        }
    }

    private void start(int shards, long seed) throws IOException {
        node =
                new SimulatedNode(
                        shards,
                        seed,
                        SimulatedNode.Bug.NONE,
                        new SimulatedNode.Durable(disk, clock, new SimFaults(), "always", 0));
        for (int i = 0; node.isLoading(); i++) {
            assertTrue(i < MOST_STEPS, "the server does not get ready: " + node);
            node.step();
        }
    }

    private SimulatedSession connect() throws IOException {
        return new SimulatedSession(node.connect());
    }

    private static void send(SimulatedSession to, String... command) {
        to.send(List.<byte[][]>of(RespClient.bytes(command)));
    }

    private String reply(SimulatedSession from) {
        for (int i = 0; i < MOST_STEPS; i++) {
            Reply reply = from.next();
            if (reply != null) {
                return reply.text();
            }
            node.step();
        }
        throw new AssertionError("no reply: " + node);
    }

    private String call(SimulatedSession to, String... command) {
        send(to, command);
        return reply(to);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whileTheDiskIsFullEverythingButWritesIsAnswered(int shards) throws IOException {
        start(shards, ServerTestBase.seed(1));
        SimulatedSession writer = connect();
        SimulatedSession other = connect();
        assertEquals("OK", call(writer, "SET", FIRST, "old"));
        disk.failFrom(disk.calls() + 1, Failure.NO_SPACE);
        send(writer, "SET", FIRST, "new");
        for (int i = 0; node.logFailure() == null; i++) {
            assertTrue(i < MOST_STEPS, "the log does not fail: " + node);
            node.step();
        }
        assertEquals("PONG", call(other, "PING"));
        assertEquals("new", call(other, "GET", FIRST));
        assertTrue(call(other, "SET", FIRST, "newer").startsWith("MISCONF Errors writing"));
        assertNull(writer.next());

        disk.heal();
        assertEquals("OK", reply(writer));
        assertEquals("OK", call(other, "SET", FIRST, "newer"));
    }

    /** Of a client that waits for both shards, before and after one of them fails. */
    @Test
    void nothingIsAcknowledgedThatALogLost() throws IOException {
        long first = ServerTestBase.seed(1);
        int cutOff = 0;
        for (long seed = first; seed < first + 200; seed++) {
            Prng prng = new Prng(seed);
            disk = new SimDisk(1L << 30);
            clock = new SimClock();
            start(2, seed);
            SimulatedSession client = connect();
            disk.failAt(disk.calls() + 20 + prng.nextInt(10), Failure.IO_ERROR);
            long acknowledged = 0;
            for (int i = 0; i < 40 && !client.isClosed(); i++) {
                send(client, "INCR", FIRST);
                walk(prng.nextInt(10));
                send(client, "INCR", SECOND);
                walk(prng.nextInt(30));
            }
            walk(2_000);
            boolean second = false;
            for (Reply reply = client.next(); reply != null; reply = client.next()) {
                if (second && !reply.isError()) {
                    acknowledged = reply.integer();
                }
                second = !second;
            }
            cutOff += client.isClosed() ? 1 : 0;
            disk.crash(prng);
            close();
            start(2, seed);
            String there = call(connect(), "GET", SECOND);
            long found = there == null ? 0 : Long.parseLong(there);
            assertFalse(
                    found < acknowledged,
                    "-Dironcache.seed=%d: %d are there, %d were acknowledged"
                            .formatted(seed, found, acknowledged));
            close();
        }
        assertTrue(cutOff > 20, "cut off: " + cutOff);
    }

    private void walk(int steps) {
        for (int i = 0; i < steps; i++) {
            node.step();
        }
    }
}
