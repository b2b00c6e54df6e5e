package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Io;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** A turn of a shard whose clients wait for its log, over simulated sockets, disk and time. */
final class LogTurnTest {
    private static final int MIB = 1 << 20;
    private static final int TURNS_MAX = 10_000;

    private final SimClock clock = new SimClock();
    private final SimIo io = new SimIo(42, clock, new SimDisk(1L << 30));

    /** What the turn asked for, of commits and replies, in this order. */
    private final List<String> asked = new ArrayList<>();

    @Test
    void theNextCommitIsAskedForBeforeTheRepliesThatTheLastOneHeldBack() throws IOException {
        Config config = new Config();
        config.set(config.get("port"), "0");
        config.set(config.get("bind"), "127.0.0.1");
        config.set(config.get("appendonly"), "yes");
        config.set(config.get("appendfsync"), "always");
        Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), clock, 1);
        try (Server server =
                new Server(
                        config,
                        List.of(recorded()),
                        clock,
                        log,
                        Path.of("data"),
                        48L * MIB,
                        16L * MIB,
                        42,
                        null,
                        null)) {
            SimIo.Peer first = io.connect(io.listenAddress(0));
            SimIo.Peer second = io.connect(io.listenAddress(0));
            turnUntil(server, () -> !server.node().loading);
            asked.clear(); // What begins the log.
            write(first, "SET a 1\r\n");
            turnUntilAsked(server, "commit");
            write(second, "SET b 2\r\n");
            turnUntilAsked(server, "commit", "commit", "reply");
            turnUntilAsked(server, "commit", "commit", "reply", "reply");
        }
    }

    private Io recorded() {
        return (Io)
                Proxy.newProxyInstance(
                        Io.class.getClassLoader(),
                        new Class<?>[] {Io.class},
                        (proxy, method, arguments) -> {
                            switch (method.getName()) {
                                case "writeAndSync" -> asked.add("commit");
                                case "send" -> asked.add("reply");
                                default -> {}
                            }
                            try {
                                return method.invoke(io, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    private void turnUntilAsked(Server server, String... expected) {
        turnUntil(server, () -> asked.size() >= expected.length);
        assertEquals(List.of(expected), asked.subList(0, expected.length));
    }

    private static void turnUntil(Server server, BooleanSupplier done) {
        for (int turns = 0; !done.getAsBoolean(); turns++) {
            assertTrue(turns < TURNS_MAX, "too many turns");
            server.loop().turn(1_000_000);
        }
    }

    private static void write(SimIo.Peer peer, String request) throws IOException {
        byte[] bytes = request.getBytes(StandardCharsets.ISO_8859_1);
        assertEquals(bytes.length, peer.write(bytes, 0, bytes.length));
    }
}
