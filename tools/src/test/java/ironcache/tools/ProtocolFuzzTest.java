package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The short form of {@link ProtocolFuzz} for every build. */
class ProtocolFuzzTest extends ServerTestBase {
    @Test
    void badInputHarmsNobody() throws Exception {
        long seed = seed(11);
        try (ServerProcess server = startSubject()) {
            ProtocolFuzz fuzz = new ProtocolFuzz(server, seed, 40_000, 16);
            ProtocolFuzz.Figures figures = fuzz.run();
            assertEquals(List.of(), fuzz.failures(), () -> server.logTail());
            assertEquals(40_000, figures.frames());
            assertTrue(figures.cutFrames() > 19_000, figures.toString());
            assertTrue(figures.errors() > 1_000, figures.toString());
        }
    }

    /** Canaries: of a server with a planted flaw the fuzzer says which it is, and of one without it says nothing. */
    @ParameterizedTest
    @CsvSource({"none,", "leak,open files were", "garbage,sent what is not RESP"})
    void plantedFlawIsNamed(String flaw, String complaint) throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String classes =
                Path.of(
                                FlawedServer.class
                                        .getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toURI())
                        .toString();
        String command =
                java + " -Xmx128m -cp " + classes + " ironcache.tools.FlawedServer " + flaw;
        try (ServerProcess server = ServerProcess.start(command, temp)) {
            ProtocolFuzz fuzz = new ProtocolFuzz(server, 5, 4_000, 8);
            fuzz.run();
            if (complaint == null) {
                assertEquals(List.of(), fuzz.failures());
            } else {
                assertTrue(
                        fuzz.failures().stream().anyMatch(f -> f.contains(complaint)),
                        fuzz.failures().toString());
            }
        }
    }
}
