package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What a server says to bytes that are not quite RESP, compared with the oracle byte for byte: each input goes to both,
 * in one piece and byte by byte, then the sending side is closed and everything up to the end is read.
 */
class MalformedInputTest extends ServerTestBase {
    private static final int END_TIMEOUT_MS = 10_000;
    private static final int RETRIES = 3;
    private static final String PING = "*1\r\n$4\r\nPING\r\n";

    private static List<String> inputs() {
        List<String> in =
                new ArrayList<>(
                        List.of(
                                "",
                                "\r\n",
                                "\n",
                                "\r\n\r\nPING\r\n",
                                "PING\n",
                                "  PING  \r\n",
                                "\tPING\t\r\n",
                                "PING\r",
                                "PING",
                                "ping x\r\n",
                                "ECHO \"a b\"\r\n",
                                "ECHO 'a b'\r\n",
                                "ECHO \"\\x41\\n\\r\\t\\b\\a\\\\\\\"\\q\"\r\n",
                                "ECHO 'it\\'s \\n'\r\n",
                                "ECHO \"\\x4\"\r\n",
                                "ECHO \"\\xzz\"\r\n",
                                "ECHO \"\"\r\n",
                                "ECHO ''\r\n",
                                "ECHO a\"b\r\n",
                                "ECHO a\"b c\"\r\n",
                                "ECHO \"a\"b\r\n",
                                "ECHO 'a'b\r\n",
                                "ECHO \"abc\r\n",
                                "ECHO 'abc\r\n",
                                "\"PING\"\r\n",
                                "\"\"\r\n",
                                "''\r\n",
                                "ECHO \"a\" \"b\"\r\n",
                                "ECHO \0\r\n",
                                "\0PING\r\n",
                                "PING\0\r\n",
                                "\u00e9\r\n",
                                "ECHO \u00e9\r\n",
                                "\"unbalanced\r\n" + PING,
                                "ECHO \"x\r\n" + PING,
                                PING + "ECHO 'x\r\n" + PING,
                                "*1\r\n$4\r\nPING\r\n",
                                "*0\r\n",
                                "*0\r\n" + PING,
                                "*-1\r\n" + PING,
                                "*-10\r\n" + PING,
                                "*\r\n" + PING,
                                "* 1\r\n$4\r\nPING\r\n",
                                "*1 \r\n$4\r\nPING\r\n",
                                "*+1\r\n$4\r\nPING\r\n",
                                "*01\r\n$4\r\nPING\r\n",
                                "*-0\r\n" + PING,
                                "*abc\r\n" + PING,
                                "*1x\r\n" + PING,
                                "*1.0\r\n" + PING,
                                "*1048576\r\n",
                                "*1048577\r\n" + PING,
                                "*2147483647\r\n" + PING,
                                "*2147483648\r\n" + PING,
                                "*9223372036854775807\r\n",
                                "*9223372036854775808\r\n",
                                "*-9223372036854775808\r\n" + PING,
                                "*-9223372036854775809\r\n" + PING,
                                "*99999999999999999999999\r\n",
                                "**1\r\n" + PING,
                                "*$1\r\n",
                                "*1\n$4\nPING\n",
                                "*1\r$4\r\nPING\r\n",
                                "*1\rx$4\r\nPING\r\n",
                                "*1\n" + PING,
                                "*1\r\nPING\r\n",
                                "*1\r\n\r\n" + PING,
                                "*1\r\n:4\r\n" + PING,
                                "*1\r\n+PING\r\n",
                                "*1\r\n*1\r\n$4\r\nPING\r\n",
                                "*1\r\n\u00ff4\r\n",
                                "*1\r\n\0\r\n",
                                "*1\r\n '\r\n",
                                "*1\r\n$\r\n" + PING,
                                "*1\r\n$-1\r\n" + PING,
                                "*1\r\n$-2\r\n",
                                "*1\r\n$abc\r\n" + PING,
                                "*1\r\n$4x\r\nPING\r\n",
                                "*1\r\n$ 4\r\nPING\r\n",
                                "*1\r\n$4 \r\nPING\r\n",
                                "*1\r\n$+4\r\nPING\r\n",
                                "*1\r\n$04\r\nPING\r\n",
                                "*1\r\n$4.0\r\nPING\r\n",
                                "*1\r\n$-0\r\n\r\n" + PING,
                                "*1\r\n$536870913\r\n",
                                "*1\r\n$536870912\r\n",
                                "*1\r\n$2147483648\r\n",
                                "*1\r\n$9223372036854775807\r\n",
                                "*1\r\n$9223372036854775808\r\n",
                                "*1\r\n$99999999999999999999999999\r\n",
                                "*1\r\n$0\r\n\r\n" + PING,
                                "*2\r\n$0\r\n\r\n$0\r\n\r\n" + PING,
                                "*1\r\n$4\r\nPINGxx" + PING,
                                "*1\r\n$4\r\nPING\n\n" + PING,
                                "*1\r\n$4\r\nPING\r" + PING,
                                "*1\r\n$3\r\nPING\r\n" + PING,
                                "*1\r\n$5\r\nPING\r\n" + PING,
                                "*2\r\n$4\r\nECHO\r\n$3\r\nabcdef\r\n" + PING,
                                "*2\r\n$4\r\nECHO\r\n$1\nx\r\n",
                                "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + PING,
                                "*2\r\n$4\r\nPING\r\n",
                                PING + PING + "*1\r\n$x\r\n" + PING,
                                PING + "*x\r\n" + PING,
                                PING + "\r\n" + PING,
                                PING + "\n" + PING,
                                "+PING\r\n" + PING,
                                "-ERR\r\n" + PING,
                                ":1\r\n" + PING,
                                "$4\r\nPING\r\n" + PING,
                                "%1\r\n" + PING,
                                "~1\r\n",
                                ">1\r\n",
                                "_\r\n",
                                "#t\r\n",
                                "(1\r\n",
                                "POST / HTTP/1.1\r\nContent-Length: 3\r\n",
                                "Host: example\r\n" + PING,
                                "host: x\r\n" + PING,
                                "POST\r\n" + PING,
                                "*1\r\n$5\r\nHOST:\r\n" + PING,
                                "*1\r\n$4\r\npost\r\n" + PING,
                                "QUIT\r\n" + PING,
                                "quit\r\n",
                                "*1\r\n$4\r\nQUIT\r\n" + PING,
                                "*2\r\n$4\r\nQUIT\r\n$1\r\nx\r\n" + PING,
                                "FOO\r\n",
                                "foo bar\r\n",
                                "\"foo\\r\\nbar\" \"a\\r\\nb\"\r\n",
                                "GET\r\n",
                                "GET a b\r\n",
                                "SET a\r\n",
                                "SET k v EX\r\n",
                                "*2\r\n$3\r\nfoo\r\n$3\r\n\0\r\n\r\n",
                                "*2\r\n$3\r\nGET\r\n$0\r\n\r\n",
                                "HELLO 3\r\n*1\r\n$x\r\n",
                                "HELLO 3\r\n*\r\n" + PING,
                                "HELLO 3\r\nGET nosuch\r\n",
                                "HELLO 3\r\nfoo\r\n",
                                "CLIENT REPLY OFF\r\n" + PING + "*1\r\n$x\r\n",
                                "CLIENT REPLY SKIP\r\nPING\r\nPING x\r\n",
                                "CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n",
                                "CLIENT REPLY OFF\r\nfoo\r\nCLIENT REPLY SKIP\r\nPING\r\n"));
        in.add(
                "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$70000\r\n"
                        + "x".repeat(70_000)
                        + "\r\n*2\r\n$6\r\nSTRLEN\r\n$1\r\nk\r\n");
        in.add("ECHO " + "y".repeat(60_000) + "\r\n" + PING);
        in.add("x".repeat(65_535));
        in.add("x".repeat(65_536));
        in.add("x".repeat(65_537));
        in.add("*" + "1".repeat(65_536));
        in.add("*1\r\n$" + "1".repeat(65_537));
        in.add("foo " + "a".repeat(300) + " " + "b".repeat(300) + "\r\n");
        in.add("f".repeat(300) + " a b c d e f g h i j k l m n o p q r s t u v w x y z\r\n");
        in.add("foo" + " 0123456789".repeat(30) + "\r\n");
        in.add("COMMAND\tCOUNT\textra\r\n");
        in.add("CLIENT " + "n".repeat(200) + "\r\n");
        in.add("PING ".repeat(2000) + "\r\n" + PING);
        String whole = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n";
        for (int cut = 1; cut < whole.length(); cut++) {
            in.add(PING + whole.substring(0, cut));
        }
        return in;
    }

