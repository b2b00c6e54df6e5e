package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The short form of {@link ProtocolFuzz} for every build. */
class ProtocolFuzzTest extends ServerTestBase {
    @Test
    void badInputHarmsNobody() throws Exception {
        long seed = seed(11);
        try (ServerProcess server = startSubject()) {
            ProtocolFuzz fuzz = new ProtocolFuzz(server, seed, 40_000, 16);
            ProtocolFuzz.Figures figures = fuzz.run();
            assertEquals(List.of(), fuzz.failures(), () -> server.logTail());
            assertEquals(40_000, figures.frames());
            assertTrue(figures.cutFrames() > 19_000, figures.toString());
            assertTrue(figures.errors() > 1_000, figures.toString());
        }
    }

    /** Canary: a server that answers bad input with garbage is noticed. */
    @Test
    void garbageInRepliesIsNoticed() throws Exception {
        try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.startVirtualThread(() -> answerWith(listener, "oops\r\n"));
            try (RespClient client = new RespClient(listener.getLocalPort())) {
                client.write("*1\r\n".getBytes());
                boolean garbage = false;
                try {
                    client.read();
                } catch (IllegalStateException e) {
                    garbage = e.getMessage().startsWith("not RESP");
                }
                assertTrue(garbage);
            }
        }
    }

    private static void answerWith(ServerSocket listener, String garbage) {
        try (Socket socket = listener.accept()) {
            socket.getOutputStream().write(garbage.getBytes());
        } catch (IOException e) {
            // The test has ended.
        }
    }
}
