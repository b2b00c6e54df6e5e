package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class MappingTest {
    @Test
    void isAlignedZeroedAndAccounted() {
        long before = MemoryTag.LOG.bytes();
        try (Mapping mapping = Mapping.reserve(10 << 20, MemoryTag.LOG)) {
            assertEquals(0, mapping.address() % Mapping.ALIGNMENT);
            assertEquals(10 << 20, mapping.bytes());
            mapping.commit(8192);
            assertEquals(before + 8192, MemoryTag.LOG.bytes());
            Memory.putLong(mapping.address() + 4096, 42);
            Memory.putLong(mapping.address() + mapping.bytes() - 8, 43);
            mapping.release(4096, 4096);
            assertEquals(0, Memory.getLong(mapping.address() + 4096));
            assertEquals(43, Memory.getLong(mapping.address() + mapping.bytes() - 8));
            mapping.adviseHugePages(0, mapping.bytes());
            assertThrows(IllegalArgumentException.class, () -> mapping.release(1, 4096));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> mapping.release(0, mapping.bytes() + 4096));
        }
        assertEquals(before, MemoryTag.LOG.bytes());
    }

    @Test
    void allocationsAreAlignedZeroedAndAccounted() {
        long before = MemoryTag.OTHER.bytes();
        for (long bytes : new long[] {1, 63, 64, 4097, (128 << 10) - 1, 128 << 10, 1 << 20}) {
            for (int round = 0; round < 3; round++) {
                long address = Memory.allocate(bytes, MemoryTag.OTHER);
                assertEquals(before + bytes, MemoryTag.OTHER.bytes());
                assertEquals(0, address % 64);
                for (long i = 0; i < bytes; i++) {
                    assertEquals(0, Memory.getByte(address + i));
                }
                Memory.fill(address, bytes, (byte) 0x5A);
                Memory.free(address, bytes, MemoryTag.OTHER);
                assertEquals(before, MemoryTag.OTHER.bytes());
            }
        }
    }

    @Test
    void anImpossibleReservationNamesTheCause() {
        OutOfMemoryError error =
                assertThrows(
                        OutOfMemoryError.class, () -> Mapping.reserve(1L << 50, MemoryTag.OTHER));
        assertEquals(true, error.getMessage().contains("ENOMEM"), error.getMessage());
    }
}
