package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Random operations on strings from nothing to 5 MB, around the limits of records and pages, beside an array. */
final class StringsPropertyTest {
    private static final int MAX_BYTES = 5 << 20;
    private static final int[] EDGES = {
        0,
        Record.MAX_VALUE_BYTES,
        PagedStringLayout.DEFAULT_PAGE_BYTES,
        5 * PagedStringLayout.DEFAULT_PAGE_BYTES,
        MAX_BYTES - 40_000
    };

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);

    @Test
    void behavesAsAnArray() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "key");
                TestKey other = new TestKey(shard, "other")) {
            for (int round = 0; round < 12; round++) {
                byte[] model = new byte[0];
                boolean exists = false;
                for (int step = 0; step < 40; step++) {
                    switch (random.nextInt(8)) {
                        case 0 -> {
                            model = bytes(size());
                            key.set(model, 0);
                            exists = true;
                        }
                        case 1, 2 -> {
                            byte[] value =
                                    bytes(1 + random.nextInt(random.chance(0.2) ? 100_000 : 300));
                            int offset = size();
                            model = withRange(model, offset, value);
                            assertEquals(
                                    model.length, key.setRange(offset, value), Seed.line(seed));
                            exists = true;
                        }
                        case 3, 4 -> {
                            byte[] value =
                                    bytes(random.nextInt(random.chance(0.2) ? 100_000 : 300));
                            int offset = model.length;
                            model = withRange(model, offset, value);
                            assertEquals(model.length, key.append(value), Seed.line(seed));
                            exists = true;
                        }
                        default -> check(key, model, exists);
                    }
                }
                check(key, model, exists);
                if (exists) {
                    checkCopies(key, other, model);
                }
                key.command(() -> key.shard.delete(TestKey.DB, key.address, key.length, key.hash));
            }
        }
    }

    private void check(TestKey key, byte[] model, boolean exists) {
        if (!exists) {
            key.command(() -> assertEquals(0, key.record(), Seed.line(seed)));
            return;
        }
        assertEquals(model.length, key.stringLength(), Seed.line(seed));
        int from = random.nextInt(model.length + 1);
        int bytes = random.nextInt(model.length - from + 1);
        byte[] wanted = Arrays.copyOfRange(model, from, from + bytes);
        assertArrayEquals(wanted, key.range(from, bytes), Seed.line(seed));
        assertArrayEquals(wanted, key.pieces(from, bytes), Seed.line(seed));
        assertTrue(key.equal(model), Seed.line(seed));
        if (model.length > 0) {
            byte[] different = model.clone();
            different[random.nextInt(different.length)] ^= 1;
            assertFalse(key.equal(different), Seed.line(seed));
        }
    }

    private void checkCopies(TestKey key, TestKey other, byte[] model) {
        key.command(
                () ->
                        Keys.copy(
                                key.shard,
                                key.record(),
                                key.shard,
                                TestKey.DB,
                                other.address,
                                other.length,
                                other.hash));
        check(other, model, true);
        // The copy is its own: a change here is not seen there.
        other.setRange(0, bytes(10));
        check(key, model, true);
        key.command(
                () ->
                        Keys.rename(
                                key.shard,
                                TestKey.DB,
                                key.address,
                                key.length,
                                key.hash,
                                key.record(),
                                key.shard,
                                other.address,
                                other.length,
                                other.hash));
        check(key, model, false);
        check(other, model, true);
    }

    private int size() {
        int near = EDGES[random.nextInt(EDGES.length)];
        int spread = random.chance(0.5) ? 4 : 40_000;
        return Math.max(0, near + random.nextInt(2 * spread) - spread);
    }

    private byte[] bytes(int length) {
        byte[] result = new byte[length];
        for (int i = 0; i < length; i++) {
            result[i] = (byte) random.nextInt();
        }
        return result;
    }

    private static byte[] withRange(byte[] old, int offset, byte[] value) {
        byte[] result = Arrays.copyOf(old, Math.max(old.length, offset + value.length));
        System.arraycopy(value, 0, result, offset, value.length);
        return result;
    }

    @Test
    void sparseStringsTakeOnlyThePagesWritten() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "sparse")) {
            long far = (512L << 20) - 3;
            assertEquals(far + 3, key.setRange(far, new byte[] {1, 2, 3}));
            assertEquals(far + 3, key.stringLength());
            assertArrayEquals(new byte[] {0, 1, 2, 3}, key.range(far - 1, 4));
            assertArrayEquals(new byte[100], key.pieces(1 << 20, 100));
            assertEquals(far + 3, key.setRange(70_000, new byte[] {9}));
            assertArrayEquals(new byte[] {0, 9, 0}, key.range(69_999, 3));
        }
    }

    @Test
    void coldPagesAreReadBackForPartOfThem() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "cold");
                TestKey other = new TestKey(shard, "other")) {
            byte[] model = bytes(3_000_000);
            key.set(model, 0);
            for (int round = 0; round < 3; round++) {
                shard.pushOut();
                int before = shard.misses;
                check(key, model, true);
                assertTrue(shard.misses > before, "nothing was cold");
                shard.pushOut();
                byte[] value = bytes(40_000);
                int offset = random.nextInt(model.length);
                model = withRange(model, offset, value);
                assertEquals(model.length, key.setRange(offset, value), Seed.line(seed));
                check(key, model, true);
                shard.pushOut();
                byte[] suffix = bytes(20_000);
                model = withRange(model, model.length, suffix);
                assertEquals(model.length, key.append(suffix), Seed.line(seed));
                shard.pushOut();
                checkCopies(key, other, model);
                key.set(model, 0);
            }
        }
    }

    @Test
    void growingKeepsTheExpiry() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "volatile")) {
            long expiry = shard.shard().nowMillis() + 100_000;
            key.set(bytes(10), expiry);
            key.append(bytes(1000));
            key.command(() -> assertEquals(expiry, Record.expiry(key.record())));
            key.append(bytes(100_000));
            key.command(() -> assertEquals(expiry, Record.expiry(key.record())));
            key.append(bytes(100_000));
            key.command(
                    () -> {
                        assertEquals(expiry, Record.expiry(key.record()));
                        assertEquals(Record.STRING_PAGED, Record.kind(key.record()));
                        assertEquals(Strings.Encoding.RAW, Strings.encoding(key.record()));
                    });
        }
    }

    @Test
    void everyWriteToAPagedStringChangesItsVersion() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "versions")) {
            int[] version = new int[1];
            key.set(bytes(100_000), 0);
            key.command(() -> version[0] = PagedStringLayout.version(Record.value(key.record())));
            key.setRange(0, bytes(1));
            key.command(
                    () ->
                            assertTrue(
                                    version[0]
                                            != PagedStringLayout.version(
                                                    Record.value(key.record()))));
            key.set(bytes(100_000), 0);
            key.command(
                    () ->
                            assertTrue(
                                    version[0]
                                            != PagedStringLayout.version(
                                                    Record.value(key.record()))));
        }
    }

    @Test
    void encodings() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "k")) {
            assertEncoding(key, "1", Strings.Encoding.INT);
            assertEncoding(key, "-9223372036854775808", Strings.Encoding.INT);
            assertEncoding(key, "9223372036854775808", Strings.Encoding.EMBSTR);
            assertEncoding(key, "-0", Strings.Encoding.EMBSTR);
            assertEncoding(key, "", Strings.Encoding.EMBSTR);
            assertEncoding(key, "x".repeat(112), Strings.Encoding.EMBSTR);
            assertEncoding(key, "x".repeat(113), Strings.Encoding.RAW);
            key.set("12".getBytes(), 0);
            key.append("3".getBytes());
            key.command(() -> assertEquals(Strings.Encoding.RAW, Strings.encoding(key.record())));
        }
    }

    private static void assertEncoding(TestKey key, String value, Strings.Encoding wanted) {
        key.set(value.getBytes(), 0);
        key.command(() -> assertEquals(wanted, Strings.encoding(key.record()), value));
    }

    @Test
    void lengthsAreOfTheRecordItself() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "k")) {
            key.set(bytes(Record.MAX_VALUE_BYTES), 0);
            key.command(() -> assertEquals(Record.STRING, Record.kind(key.record())));
            key.set(bytes(Record.MAX_VALUE_BYTES + 1), 0);
            key.command(() -> assertEquals(Record.STRING_PAGED, Record.kind(key.record())));
            key.set(bytes(3), 0);
            key.command(
                    () -> {
                        assertEquals(Record.STRING, Record.kind(key.record()));
                        assertEquals(3, Record.valueLength(key.record()));
                    });
        }
    }
}
