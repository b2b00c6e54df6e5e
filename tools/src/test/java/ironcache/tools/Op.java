package ironcache.tools;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * One step of a differential run: a command on one of the run's connections.
 *
 * @param connection index of the connection pair that it goes to
 * @param kind how it is sent and compared
 */
record Op(int connection, Kind kind, byte[][] args) {
    enum Kind {
        /** Pipelined with its neighbours; the reply is compared under the rule of its command. */
        PLAIN,
        /** SCAN, SSCAN or the like with these options, followed to cursor 0 on each server; the sets of what they list are compared. */
        SCAN_ALL,
        /** SRANDMEMBER or the like: as many on both, and each server's are members of the other's. */
        SAMPLE,
        /** SPOP: as many on both; then both servers' sets are made anew of what the oracle's has left. */
        POP,
        /** RANDOMKEY: null on both or on none, and each server's key exists on the other. */
        RANDOM_KEY,
        /** A write with a deadline a few milliseconds ahead; the run goes on when the key (argument 1) is gone. */
        SETTLE,
        /** QUIT: replies compared, then both sides connect anew. */
        RECONNECT
    }

    String name() {
        return args.length == 0 ? "" : text(0).toUpperCase(Locale.ROOT);
    }

    String text(int i) {
        return new String(args[i], StandardCharsets.ISO_8859_1);
    }

    int size() {
        int bytes = 0;
        for (byte[] arg : args) {
            bytes += arg.length + 16;
        }
        return bytes;
    }

    String show(int limitPerArg) {
        StringBuilder out = new StringBuilder();
        out.append('[').append(connection).append("] ");
        if (kind != Kind.PLAIN) {
            out.append(kind).append(' ');
        }
        for (byte[] arg : args) {
            String shown = Reply.escape(arg, limitPerArg);
            boolean bare = !shown.isEmpty() && shown.indexOf(' ') < 0 && shown.indexOf('\\') < 0;
            out.append(bare ? shown : '"' + shown + '"').append(' ');
        }
        return out.toString().stripTrailing();
    }
}
