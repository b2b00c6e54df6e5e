package ironcache.hybridlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class AddressTest {
    @Test
    void packsAndUnpacks() {
        for (int page : new int[] {1, 77, Address.FIRST_SSD_PAGE, Address.PAGES - 1}) {
            for (int offset : new int[] {0, 8, 4096, Address.PAGE_BYTES - 8}) {
                long address = Address.of(page, offset);
                assertEquals(page, Address.page(address));
                assertEquals(offset, Address.offset(address));
                assertTrue(address > 0 && address < 1L << 40, "40 bits are what the index keeps");
            }
        }
    }
}
