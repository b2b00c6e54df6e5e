package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ReplyWriterTest {
    private final long networkBefore = MemoryTag.NETWORK.bytes();
    private final OutputChunks chunks = new OutputChunks(4);
    private final ReplyWriter reply = new ReplyWriter(chunks, new ErrorStats());
    private final Connection connection = new Connection(0, 0, 1, 1);

    @AfterEach
    void nothingIsLeft() {
        chunks.close();
        assertEquals(networkBefore, MemoryTag.NETWORK.bytes());
    }

    /** Takes what was written. */
    private String take() {
        StringBuilder text = new StringBuilder();
        while (connection.outHead != 0) {
            long chunk = connection.outHead;
            byte[] bytes = new byte[OutputChunks.used(chunk)];
            Memory.copyOut(OutputChunks.data(chunk), bytes, 0, bytes.length);
            text.append(new String(bytes, StandardCharsets.ISO_8859_1));
            connection.outHead = OutputChunks.next(chunk);
            connection.outBytes -= OutputChunks.capacity(chunk);
            chunks.give(chunk);
        }
        connection.outTail = 0;
        assertEquals(0, connection.outBytes);
        return text.toString();
    }

    private String written(int protocol, Consumer<ReplyWriter> reply) {
        connection.protocol = protocol;
        this.reply.attach(connection);
        reply.accept(this.reply);
        this.reply.detach();
        return take();
    }

    private void golden(String resp2, String resp3, Consumer<ReplyWriter> writes) {
        assertEquals(resp2, written(2, writes));
        assertEquals(resp3, written(3, writes));
    }

    private void golden(String both, Consumer<ReplyWriter> writes) {
        golden(both, both, writes);
    }

    @Test
    void simpleReplies() {
        golden("+OK\r\n", ReplyWriter::ok);
        golden("+PONG\r\n", ReplyWriter::pong);
        golden("+RESET\r\n", r -> r.simple("RESET"));
        golden("-ERR syntax error\r\n", r -> r.error(Errors.SYNTAX));
        golden("-ERR a  b\r\n", r -> r.error("ERR a\r\nb"));
        golden("$-1\r\n", "_\r\n", ReplyWriter::nullBulk);
        golden("*-1\r\n", "_\r\n", ReplyWriter::nullArray);
        golden(":1\r\n", "#t\r\n", r -> r.bool(true));
        golden(":0\r\n", "#f\r\n", r -> r.bool(false));
    }

    @Test
    void integers() {
        golden(
                ":0\r\n:9\r\n:10\r\n:-1\r\n:99\r\n:100\r\n",
                r -> {
                    for (int n : new int[] {0, 9, 10, -1, 99, 100}) {
                        r.integer(n);
                    }
                });
        golden(
                ":-9223372036854775808\r\n:9223372036854775807\r\n",
                r -> {
                    r.integer(Long.MIN_VALUE);
                    r.integer(Long.MAX_VALUE);
                });
        golden(
                "$2\r\n42\r\n$20\r\n-9223372036854775808\r\n",
                r -> {
                    r.bulkInteger(42);
                    r.bulkInteger(Long.MIN_VALUE);
                });
    }

    @Test
    void aggregates() {
        golden("*2\r\n", r -> r.array(2));
        golden("*123\r\n", r -> r.array(123));
        golden("*4\r\n", "%2\r\n", r -> r.map(2));
        golden("*2\r\n", "~2\r\n", r -> r.set(2));
        golden("*2\r\n", ">2\r\n", r -> r.push(2));
        golden("$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", r -> r.verbatim("hi"));
        golden("$3\r\n123\r\n", "(123\r\n", r -> r.bigNumber("123"));
        golden(
                "*2\r\n:1\r\n:2\r\n",
                r -> {
                    long deferred = r.beginDeferred();
                    r.integer(1);
                    r.integer(2);
                    r.endDeferredArray(deferred, 2);
                });
        golden(
                "*2\r\n*1\r\n:1\r\n*0\r\n",
                r -> {
                    long outer = r.beginDeferred();
                    long inner = r.beginDeferred();
                    r.integer(1);
                    r.endDeferredArray(inner, 1);
                    long empty = r.beginDeferred();
                    r.endDeferredArray(empty, 0);
                    r.endDeferredArray(outer, 2);
                });
    }

    @Test
    void doublesAreThoseOfValkey() {
        golden("$3\r\n1.5\r\n", ",1.5\r\n", r -> r.real(1.5));
        golden("$1\r\n3\r\n", ",3\r\n", r -> r.real(3));
        golden("$3\r\ninf\r\n", ",inf\r\n", r -> r.real(Double.POSITIVE_INFINITY));
        golden("$4\r\n-inf\r\n", ",-inf\r\n", r -> r.real(Double.NEGATIVE_INFINITY));
        golden("$5\r\n3.141\r\n", ",3.141\r\n", r -> r.real(3.141));
    }

    @Test
    void bulksOfEveryLengthAroundTheChunks() {
        int bytes = 3 << 20;
        long memory = Memory.allocate(bytes, MemoryTag.OTHER);
        for (int i = 0; i < bytes; i++) {
            Memory.putByte(memory + i, (byte) ('a' + i % 26));
        }
        String all = "abcdefghijklmnopqrstuvwxyz".repeat(bytes / 26 + 1);
        int[] lengths = {
            0,
            1,
            9,
            10,
            99,
            100,
            OutputChunks.DATA_BYTES - 40,
            OutputChunks.DATA_BYTES - 8,
            OutputChunks.DATA_BYTES,
            OutputChunks.DATA_BYTES + 1,
            65536,
            OutputChunks.MAX_DATA_BYTES,
            OutputChunks.MAX_DATA_BYTES + 1,
            bytes
        };
        for (int length : lengths) {
            golden(
                    "+OK\r\n$" + length + "\r\n" + all.substring(0, length) + "\r\n",
                    r -> {
                        r.ok();
                        r.bulk(memory, length);
                    });
        }
        Memory.free(memory, bytes, MemoryTag.OTHER);
    }

    @Test
    void rollbackForgetsWhatWasWrittenSinceTheMarkWhateverItTook() {
        for (int before : new int[] {0, 1, 2000, 5000}) {
            connection.protocol = 2;
            reply.attach(connection);
            for (int i = 0; i < before; i++) {
                reply.ok();
            }
            reply.mark();
            for (int i = 0; i < 10_000; i++) {
                reply.integer(1234567);
            }
            reply.rollback();
            reply.pong();
            reply.detach();
            assertEquals("+OK\r\n".repeat(before) + "+PONG\r\n", take());
        }
    }

    @Test
    void checkpointKeepsWhatWasWrittenBefore() {
        assertEquals(
                "*3\r\n:1\r\n:2\r\n:3\r\n",
                written(
                        2,
                        r -> {
                            r.array(3);
                            r.integer(1);
                            r.checkpoint();
                            r.integer(7);
                            r.rollback();
                            r.integer(2);
                            r.integer(3);
                        }));
    }
}
