package ironcache.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Requests that are written beforehand, so that sending them costs the client next to nothing: any commands with any words. Owned by the main thread. */
final class CommandTrace {
    private byte[] bytes = new byte[1 << 20];
    private int[] ends = new int[1 << 12];
    private int count;
    private final StringBuilder request = new StringBuilder();

    /** Words of ASCII. */
    CommandTrace add(String... words) {
        request.setLength(0);
        RequestEncoder.append(request, words);
        byte[] added = request.toString().getBytes(StandardCharsets.ISO_8859_1);
        int from = end(count);
        if (from + added.length > bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * bytes.length);
        }
        if (count == ends.length) {
            ends = Arrays.copyOf(ends, 2 * count);
        }
        System.arraycopy(added, 0, bytes, from, added.length);
        ends[count++] = from + added.length;
        return this;
    }

    int count() {
        return count;
    }

    private int end(int requests) {
        return requests == 0 ? 0 : ends[requests - 1];
    }

    /** The requests from {@code from} to before {@code to}, in direct memory if {@code all} is. */
    ByteBuffer slice(ByteBuffer all, int from, int to) {
        return all.duplicate().position(end(from)).limit(end(to));
    }

    /** All of them, in direct memory. */
    ByteBuffer toDirect() {
        return ByteBuffer.allocateDirect(end(count)).put(bytes, 0, end(count)).flip();
    }
}
