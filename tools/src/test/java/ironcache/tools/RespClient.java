package ironcache.tools;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The smallest client that hides nothing: raw bytes out, raw replies in, RESP2 and RESP3. Owned by one thread at a time.
 * Blocking, loopback only.
 */
public final class RespClient implements AutoCloseable {
    /** Requests above this are written by a helper thread, as two blocking peers that both only write would stand still. */
    private static final int INLINE_WRITE_BYTES = 32 << 10;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private byte[] buffer = new byte[64 << 10];
    private int start;
    private int end;

    public RespClient(int port) throws IOException {
        this(port, 15_000);
    }

    public RespClient(int port, int timeoutMs) throws IOException {
        socket = new Socket();
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(timeoutMs);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), timeoutMs);
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    /** The other end of an accepted connection: commands are arrays of bulk strings, so the same reader takes them. */
    RespClient(Socket accepted) throws IOException {
        socket = accepted;
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    Socket socket() {
        return socket;
    }

    /** Sends one command and reads its reply; a lost connection and a time-out are replies of their own. */
    public Reply call(byte[]... args) {
        try {
            send(args);
        } catch (IOException e) {
            return readOrClosed();
        }
        return readOrClosed();
    }

    public Reply call(String... args) {
        return call(bytes(args));
    }

    public void send(byte[]... args) throws IOException {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        encode(request, args);
        write(request.toByteArray());
    }

    /** Sends all commands in one go, then reads as many replies; stops at a lost connection or a time-out. */
    public List<Reply> pipeline(List<byte[][]> commands) {
        Thread writer = startPipeline(commands);
        List<Reply> replies = finishPipeline(commands.size());
        if (writer != null) {
            try {
                writer.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return replies;
    }

    /** First half of {@link #pipeline}, so that two servers can work at the same time. */
    Thread startPipeline(List<byte[][]> commands) {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        for (byte[][] command : commands) {
            encode(request, command);
        }
        byte[] bytes = request.toByteArray();
        if (bytes.length > INLINE_WRITE_BYTES) {
            return Thread.startVirtualThread(() -> writeQuietly(bytes));
        }
        writeQuietly(bytes);
        return null;
    }

    List<Reply> finishPipeline(int count) {
        List<Reply> replies = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            Reply reply = readOrClosed();
            replies.add(reply);
            if (reply == Reply.CLOSED || reply == Reply.TIMED_OUT) {
                break;
            }
        }
        return replies;
    }

    private void writeQuietly(byte[] bytes) {
        try {
            write(bytes);
        } catch (IOException ignored) {
            // The reader sees the closed connection, and says so as the reply.
        }
    }

    public void write(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    public Reply readOrClosed() {
        try {
            return read();
        } catch (SocketTimeoutException e) {
            return Reply.TIMED_OUT;
        } catch (IOException e) {
            return Reply.CLOSED;
        }
    }

    /** The next whole reply; throws EOFException where the connection ends before it does. */
    public Reply read() throws IOException {
        while (true) {
            int replyEnd = endOfReply(buffer, start, end);
            if (replyEnd >= 0) {
                Reply reply = new Reply(Arrays.copyOfRange(buffer, start, replyEnd));
                start = replyEnd;
                return reply;
            }
            fill();
        }
    }

    private void fill() throws IOException {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        if (end == buffer.length) {
            buffer = Arrays.copyOf(buffer, buffer.length * 2);
        }
        int got = in.read(buffer, end, buffer.length - end);
        if (got < 0) {
            throw new EOFException(
                    "connection closed after " + end + " bytes of an unfinished reply");
        }
        end += got;
    }

    /** Everything up to the end of the stream; null where it did not end within the time limit. */
    byte[] readToEnd() {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(buffer, start, end - start);
        start = end;
        try {
            byte[] chunk = new byte[16 << 10];
            for (int got; (got = in.read(chunk)) >= 0; ) {
                all.write(chunk, 0, got);
            }
        } catch (SocketTimeoutException e) {
            return null;
        } catch (IOException e) {
            // A reset ends the stream too: the server closed with our bytes unread.
        }
        return all.toByteArray();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException ignored) {
            // Nothing is left to do with it.
        }
    }

    /** Index behind the reply that begins at {@code from}, or -1 where {@code to} cuts it. */
    static int endOfReply(byte[] b, int from, int to) {
        int at = from;
        // Counts the values still owed; a map owes two for each entry, and an attribute is followed
        // by the value itself.
        for (long owed = 1; owed > 0; owed--) {
            int line = endOfLine(b, at, to);
            if (line < 0) {
                return -1;
            }
            char type = (char) b[at];
            switch (type) {
                case '+', '-', ':', '_', ',', '#', '(' -> at = line;
                case '$', '=', '!' -> {
                    long length = number(b, at + 1, line - 2);
                    at = line;
                    if (length >= 0) {
                        if (to - at < length + 2) {
                            return -1;
                        }
                        at += (int) length + 2;
                    }
                }
                case '*', '~', '>' -> {
                    owed += Math.max(0, number(b, at + 1, line - 2));
                    at = line;
                }
                case '%' -> {
                    owed += 2 * number(b, at + 1, line - 2);
                    at = line;
                }
                case '|' -> {
                    owed += 2 * number(b, at + 1, line - 2) + 1;
                    at = line;
                }
                default ->
                        throw new IllegalStateException(
                                "not RESP: "
                                        + Reply.escape(
                                                Arrays.copyOfRange(b, at, Math.min(to, at + 80)),
                                                200));
            }
        }
        return at;
    }

    private static int endOfLine(byte[] b, int from, int to) {
        for (int i = from; i + 1 < to; i++) {
            if (b[i] == '\r' && b[i + 1] == '\n') {
                return i + 2;
            }
        }
        return -1;
    }

    private static long number(byte[] b, int from, int to) {
        return Long.parseLong(new String(b, from, to - from, StandardCharsets.ISO_8859_1));
    }

    static void encode(ByteArrayOutputStream out, byte[][] args) {
        out.writeBytes(("*" + args.length + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
        for (byte[] arg : args) {
            out.writeBytes(("$" + arg.length + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            out.writeBytes(arg);
            out.write('\r');
            out.write('\n');
        }
    }

    /** Latin-1, so that a test can write any byte as a character. */
    static byte[][] bytes(String... args) {
        byte[][] out = new byte[args.length][];
        for (int i = 0; i < args.length; i++) {
            out[i] = args[i].getBytes(StandardCharsets.ISO_8859_1);
        }
        return out;
    }
}
