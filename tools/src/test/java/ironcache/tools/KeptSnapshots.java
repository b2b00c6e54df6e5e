package ironcache.tools;

import ironcache.ffm.SimDisk;
import ironcache.ffm.SimFaults;
import ironcache.resp.SimulatedNode;
import ironcache.tools.CrashChecker.Seen;
import ironcache.wal.DamagedManifestException;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The snapshots of a {@link CrashSimulation} that are kept ({@code snapshot-keep}): each is restored after each crash, and shows what it showed when it was made. Owned by the simulation. */
final class KeptSnapshots {
    private final CrashSimulation simulation;
    private final int kept;

    /** What those showed that were made while nobody wrote, by number. */
    private final Map<Long, Map<String, Seen>> shown = new HashMap<>();

    private int restored;
    private int restoredExactly;

    /** @param kept how many */
    KeptSnapshots(CrashSimulation simulation, int kept) {
        this.simulation = simulation;
        this.kept = kept;
    }

    /** {@code snapshot-keep}. */
    int number() {
        return kept;
    }

    boolean areSeveral() {
        return kept > 1;
    }

    /** All that were restored, each time. */
    int restored() {
        return restored;
    }

    /** Those of them of which it was known what they had to show. */
    int restoredExactly() {
        return restoredExactly;
    }

    /** Has one made while nobody writes. */
    void make() throws IOException {
        long before = simulation.node.snapshots();
        List<Reply> replies =
                simulation.call(
                        new SimulatedSession(simulation.node.connect()),
                        List.<byte[][]>of(RespClient.bytes("SAVE")));
        if (replies == null) {
            return;
        }
        if (simulation.node.snapshots() == before) {
            simulation.fail("SAVE got " + replies.getFirst().show(200));
            return;
        }
        Map<String, Seen> found = simulation.read();
        if (found != null) {
            shown.put(manifest().snapshots().getLast().number(), found);
        }
    }

    private Manifest manifest() throws IOException {
        SimDisk disk = simulation.disk;
        Path newest = Manifests.newestOf(disk.names().stream().map(Path::of).toList());
        try {
            return newest == null ? null : Manifest.parse(newest, disk.contents(newest));
        } catch (DamagedManifestException e) {
            throw new IOException(e);
        }
    }

    /** As {@code snapshots restore} does: of a copy of the disk only one snapshot counts, and a server starts on it. */
    void restoreAll() throws IOException {
        Manifest manifest = manifest();
        if (manifest == null) {
            return;
        }
        if (manifest.snapshots().size() > kept) {
            simulation.fail(
                    manifest.snapshots().size()
                            + " snapshots are kept, and "
                            + kept
                            + " should be");
        }
        for (Manifest.Snapshot snapshot : manifest.snapshots()) {
            restore(manifest, snapshot);
            if (!simulation.failures.isEmpty()) {
                return;
            }
        }
    }

    private void restore(Manifest manifest, Manifest.Snapshot snapshot) throws IOException {
        SimDisk copy = simulation.disk.copy();
        for (String name : copy.names()) {
            if (String.valueOf(Path.of(name).getFileName()).startsWith("manifest-")) {
                copy.remove(Path.of(name));
            }
        }
        List<Manifest.ShardFiles> files = new ArrayList<>();
        for (int i = 0; i < simulation.shards; i++) {
            files.add(
                    new Manifest.ShardFiles(
                            manifest.shards().get(i).segmentPages(),
                            0,
                            0,
                            0,
                            snapshot.parts().get(i).cutSeqno()));
        }
        Manifest alone =
                new Manifest(
                        manifest.generation() + 1,
                        manifest.nodeId(),
                        manifest.hashSeed(),
                        manifest.epoch(),
                        files,
                        List.of(snapshot));
        copy.put(
                SimulatedNode.DIRECTORY.resolve(
                        String.format(Locale.ROOT, "manifest-%016d", alone.generation())),
                alone.toBytes());
        String which = "snapshot " + snapshot.number() + ", restored: ";
        try {
            simulation.node =
                    new SimulatedNode(
                            simulation.shards,
                            simulation.prng.nextLong(),
                            SimulatedNode.Bug.NONE,
                            new SimulatedNode.Durable(
                                    copy,
                                    simulation.clock,
                                    new SimFaults(),
                                    "always",
                                    0,
                                    false,
                                    false,
                                    1));
            while (simulation.node.isLoading()) {
                simulation.node.step();
            }
            Map<String, Seen> found = simulation.read();
            Map<String, Seen> expected = shown.get(snapshot.number());
            if (found == null) {
                return;
            }
            restored++;
            if (expected != null) {
                restoredExactly++;
                expected.forEach((name, was) -> compare(which + name, was, found.get(name)));
            }
            checkSound(which);
        } catch (RuntimeException | Error e) {
            simulation.fail(which, e);
        } finally {
            if (simulation.node != null) {
                simulation.node.close();
                simulation.node = null;
            }
        }
    }

    private void checkSound(String which) throws IOException {
        List<Reply> checked =
                simulation.call(
                        new SimulatedSession(simulation.node.connect()),
                        List.<byte[][]>of(RespClient.bytes("DEBUG", "CHECK")));
        if (checked != null && checked.getFirst().isError()) {
            simulation.fail(which + checked.getFirst().text());
        }
    }

    private void compare(String which, Seen was, Seen is) {
        if (was.expiresMs() == -2 && was.value() != null) {
            return; // It was about to go.
        }
        boolean mayBeGone =
                was.value() != null
                        && was.expiresMs() >= 0
                        && was.expiresMs() <= is.untilMs() + CrashSimulation.CLOCK_SLACK_MS;
        boolean isGone = mayBeGone && (is.value() == null || is.expiresMs() == -2);
        boolean isSame =
                Arrays.equals(was.value(), is.value())
                        && (was.value() == null || was.expiresMs() == is.expiresMs());
        if (!isGone && !isSame) {
            simulation.fail(which + " is " + is + ", and was " + was);
        }
    }
}
