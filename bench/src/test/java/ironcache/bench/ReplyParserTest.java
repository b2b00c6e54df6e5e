package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ReplyParserTest {
    private static final String REPLIES =
            "+OK\r\n$5\r\nhello\r\n$0\r\n\r\n$-1\r\n_\r\n:-42\r\n-ERR no\r\n*0\r\n"
                    + "*2\r\n$2\r\na\r\r\n*2\r\n:1\r\n$-1\r\n$12\r\nwith\r\ninside\r\n";
    private static final String PARSED =
            "+0 [hello]$5 $0 _0 _0 :-42 (ERR no)-0 *0 [a\r]*2 [with\r\ninside]$12 ";

    @Test
    void wholeBuffer() {
        assertEquals(PARSED, parse(REPLIES.length()));
    }

    @Test
    void repliesCutAtEveryPlace() {
        for (int piece = 1; piece < REPLIES.length(); piece++) {
            assertEquals(PARSED, parse(piece), "in pieces of " + piece);
        }
    }

    @Test
    void garbageIsRefused() {
        assertThrows(IllegalStateException.class, () -> parse("hello\r\n", 100));
        assertThrows(IllegalStateException.class, () -> parse("$x\r\n", 100));
        assertThrows(IllegalStateException.class, () -> parse("$1\r\nabc", 100));
    }

    private static String parse(int pieceSize) {
        return parse(REPLIES, pieceSize);
    }

    /** As a connection does it: what the parser leaves over is kept and read on behind. */
    private static String parse(String replies, int pieceSize) {
        StringBuilder log = new StringBuilder();
        StringBuilder body = new StringBuilder();
        ReplyParser parser =
                new ReplyParser(
                        new ReplyParser.Sink() {
                            @Override
                            public void body(
                                    ByteBuffer in, int from, int count, int offset, int length) {
                                assertEquals(body.length(), offset);
                                for (int i = 0; i < count; i++) {
                                    body.append((char) in.get(from + i));
                                }
                                if (body.length() == length) {
                                    log.append('[').append(body).append(']');
                                    body.setLength(0);
                                }
                            }

                            @Override
                            public void reply(byte kind, long number) {
                                log.append((char) kind).append(number).append(' ');
                            }

                            @Override
                            public void error(String message) {
                                log.append('(').append(message).append(')');
                            }
                        });
        byte[] bytes = replies.getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer in = ByteBuffer.allocate(bytes.length + 16);
        for (int at = 0; at < bytes.length; at += pieceSize) {
            in.put(bytes, at, Math.min(pieceSize, bytes.length - at));
            in.flip();
            parser.parse(in);
            in.compact();
        }
        assertEquals(0, in.position(), "left over");
        return log.toString();
    }
}
