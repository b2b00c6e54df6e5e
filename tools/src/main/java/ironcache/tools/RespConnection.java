package ironcache.tools;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A connection to a server, RESP2. One thread may write while another reads. */
final class RespConnection implements AutoCloseable {
    private static final int CONNECT_MILLIS = 10_000;
    private static final int BUFFER_BYTES = 64 << 10;

    /** Of a bulk string, so much is kept. */
    private static final int TEXT_MAX = 1 << 20;

    private final Socket socket = new Socket();
    private final InputStream in;
    private final OutputStream out;

    RespConnection(ServerAddress address) throws IOException {
        try {
            socket.setTcpNoDelay(true);
            socket.connect(address.socketAddress(), CONNECT_MILLIS);
            in = new BufferedInputStream(socket.getInputStream(), BUFFER_BYTES);
            out = socket.getOutputStream();
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** A reply: its type's character, and its text; of an array, that of its elements one a line. */
    record Reply(char type, String text) {
        boolean isError() {
            return type == '-';
        }
    }

    Reply call(String... words) throws IOException {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        new RespWriter(request).words(words);
        out.write(request.toByteArray());
        out.flush();
        return read();
    }

    /** Bytes of requests. */
    void write(byte[] bytes, int length) throws IOException {
        out.write(bytes, 0, length);
    }

    void timeout(int millis) throws IOException {
        socket.setSoTimeout(millis);
    }

    /** The next reply. */
    Reply read() throws IOException {
        String line = line();
        char type = line.charAt(0);
        String rest = line.substring(1);
        switch (type) {
            case '$' -> {
                int length = Integer.parseInt(rest);
                return new Reply(type, length < 0 ? "" : bulk(length));
            }
            case '*' -> {
                StringBuilder text = new StringBuilder();
                int count = Integer.parseInt(rest);
                for (int i = 0; i < count; i++) {
                    text.append(i == 0 ? "" : "\n").append(read().text());
                }
                return new Reply(type, text.toString());
            }
            case '+', '-', ':' -> {
                return new Reply(type, rest);
            }
            default -> throw new IOException("no RESP reply: " + line);
        }
    }

    private String bulk(int length) throws IOException {
        byte[] kept = in.readNBytes(Math.min(length, TEXT_MAX));
        in.skipNBytes(length - kept.length + 2L);
        return new String(kept, StandardCharsets.UTF_8);
    }

    private String line() throws IOException {
        StringBuilder text = new StringBuilder();
        int c = in.read();
        while (c >= 0 && c != '\r') {
            text.append((char) c);
            c = in.read();
        }
        if (c < 0 || in.read() < 0 || text.isEmpty()) {
            throw new EOFException("the server closed the connection");
        }
        return text.toString();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // Nothing is left to do with it.
        }
    }
}
