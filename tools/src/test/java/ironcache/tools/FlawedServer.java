package ironcache.tools;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Canary for {@link ProtocolFuzz}: a small server with one flaw, which the fuzzer has to name. {@code leak} never gives a
 * socket back, {@code garbage} answers some bad input with what is not RESP, {@code none} is as it should be.
 */
final class FlawedServer {
    private static final Map<String, String> VALUES = new ConcurrentHashMap<>();
    private static final AtomicInteger CONNECTED = new AtomicInteger();
    private static final Queue<Socket> LEAKED = new ConcurrentLinkedQueue<>();

    private FlawedServer() {}

    public static void main(String[] argv) throws IOException {
        String flaw = argv[0];
        int port = 0;
        for (int i = 1; i + 1 < argv.length; i += 2) {
            if (argv[i].equals("--port")) {
                port = Integer.parseInt(argv[i + 1]);
            }
        }
        try (ServerSocket listener =
                new ServerSocket(port, 1000, InetAddress.getLoopbackAddress())) {
            System.out.println("Ready to accept connections");
            while (true) {
                Socket socket = listener.accept();
                Thread.startVirtualThread(() -> serve(socket, flaw));
            }
        }
    }

    private static void serve(Socket socket, String flaw) {
        CONNECTED.incrementAndGet();
        RespClient client = null;
        try {
            client = new RespClient(socket);
            while (true) {
                List<Reply> command = client.read().elements();
                client.write(RespClient.bytes(answer(command))[0]);
            }
        } catch (IllegalStateException | NumberFormatException e) {
            String error = flaw.equals("garbage") ? "oops\r\n" : "-ERR Protocol error\r\n";
            try {
                client.write(error.getBytes());
            } catch (IOException gone) {
                // So be it.
            }
        } catch (IOException | RuntimeException e) {
            // The client has gone.
        }
        CONNECTED.decrementAndGet();
        try {
            if (flaw.equals("leak")) {
                socket.shutdownOutput();
                LEAKED.add(socket);
            } else {
                socket.close();
            }
        } catch (IOException e) {
            // Closed already.
        }
    }

    private static String answer(List<Reply> command) {
        String name = command.isEmpty() ? "" : String.valueOf(command.getFirst().text());
        switch (name) {
            case "PING" -> {
                return "+PONG\r\n";
            }
            case "SET" -> {
                if (command.size() == 3 && command.get(1).text().startsWith("control:")) {
                    VALUES.put(command.get(1).text(), command.get(2).text());
                }
                return "+OK\r\n";
            }
            case "GET" -> {
                String value = command.size() == 2 ? VALUES.get(command.get(1).text()) : null;
                return value == null ? "$-1\r\n" : "$" + value.length() + "\r\n" + value + "\r\n";
            }
            case "INFO" -> {
                String text = "connected_clients:" + CONNECTED.get() + "\r\n";
                return "$" + text.length() + "\r\n" + text + "\r\n";
            }
            default -> {
                return "-ERR unknown\r\n";
            }
        }
    }
}
