package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code tools/clients/program.mjs}: node-redis and ioredis, with their defaults and in both protocols. */
class NodeClientsTest extends ServerTestBase {
    private ServerProcess server;

    @BeforeEach
    void start() throws Exception {
        NodeProgram.install();
        server = startSubject("--maxmemory", "512mb");
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"redis,default", "redis,2", "redis,3", "ioredis,default", "ioredis,2", "ioredis,3"})
    void program(String library, String protocol) throws Exception {
        List<String> output =
                NodeProgram.run(temp, () -> {}, "program.mjs", library, server.port(), protocol);
        assertTrue(output.getLast().matches("ok \\d+"), output.toString());
    }
}
