package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

final class PagedStringLayoutTest {
    @Test
    void pinsTheBytes() {
        assertEquals(32, PagedStringLayout.BYTES);
        assertEquals(16, PagedStringLayout.LENGTH);
        assertEquals(24, PagedStringLayout.PAGE_BYTES);
        assertEquals(28, PagedStringLayout.VERSION);
        long root = Memory.allocate(PagedStringLayout.BYTES, MemoryTag.OTHER);
        try {
            PagedStringLayout.put(root, 0x0102, 100_000);
            byte[] bytes = new byte[PagedStringLayout.BYTES];
            Memory.copyOut(root, bytes, 0, bytes.length);
            assertEquals(
                    "0201000000000000"
                            + "0700000000000000"
                            + "a086010000000000"
                            + "00400000"
                            + "f2ace873",
                    HexFormat.of().formatHex(bytes));
            int version = PagedStringLayout.version(root);
            PagedStringLayout.nextVersion(root);
            assertEquals(version + 1, PagedStringLayout.version(root));
            PagedStringLayout.putLength(root, 16384);
            assertEquals(1, ironcache.engine.RootLayout.pages(root));
        } finally {
            Memory.free(root, PagedStringLayout.BYTES, MemoryTag.OTHER);
        }
    }
}
