package ironcache.tools;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One RESP2 or RESP3 reply as the exact bytes that came over the wire. Comparing is comparing bytes; everything else
 * (text, numbers, elements) is read out of them on demand, so that nothing is lost by parsing.
 */
public record Reply(byte[] raw) {
    /** Stands for a connection that the server closed instead of replying. */
    static final Reply CLOSED =
            new Reply("<connection closed>".getBytes(StandardCharsets.ISO_8859_1));

    /** Stands for a reply that did not come within the socket's time limit. */
    static final Reply TIMED_OUT =
            new Reply("<no reply in time>".getBytes(StandardCharsets.ISO_8859_1));

    char type() {
        return (char) (raw[0] & 0xff);
    }

    boolean isError() {
        return type() == '-' || type() == '!';
    }

    boolean isAggregate() {
        return "*%~>|".indexOf(type()) >= 0;
    }

    boolean isNull() {
        return type() == '_' || ("$*".indexOf(type()) >= 0 && raw.length > 2 && raw[1] == '-');
    }

    /** The header line after the type byte: the whole text of a simple reply, the length of any other. */
    private String head() {
        int end = 1;
        while (end < raw.length && raw[end] != '\r') {
            end++;
        }
        return new String(raw, 1, end - 1, StandardCharsets.ISO_8859_1);
    }

    /** Payload bytes: of a bulk, error or simple string, or the digits of a number; null for a null reply. */
    byte[] bytes() {
        if (isNull()) {
            return null;
        }
        if (type() == '$' || type() == '=' || type() == '!') {
            int length = Integer.parseInt(head());
            int from = raw.length - 2 - length;
            return Arrays.copyOfRange(raw, from, raw.length - 2);
        }
        return head().getBytes(StandardCharsets.ISO_8859_1);
    }

    String text() {
        if (isNull()) {
            return null;
        }
        if (type() == '$' || type() == '=' || type() == '!') {
            int length = Integer.parseInt(head());
            return new String(raw, raw.length - 2 - length, length, StandardCharsets.ISO_8859_1);
        }
        return head();
    }

    long integer() {
        if (type() != ':') {
            throw new IllegalStateException("not an integer reply: " + show(200));
        }
        return Long.parseLong(head());
    }

    /** Direct children of an array, set, push or map (a map's keys and values alternate). */
    List<Reply> elements() {
        List<Reply> children = new ArrayList<>();
        if (!isAggregate() || isNull()) {
            return children;
        }
        int at = head().length() + 3;
        while (at < raw.length) {
            int end = RespClient.endOfReply(raw, at, raw.length);
            children.add(new Reply(Arrays.copyOfRange(raw, at, end)));
            at = end;
        }
        return children;
    }

    /** Printable form: escapes as redis-cli prints them, cut after {@code limit} characters. */
    String show(int limit) {
        return escape(raw, limit);
    }

    /** From a little before the first byte in which it differs from the other. */
    String showDifference(Reply other, int limit) {
        int at = Math.max(0, Arrays.mismatch(raw, other.raw));
        int from = at < limit ? 0 : at - limit / 4;
        String shown = escape(Arrays.copyOfRange(raw, from, raw.length), limit);
        return from == 0 ? shown : "…from byte " + from + ": " + shown;
    }

    static String escape(byte[] bytes, int limit) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < bytes.length; i++) {
            if (out.length() >= limit) {
                return out + "…(" + bytes.length + " bytes)";
            }
            int c = bytes[i] & 0xff;
            switch (c) {
                case '\r' -> out.append("\\r");
                case '\n' -> out.append("\\n");
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c < 32 || c > 126) {
                        out.append(String.format("\\x%02x", c));
                    } else {
                        out.append((char) c);
                    }
                }
            }
        }
        return out.toString();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Reply r && Arrays.equals(raw, r.raw);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(raw);
    }

    @Override
    public String toString() {
        return show(400);
    }
}
