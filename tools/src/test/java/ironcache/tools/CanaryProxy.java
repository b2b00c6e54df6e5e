package ironcache.tools;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Stands before a real server and has a bug, which a checker must find: each connection to it gets one to the server. */
abstract class CanaryProxy implements AutoCloseable {
    private final ServerSocket listener;
    private final int upstreamPort;

    CanaryProxy(int upstreamPort) throws IOException {
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
            serve(client, server);
        } catch (IOException e) {
            // Either side has gone.
        }
    }

    /** Passes commands and replies on, until one side goes. */
    abstract void serve(RespClient client, RespClient server) throws IOException;

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
