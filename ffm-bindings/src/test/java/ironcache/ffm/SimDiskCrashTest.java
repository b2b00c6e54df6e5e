package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The toy of all stores on the simulated disk: a text in a file that is replaced by write, sync, rename, sync of the directory, and a log beside it.
 * The power fails at every call, on the disk as it should be, where nothing may be lost, and on those with planted bugs, each of which must be
 * noticed.
 */
class SimDiskCrashTest {
    private static final Path DIRECTORY = Path.of("data");
    private static final int VERSIONS = 8;
    private static final int TEXT_BYTES = 1500;
    private static final int CRASHES_PER_CALL = 6;

    /** What the protocol leaves out. */
    private enum Mistake {
        NONE,
        NO_SYNC,
        NO_DIRECTORY_SYNC,
        RENAME_FIRST,
        DELETE_FIRST
    }

    /** Which version was acknowledged, and which had been begun. */
    private static final class Progress {
        int acknowledged;
        int begun;
        int logged;
    }

    private static byte[] text(int version) {
        byte[] text = new byte[TEXT_BYTES];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) (version * 16 + i % 13);
        }
        return text;
    }

    private static Path manifest(int version) {
        return DIRECTORY.resolve("manifest-" + version);
    }

    /** Replaces manifest by manifest, each of its own name, as the store does; and appends to a log. */
    private static void run(SimStore store, Mistake mistake, Progress progress) throws IOException {
        store.io.openDirectory(DIRECTORY);
        int log = store.file(DIRECTORY.resolve("log"));
        ok(store.allocate(log, VERSIONS * 512L));
        ok(store.sync(log));
        if (mistake != Mistake.NO_DIRECTORY_SYNC) {
            ok(store.syncDirectory(DIRECTORY));
        }
        for (int version = 1; version <= VERSIONS; version++) {
            assertEquals(512, store.write(log, (version - 1) * 512L, 512, version));
            if (mistake != Mistake.NO_SYNC) {
                ok(store.sync(log));
            }
            progress.logged = version;
            progress.begun = version;
            Path temporary = DIRECTORY.resolve("manifest-" + version + ".tmp");
            if (mistake == Mistake.DELETE_FIRST) {
                store.io.deleteFile(manifest(version - 1));
            }
            int file = store.file(temporary);
            if (mistake == Mistake.RENAME_FIRST) {
                store.io.renameFile(temporary, manifest(version));
            }
            assertEquals(TEXT_BYTES, store.write(file, 0, text(version)));
            if (mistake != Mistake.NO_SYNC) {
                ok(store.sync(file));
            }
            if (mistake != Mistake.RENAME_FIRST) {
                store.io.renameFile(temporary, manifest(version));
            }
            if (mistake != Mistake.NO_DIRECTORY_SYNC) {
                ok(store.syncDirectory(DIRECTORY));
            }
            progress.acknowledged = version;
            store.io.deleteFile(manifest(version - 1));
            store.io.closeFile(file);
        }
    }

    private static void ok(int result) {
        assertEquals(0, result);
    }

    /** What is wrong with what a crash has left, or null. */
    private static @Nullable String check(SimDisk disk, Progress progress) {
        int newest = 0;
        for (int version = 1; version <= VERSIONS; version++) {
            if (disk.names().contains(manifest(version).toString())) {
                newest = version;
            }
        }
        if (newest < progress.acknowledged) {
            return "manifest " + progress.acknowledged + " is gone, there is " + newest;
        }
        if (newest > progress.begun) {
            return "manifest " + newest + " was never written";
        }
        if (newest > 0 && !Arrays.equals(text(newest), disk.contents(manifest(newest)))) {
            return (newest > progress.acknowledged ? "fresh" : "acknowledged")
                    + " manifest "
                    + newest
                    + " is not whole";
        }
        if (progress.logged > 0) {
            Path log = DIRECTORY.resolve("log");
            if (!disk.names().contains(log.toString())) {
                return "the log is gone";
            }
            byte[] contents = disk.contents(log);
            for (int i = 0; i < progress.logged; i++) {
                if (contents.length < VERSIONS * 512 || contents[i * 512] != i + 1) {
                    return "entry " + (i + 1) + " of the log is gone";
                }
            }
        }
        return null;
    }

    private static Progress runOnce(SimDisk disk, SimFaults faults, Mistake mistake, long seed)
            throws IOException {
        Progress progress = new Progress();
        try (SimStore store = new SimStore(seed, disk, faults)) {
            run(store, mistake, progress);
        } catch (SimStore.PowerFailure powerFailure) {
            assertTrue(disk.isDead());
        } catch (IOException e) {
            if (!disk.isDead()) {
                throw e;
            }
        }
        return progress;
    }

    /** Crashes at every call, before and after, several times each. @return what was found wrong */
    private static List<String> enumerate(SimFaults faults, Mistake mistake) throws IOException {
        SimDisk whole = new SimDisk(1 << 20);
        Progress all = runOnce(whole, faults, mistake, 1);
        assertEquals(VERSIONS, all.acknowledged);
        List<String> wrong = new ArrayList<>();
        for (long call = 1; call <= whole.calls(); call++) {
            for (SimDisk.Moment moment : SimDisk.Moment.values()) {
                for (int luck = 0; luck < CRASHES_PER_CALL; luck++) {
                    SimDisk disk = new SimDisk(1 << 20);
                    disk.crashAt(call, moment);
                    Progress progress = runOnce(disk, faults, mistake, 1);
                    assertTrue(disk.isDead());
                    disk.crash(new Prng(luck * 1000L + call));
                    String found = check(disk, progress);
                    if (found != null) {
                        wrong.add(moment + " call " + call + ", luck " + luck + ": " + found);
                    }
                }
            }
        }
        return wrong;
    }

    @Test
    void theRightProtocolLosesNothingAtAnyCall() throws IOException {
        assertEquals(List.of(), enumerate(new SimFaults(), Mistake.NONE));
    }

    @Test
    void aSyncThatDoesNothingIsNoticed() throws IOException {
        SimFaults faults = new SimFaults();
        faults.ignoreSync = true;
        assertFound("is not whole", enumerate(faults, Mistake.NONE));
        assertFound("of the log is gone", enumerate(faults, Mistake.NONE));
        assertEquals("faults: ignoreSync", faults.describe());
    }

    @Test
    void aSyncOfTheDirectoryThatDoesNothingIsNoticed() throws IOException {
        SimFaults faults = new SimFaults();
        faults.ignoreDirectorySync = true;
        assertFound("is gone, there is", enumerate(faults, Mistake.NONE));
        assertFound("the log is gone", enumerate(faults, Mistake.NONE));
    }

    @Test
    void aRenameThatOvertakesIsNoticed() throws IOException {
        SimFaults faults = new SimFaults();
        faults.reorderedRename = true;
        List<String> wrong = enumerate(faults, Mistake.NONE);
        assertFound("is not whole", wrong);
        // Nothing else is touched by it, and once the directory is synced all is well.
        assertTrue(
                wrong.stream().allMatch(found -> found.contains("fresh manifest")),
                wrong::toString);
    }

    @Test
    void mistakesOfTheProtocolAreNoticed() throws IOException {
        SimFaults none = new SimFaults();
        assertFound("is not whole", enumerate(none, Mistake.NO_SYNC));
        assertFound("is gone, there is", enumerate(none, Mistake.NO_DIRECTORY_SYNC));
        assertFound("is not whole", enumerate(none, Mistake.RENAME_FIRST));
        assertFound("is gone, there is", enumerate(none, Mistake.DELETE_FIRST));
    }

    /** The same in one run: at each call, what a crash would leave of a copy. */
    private static List<String> observe(SimFaults faults) throws IOException {
        List<String> wrong = new ArrayList<>();
        Progress progress = new Progress();
        SimDisk disk = new SimDisk(1 << 20);
        disk.setObserver(
                (call, moment) -> {
                    for (int luck = 0; luck < CRASHES_PER_CALL; luck++) {
                        SimDisk copy = disk.copy();
                        copy.crash(new Prng(luck * 1000L + call));
                        String found = check(copy, progress);
                        if (found != null) {
                            wrong.add(moment + " call " + call + ": " + found);
                        }
                    }
                });
        try (SimStore store = new SimStore(1, disk, faults)) {
            run(store, Mistake.NONE, progress);
        }
        assertEquals(VERSIONS, progress.acknowledged);
        return wrong;
    }

    @Test
    void copiesCrashAtEachCallOfOneRun() throws IOException {
        assertEquals(List.of(), observe(new SimFaults()));
        SimFaults sync = new SimFaults();
        sync.ignoreSync = true;
        assertFound("is not whole", observe(sync));
        SimFaults directory = new SimFaults();
        directory.ignoreDirectorySync = true;
        assertFound("is gone, there is", observe(directory));
        SimFaults rename = new SimFaults();
        rename.reorderedRename = true;
        assertFound("is not whole", observe(rename));
    }

    private static void assertFound(String what, List<String> wrong) {
        assertTrue(wrong.stream().anyMatch(found -> found.contains(what)), what + ": " + wrong);
    }

    /** A store that stops at the first failure, as it should, loses nothing that it acknowledged. */
    @Test
    void everyCallFailsOnceAndNothingAcknowledgedIsLost() throws IOException {
        SimFaults faults = new SimFaults();
        SimDisk whole = new SimDisk(1 << 20);
        runOnce(whole, faults, Mistake.NONE, 1);
        Set<SimDisk.Failure> seen = new HashSet<>();
        for (long call = 1; call <= whole.calls(); call++) {
            for (SimDisk.Failure failure : SimDisk.Failure.values()) {
                SimDisk disk = new SimDisk(1 << 20);
                disk.failAt(call, failure);
                Progress progress = new Progress();
                try (SimStore store = new SimStore(1, disk, faults)) {
                    run(store, Mistake.NONE, progress);
                } catch (IOException | AssertionError stopped) {
                    assertNotNull(stopped.getMessage());
                    seen.add(failure);
                }
                disk.crash(new Prng(call));
                assertNull(check(disk, progress), failure + " of call " + call);
            }
        }
        assertEquals(Set.of(SimDisk.Failure.values()), seen);
    }
}
