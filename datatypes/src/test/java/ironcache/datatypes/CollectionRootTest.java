package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bytes of what the roots of collections begin with, and the page numbers that they deal out. */
final class CollectionRootTest {
    private final long root = Memory.allocate(CollectionRoot.BYTES, MemoryTag.OTHER);

    CollectionRootTest() {
        Memory.fill(root, CollectionRoot.BYTES, (byte) 0xEE);
        CollectionRoot.put(root, 0x100);
    }

    @AfterEach
    void free() {
        Memory.free(root, CollectionRoot.BYTES, MemoryTag.OTHER);
    }

    @Test
    void bytes() {
        CollectionRoot.putCount(root, 7);
        assertEquals(1, CollectionRoot.takePage(root));
        byte[] copy = new byte[CollectionRoot.BYTES];
        Memory.copyOut(root, copy, 0, copy.length);
        String version = "%08x".formatted(Integer.reverseBytes(CollectionRoot.version(root)));
        assertEquals(
                "0001000000000000"
                        + "0200000000000000"
                        + "0700000000000000"
                        + version
                        + "00000000"
                        + "0300000000000000"
                        + "00".repeat(32),
                HexFormat.of().formatHex(copy));
    }

    @Test
    void pageNumbersAreOddAndUsedAgain() {
        assertEquals(1, CollectionRoot.takePages(root, 3));
        assertEquals(7, CollectionRoot.takePage(root));
        CollectionRoot.givePage(root, 3);
        assertEquals(3, CollectionRoot.takePage(root));
        CollectionRoot.givePage(root, 7);
        assertEquals(7, CollectionRoot.takePage(root));
        assertEquals(9, CollectionRoot.takePage(root));
    }
}
