package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@link DiskFullRun} on a small disk; only where the test may mount one. */
class DiskFullTest extends ServerTestBase {
    private static final int DISK_MIB = 900;
    private static final int BALLAST_MIB = 400;

    @Test
    void readsGoOnAndWritesResume() throws Exception {
        assumeTrue(
                ServerProcess.command(subjectName()) != null,
                "SKIPPED: no server here; " + ServerProcess.whyAbsent(subjectName()));
        List<String> failures = new ArrayList<>();
        boolean tiers = subjectIsIronCache();
        try (SmallDisk disk = SmallDisk.mount(temp, tiers ? DISK_MIB : 100)) {
            assumeTrue(disk != null, "SKIPPED: this machine lets nobody mount a small disk");
            DiskFullRun.Figures figures =
                    DiskFullRun.run(disk, tiers ? BALLAST_MIB : 50, subjectName(), failures);
            assertEquals(List.of(), failures, figures.toString());
            assertEquals(1, figures.errors().size());
            assertTrue(figures.writtenAfter() > 0, figures.toString());
        }
    }
}
