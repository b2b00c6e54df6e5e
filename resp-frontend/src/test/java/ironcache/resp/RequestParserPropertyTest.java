package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RequestParserPropertyTest {
    private static final long SEED = Long.getLong("ironcache.seed", 42);
    private static final int MEMORY_BYTES = 1 << 20;

    private final ArgumentTable table = new ArgumentTable();
    private final RequestParser parser = new RequestParser(table);
    private final long memory = Memory.allocate(MEMORY_BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        parser.close();
        table.close();
        Memory.free(memory, MEMORY_BYTES, MemoryTag.OTHER);
    }

    private static byte[] encode(List<byte[]> command) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ascii("*" + command.size() + "\r\n"));
        for (byte[] argument : command) {
            out.writeBytes(ascii("$" + argument.length + "\r\n"));
            out.writeBytes(argument);
            out.writeBytes(ascii("\r\n"));
        }
        return out.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static List<byte[]> randomCommand(Prng prng) {
        List<byte[]> command = new ArrayList<>();
        int argc = prng.chance(0.1) ? 1 + prng.nextInt(200) : 1 + prng.nextInt(5);
        for (int i = 0; i < argc; i++) {
            // Around the boundaries of one, two and three digits of length.
            int length = prng.chance(0.3) ? 95 + prng.nextInt(10) : prng.nextInt(14);
            byte[] argument = new byte[length];
            for (int j = 0; j < length; j++) {
                argument[j] = (byte) prng.nextInt();
            }
            command.add(argument);
        }
        return command;
    }

    private List<byte[]> arguments() {
        List<byte[]> arguments = new ArrayList<>();
        for (int i = 0; i < parser.argc(); i++) {
            byte[] bytes = new byte[ArgumentTable.length(table.entry(0), i)];
            Memory.copyOut(ArgumentTable.address(table.entry(0), i), bytes, 0, bytes.length);
            arguments.add(bytes);
        }
        return arguments;
    }

    private int parse(byte[] bytes, int length) {
        table.clear();
        Memory.copyIn(bytes, 0, memory, length);
        // What follows the received bytes is not to be looked at.
        Memory.fill(memory + length, 64, (byte) '\r');
        return parser.parse(memory, memory + length, true);
    }

    @Test
    void everyCommandIsReadAsItWasWrittenWhereverItIsCut() {
        Prng prng = new Prng(SEED);
        for (int round = 0; round < 200; round++) {
            List<byte[]> command = randomCommand(prng);
            byte[] bytes = encode(command);
            for (int cut = 1;
                    cut < bytes.length;
                    cut += command.size() > 20 ? 1 + prng.nextInt(50) : 1) {
                String where = "-Dironcache.seed=" + SEED + " round " + round + " cut " + cut;
                assertEquals(RequestParser.INCOMPLETE, parse(bytes, cut), where);
                assertTrue(
                        parser.neededBytes() > cut && parser.neededBytes() <= bytes.length, where);
                assertEquals(0, table.size(), where);
            }
            assertEquals(RequestParser.COMPLETE, parse(bytes, bytes.length));
            assertEquals(memory + bytes.length, parser.next());
            List<byte[]> read = arguments();
            assertEquals(command.size(), read.size());
            int bits = 0;
            for (int i = 0; i < command.size(); i++) {
                assertArrayEquals(command.get(i), read.get(i));
                bits |= command.get(i).length;
            }
            assertEquals(bits, parser.lengthBits());
        }
    }

    @Test
    void pipelinesAreReadOneByOne() {
        Prng prng = new Prng(SEED + 1);
        List<List<byte[]>> commands = new ArrayList<>();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < 300; i++) {
            commands.add(randomCommand(prng));
            out.writeBytes(encode(commands.getLast()));
        }
        byte[] bytes = out.toByteArray();
        assertTrue(bytes.length < MEMORY_BYTES - 64);
        Memory.copyIn(bytes, 0, memory, bytes.length);
        long at = memory;
        for (List<byte[]> command : commands) {
            table.clear();
            assertEquals(RequestParser.COMPLETE, parser.parse(at, memory + bytes.length, true));
            assertEquals(command.size(), parser.argc());
            assertArrayEquals(command.getLast(), arguments().getLast());
            at = parser.next();
        }
        assertEquals(memory + bytes.length, at);
    }

    @Test
    void randomBytesNeverReadBeyondTheirEnd() {
        Prng prng = new Prng(SEED + 2);
        byte[] alphabet = ascii("*$0123456789-+\r\n \"'\\xabcPING");
        for (int round = 0; round < 100_000; round++) {
            byte[] bytes = new byte[1 + prng.nextInt(40)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] =
                        prng.chance(0.9)
                                ? alphabet[prng.nextInt(alphabet.length)]
                                : (byte) prng.nextInt();
            }
            int status = parse(bytes, bytes.length);
            String where = "-Dironcache.seed=" + SEED + " round " + round;
            if (status == RequestParser.COMPLETE || status == RequestParser.EMPTY) {
                assertTrue(
                        parser.next() > memory && parser.next() <= memory + bytes.length + 1,
                        where);
                for (int i = 0; i < table.size(); i++) {
                    int length = ArgumentTable.length(table.entry(0), i);
                    assertTrue(length >= 0 && length <= bytes.length, where);
                }
            } else {
                assertEquals(0, table.size(), where);
            }
            parser.reset();
        }
    }

    /** What Valkey says to a request after some byte of it, we say then too: whoever sent it may send no more. */
    @Test
    void errorsAreSeenWithTheByteThatMakesThem() {
        Prng prng = new Prng(SEED + 3);
        byte[] wrong = ascii("*$09-\r\nx");
        int errors = 0;
        for (int round = 0; round < 3_000; round++) {
            byte[] bytes = encode(randomCommand(prng));
            int length = Math.min(bytes.length, 300);
            bytes[prng.nextInt(length)] = wrong[prng.nextInt(wrong.length)];
            long needed = 0;
            long whole = 0;
            for (int end = 1; end <= length; end++) {
                String where = "-Dironcache.seed=" + SEED + " round " + round + " byte " + end;
                int status = parse(bytes, end);
                if (status != RequestParser.INCOMPLETE) {
                    if (needed > end) {
                        assertEquals(RequestParser.ERROR, status, where);
                        assertEquals(
                                0, parser.skipBulks(memory + whole, memory + end, true), where);
                        errors++;
                    }
                    break;
                }
                if (end < needed) {
                    long at = parser.skipBulks(memory + whole, memory + end, true);
                    assertEquals(memory + parser.wholeBytes(), at, where);
                    whole = at - memory;
                } else {
                    needed = parser.neededBytes();
                    whole = parser.wholeBytes();
                }
            }
        }
        assertTrue(errors > 100, errors + " errors between two parses");
    }

    private String inline(String line) {
        byte[] bytes = ascii(line);
        int status = parse(bytes, bytes.length);
        if (status != RequestParser.COMPLETE) {
            return "status " + status + (status == RequestParser.ERROR ? " " + parser.error() : "");
        }
        StringBuilder text = new StringBuilder();
        for (byte[] argument : arguments()) {
            text.append('[').append(new String(argument, StandardCharsets.ISO_8859_1)).append(']');
        }
        parser.reset();
        return text.toString();
    }

    @Test
    void inlineCommandsAreSplitAsSdssplitargsDoes() {
        assertEquals("[PING]", inline("PING\r\n"));
        assertEquals("[PING]", inline("  PING  \n"));
        assertEquals("[set][a][b c]", inline("set a \"b c\"\r\n"));
        assertEquals("[a][b'c][d\\n]", inline("a 'b\\'c' 'd\\n'\n"));
        assertEquals("[\n\r\t\u0007\b\"\\q]", inline("\"\\n\\r\\t\\a\\b\\\"\\\\q\"\n"));
        assertEquals("[A\u0000z]", inline("\"\\x41\\x00\\x7a\"\n"));
        assertEquals("[ab c]", inline("a\"b c\"\n"));
        assertEquals("[]", inline("\"\"\n"));
        assertEquals("status " + RequestParser.EMPTY, inline("\r\n"));
        assertEquals("status " + RequestParser.EMPTY, inline("   \r\n"));
        assertEquals("status " + RequestParser.INCOMPLETE, inline("PING"));
        assertEquals(
                "status " + RequestParser.ERROR + " unbalanced quotes in request",
                inline("a \"b\r\n"));
        // Valkey 9 goes on after a closing quote; Redis calls it unbalanced.
        assertEquals("[ab]", inline("\"a\"b\r\n"));
    }

    private String error(String request, boolean trusted) {
        byte[] bytes = ascii(request);
        table.clear();
        Memory.copyIn(bytes, 0, memory, bytes.length);
        int status = parser.parse(memory, memory + bytes.length, trusted);
        return status == RequestParser.ERROR ? parser.error() : "status " + status;
    }

    @Test
    void protocolErrorsAreValkeys() {
        assertEquals("invalid multibulk length", error("*a\r\n", true));
        assertEquals("invalid multibulk length", error("*20000000000\r\n", true));
        assertEquals("expected '$', got '!'", error("*1\r\n!3\r\nabc\r\n", true));
        assertEquals("invalid bulk length", error("*1\r\n$-1\r\n", true));
        assertEquals("invalid bulk length", error("*1\r\n$abc\r\n", true));
        assertEquals("invalid bulk length", error("*1\r\n$2147483648\r\n", true));
        assertEquals("unauthenticated multibulk length", error("*11\r\n", false));
        assertEquals("unauthenticated bulk length", error("*1\r\n$16385\r\n", false));
        assertEquals("too big mbulk count string", error("*" + "1".repeat(70_000), true));
        assertEquals("too big bulk count string", error("*1\r\n$" + "1".repeat(70_000), true));
        assertEquals("too big inline request", error("a".repeat(70_000), true));
        assertEquals("status " + RequestParser.EMPTY, error("*0\r\n", true));
        assertEquals("status " + RequestParser.EMPTY, error("*-5\r\n", true));
        assertEquals("status " + RequestParser.INCOMPLETE, error("*1\r\n$5\r\nabc", true));
    }
}
