package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where things are in pages and root. */
final class TreeLayoutTest {
    private static final int BYTES = 128;
    private final long memory = Memory.allocate(BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(memory, BYTES, MemoryTag.OTHER);
    }

    private String hex(int count) {
        byte[] bytes = new byte[count];
        Memory.copyOut(memory, bytes, 0, count);
        return HexFormat.of().formatHex(bytes);
    }

    @Test
    void rootsPart() {
        assertEquals(24, TreeLayout.ROOT_BYTES);
        TreeLayout.putRoot(memory, true);
        TreeLayout.putTop(memory, 0x0102, 3);
        TreeLayout.addTreeCount(memory, 0x0A0B);
        assertEquals("0201000000000000" + "0b0a000000000000" + "03000000" + "01000000", hex(24));
        assertEquals(0x0102, TreeLayout.top(memory));
        assertEquals(0x0A0B, TreeLayout.treeCount(memory));
        assertEquals(3, TreeLayout.height(memory));
        assertTrue(TreeLayout.isScored(memory));
    }

    @Test
    void entries() {
        assertEquals(4, TreeLayout.ENTRIES);
        assertEquals(16, TreeLayout.CHILD_BYTES);
        TreeLayout.putChild(memory, 5, 7);
        TreeLayout.putScore(memory + 16, 1.5);
        Memory.putByte(memory + 24, (byte) 1);
        Memory.putByte(memory + 25, (byte) 'a');
        assertEquals(
                "0500000000000000" + "0700000000000000" + "000000000000f83f" + "0161", hex(26));
        assertEquals(26, TreeLayout.innerEntryBytes(memory, TreeLayout.SCORE_BYTES));
        assertEquals(16, TreeLayout.innerEntryBytes(memory, 0));
        assertEquals(10, TreeLayout.leafEntryBytes(memory + 16, TreeLayout.SCORE_BYTES));
        assertEquals(2, TreeLayout.leafEntryBytes(memory + 24, 0));
        assertEquals(5, TreeLayout.child(memory));
        assertEquals(7, TreeLayout.count(memory));
        assertEquals(1.5, TreeLayout.score(memory + 16));
    }

    /** A leaf that overflows by the longest entry can always be cut in two that fit. */
    @Test
    void twoOfTheLongestEntriesFitInAPage() {
        int entry = TreeLayout.SCORE_BYTES + Element.stringBytes(Spill.SPILL_BYTES);
        assertTrue(2 * entry <= TreeLayout.PAGE_BYTES_MAX - TreeLayout.ENTRIES);
    }
}
