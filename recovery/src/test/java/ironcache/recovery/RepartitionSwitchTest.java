package ironcache.recovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The switch of layouts is cut off at each call that changes names, and at each again while it is finished: what a start finds is the old layout or the new one, whole. */
final class RepartitionSwitchTest {
    private static final Set<String> CHANGES =
            Set.of("renameFile", "deleteFile", "syncDirectory", "openFile");

    @TempDir Path temp;

    /** Calls that change something, until the power is off. */
    private static final class Power {
        int left;

        Power(int left) {
            this.left = left;
        }

        FileWorker worker() {
            Io real = Ios.open(IoConfig.defaults().withReceiveBuffers(2, 4096).withLog(line -> {}));
            return new FileWorker(
                    (Io)
                            Proxy.newProxyInstance(
                                    Io.class.getClassLoader(),
                                    new Class<?>[] {Io.class},
                                    (proxy, method, args) -> {
                                        if (CHANGES.contains(method.getName()) && --left < 0) {
                                            throw new PowerOff();
                                        }
                                        try {
                                            return method.invoke(real, args);
                                        } catch (InvocationTargetException e) {
                                            throw e.getCause();
                                        }
                                    }));
        }
    }

    private static final class PowerOff extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static Manifest manifest(long generation, int shards) {
        List<Manifest.ShardFiles> files = new ArrayList<>();
        for (int i = 0; i < shards; i++) {
            files.add(new Manifest.ShardFiles(4, 0, 0, 0, 0));
        }
        return new Manifest(generation, 1, 2, 3, files, List.of());
    }

    private static void lay(Path directory, String what, int shards, long generation)
            throws IOException {
        for (int i = 0; i < shards; i++) {
            Path own = Files.createDirectories(directory.resolve("shard-" + i));
            Files.writeString(own.resolve("one"), what + i);
            Files.writeString(own.resolve("two"), what + i);
        }
        Files.write(Manifests.file(directory, generation), manifest(generation, shards).toBytes());
    }

    private Path directory(String name, int from, int to) throws IOException {
        Path directory = Files.createDirectory(temp.resolve(name));
        lay(directory, "old", from, 6);
        Files.write(Manifests.file(directory, 5), manifest(5, from).toBytes());
        lay(directory.resolve(RepartitionSwitch.BUILDING), "new", to, 7);
        Path scratch = directory.resolve(RepartitionSwitch.BUILDING + "/scratch/shard-0");
        Files.createDirectories(scratch);
        Files.writeString(scratch.resolve("three"), "spilled");
        return directory;
    }

    /** @return whether the new layout is in force */
    private static boolean check(Path directory, int from, int to) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(directory)) {
            files = all.toList();
        }
        Path newest = Manifests.newestOf(files);
        boolean isNew = newest.equals(Manifests.file(directory, 7));
        int shards = isNew ? to : from;
        Set<String> expected =
                Stream.iterate(0, i -> i < shards, i -> i + 1)
                        .map(i -> "shard-" + i)
                        .collect(Collectors.toSet());
        expected.add(newest.getFileName().toString());
        if (!isNew) {
            expected.add(Manifests.file(directory, 5).getFileName().toString());
        }
        assertEquals(
                expected,
                files.stream().map(f -> f.getFileName().toString()).collect(Collectors.toSet()));
        for (int i = 0; i < shards; i++) {
            for (String name : List.of("one", "two")) {
                Path file = directory.resolve("shard-" + i).resolve(name);
                assertEquals((isNew ? "new" : "old") + i, Files.readString(file));
            }
        }
        return isNew;
    }

    /** @return whether it came to its end */
    private static boolean change(Path directory, int to, int calls) throws IOException {
        Power power = new Power(calls);
        try (FileWorker worker = power.worker()) {
            new RepartitionSwitch(worker, directory, line -> {}).commit(to);
            return true;
        } catch (PowerOff e) {
            return false;
        }
    }

    private static boolean settle(Path directory, int calls) throws IOException {
        Power power = new Power(calls);
        try (FileWorker worker = power.worker()) {
            new RepartitionSwitch(worker, directory, line -> {}).settle();
            return true;
        } catch (PowerOff e) {
            return false;
        }
    }

    private void cutOffEverywhere(int from, int to) throws IOException {
        boolean wasNew = false;
        boolean ended = false;
        for (int calls = 0; !ended; calls++) {
            boolean settled = false;
            Boolean outcome = null;
            for (int again = 0; !settled; again++) {
                String name = from + "-" + to + "-" + calls + "-" + again;
                Path directory = directory(name, from, to);
                ended = change(directory, to, calls);
                settled = settle(directory, again);
                settle(directory, Integer.MAX_VALUE);
                boolean isNew = check(directory, from, to);
                assertTrue(outcome == null || outcome == isNew, "an end that depends on a crash");
                outcome = isNew;
                delete(directory);
            }
            assertFalse(wasNew && !outcome, "back to the old layout");
            wasNew = outcome;
        }
        assertTrue(wasNew);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    @Test
    void cutOffAtEachCall() throws IOException {
        cutOffEverywhere(1, 2);
        cutOffEverywhere(2, 1);
    }
}
