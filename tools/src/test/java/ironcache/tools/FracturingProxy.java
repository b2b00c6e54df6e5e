package ironcache.tools;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/**
 * A canary for {@link HistoriesRun}: stands before a real server and passes everything on, but an MSET outside of
 * MULTI as one SET a key, so that others can come between.
 */
final class FracturingProxy extends CanaryProxy {
    FracturingProxy(int upstreamPort) throws IOException {
        super(upstreamPort);
    }

    @Override
    void serve(RespClient client, RespClient server) throws IOException {
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
    }
}
