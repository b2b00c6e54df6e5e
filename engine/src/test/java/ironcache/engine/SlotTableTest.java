package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SlotTableTest {
    private static int slot(String key) {
        byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
        long address = Memory.allocate(bytes.length + 1, MemoryTag.OTHER);
        try {
            Memory.copyIn(bytes, 0, address, bytes.length);
            return SlotTable.slotOf(address, bytes.length);
        } finally {
            Memory.free(address, bytes.length + 1, MemoryTag.OTHER);
        }
    }

    /** Values of CLUSTER KEYSLOT; the first is the check value of CRC-16/XMODEM. */
    @Test
    void slotsAreThoseOfRedisCluster() {
        assertEquals(0x31C3, slot("123456789"));
        assertEquals(12182, slot("foo"));
        assertEquals(5061, slot("bar"));
        assertEquals(0, slot(""));
        assertEquals(11058, slot("somekey"));
    }

    @Test
    void onlyWhatStandsInTheFirstBracesCounts() {
        assertEquals(slot("user1000"), slot("{user1000}.following"));
        assertEquals(slot("bar"), slot("foo{bar}{zap}"));
        assertEquals(slot("{bar"), slot("foo{{bar}}zap"));
        assertEquals(SlotTable.SLOTS - 1 & crcOfWhole("foo{}{bar}"), slot("foo{}{bar}"));
        assertEquals(slot("foo"), slot("{foo}"));
    }

    /** By the bit, as the definition has it. */
    private static int crcOfWhole(String text) {
        int crc = 0;
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            crc ^= (b & 0xff) << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
            }
        }
        return crc;
    }

    @Test
    void keysOfAllLengthsHaveTheSlotOfTheDefinition() {
        Prng random = new Prng(7);
        StringBuilder key = new StringBuilder();
        for (int length = 0; length < 60; length++) {
            assertEquals(SlotTable.SLOTS - 1 & crcOfWhole(key.toString()), slot(key.toString()));
            String tagged = "before" + "{" + key + "}" + "behind{}";
            int expected = crcOfWhole(length == 0 ? tagged : key.toString());
            assertEquals(SlotTable.SLOTS - 1 & expected, slot(tagged), tagged);
            key.append((char) ('a' + random.nextInt(26)));
        }
    }

    @Test
    void slotsAreDealtOutEvenly() {
        for (int shards : new int[] {1, 2, 3, 8, 127}) {
            SlotTable table = new SlotTable(shards);
            int[] counts = new int[shards];
            int previous = 0;
            for (int slot = 0; slot < SlotTable.SLOTS; slot++) {
                int shard = table.shardOf(slot);
                assertEquals(true, shard >= previous, "ranges are contiguous");
                previous = shard;
                counts[shard]++;
            }
            for (int count : counts) {
                assertEquals(SlotTable.SLOTS / (double) shards, count, 1);
            }
        }
        assertThrows(IllegalArgumentException.class, () -> new SlotTable(0));
    }
}
