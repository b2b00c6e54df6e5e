package ironcache.tools;

import ironcache.ffm.Prng;
import ironcache.resp.SimulatedNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A client of simulated shards that asks for what is about the whole node or about all shards, and for what the histories do not know, in databases of its own: so
 * that the others meet it. Its replies are only looked at for errors. Owned by the simulation's thread.
 */
final class Bystander {
    private static final double CHANCE = 0.02;

    private static final String[] COMMANDS = {
        "DEBUG CHECK",
        "DBSIZE",
        "INFO all",
        "CLIENT LIST",
        "CLIENT KILL ID @",
        "CONFIG RESETSTAT",
        "CONFIG SET slowlog-log-slower-than #",
        "MEMORY STATS",
        "SLOWLOG GET",
        "KEYS *",
        "RANDOMKEY",
        "SCAN 0 COUNT 100",
        "FLUSHDB",
        "SWAPDB 13 14",
        "MSET % v % v % v % v",
        "MGET % % % % % %",
        "MSETNX % v % v",
        "SET % v PX 1",
        "SETRANGE % 30000 v",
        "APPEND % v",
        "RENAME % %",
        "COPY % % REPLACE",
        "MOVE % 13",
        "DEL % % %",
        "EXISTS % % %",
        "WATCH % %|MULTI|SET % v|GET %|MGET % %|EXEC",
        "MULTI|SET % v|DBSIZE|CLIENT LIST|SET % v|EXEC",
        "MULTI|KEYS *|FLUSHDB|MSET % v % v|SWAPDB 13 14|RANDOMKEY|EXEC",
        "WATCH % %|FLUSHDB|UNWATCH",
        "WATCH %|MULTI|DISCARD",
    };

    private final SimulatedNode node;
    private final Prng prng;
    private final Set<String> unexpected = new TreeSet<>();
    private SimulatedSession session;

    /** Client IDs of all bystanders so far. */
    private final List<String> ids;

    private boolean idComes;

    Bystander(SimulatedNode node, Prng prng, List<String> ids) {
        this.node = node;
        this.prng = prng;
        this.ids = ids;
    }

    /** Errors that no server should reply. */
    Set<String> unexpected() {
        return unexpected;
    }

    boolean waits() {
        return session != null && session.waits();
    }

    /** Sends or receives something, perhaps. */
    void step() {
        if (session != null && session.owed() > 0 && !session.isClosed()) {
            receive();
        } else if (prng.chance(CHANCE)) {
            send();
        }
    }

    private void receive() {
        Reply reply = session.next();
        if (reply == null) {
            idComes &= !session.isClosed();
            return;
        }
        if (idComes) {
            ids.add(reply.text());
            idComes = false;
        }
        String text = reply.isError() ? reply.text() : "";
        if (!text.isEmpty()
                && !text.contains("no such key")
                && !text.contains("objects are the same")
                && !text.contains("No such client")) {
            unexpected.add(text);
        }
    }

    private void send() {
        List<byte[][]> commands = new ArrayList<>();
        try {
            if (session == null || session.isClosed()) {
                session = new SimulatedSession(node.connect());
                commands.add(RespClient.bytes("CLIENT", "ID"));
                commands.add(RespClient.bytes("SELECT", "14"));
                idComes = true;
            }
            String line = COMMANDS[prng.nextInt(COMMANDS.length)];
            for (String command : line.split("\\|")) {
                String[] words = command.split(" ");
                for (int i = 0; i < words.length; i++) {
                    words[i] = word(words[i]);
                }
                commands.add(RespClient.bytes(words));
            }
            session.send(commands);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String word(String word) {
        return switch (word) {
            case "%" -> "bystander" + prng.nextInt(12);
            case "#" -> Integer.toString(prng.nextInt(20_000));
            case "@" -> ids.isEmpty() ? "1000000" : ids.get(prng.nextInt(ids.size()));
            default -> word;
        };
    }
}
