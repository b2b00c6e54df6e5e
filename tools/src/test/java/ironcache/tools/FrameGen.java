package ironcache.tools;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Seeded RESP frames for the protocol fuzzer: right ones of commands that keep the data set small, mutants of them, and
 * plain noise. Owned by one thread.
 */
final class FrameGen {
    private static final String[] LENGTHS = {
        "-1",
        "-2",
        "0",
        "1",
        "2",
        "3",
        "10",
        "1024",
        "65536",
        "1048576",
        "1048577",
        "536870912",
        "536870913",
        "2147483647",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "",
        "x",
        "1 ",
        " 1",
        "+1",
        "01",
        "1e3",
        "-0",
        "--1",
        "00000000000000000000000000000000001"
    };

    private final SplittableRandom random;

    FrameGen(long seed) {
        random = new SplittableRandom(seed);
    }

    SplittableRandom random() {
        return random;
    }

    byte[] next() {
        return switch (random.nextInt(10)) {
            case 0, 1, 2 -> valid();
            case 3 -> inline();
            case 4 -> noise();
            case 5 -> header();
            default -> mutate(valid());
        };
    }

    /** A strict prefix of a frame: the way a connection looks that broke off. */
    byte[] cut(byte[] frame) {
        return frame.length < 2
                ? frame
                : Arrays.copyOf(frame, 1 + random.nextInt(frame.length - 1));
    }

    private byte[] valid() {
        String key = "f:" + random.nextInt(500);
        return switch (random.nextInt(20)) {
            case 0, 1 -> frame("SET", key, "v".repeat(random.nextInt(100)));
            case 2 -> frame("SET", key, noiseText(random.nextInt(64)), "EX", "1000");
            case 3, 4 -> frame("GET", key);
            case 5 -> frame("MGET", key, "f:1", "f:2", "f:3");
            case 6 -> frame("INCR", "n:" + random.nextInt(9));
            case 7 -> frame("PING");
            case 8 -> frame("ECHO", noiseText(random.nextInt(200)));
            case 9 -> frame("STRLEN", key);
            case 10 -> frame("GETRANGE", key, "0", "-1");
            case 11 -> frame("EXISTS", key, "f:1");
            case 12 -> frame("TTL", key);
            case 13 -> frame("TYPE", key);
            case 14 -> frame("HELLO", random.nextBoolean() ? "3" : "2");
            case 15 -> frame("SELECT", "0");
            case 16 -> frame("CLIENT", random.nextBoolean() ? "ID" : "GETNAME");
            case 17 -> frame("OBJECT", "ENCODING", key);
            case 18 -> frame("DBSIZE");
            default -> frame(noiseText(1 + random.nextInt(12)), noiseText(random.nextInt(20)));
        };
    }

    private byte[] inline() {
        String[] lines = {
            "PING",
            "GET f:1",
            "ECHO \"a b\\x41\"",
            "ECHO 'x",
            "ECHO \"x",
            "SET f:2 'it\\'s'",
            "  ",
            "",
            "*",
            "$",
            "*1",
            "GET / HTTP/1.1",
            "nosuch command",
            "ECHO \"a\"b",
            noiseText(random.nextInt(30))
        };
        String line = lines[random.nextInt(lines.length)];
        return (line + (random.nextInt(4) == 0 ? "\n" : "\r\n"))
                .getBytes(StandardCharsets.ISO_8859_1);
    }

    private byte[] noise() {
        // Rarely beyond 64 KiB, where the limits on lines are.
        byte[] out =
                new byte
                        [random.nextInt(200) == 0
                                ? random.nextInt(200_000)
                                : 1 + random.nextInt(64)];
        random.nextBytes(out);
        return out;
    }

    private byte[] header() {
        String count = LENGTHS[random.nextInt(LENGTHS.length)];
        String length = LENGTHS[random.nextInt(LENGTHS.length)];
        return switch (random.nextInt(4)) {
            case 0 -> ("*" + count + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
            case 1 -> ("*1\r\n$" + length + "\r\nPING\r\n").getBytes(StandardCharsets.ISO_8859_1);
            case 2 ->
                    ("*2\r\n$4\r\nECHO\r\n$" + length + "\r\nx\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1);
            default ->
                    ("*" + count + "\r\n$" + length + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
        };
    }

    private byte[] mutate(byte[] frame) {
        byte[] out = frame.clone();
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            int at = random.nextInt(out.length);
            switch (random.nextInt(6)) {
                case 0 -> out[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> out[at] = (byte) random.nextInt(256);
                case 2 -> out = splice(out, at, new byte[] {(byte) random.nextInt(256)}, at);
                case 3 ->
                        out =
                                splice(
                                        out,
                                        at,
                                        new byte[0],
                                        Math.min(out.length, at + 1 + random.nextInt(8)));
                case 4 -> {
                    int end = Math.min(out.length, at + 1 + random.nextInt(16));
                    out = splice(out, at, Arrays.copyOfRange(out, at, end), at);
                }
                default -> out = otherLength(out);
            }
            if (out.length == 0) {
                return new byte[] {'*'};
            }
        }
        return out;
    }

    /** Replaces the digits behind one of the length marks. */
    private byte[] otherLength(byte[] frame) {
        int from = random.nextInt(frame.length);
        for (int i = from; i < frame.length; i++) {
            if (frame[i] == '*' || frame[i] == '$') {
                int end = i + 1;
                while (end < frame.length && frame[end] != '\r') {
                    end++;
                }
                byte[] length =
                        LENGTHS[random.nextInt(LENGTHS.length)].getBytes(
                                StandardCharsets.ISO_8859_1);
                return splice(frame, i + 1, length, end);
            }
        }
        return frame;
    }

    private static byte[] splice(byte[] in, int from, byte[] middle, int to) {
        byte[] out = new byte[from + middle.length + in.length - to];
        System.arraycopy(in, 0, out, 0, from);
        System.arraycopy(middle, 0, out, from, middle.length);
        System.arraycopy(in, to, out, from + middle.length, in.length - to);
        return out;
    }

    private String noiseText(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static byte[] frame(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        RespClient.encode(out, RespClient.bytes(args));
        return out.toByteArray();
    }
}
