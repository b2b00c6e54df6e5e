package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class Crc32cTest {
    @Test
    void agreesWithTheJdkForEveryLengthAndAlignment() {
        long bytes = 4096 + 64;
        long address = Memory.allocate(bytes, MemoryTag.OTHER);
        new Prng(7).fill(address, bytes);
        Crc32c crc = new Crc32c();
        for (int offset = 0; offset < 16; offset++) {
            for (int length = 0; length < 300; length += 7) {
                assertEquals(expected(address + offset, length), crc.of(address + offset, length));
            }
        }
        assertEquals(expected(address, 4096), crc.of(address, 4096));
        crc.reset();
        crc.update(address, 100);
        crc.update(address + 100, 3996);
        assertEquals(expected(address, 4096), crc.value());
        Memory.free(address, bytes, MemoryTag.OTHER);
    }

    @Test
    void rangesAcrossAWindowBoundary() {
        try (Mapping mapping = Mapping.reserve((1L << 30) + (4L << 20), MemoryTag.OTHER)) {
            // The first GiB boundary in the mapping; where that is its very start, the range begins
            // there.
            long boundary = (mapping.address() + (1L << 30) - 1) & -(1L << 30);
            long from = Math.max(mapping.address(), boundary - 1000);
            new Prng(8).fill(from, 2000);
            assertEquals(expected(from, 2000), new Crc32c().of(from, 2000));
        }
    }

    private static int expected(long address, int bytes) {
        byte[] copy = new byte[bytes];
        Memory.copyOut(address, copy, 0, bytes);
        CRC32C reference = new CRC32C();
        reference.update(copy);
        return (int) reference.getValue();
    }
}
