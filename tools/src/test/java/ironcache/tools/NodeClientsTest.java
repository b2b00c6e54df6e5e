package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code tools/clients/program.mjs}: node-redis and ioredis, with their defaults and in both protocols. */
class NodeClientsTest extends ServerTestBase {
    private static final Path CLIENTS = Path.of("clients").toAbsolutePath();

    private ServerProcess server;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(Files.isDirectory(CLIENTS), "SKIPPED: " + CLIENTS + " is not there");
        assumeTrue(works("node", "--version"), "SKIPPED: no node on the path");
        if (!Files.isDirectory(CLIENTS.resolve("node_modules/ioredis"))) {
            assumeTrue(
                    works(
                            "npm",
                            "install",
                            "--no-package-lock",
                            "--no-audit",
                            "--no-fund",
                            "--ignore-scripts"),
                    "SKIPPED: npm cannot install the clients of tools/clients");
        }
        server = startSubject("--maxmemory", "512mb");
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private static boolean works(String... command) throws InterruptedException {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(CLIENTS.toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return process.waitFor(3, TimeUnit.MINUTES) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @ParameterizedTest
    @CsvSource({"redis,default", "redis,2", "redis,3", "ioredis,default", "ioredis,2", "ioredis,3"})
    void program(String library, String protocol) throws Exception {
        Process process =
                new ProcessBuilder(
                                List.of(
                                        "node",
                                        "program.mjs",
                                        library,
                                        Integer.toString(server.port()),
                                        protocol))
                        .directory(CLIENTS.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.matches("(?s).*ok \\d+\n"), output);
    }
}
