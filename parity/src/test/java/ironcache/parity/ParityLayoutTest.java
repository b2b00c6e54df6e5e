package ironcache.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ParityLayoutTest {
    private static final ParityLayout.Header HEADER =
            new ParityLayout.Header(
                    2,
                    0x21222324,
                    0x3132333435363738L,
                    0x4142434445464748L,
                    0x5152535455565758L,
                    3,
                    0x61000);

    private final long block = Memory.allocate(ParityLayout.BLOCK_BYTES, MemoryTag.OTHER);
    private final Crc32c crc = new Crc32c();

    @AfterEach
    void free() {
        Memory.free(block, ParityLayout.BLOCK_BYTES, MemoryTag.OTHER);
    }

    private String dump(int from, int bytes) {
        byte[] dump = new byte[bytes];
        Memory.copyOut(block + from, dump, 0, bytes);
        return HexFormat.of().formatHex(dump);
    }

    @Test
    void theHeaderIsPinned() {
        ParityLayout.putHeader(block, HEADER, crc);
        assertEquals(68, ParityLayout.HEADER_BYTES);
        assertEquals(
                "4943504152493031"
                        + "01000000"
                        + "02000000"
                        + "24232221"
                        + "64000000"
                        + "03000000"
                        + "00100000"
                        + "3837363534333231"
                        + "4847464544434241"
                        + "5857565554535251"
                        + "0010060000000000",
                dump(0, 64));
        assertNull(ParityLayout.headerFlaw(block, crc));
        assertEquals(HEADER, ParityLayout.header(block));
        Memory.putByte(block + 4095, (byte) 1);
        assertTrue(ParityLayout.headerFlaw(block, crc).startsWith(", field crc: expected 0x"));
    }

    @Test
    void aNewerVersionIsNotDamage() {
        ParityLayout.putHeader(block, HEADER, crc);
        Memory.putInt(block + 8, 2);
        assertEquals(
                ", field version: expected 1 (the file is too new), actual 2",
                ParityLayout.headerFlaw(block, crc));
    }

    @Test
    void zeroedMemoryIsNoHeader() {
        assertEquals(
                ", field magic: expected 0x3130495241504349, actual 0x0",
                ParityLayout.headerFlaw(block, crc));
    }

    @Test
    void aTableBlockIsPinnedToItsPlace() {
        ParityLayout.putBlockCrc(block, 0, 0x01020304);
        ParityLayout.putBlockCrc(block, 1022, 0x05060708);
        ParityLayout.sealTable(block, HEADER, 1, 2, crc);
        assertEquals("04030201", dump(0, 4));
        assertEquals("08070605", dump(4088, 4));
        assertEquals(0x05060708, ParityLayout.blockCrc(block, 1022));
        assertTrue(ParityLayout.isTableValid(block, HEADER, 1, 2, crc));
        assertFalse(ParityLayout.isTableValid(block, HEADER, 0, 2, crc));
        assertFalse(ParityLayout.isTableValid(block, HEADER, 1, 1, crc));
        ParityLayout.Header other =
                new ParityLayout.Header(
                        2, 0x21222324, 0x3132333435363738L, 0x4142434445464748L, 7, 3, 0x61000);
        assertFalse(ParityLayout.isTableValid(block, other, 1, 2, crc));
    }

    @Test
    void placesOfZones() {
        // 64 MiB and one block, three in a hundred.
        ParityLayout.Header header = new ParityLayout.Header(1, 0, 1, 0, 1, 3, (64L << 20) + 4096);
        assertEquals(5, header.zones());
        assertEquals(4096, header.dataBlocks(0));
        assertEquals(1, header.dataBlocks(4));
        assertEquals(41, ParityLayout.Header.stripes(4096));
        assertEquals(1, ParityLayout.Header.stripes(1));
        assertEquals(123, header.parityBlocks(4096));
        // 4096 + 123 checksums, 1023 in a block.
        assertEquals(5, header.tableBlocks(4096));
        assertEquals(133, header.zoneBlocks(4096));
        assertEquals(8192, header.zoneOffset(0));
        assertEquals(8192 + 133 * 4096, header.zoneOffset(1));
        assertEquals(5, header.zoneBlocks(1));
        assertEquals(8192 + (4 * 133 + 5) * 4096, header.parityFileBytes());
    }

    @Test
    void names() {
        Path file = Path.of("/data/shard-0/segment-00000007.iron");
        Path parity = Path.of("/data/shard-0/segment-00000007.iron.parity");
        assertEquals(parity, ParityLayout.parityFile(file));
        assertEquals(file, ParityLayout.fileOf(parity));
        assertEquals(file, ParityLayout.fileOf(ParityLayout.temporaryFile(file)));
        assertNull(ParityLayout.fileOf(file));
        assertTrue(ParityLayout.isTemporary(ParityLayout.temporaryFile(file)));
        assertFalse(ParityLayout.isTemporary(parity));
    }
}
