package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** redis-cli and valkey-cli as people use them: single commands, scripts on standard input, --pipe, --scan, --bigkeys. */
class CommandLineClientsTest extends ServerTestBase {
    private ServerProcess server;

    @BeforeEach
    void start() throws Exception {
        server = startSubject();
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private String run(String program, byte[] input, String... args) throws Exception {
        Path binary = ServerProcess.oracle(program);
        assumeTrue(
                binary != null,
                "SKIPPED: no "
                        + program
                        + "; set IRONCACHE_ORACLE to the folder whose bin/ has it");
        List<String> command =
                new ArrayList<>(List.of(binary.toString(), "-p", Integer.toString(server.port())));
        command.addAll(List.of(args));
        Path in = Files.write(temp.resolve("in"), input);
        Process process =
                new ProcessBuilder(command)
                        .redirectInput(in.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        assertEquals(0, process.waitFor(), command + ": " + output);
        return output;
    }

    private String run(String program, String... args) throws Exception {
        return run(program, new byte[0], args);
    }

    @ParameterizedTest
    @CsvSource({"redis-cli,-2", "redis-cli,-3", "valkey-cli,-2", "valkey-cli,-3"})
    void singleCommands(String cli, String protocol) throws Exception {
        assertEquals("PONG\n", run(cli, "ping"));
        assertEquals("OK\n", run(cli, protocol, "set", "k", "v", "ex", "100"));
        assertEquals("v\n", run(cli, protocol, "get", "k"));
        assertEquals("(integer) 2\n", run(cli, protocol, "--no-raw", "append", "k", "w"));
        assertEquals("(nil)\n", run(cli, protocol, "--no-raw", "get", "missing"));
        assertEquals(
                "1) \"vw\"\n2) (nil)\n", run(cli, protocol, "--no-raw", "mget", "k", "missing"));
        assertEquals(
                "(error) ERR wrong number of arguments for 'get' command\n",
                run(cli, protocol, "--no-raw", "get"));
        assertTrue(run(cli, protocol, "info", "server").contains("redis_version:7.2.4"));
        assertTrue(run(cli, protocol, "--json", "config", "get", "databases").contains("16"));
        assertTrue(run(cli, protocol, "hello", "3").contains("version"));
        assertEquals("vw\n", run(cli, protocol, "-n", "0", "getdel", "k"));
        assertTrue(run(cli, protocol, "command", "docs", "get").contains("summary"));
        assertTrue(run(cli, protocol, "client", "list").contains("cmd=client"));
        assertTrue(run(cli, protocol, "latency", "doctor").length() > 10);
        assertTrue(run(cli, protocol, "memory", "doctor").length() > 10);
        assertTrue(run(cli, protocol, "lolwut").contains("ver"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis-cli", "valkey-cli"})
    void scriptOnStandardInput(String cli) throws Exception {
        String script =
                "select 3\nset a 1\nincr a\nget a\ndbsize\nhello 3\nget a\nnosuch\nflushdb\n";
        String output = run(cli, script.getBytes());
        assertTrue(output.startsWith("OK\nOK\n2\n2\n1\n"), output);
        assertTrue(output.contains("ERR unknown command 'nosuch'"), output);
        assertTrue(output.endsWith("OK\n"), output);
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis-cli", "valkey-cli"})
    void massInsertionAndScan(String cli) throws Exception {
        java.io.ByteArrayOutputStream load = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < 20_000; i++) {
            RespClient.encode(load, RespClient.bytes("SET", "key:" + i, "value of " + i));
        }
        String output = run(cli, load.toByteArray(), "--pipe");
        assertTrue(output.contains("errors: 0, replies: 20000"), output);
        assertEquals("20000\n", run(cli, "dbsize"));
        assertEquals(20_000, run(cli, "--scan").lines().distinct().count());
        assertEquals(10, run(cli, "--scan", "--pattern", "key:100[0-9]").lines().count());
        assertTrue(run(cli, "--bigkeys").contains("20000 strings with"));
        assertTrue(run(cli, "--memkeys").contains("20000 strings"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis-cli", "valkey-cli"})
    void valueFromStandardInput(String cli) throws Exception {
        byte[] value = new byte[1 << 20];
        new java.util.Random(3).nextBytes(value);
        assertEquals("OK\n", run(cli, value, "-x", "set", "blob"));
        assertEquals((1 << 20) + "\n", run(cli, "strlen", "blob"));
        String back = run(cli, "--raw", "get", "blob");
        assertEquals(new String(value, StandardCharsets.ISO_8859_1) + "\n", back);
    }
}
