package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Plays scenes in which clients wait for keys before two servers: who gets what must be the same.
 *
 * <p>A line is {@code client command}. Client 0 never waits. A client whose reply is not there yet waits: {@code client !} reads it. A {@code +} before the command: it waits, and the scene goes
 * on when it does. {@code UNBLOCK client [ERROR]} ends another's wait, {@code close} its connection.
 */
final class WaitingScenes {
    private static final int CLIENTS = 4;
    private static final long LIMIT_NS = 20_000_000_000L;

    private WaitingScenes() {}

    static void check(
            ServerProcess oracle, ServerProcess subject, String protocol, String[][] scenes)
            throws IOException {
        for (String[] scene : scenes) {
            assertEquals(
                    String.join("\n", play(oracle, protocol, scene)),
                    String.join("\n", play(subject, protocol, scene)));
        }
        assertTrue(subject.isAlive(), subject.logTail());
    }

    private static List<String> play(ServerProcess server, String protocol, String[] scene)
            throws IOException {
        List<String> seen = new ArrayList<>();
        List<RespClient> clients = new ArrayList<>();
        long[] ids = new long[CLIENTS];
        try {
            for (int i = 0; i < CLIENTS; i++) {
                RespClient client = server.connect();
                clients.add(client);
                client.call("HELLO", protocol);
                ids[i] = client.call("CLIENT", "ID").integer();
            }
            clients.getFirst().call("FLUSHALL");
            int waiting = 0;
            for (String line : scene) {
                RespClient client = clients.get(line.charAt(0) - '0');
                String command = line.substring(2);
                if (command.equals("!")) {
                    seen.add(line + " " + client.read().show(500));
                    waiting--;
                } else if (command.equals("close")) {
                    client.close();
                    awaitWaiting(clients.getFirst(), --waiting);
                } else if (command.startsWith("+")) {
                    client.send(RespClient.bytes(command.substring(1).split(" ")));
                    awaitWaiting(clients.getFirst(), ++waiting);
                } else {
                    Reply reply = client.call(withIds(command, ids).split(" "));
                    seen.add(
                            line
                                    + " "
                                    + reply.show(500).replaceAll("(?s)\\$6\\\\r\\\\nserver.*", ""));
                }
            }
        } finally {
            for (RespClient client : clients) {
                client.close();
            }
        }
        return seen;
    }

    private static String withIds(String command, long[] ids) {
        String[] words = command.split(" ");
        if (!words[0].equals("UNBLOCK")) {
            return command;
        }
        return "CLIENT UNBLOCK "
                + ids[Integer.parseInt(words[1])]
                + (words.length > 2 ? " " + words[2] : "");
    }

    private static void awaitWaiting(RespClient by, int count) {
        long since = System.nanoTime();
        String wanted = "blocked_clients:" + count + "\r\n";
        String info;
        do {
            info = by.call("INFO", "clients").text();
            assertTrue(System.nanoTime() - since < LIMIT_NS, info);
        } while (!info.contains(wanted));
    }
}
