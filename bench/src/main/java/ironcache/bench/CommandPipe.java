package ironcache.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Fills a server: one connection, some hundreds of requests at a time, each of which must succeed. */
final class CommandPipe implements AutoCloseable, ReplyParser.Sink {
    private static final int BATCH = 500;

    private final Socket socket;
    private final OutputStream out;
    private final InputStream in;
    private final byte[] bytes = new byte[1 << 16];
    private final ByteBuffer replies = ByteBuffer.wrap(bytes);
    private final ReplyParser parser = new ReplyParser(this);
    private final StringBuilder request = new StringBuilder();
    private int waiting;

    CommandPipe(ServerProcess server) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
        out = new BufferedOutputStream(socket.getOutputStream(), 1 << 18);
        in = socket.getInputStream();
    }

    /** Words of ASCII. */
    void send(String... words) throws IOException {
        request.setLength(0);
        RequestEncoder.append(request, words);
        out.write(request.toString().getBytes(StandardCharsets.ISO_8859_1));
        if (++waiting == BATCH) {
            finish();
        }
    }

    /** Waits for all replies. */
    void finish() throws IOException {
        out.flush();
        while (waiting > 0) {
            int count = in.read(bytes, replies.position(), replies.remaining());
            if (count < 0) {
                throw new IOException("the server closed the connection");
            }
            replies.position(replies.position() + count);
            replies.flip();
            parser.parse(replies);
            replies.compact();
        }
    }

    @Override
    public void body(ByteBuffer buffer, int from, int count, int offset, int length) {
        // What a value is does not matter here.
    }

    @Override
    public void reply(byte kind, long number) {
        waiting--;
    }

    @Override
    public void error(String message) {
        throw new IllegalStateException(
                request.substring(0, Math.min(200, request.length())) + ": " + message);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
