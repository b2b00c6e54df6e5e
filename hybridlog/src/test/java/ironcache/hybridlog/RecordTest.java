package ironcache.hybridlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The record's layout, pinned to the byte, and what may happen to a record in place. */
final class RecordTest {
    private static final int BYTES = 1 << 18;

    private final long memory = Memory.allocate(BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(memory, BYTES, MemoryTag.OTHER);
    }

    private void put(String key, String value, int kind, long expiry, int keyspace) {
        byte[] k = key.getBytes(StandardCharsets.UTF_8);
        byte[] v = value.getBytes(StandardCharsets.UTF_8);
        Memory.fill(memory, Record.bytes(k.length, v.length, expiry != 0) + 8, (byte) 0);
        Memory.putLong(memory, Record.header(k.length, v.length, kind, expiry != 0, keyspace));
        if (expiry != 0) {
            Record.putExpiry(memory, expiry);
        }
        Memory.copyIn(k, 0, Record.key(memory), k.length);
        Memory.copyIn(v, 0, Record.value(memory), v.length);
    }

    private String hex(int bytes) {
        byte[] dump = new byte[bytes];
        Memory.copyOut(memory, dump, 0, bytes);
        return HexFormat.of().formatHex(dump);
    }

    @Test
    void layoutIsPinned() {
        put("key", "value", Record.STRING_RAW, 0x1122334455667788L, 5);
        assertEquals("0300050000888402" + "8877665544332211" + "6b6579" + "76616c7565", hex(24));
        assertEquals(24, Record.length(memory));
        assertEquals(3, Record.keyLength(memory));
        assertEquals(5, Record.valueLength(memory));
        assertEquals(Record.TYPE_STRING, Record.type(memory));
        assertEquals(Record.STRING_RAW, Record.kind(memory));
        assertEquals(5, Record.keyspace(memory));
        assertEquals(0x1122334455667788L, Record.expiry(memory));
        assertEquals(memory + 16, Record.key(memory));
        assertEquals(memory + 19, Record.value(memory));
    }

    @Test
    void aSmallStringCostsEightBytesAndPadding() {
        assertEquals(8 + 16 + 32, Record.bytes(16, 32, false));
        assertEquals(8 + 16 + 1024, Record.bytes(16, 1024, false));
    }

    @Test
    void zeroedMemoryIsNoRecord() {
        Memory.fill(memory, 64, (byte) 0);
        assertEquals(0, Record.type(memory));
    }

    @Test
    void flagsDoNotTouchTheirNeighbours() {
        put("key", "value", Record.STRING, 0, 255);
        int length = Record.length(memory);
        for (int i = 0; i < 5; i++) {
            Record.visit(memory);
        }
        assertEquals(3, Record.visits(memory));
        Record.markDead(memory);
        assertTrue(Record.isDead(memory));
        assertEquals(255, Record.keyspace(memory));
        assertEquals(length, Record.length(memory));
        assertEquals(Record.STRING, Record.kind(memory));
    }

    @Test
    void resizesInPlaceAsFarAsItsSpaceGoes() {
        put("key", "a value of some length", Record.STRING, 0, 1);
        int total = Record.length(memory);
        assertTrue(Record.resize(memory, Record.STRING_RAW, 3));
        assertEquals(total, Record.length(memory));
        assertEquals(3, Record.valueLength(memory));
        assertEquals(Record.STRING_RAW, Record.kind(memory));
        assertTrue(Record.resize(memory, Record.STRING, total - 8 - 3));
        assertFalse(Record.resize(memory, Record.STRING, total - 8 - 3 + 1));
        assertEquals(total - 8 - 3, Record.valueLength(memory));
        assertEquals(total, Record.length(memory));
    }

    @Test
    void shrinkingBelowWhatFillerHoldsIsRefused() {
        put("k", "x".repeat(4000), Record.STRING, 0, 1);
        assertFalse(Record.resize(memory, Record.STRING, 1));
        assertEquals(4000, Record.valueLength(memory));
    }

    @Test
    void aHomeIsCarriedAndDropped() {
        put("key", "value", Record.STRING, 77, 9);
        int carried = Record.carriedLength(memory);
        long copy = memory + 4096;
        Record.copyCarried(memory, copy);
        Record.putHome(copy, 0x123456789aL);
        assertEquals(carried + 8, Record.length(copy));
        assertEquals(0x123456789aL, Record.home(copy));
        assertEquals(77, Record.expiry(copy));
        Record.dropHome(copy);
        assertFalse(Record.hasHome(copy));
        assertEquals(carried + 8, Record.length(copy));
        assertEquals(carried, Record.carriedLength(copy));
    }

    @Test
    void fillersCoverWhatTheyAreAskedTo() {
        for (int bytes : new int[] {8, 16, 4096, Address.PAGE_BYTES / 2}) {
            Record.putFiller(memory, bytes);
            assertEquals(Record.TYPE_FILLER, Record.type(memory));
            assertEquals(bytes, Record.length(memory));
        }
    }

    @Test
    void anyRecordReadsBackAsWritten() {
        long seed = Long.getLong("ironcache.seed", Prng.freshSeed());
        System.out.println("-Dironcache.seed=" + seed);
        Prng prng = new Prng(seed);
        for (int i = 0; i < 20_000; i++) {
            int keyLength = prng.nextInt(prng.nextInt(20) == 0 ? Record.MAX_KEY_BYTES + 1 : 40);
            int valueLength =
                    prng.nextInt(prng.nextInt(20) == 0 ? Record.MAX_VALUE_BYTES + 1 : 100);
            boolean expiry = prng.nextInt(2) == 0;
            int kind = 1 + prng.nextInt(127);
            int keyspace = prng.nextInt(256);
            Memory.putLong(memory, Record.header(keyLength, valueLength, kind, expiry, keyspace));
            assertEquals(keyLength, Record.keyLength(memory));
            assertEquals(valueLength, Record.valueLength(memory));
            assertEquals(kind, Record.kind(memory));
            assertEquals(keyspace, Record.keyspace(memory));
            assertEquals(expiry, Record.hasExpiry(memory));
            assertEquals(Record.bytes(keyLength, valueLength, expiry), Record.length(memory));
            assertEquals(0, Record.length(memory) % Record.ALIGNMENT);
            assertTrue(Record.length(memory) <= Record.MAX_BYTES);
        }
    }
}