    private static List<String> inputsBeforeAuthentication() {
        String hello = "*3\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n";
        return List.of(
                PING,
                "PING\r\n",
                "GET k\r\n",
                "foo\r\n",
                "SET a\r\n",
                "QUIT\r\n",
                "RESET\r\n" + PING,
                "HELLO\r\n",
                "HELLO 2\r\n",
                "HELLO 3\r\n",
                "HELLO 9\r\n",
                "AUTH wrong\r\n",
                "AUTH\r\n",
                "AUTH a b c\r\n",
                "AUTH default wrong\r\n",
                "AUTH nobody secret\r\n",
                "AUTH secret\r\n" + PING,
                "AUTH default secret\r\n" + PING,
                "HELLO 2 AUTH default secret\r\n".substring(0, 7) + "\r\n",
                "HELLO 3 AUTH default wrong\r\n" + PING,
                "HELLO 3 SETNAME x\r\n",
                hello + PING,
                "HELLO 9 AUTH default secret\r\n" + PING,
                "CLIENT ID\r\n",
                "COMMAND COUNT\r\n",
                "*10\r\n" + "$1\r\na\r\n".repeat(10) + PING,
                "*11\r\n" + "$1\r\na\r\n".repeat(11) + PING,
                "*1\r\n$16384\r\n" + "a".repeat(16_384) + "\r\n" + PING,
                "*1\r\n$16385\r\n",
                "*1048577\r\n",
                "*2\r\n$4\r\nAUTH\r\n$16385\r\n",
                "x".repeat(65_536),
                "\"unbalanced\r\n",
                "*1\r\n$x\r\n",
                "AUTH secret\r\n*11\r\n$4\r\nMGET\r\n" + "$1\r\na\r\n".repeat(10) + PING,
                "AUTH secret\r\nAUTH wrong\r\n" + PING,
                "AUTH secret\r\nRESET\r\n" + PING + "CLIENT GETNAME\r\n");
    }

