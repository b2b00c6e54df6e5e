package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.engine.TimedLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bytes of the field times' part of a root and of their nodes, and where the engine finds the next time. */
final class FieldTimesLayoutTest {
    private final long memory = Memory.allocate(256, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(memory, 256, MemoryTag.OTHER);
    }

    @Test
    void bytes() {
        FieldTimesLayout.putCount(memory, 0x1234);
        FieldTimesLayout.putTop(memory, 0x0102030405060708L, 2);
        FieldTimesLayout.putNext(memory, 0x1112131415161718L);
        byte[] copy = new byte[FieldTimesLayout.BYTES];
        Memory.copyOut(memory, copy, 0, copy.length);
        assertEquals(
                "3412000000000000" + "0807060504030201" + "0200000000000000" + "1817161514131211",
                HexFormat.of().formatHex(copy));
        assertEquals(128, Hashes.ROOT_BYTES);
    }

    /** The engine looks at the end of a root, and behind the version of a packed value. */
    @Test
    void theEngineFindsTheNextTime() {
        Memory.fill(memory, 256, (byte) 0);
        FieldTimesLayout.putNext(memory + Hashes.TIMES, 77);
        int paged = Record.collection(Record.TYPE_HASH, true, Record.FORM_TIMED);
        assertEquals(77, TimedLayout.next(paged, memory, Hashes.ROOT_BYTES));
        Memory.putLong(memory + 4, 78);
        int packed = Record.collection(Record.TYPE_HASH, false, Record.FORM_TIMED);
        assertEquals(78, TimedLayout.next(packed, memory, 50));
        assertEquals(12, TimedLayout.PACKED_BYTES);
        assertTrue(Record.isTimed(packed) && Record.isTimed(paged));
        for (int form : new int[] {Record.FORM_LISTPACK, Record.FORM_LARGE, Record.FORM_INTSET}) {
            assertFalse(Record.isTimed(Record.collection(Record.TYPE_HASH, true, form)));
        }
        for (int kind :
                new int[] {
                    Record.STRING,
                    Record.STRING_RAW,
                    Record.STRING_PAGED,
                    Record.STRING_TEXT,
                    Record.PAGE
                }) {
            assertFalse(Record.isTimed(kind));
        }
    }

    @Test
    void entriesBehindTheEndOfANodeAreZero() {
        Memory.putLong(memory, 9);
        Memory.putLong(memory + 8, 0);
        Memory.putLong(memory + 16, 5);
        Memory.putLong(memory + 24, 33);
        assertEquals(2, FieldTimesLayout.first(memory, 24, 0));
        assertEquals(5, FieldTimesLayout.time(memory, 24, 0, 2));
        assertEquals(0, FieldTimesLayout.time(memory, 24, 0, 3));
        assertEquals(1, FieldTimesLayout.first(memory, 32, 1));
        assertEquals(33, FieldTimesLayout.child(memory, 32, 1, 1));
        assertEquals(0, FieldTimesLayout.child(memory, 32, 1, 2));
        Memory.putLong(memory, 0);
        assertEquals(-1, FieldTimesLayout.first(memory, 8, 0));
    }

    @Test
    void aBucketHasAnEntryInEachLevel() {
        long bucket = 0x030201;
        assertEquals(1, FieldTimesLayout.entry(bucket, 0));
        assertEquals(2, FieldTimesLayout.entry(bucket, 1));
        assertEquals(3, FieldTimesLayout.entry(bucket, 2));
        assertFalse(FieldTimesLayout.covers(2, bucket));
        assertTrue(FieldTimesLayout.covers(3, bucket));
    }
}
