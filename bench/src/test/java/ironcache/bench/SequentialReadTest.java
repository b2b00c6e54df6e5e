package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On the disk that the build is on: what is in memory may refuse O_DIRECT. */
class SequentialReadTest {
    private Path directory = Path.of("");

    @BeforeEach
    void makeFiles() throws IOException {
        directory = Files.createTempDirectory(Path.of("target"), "sequential read ");
        Files.createDirectories(directory.resolve("shard-0"));
        Files.write(directory.resolve("shard-0/wal-1.iron"), new byte[3 << 20]);
        Files.write(directory.resolve("shard-0/wal-2.iron"), new byte[4096]);
        Files.write(directory.resolve("shard-0/wal-3.iron"), new byte[0]);
        Files.write(directory.resolve("manifest-1"), new byte[100]);
    }

    @AfterEach
    void deleteFiles() throws IOException {
        Harness.deleteTree(directory);
    }

    @Test
    void findsFilesByNameThatHoldSomething() throws IOException {
        List<Path> files = SequentialRead.filesBelow(directory, "wal-.*\\.iron");
        assertEquals(
                List.of("wal-1.iron", "wal-2.iron"),
                files.stream().map(file -> file.getFileName().toString()).toList());
        assertEquals((3 << 20) + 4096, SequentialRead.bytes(files));
    }

    @Test
    void readsAllFilesWithoutFio() throws IOException {
        assertTrue(
                SequentialRead.bytesPerSecondByDd(SequentialRead.filesBelow(directory, "wal.*"))
                        > 0);
    }

    /** fio refused 2 GB of log, whose files' names together are longer than its options may be. */
    @Test
    void filesAreGroupedByTheLengthOfTheirNames() {
        List<Path> files = List.of(Path.of("aaaa"), Path.of("bbbb"), Path.of("c:c"), Path.of("d"));
        assertEquals(
                List.of(files.subList(0, 2), files.subList(2, 4)), SequentialRead.groups(files, 9));
        assertEquals(
                List.of(
                        files.subList(0, 1),
                        files.subList(1, 2),
                        files.subList(2, 3),
                        files.subList(3, 4)),
                SequentialRead.groups(files, 1));
        assertEquals(List.of(), SequentialRead.groups(List.of(), 9));
    }

    @Test
    void droppingFromTheCacheLeavesFilesAsTheyAre() throws IOException {
        Path file = directory.resolve("shard-0/wal-2.iron");
        byte[] bytes = new byte[5000];
        bytes[4999] = 7;
        Files.write(file, bytes);
        SequentialRead.dropFromPageCache(List.of(file));
        assertArrayEquals(bytes, Files.readAllBytes(file));
    }
}
