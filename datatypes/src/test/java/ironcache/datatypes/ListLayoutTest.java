package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where things are in a list's root, and what a listpack would take. */
final class ListLayoutTest {
    private final long memory = Memory.allocate(1 << 16, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(memory, 1 << 16, MemoryTag.OTHER);
    }

    @Test
    void root() {
        assertEquals(128, ListLayout.BYTES);
        assertEquals(72, ListLayout.TREE);
        assertEquals(4, ListLayout.PACKED);
        assertTrue(ListLayout.BYTES <= RootCopy.BYTES_MAX);
        CollectionRoot.put(memory, 0x0100);
        ListLayout.putLeaf(memory, true, 0x11, 2);
        ListLayout.putLeaf(memory, false, 0x33, 4);
        ListLayout.add(memory, 6, 0x55);
        byte[] bytes = new byte[32];
        Memory.copyOut(memory + 96, bytes, 0, bytes.length);
        assertEquals(
                "1100000000000000"
                        + "3300000000000000"
                        + "02000000"
                        + "04000000"
                        + "5500000000000000",
                HexFormat.of().formatHex(bytes));
        assertEquals(6, CollectionRoot.count(memory));
        assertEquals(0x11, ListLayout.page(memory, true));
        assertEquals(4, ListLayout.count(memory, false));
        assertEquals(0x55, ListLayout.listpackBytes(memory));
    }

    private long entryBytes(String text) {
        byte[] bytes = text.getBytes();
        long string = memory + (1 << 15);
        Memory.copyIn(bytes, 0, string, bytes.length);
        Element.put(memory, string, bytes.length);
        return Listpack.entryBytes(memory);
    }

    /** As lpBytes grows in Valkey. */
    @Test
    void listpackEntries() {
        assertEquals(2, entryBytes("0"));
        assertEquals(2, entryBytes("127"));
        assertEquals(3, entryBytes("128"));
        assertEquals(3, entryBytes("-1"));
        assertEquals(3, entryBytes("4095"));
        assertEquals(3, entryBytes("-4096"));
        assertEquals(4, entryBytes("4096"));
        assertEquals(4, entryBytes("-32768"));
        assertEquals(5, entryBytes("32768"));
        assertEquals(5, entryBytes("-8388608"));
        assertEquals(6, entryBytes("8388608"));
        assertEquals(6, entryBytes("2147483647"));
        assertEquals(10, entryBytes("2147483648"));
        assertEquals(2, entryBytes(""));
        assertEquals(63 + 2, entryBytes("x".repeat(63)));
        assertEquals(64 + 3, entryBytes("x".repeat(64)));
        assertEquals(125 + 3, entryBytes("x".repeat(125)));
        assertEquals(126 + 4, entryBytes("x".repeat(126)));
        assertEquals(4096 + 5 + 2, entryBytes("x".repeat(4096)));
    }

    @Test
    void limits() {
        assertEquals(8192, ListLimits.bytes(-2));
        assertEquals(65_536, ListLimits.bytes(-5));
        assertEquals(65_536, ListLimits.bytes(Integer.MIN_VALUE));
        assertEquals(8192, ListLimits.bytes(100));
        assertEquals(1, ListLimits.count(0));
        assertEquals(100, ListLimits.count(100));
        assertTrue(ListLimits.isHalf(-2, 1_000_000, 4096));
        assertTrue(!ListLimits.isHalf(-2, 1, 4097));
        assertTrue(ListLimits.isHalf(100, 50, 8192));
        assertTrue(!ListLimits.isHalf(100, 51, 10));
    }
}
