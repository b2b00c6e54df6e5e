package ironcache.tools;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Locale;

/**
 * A canary for {@link HistoriesRun}: stands before a real server and passes everything on, but an MSET outside of
 * MULTI as one SET a key, so that others can come between.
 */
final class FracturingProxy implements AutoCloseable {
    private final ServerSocket listener;
    private final int upstreamPort;

    FracturingProxy(int upstreamPort) throws IOException {
        this.upstreamPort = upstreamPort;
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.startVirtualThread(this::acceptAll);
    }

    int port() {
        return listener.getLocalPort();
    }

    private void acceptAll() {
        try {
            while (true) {
                Socket client = listener.accept();
                Thread.startVirtualThread(() -> serve(client));
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void serve(Socket socket) {
        try (RespClient client = new RespClient(socket);
                RespClient server = new RespClient(upstreamPort)) {
            socket.setTcpNoDelay(true);
            boolean multi = false;
            while (true) {
                Reply command = client.read();
                List<Reply> args = command.elements();
                String name = args.get(0).text().toUpperCase(Locale.ROOT);
                multi =
                        name.equals("MULTI")
                                || (multi && !name.equals("EXEC") && !name.equals("DISCARD"));
                if (!name.equals("MSET") || multi) {
                    server.write(command.raw());
                    client.write(server.read().raw());
                    continue;
                }
                Reply last = null;
                for (int i = 1; i < args.size(); i += 2) {
                    last = server.call("SET", args.get(i).text(), args.get(i + 1).text());
                }
                client.write(last.raw());
            }
        } catch (IOException e) {
            // Either side has gone.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
