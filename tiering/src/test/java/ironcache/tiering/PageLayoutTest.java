package ironcache.tiering;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PageLayoutTest {
    private final long page = Memory.allocate(PageLayout.BLOCK_BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(page, PageLayout.BLOCK_BYTES, MemoryTag.OTHER);
    }

    @Test
    void headerIsPinned() {
        PageLayout.putHeader(page, 0x01020304, 0x1112131415161718L, 0x21222324, 0x31323334);
        PageLayout.putHeaderCrc(page, 0x41424344);
        byte[] dump = new byte[36];
        Memory.copyOut(page, dump, 0, dump.length);
        assertEquals(
                "4943504147453031"
                        + "01000000"
                        + "04030201"
                        + "1817161514131211"
                        + "24232221"
                        + "34333231"
                        + "44434241",
                HexFormat.of().formatHex(dump));
        assertEquals(0x01020304, PageLayout.number(page));
        assertEquals(0x1112131415161718L, PageLayout.generation(page));
        assertEquals(0x21222324, PageLayout.end(page));
        assertEquals(0x31323334, PageLayout.records(page));
        assertEquals(0x41424344, PageLayout.headerCrc(page));
    }

    @Test
    void theTablesFitIntoBlockZero() {
        assertEquals(1536, PageLayout.TABLES_BYTES);
        assertTrue(PageLayout.TABLES_OFFSET + PageLayout.TABLES_BYTES <= PageLayout.RECORDS_START);
    }

    @Test
    void aReadCoversItsRecordAndOnlyTheLastOfABlockNeedsMore() {
        long seed = Long.getLong("ironcache.seed", Prng.freshSeed());
        System.out.println("-Dironcache.seed=" + seed);
        Prng prng = new Prng(seed);
        Memory.fill(page, PageLayout.BLOCK_BYTES, (byte) 0);
        int[] offsets = new int[100_000];
        int[] lengths = new int[offsets.length];
        int count = 0;
        int end = PageLayout.RECORDS_START;
        while (true) {
            int bytes = 8 + 8 * prng.nextInt(prng.nextInt(20) == 0 ? 12_000 : 200);
            if (end + bytes > 1 << 20) {
                break;
            }
            PageLayout.putRecord(page + PageLayout.TABLES_OFFSET, end, bytes);
            offsets[count] = end;
            lengths[count++] = bytes;
            end += bytes;
        }
        int single = 0;
        for (int i = 0; i < count; i++) {
            int blocks = PageLayout.blocksOf(page + PageLayout.TABLES_OFFSET, offsets[i]);
            int needed =
                    (offsets[i] + lengths[i] - 1 >>> PageLayout.BLOCK_SHIFT)
                            - (offsets[i] >>> PageLayout.BLOCK_SHIFT)
                            + 1;
            assertTrue(
                    blocks >= needed,
                    "offset " + offsets[i] + ": " + blocks + " blocks, needs " + needed);
            boolean sameBlockNext =
                    i + 1 < count
                            && offsets[i] >>> PageLayout.BLOCK_SHIFT
                                    == offsets[i + 1] >>> PageLayout.BLOCK_SHIFT
                            && offsets[i] >>> 4 != offsets[i + 1] >>> 4;
            if (sameBlockNext) {
                assertEquals(1, blocks);
                single++;
            }
        }
        assertTrue(single > count / 3, "hardly any record is read with one block");
    }
}
