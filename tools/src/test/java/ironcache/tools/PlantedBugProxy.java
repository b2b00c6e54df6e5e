package ironcache.tools;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A canary: stands before a real server, passes everything on, and has one bug. After APPEND to a key, STRLEN of that key
 * says one too many. A differential run that does not find it, or does not shrink it to those two commands, is broken.
 */
final class PlantedBugProxy extends CanaryProxy {
    private final Set<String> appended = ConcurrentHashMap.newKeySet();

    PlantedBugProxy(int upstreamPort) throws IOException {
        super(upstreamPort);
    }

    @Override
    void serve(RespClient client, RespClient server) throws IOException {
        while (true) {
            Reply command = client.read();
            server.write(command.raw());
            client.write(alter(command.elements(), server.read()).raw());
        }
    }

    private Reply alter(List<Reply> command, Reply reply) {
        String name = command.get(0).text().toUpperCase(Locale.ROOT);
        if (name.equals("FLUSHALL")) {
            appended.clear();
        }
        if (command.size() < 2) {
            return reply;
        }
        String key = command.get(1).text();
        if (name.equals("APPEND")) {
            appended.add(key);
        }
        if (name.equals("STRLEN") && reply.type() == ':' && appended.contains(key)) {
            return new Reply((":" + (reply.integer() + 1) + "\r\n").getBytes());
        }
        return reply;
    }
}