    @Test
    void protocolErrorsAreThoseOfTheOracle() throws Exception {
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject()) {
            compareAll(oracle, subject, inputs());
        }
    }

    @Test
    void beforeAuthenticationToo() throws Exception {
        try (ServerProcess oracle = startOracle("--requirepass", "secret");
                ServerProcess subject = startSubject("--requirepass", "secret")) {
            compareAll(oracle, subject, inputsBeforeAuthentication());
        }
    }

    private static void compareAll(ServerProcess oracle, ServerProcess subject, List<String> inputs)
            throws IOException {
        List<String> different = new ArrayList<>();
        for (String input : inputs) {
            byte[] bytes = input.getBytes(StandardCharsets.ISO_8859_1);
            for (boolean inPieces : new boolean[] {false, true}) {
                if (inPieces && bytes.length > 400) {
                    continue;
                }
                String expected = answer(oracle, bytes, inPieces);
                String actual = answer(subject, bytes, inPieces);
                // A server that closes while more bytes arrive resets the connection, and its last
                // words may be lost on
                // the way, on either side: so what differs is asked again.
                for (int retry = 0;
                        retry < RETRIES && expected != null && !expected.equals(actual);
                        retry++) {
                    expected = answer(oracle, bytes, inPieces);
                    actual = answer(subject, bytes, inPieces);
                }
                assertNotNull(expected, "the oracle hangs after " + Reply.escape(bytes, 200));
                if (!expected.equals(actual)) {
                    different.add(
                            (inPieces ? "byte by byte: " : "")
                                    + Reply.escape(bytes, 200)
                                    + "\n    expected: "
                                    + expected
                                    + "\n    actual:   "
                                    + actual);
                }
            }
        }
        assertTrue(subject.isAlive(), subject.logTail());
        assertEquals(
                "",
                String.join("\n", different),
                different.size() + " of " + inputs.size() + " inputs differ");
    }

    private static String answer(ServerProcess server, byte[] bytes, boolean inPieces)
            throws IOException {
        try (RespClient client = new RespClient(server.port(), END_TIMEOUT_MS)) {
            try {
                if (inPieces) {
                    for (byte b : bytes) {
                        client.write(new byte[] {b});
                    }
                } else {
                    client.write(bytes);
                }
                client.socket().shutdownOutput();
            } catch (IOException e) {
                // The server has closed already, as it may after a protocol error; its words are
                // still to be read.
            }
            byte[] all = client.readToEnd();
            if (all == null) {
                return "<does not close the connection>";
            }
            return Reply.escape(all, 600)
                    .replaceAll("(modules\\\\r\\\\n).*\\*0\\\\r\\\\n", "$1?")
                    .replaceAll("(id\\\\r\\\\n:)\\d+", "$1?")
                    .replaceAll("version\\\\r\\\\n\\$\\d+\\\\r\\\\n[0-9.]+", "version?")
                    .replaceAll("server\\\\r\\\\n\\$\\d+\\\\r\\\\n\\w+", "server?")
                    .replaceAll("^:\\d+", ":?");
        }
    }
}
