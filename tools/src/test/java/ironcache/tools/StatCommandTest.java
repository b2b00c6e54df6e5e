package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** stat, on directories made with the engine, whose contents are known. */
final class StatCommandTest {
    @TempDir Path temp;

    @Test
    void everythingIsCounted() throws Exception {
        Path data = temp.resolve("data");
        long hours = System.currentTimeMillis() + 3 * 3_600_000;
        try (SnapshotFixture fixture = new SnapshotFixture(data)) {
            fixture.fill("cold:", 5_000, "x".repeat(8_000));
            fixture.set(3, "paged", "p".repeat(300_000), 0);
            fixture.snapshot();
            fixture.fill("user/", 10, "u");
            for (int i = 0; i < 7; i++) {
                fixture.set(1, "user:" + i, "timed", hours);
            }
            // Dead where they were, alive in the log.
            fixture.fill("cold:", 100, "new");
            fixture.publish();
        }
        Map<Path, Long> before = SnapshotsCommandTest.filesOf(data);
        ToolRun json = ToolRun.of("stat", data, "--json");
        assertEquals(ExitCode.FINE, json.code(), json.err());
        String out = json.out();
        assertTrue(out.contains("\"keys\":5018,"), out);
        assertTrue(out.contains("{\"prefix\":\"cold:\",\"keys\":5000,"), out);
        assertTrue(out.contains("{\"prefix\":\"user:\",\"keys\":7,"), out);
        assertTrue(out.contains("{\"prefix\":\"(no separator)\",\"keys\":11,"), out);
        assertTrue(out.contains("{\"left\":\"under 6 h\",\"keys\":7,"), out);
        assertTrue(out.contains("{\"left\":\"never\",\"keys\":5011,"), out);
        assertTrue(out.contains("{\"database\":\"3\",\"keys\":1,\"bytes\":300"), out);
        assertTrue(out.contains("{\"type\":\"string\",\"keys\":5018,"), out);
        assertTrue(out.contains("\"state\":\"sealed\""), out);
        assertTrue(out.matches("(?s).*\"live_bytes\":[1-9].*"), out);
        assertTrue(out.matches("(?s).*\"image_bytes\":[1-9].*"), out);

        ToolRun text = ToolRun.of("stat", data, "--separator", "/", "--prefixes", 1);
        assertEquals(ExitCode.FINE, text.code(), text.err());
        assertTrue(text.out().contains("in a snapshot"), text.out());
        assertTrue(text.out().contains("(other prefixes)"), text.out());
        assertTrue(text.out().contains("under 6 h"), text.out());
        assertEquals(before, SnapshotsCommandTest.filesOf(data));

        SnapshotsCommandTest.flip(data.resolve("shard-0/image-0000000000000001.iron"), 5000);
        ToolRun damaged = ToolRun.of("stat", data, "--json");
        assertEquals(ExitCode.DAMAGE, damaged.code());
        assertTrue(damaged.err().contains("image-0000000000000001.iron, offset"), damaged.err());
        assertEquals(ExitCode.FAILED, ToolRun.of("stat", temp.resolve("none")).code());
    }
}
