package ironcache.parity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files are damaged at random, and come back exactly as they were, as far as it is promised. A failure prints the seed. */
final class ParityFilesTest {
    private static final int BLOCK = ParityLayout.BLOCK_BYTES;
    private static final ParityId ID = ParityId.segment(1, 77, 5, 9);

    @TempDir Path directory;

    private final long seed = Long.getLong("ironcache.seed", Prng.freshSeed());
    private final Prng prng = new Prng(seed);
    private Io io;
    private ParityFiles parity;
    private Path file;

    @BeforeEach
    void open() {
        io = Ios.open(IoConfig.defaults().withReceiveBuffers(2, 4096).withLog(line -> {}));
        parity = new ParityFiles(io, () -> false);
        file = directory.resolve("segment-00000005.iron");
    }

    @AfterEach
    void close() {
        parity.close();
        io.close();
        assertEquals(0, MemoryTag.PARITY.bytes());
    }

    /** Makes the file, of random bytes. */
    private byte[] fill(int blocks) throws IOException {
        byte[] bytes = new byte[blocks * BLOCK];
        for (int i = 0; i < bytes.length; i += 97) {
            bytes[i] = (byte) prng.nextInt(256);
        }
        Files.write(file, bytes);
        return bytes;
    }

    private void damage(byte[] bytes, int block) {
        int at = block * BLOCK + prng.nextInt(BLOCK);
        bytes[at] ^= (byte) (1 + prng.nextInt(255));
    }

    private String say() {
        return "seed " + seed;
    }

    private long protect(int parityBlocks) throws IOException {
        long bytes = parity.protect(ID, file, parityBlocks, (address, offset, length) -> true);
        assertEquals(Files.size(ParityLayout.parityFile(file)), bytes);
        assertFalse(Files.exists(ParityLayout.temporaryFile(file)));
        return bytes;
    }

    @Test
    void anyMOfAStripeAndAnyRunComeBack() throws IOException {
        for (int blocks : new int[] {1, 2, 99, 101, 1024, 4096, 4097, 9000}) {
            int m = 1 + prng.nextInt(8);
            byte[] right = fill(blocks);
            protect(m);
            byte[] wrong = right.clone();
            int zones = (blocks + 4095) / 4096;
            for (int zone = 0; zone < zones; zone++) {
                int first = zone * 4096;
                int inZone = Math.min(4096, blocks - first);
                int stripes = (inZone + 99) / 100;
                if (zone % 2 == 0) {
                    // A run.
                    int run = Math.min(inZone / 2 + 1, m * stripes);
                    int begin = first + prng.nextInt(inZone - run + 1);
                    Arrays.fill(wrong, begin * BLOCK, (begin + run) * BLOCK, (byte) 0x5A);
                } else {
                    for (int t = 0; t < stripes; t++) {
                        for (int i = 0; i < m; i++) {
                            int rows = (inZone - t + stripes - 1) / stripes;
                            damage(wrong, first + t + prng.nextInt(rows) * stripes);
                        }
                    }
                }
            }
            Files.write(file, wrong);
            Repair seen = parity.inspect(ID, file);
            assertTrue(seen.isWhole(), say() + ", " + blocks + " blocks: " + seen);
            assertArrayEquals(wrong, Files.readAllBytes(file));
            Path copy = directory.resolve("copy");
            assertTrue(parity.copy(ID, file, copy).isWhole());
            assertArrayEquals(right, Files.readAllBytes(copy), say());
            assertArrayEquals(wrong, Files.readAllBytes(file), "its input stays as it is");
            Repair done = parity.mend(ID, file);
            assertEquals(seen.damaged(), done.damaged());
            assertArrayEquals(right, Files.readAllBytes(file), say());
            assertEquals(0, parity.inspect(ID, file).damaged().cardinality());
        }
    }

    @Test
    void beyondThatNothingIsMadeUp() throws IOException {
        byte[] right = fill(4096);
        protect(2);
        byte[] wrong = right.clone();
        for (int row : new int[] {3, 50, 99}) {
            damage(wrong, 7 + 41 * row);
        }
        damage(wrong, 8);
        Files.write(file, wrong);
        Repair done = parity.mend(ID, file);
        assertEquals(4, done.damaged().cardinality(), say());
        assertEquals(3, done.lost().cardinality());
        assertEquals(1, done.restored());
        assertFalse(done.isWhole());
        byte[] now = Files.readAllBytes(file);
        for (int i = 0; i < 4096; i++) {
            byte[] expected = done.lost().get(i) ? wrong : right;
            assertTrue(
                    Arrays.equals(
                            now, i * BLOCK, (i + 1) * BLOCK, expected, i * BLOCK, (i + 1) * BLOCK),
                    say() + ", block " + i);
        }
    }

