package ironcache.resp;

import java.util.ArrayDeque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** The commands that took long, newest first; arguments clipped as in Valkey. Any thread adds; who reads has all shards. */
final class SlowLog {
    private static final int MOST_ARGUMENTS = 32;
    private static final int MOST_ARGUMENT_BYTES = 128;

    /** One slow command. */
    record Entry(
            long id,
            long seconds,
            long micros,
            byte[][] arguments,
            String peer,
            @Nullable String name) {}

    private final ArrayDeque<Entry> entries = new ArrayDeque<>();
    private long nextId;

    synchronized void add(CommandContext c, long nanos, String peer, int mostEntries) {
        int shown = Math.min(c.argc(), MOST_ARGUMENTS);
        byte[][] arguments = new byte[shown][];
        for (int i = 0; i < shown; i++) {
            if (c.argc() > MOST_ARGUMENTS && i == shown - 1) {
                arguments[i] = bytes("... (" + (c.argc() - shown + 1) + " more arguments)");
            } else {
                arguments[i] = clipped(c.argBytes(i));
            }
        }
        entries.addFirst(
                new Entry(
                        nextId++,
                        c.now() / 1000,
                        nanos / 1000,
                        arguments,
                        peer,
                        c.connection().name));
        trim(mostEntries);
    }

    private static byte[] clipped(byte[] argument) {
        if (argument.length <= MOST_ARGUMENT_BYTES) {
            return argument;
        }
        byte[] note = bytes("... (" + (argument.length - MOST_ARGUMENT_BYTES) + " more bytes)");
        byte[] clipped = java.util.Arrays.copyOf(argument, MOST_ARGUMENT_BYTES + note.length);
        System.arraycopy(note, 0, clipped, MOST_ARGUMENT_BYTES, note.length);
        return clipped;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    void trim(int mostEntries) {
        while (entries.size() > mostEntries) {
            entries.removeLast();
        }
    }

    int size() {
        return entries.size();
    }

    Iterator<Entry> newestFirst() {
        return entries.iterator();
    }

    void clear() {
        entries.clear();
    }
}
