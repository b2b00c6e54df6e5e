package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class WalLayoutTest {
    private static final Path FILE = Path.of("/sim/wal-0000000000000007.iron");

    private final long block = Memory.allocate(WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
    private final Crc32c crc = new Crc32c();

    @AfterEach
    void free() {
        Memory.free(block, WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
    }

    private String dump(int bytes) {
        byte[] dump = new byte[bytes];
        Memory.copyOut(block, dump, 0, bytes);
        return HexFormat.of().formatHex(dump);
    }

    @Test
    void theFileHeaderIsPinned() {
        WalFileLayout.put(
                block,
                WalFileLayout.TYPE_LOG,
                0x21222324,
                0x3132333435363738L,
                0x4142434445464748L,
                0x5152535455565758L,
                0x6162636465666768L,
                crc);
        assertEquals(60, WalFileLayout.HEADER_BYTES);
        assertEquals(
                "494357414c463031"
                        + "02000000"
                        + "01000000"
                        + "24232221"
                        + "00000000"
                        + "3837363534333231"
                        + "4847464544434241"
                        + "5857565554535251"
                        + "6867666564636261",
                dump(56));
        assertNull(WalFileLayout.checkWhole(block, FILE, crc));
        Memory.putByte(block + 4095, (byte) 1);
        assertEquals("crc", WalFileLayout.checkWhole(block, FILE, crc).field());
    }

    @Test
    void theWitnessIsPinned() {
        WalFileLayout.put(block, WalFileLayout.TYPE_LOG, 0, 7, 1, 1, 4096, crc);
        assertEquals(0, WalFileLayout.witness(block, crc));
        WalFileLayout.putWitness(block, 0x7172737475767778L, crc);
        assertEquals(512, WalFileLayout.WITNESS_OFFSET);
        String dump = dump(540).substring(1024);
        assertEquals("4943574954533031", dump.substring(0, 16));
        assertEquals("7877767574737271", dump.substring(16, 32));
        assertEquals("0".repeat(16), dump.substring(40));
        assertEquals(0x7172737475767778L, WalFileLayout.witness(block, crc));
        assertNull(WalFileLayout.checkWhole(block, FILE, crc), "the header is as it was");
        for (int at = 512; at < 512 + 20; at++) {
            byte was = Memory.getByte(block + at);
            Memory.putByte(block + at, (byte) (was ^ 1));
            assertEquals(0, WalFileLayout.witness(block, crc), "byte " + at);
            assertNull(WalFileLayout.checkWhole(block, FILE, crc));
            Memory.putByte(block + at, was);
        }
        for (int at : new int[] {0, 511, 1024, 4095}) {
            byte was = Memory.getByte(block + at);
            Memory.putByte(block + at, (byte) (was ^ 1));
            assertNotNull(WalFileLayout.checkWhole(block, FILE, crc), "byte " + at);
            Memory.putByte(block + at, was);
        }
    }

    @Test
    void aWitnessIsOfOneLifeOfItsSegment() {
        WalFileLayout.put(block, WalFileLayout.TYPE_LOG, 0, 7, 1, 1, 4096, crc);
        WalFileLayout.putWitness(block, 99, crc);
        long fresh = Memory.allocate(WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
        WalFileLayout.put(fresh, WalFileLayout.TYPE_LOG, 0, 8, 100, 1, 4096, crc);
        // The new header's write was torn behind its first sector.
        Memory.copy(fresh, block, 512);
        Memory.free(fresh, WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
        assertNull(WalFileLayout.checkWhole(block, FILE, crc));
        assertEquals(0, WalFileLayout.witness(block, crc));
    }

    @Test
    void aNewerVersionIsNotDamage() {
        WalFileLayout.put(block, WalFileLayout.TYPE_LOG, 0, 7, 1, 1, 4096, crc);
        Memory.putInt(block + 8, 3);
        Damage damage = WalFileLayout.checkWhole(block, FILE, crc);
        assertEquals(
                FILE + ", offset 8, field version: expected 2 (the file is too new), actual 3",
                "" + damage);
    }

    @Test
    void theFrameHeaderIsPinned() {
        FrameLayout.put(block, 0x0102030405060708L, FrameLayout.EFFECTS, FrameLayout.PARTS, 16);
        FrameLayout.seal(block, 0x1112131415161718L, 0x2122232425262728L, 9, 3, 7, 4096, crc);
        assertEquals(40, FrameLayout.HEADER_BYTES);
        String dump = dump(40);
        assertEquals(
                "0807060504030201" + "1817161514131211" + "2827262524232221" + "10000000",
                dump.substring(0, 56));
        assertEquals("01" + "02" + "000000000000", dump.substring(64));
        assertTrue(FrameLayout.isPlausible(block));
        int stored = FrameLayout.crc32c(block);
        assertEquals(stored, FrameLayout.expectedCrc(block, 9, 3, 7, 4096, crc));
        assertTrue(stored != FrameLayout.expectedCrc(block, 9, 3, 8, 4096, crc));
        assertTrue(stored != FrameLayout.expectedCrc(block, 9, 2, 7, 4096, crc));
        assertTrue(stored != FrameLayout.expectedCrc(block, 9, 3, 7, 8192, crc));
        assertTrue(stored != FrameLayout.expectedCrc(block, 8, 3, 7, 4096, crc));
    }

    @Test
    void zeroedMemoryIsNoFrameAndNoHeader() {
        assertFalse(FrameLayout.isPlausible(block));
        assertTrue(FrameLayout.isAbsent(block));
        assertNotNull(WalFileLayout.checkWhole(block, FILE, crc));
    }

    @Test
    void partsAreAtTheEndOfThePayload() {
        FrameLayout.putParts(block + 24, 2, new int[] {3, 0}, new long[] {17, 18});
        int length = 24 + FrameLayout.partsBytes(2);
        assertEquals(2, FrameLayout.parts(block, length));
        assertEquals(3, FrameLayout.partShard(block, length, 0));
        assertEquals(18, FrameLayout.partSeqno(block, length, 1));
        assertEquals(24, FrameLayout.effectsBytes(block, length, FrameLayout.PARTS));
        assertEquals(length, FrameLayout.effectsBytes(block, length, 0));
    }

    @Test
    void namesSayTheGeneration() {
        assertEquals(FILE, WalFileLayout.logFile(Path.of("/sim"), 7));
        assertEquals(7, WalFileLayout.logGeneration(FILE));
        assertEquals(-1, WalFileLayout.imageGeneration(FILE));
        assertEquals(-1, WalFileLayout.logGeneration(Path.of("/sim/wal-7.iron")));
        assertEquals(-1, WalFileLayout.logGeneration(Path.of("/sim/wal-00000000000000x7.iron")));
    }
}
