package ironcache.bench;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A blocking RESP2 client for the harness's own questions (INFO, DBSIZE, DEBUG); never used while requests are timed. */
final class AdminClient implements AutoCloseable {
    /** The server's error reply. */
    static final class ServerError extends RuntimeException {
        private static final long serialVersionUID = 1;

        ServerError(String message) {
            super(message);
        }
    }

    private final Socket socket = new Socket();
    private final InputStream in;

    AdminClient(int port) throws IOException {
        try {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(600_000);
            in = new BufferedInputStream(socket.getInputStream());
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** String, Long, List or null, as the reply is. */
    @Nullable Object command(String... words) throws IOException {
        send(words);
        return reply();
    }

    /** A bulk string as it is; null where there is none. */
    byte @Nullable [] bytes(String... words) throws IOException {
        send(words);
        String line = line();
        if (line.charAt(0) != '$') {
            throw new ServerError(line);
        }
        return body(Integer.parseInt(line.substring(1)));
    }

    private void send(String... words) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(("*" + words.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
        for (String word : words) {
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            out.writeBytes(("$" + bytes.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
            out.writeBytes(bytes);
            out.writeBytes(new byte[] {'\r', '\n'});
        }
        socket.getOutputStream().write(out.toByteArray());
    }

    long integer(String... words) throws IOException {
        Object reply = command(words);
        if (reply instanceof Long number) {
            return number;
        }
        throw new IOException(String.join(" ", words) + " answered " + reply);
    }

    /** INFO's fields, all sections. */
    Map<String, String> info() throws IOException {
        return info("everything");
    }

    Map<String, String> info(String section) throws IOException {
        Map<String, String> fields = new LinkedHashMap<>();
        Object reply = command("INFO", section);
        for (String line : String.valueOf(reply).split("\r\n")) {
            int colon = line.indexOf(':');
            if (colon > 0 && !line.startsWith("#")) {
                fields.put(line.substring(0, colon), line.substring(colon + 1));
            }
        }
        return fields;
    }

    private @Nullable Object reply() throws IOException {
        String line = line();
        String rest = line.substring(1);
        switch (line.charAt(0)) {
            case '+':
                return rest;
            case '-':
                throw new ServerError(rest);
            case ':':
                return Long.parseLong(rest);
            case '$':
                {
                    byte[] body = body(Integer.parseInt(rest));
                    return body == null ? null : new String(body, StandardCharsets.UTF_8);
                }
            case '*':
                {
                    List<Object> elements = new ArrayList<>();
                    for (int i = Integer.parseInt(rest); i > 0; i--) {
                        Object element = reply();
                        elements.add(
                                element instanceof List<?> ? element : String.valueOf(element));
                    }
                    return elements;
                }
            default:
                throw new IOException("unexpected reply: " + line);
        }
    }

    private byte @Nullable [] body(int length) throws IOException {
        if (length < 0) {
            return null;
        }
        byte[] body = in.readNBytes(length);
        line();
        return body;
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        while (true) {
            int c = in.read();
            if (c < 0) {
                throw new EOFException("server closed the connection");
            }
            if (c == '\r') {
                in.read();
                return line.toString();
            }
            line.append((char) c);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
