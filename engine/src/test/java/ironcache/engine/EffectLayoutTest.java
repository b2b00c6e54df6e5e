package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bytes of each effect, as hexadecimal dumps: who changes them changes the format of logs and images. */
final class EffectLayoutTest {
    private static final int BYTES = 4096;

    private final long effect = Memory.allocate(BYTES, MemoryTag.OTHER);
    private final long record = Memory.allocate(BYTES, MemoryTag.OTHER);
    private final long key = Memory.allocate(BYTES, MemoryTag.OTHER);

    EffectLayoutTest() {
        Memory.fill(effect, BYTES, (byte) 0xEE);
        Memory.fill(record, BYTES, (byte) 0);
        Memory.copyIn("key".getBytes(StandardCharsets.US_ASCII), 0, key, 3);
    }

    @AfterEach
    void free() {
        Memory.free(effect, BYTES, MemoryTag.OTHER);
        Memory.free(record, BYTES, MemoryTag.OTHER);
        Memory.free(key, BYTES, MemoryTag.OTHER);
    }

    private void makeRecord(String value) {
        Memory.putLong(record, Record.header(3, value.length(), Record.STRING, false, 5));
        Memory.copy(key, Record.key(record), 3);
        byte[] bytes = value.getBytes(StandardCharsets.US_ASCII);
        Memory.copyIn(bytes, 0, Record.value(record), bytes.length);
    }

    private String hex() {
        byte[] bytes = new byte[EffectLayout.bytes(effect)];
        Memory.copyOut(effect, bytes, 0, bytes.length);
        return HexFormat.of().formatHex(bytes).replaceAll("(.{16})", "$1 ").strip();
    }

    @Test
    void put() {
        makeRecord("value");
        EffectLayout.put(effect, record);
        assertEquals("0105030000000000 0300050000088002 6b657976616c7565", hex());
        assertEquals(EffectLayout.putBytes(record), EffectLayout.bytes(effect));
    }

    @Test
    void delete() {
        EffectLayout.delete(effect, 5, key, 3, EffectLayout.DETACH);
        assertEquals("0205030002000000 6b65790000000000", hex());
        assertTrue(EffectLayout.has(effect, EffectLayout.DETACH));
    }

    @Test
    void patch() {
        makeRecord("value");
        EffectLayout.patch(effect, record, 2, 3);
        assertEquals(
                "0305030000000000 0200000005000000 0300000001000000 6b65790000000000"
                        + " 6c75650000000000",
                hex());
    }

    @Test
    void splice() {
        makeRecord("\u0009\0\0\0value");
        EffectLayout.splice(effect, record, 6, 1, 2);
        assertEquals(
                "0c05030000000000 0600000001000000 0200000001000000 0900000000000000"
                        + " 6b65790000000000 6c75000000000000",
                hex());
        assertEquals(EffectLayout.spliceBytes(3, 2), EffectLayout.bytes(effect));
    }

    @Test
    void expire() {
        EffectLayout.expire(effect, 5, key, 3, 0x0102030405060708L, 0);
        assertEquals("0405030000000000 0807060504030201 6b65790000000000", hex());
        EffectLayout.expire(effect, 5, key, 3, 0x0102030405060708L, EffectLayout.FIELDS);
        assertEquals("0405030004000000 0807060504030201 6b65790000000000", hex());
    }

    @Test
    void keyspaces() {
        Keyspace[] databases = new Keyspace[Shard.DATABASES];
        for (int db = 0; db < databases.length; db++) {
            databases[db] = new Keyspace(100 + db);
        }
        EffectLayout.keyspaces(effect, databases);
        assertEquals("0500000000000000 6465666768696a6b 6c6d6e6f70717273", hex());
        assertEquals(103, EffectLayout.keyspaceOf(effect, 3));
    }

    @Test
    void references() {
        EffectLayout.references(effect, 5, EffectLayout.PAGE, 447, 2);
        Memory.putLong(EffectLayout.reference(effect, 0), 1);
        Memory.putLong(EffectLayout.reference(effect, 1), 2);
        assertEquals("0705000001000000 bf01000002000000 0100000000000000 0200000000000000", hex());
    }

    @Test
    void thoseOfNumbers() {
        EffectLayout.put(effect, EffectLayout.SEGMENT, 0, 7, 8);
        assertEquals("0600000000000000 0700000000000000 0800000000000000", hex());
        EffectLayout.put(effect, EffectLayout.NOTE, 5, 1, 2, 3);
        assertEquals("0805000000000000 0100000000000000 0200000000000000 0300000000000000", hex());
        EffectLayout.put(effect, EffectLayout.OBJECT, 0, 7, 8);
        assertEquals("0a00000000000000 0700000000000000 0800000000000000", hex());
        EffectLayout.put(effect, EffectLayout.EXPIRES, 5, 9, 2);
        assertEquals("0b05000000000000 0900000000000000 0200000000000000", hex());
    }

    @Test
    void wheel() {
        EffectLayout.wheel(effect, 0, 1);
        Memory.putLong(EffectLayout.wheelEntry(effect, 0), 0x11);
        Memory.putLong(EffectLayout.wheelEntry(effect, 0) + 8, 0x22);
        assertEquals("0900000000000000 0100000000000000 1100000000000000 2200000000000000", hex());
        EffectLayout.wheel(effect, EffectLayout.FIELDS, 1);
        assertEquals("0900000004000000 0100000000000000 1100000000000000 2200000000000000", hex());
    }

    @Test
    void zerosAreNone() {
        Memory.putLong(effect, 0);
        assertEquals(0, EffectLayout.bytes(effect));
    }
}