    @Test
    void damagedParityCountsAsLostBlocks() throws IOException {
        byte[] right = fill(4096);
        protect(3);
        Path parityFile = ParityLayout.parityFile(file);
        byte[] sidecar = Files.readAllBytes(parityFile);
        byte[] wrong = right.clone();
        damage(wrong, 0);
        damage(wrong, 41);
        // The first header, each first copy of a table, and one of the stripe's three parity
        // blocks.
        int tables = 2;
        damage(sidecar, 0);
        for (int i = 0; i < 5; i++) {
            damage(sidecar, tables + i);
        }
        damage(sidecar, tables + 10);
        Files.write(file, wrong);
        Files.write(parityFile, sidecar);
        Repair seen = parity.mend(ID, file);
        assertTrue(seen.isWhole(), say() + ": " + seen);
        assertEquals(7, seen.parityDamaged());
        assertArrayEquals(right, Files.readAllBytes(file));
        // One more of the three, and the second copies.
        damage(sidecar, tables + 10 + 41);
        Files.write(parityFile, sidecar);
        Files.write(file, wrong);
        assertEquals(2, parity.mend(ID, file).lost().cardinality());
        for (int i = 0; i < 5; i++) {
            damage(sidecar, tables + 5 + i);
        }
        Files.write(parityFile, sidecar);
        assertEquals(0, parity.mend(ID, file).restored());
        assertArrayEquals(wrong, Files.readAllBytes(file));
        damage(sidecar, 1);
        Files.write(parityFile, sidecar);
        assertEquals(Repair.Outcome.UNREADABLE, parity.mend(ID, file).outcome());
    }

    @Test
    void aTruncatedFileIsMadeWhole() throws IOException {
        byte[] right = fill(1000);
        protect(5);
        Files.write(file, Arrays.copyOf(right, 990 * BLOCK + 100));
        assertTrue(parity.mend(ID, file).isWhole(), say());
        assertArrayEquals(right, Files.readAllBytes(file));
    }

    /** A segment file is used again: the parity of what was in it before must not come back. */
    @Test
    void parityOfAnEarlierUseIsRefused() throws IOException {
        fill(500);
        protect(3);
        byte[] other = fill(500);
        ParityId now = ParityId.segment(1, 77, 5, 10);
        assertEquals(Repair.Outcome.FOREIGN, parity.mend(now, file).outcome());
        assertEquals(0, parity.parityBlocks(now, file));
        assertEquals(3, parity.parityBlocks(ID, file));
        assertArrayEquals(other, Files.readAllBytes(file));
        // Even if it said that it is the same.
        assertEquals(0, parity.mend(ID, file).restored(), say());
        assertArrayEquals(other, Files.readAllBytes(file));
    }

    /** A server that did not look at the generation would bring back what is not there any more, and nothing but its own checksums would tell. */
    @Test
    void whoDoesNotLookAtTheGenerationIsCaught() throws IOException {
        fill(500);
        protect(3);
        byte[] now = Files.readAllBytes(file);
        damage(now, 100);
        damage(now, 101);
        Files.write(file, now);
        ParityId right = ParityId.segment(1, 77, 5, 10);
        parity.mend(right, file);
        checkContents(now);
        ParityId planted = ID;
        parity.mend(planted, file);
        assertThrows(AssertionError.class, () -> checkContents(now), say());
    }

    private void checkContents(byte[] expected) throws IOException {
        assertArrayEquals(expected, Files.readAllBytes(file), say());
    }

    @Test
    void damageIsNotProtected() throws IOException {
        fill(500);
        assertEquals(0, parity.protect(ID, file, 3, (address, offset, length) -> offset > 0));
        assertFalse(Files.exists(ParityLayout.parityFile(file)));
        assertFalse(Files.exists(ParityLayout.temporaryFile(file)));
        assertEquals(Repair.Outcome.ABSENT, parity.inspect(ID, file).outcome());
    }

    @Test
    void onlyTheZonesAskedForAreMended() throws IOException {
        byte[] right = fill(8192);
        protect(1);
        byte[] wrong = right.clone();
        damage(wrong, 5);
        damage(wrong, 5000);
        Files.write(file, wrong);
        assertEquals(1, parity.mend(ID, file, 5000L * BLOCK, 5001L * BLOCK).restored());
        assertEquals(1, parity.inspect(ID, file).damaged().cardinality());
    }
}
