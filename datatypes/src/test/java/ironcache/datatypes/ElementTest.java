package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bytes of each kind of element, and random ones read back and found. */
final class ElementTest {
    private static final int BYTES = 1 << 20;

    private final long memory = Memory.allocate(BYTES, MemoryTag.OTHER);
    private final long text = Memory.allocate(BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(memory, BYTES, MemoryTag.OTHER);
        Memory.free(text, BYTES, MemoryTag.OTHER);
    }

    private int put(long to, byte[] string) {
        Memory.copyIn(string, 0, text, string.length);
        int bytes = Element.put(to, text, string.length);
        assertEquals(bytes, Element.codedBytes(text, string.length));
        assertEquals(bytes, Element.bytes(to));
        return bytes;
    }

    private String hex(String string) {
        int bytes = put(memory, string.getBytes(StandardCharsets.ISO_8859_1));
        byte[] coded = new byte[Math.min(bytes, 12)];
        Memory.copyOut(memory, coded, 0, coded.length);
        return HexFormat.of().formatHex(coded);
    }

    @Test
    void bytesOfEach() {
        assertEquals("00", hex(""));
        assertEquals("0161", hex("a"));
        assertEquals("03303031", hex("001"));
        assertEquals("7f7878", hex("x".repeat(127)).substring(0, 6));
        assertEquals("808078", hex("x".repeat(128)).substring(0, 6));
        assertEquals("bfff78", hex("x".repeat(16383)).substring(0, 6));
        assertEquals("c00040000078", hex("x".repeat(16384)).substring(0, 12));
        assertEquals("d0", hex("-16"));
        assertEquals("e0", hex("0"));
        assertEquals("ff", hex("31"));
        assertEquals("c120", hex("32"));
        assertEquals("c1ef", hex("-17"));
        assertEquals("c17f", hex("127"));
        assertEquals("c28000", hex("128"));
        assertEquals("c180", hex("-128"));
        assertEquals("c27fff", hex("-129"));
        assertEquals("c3000001", hex("65536"));
        assertEquals("c8ffffffffffffff7f", hex("9223372036854775807"));
        assertEquals("c80000000000000080", hex("-9223372036854775808"));
        assertEquals("13" + "39223372".substring(0, 2), hex("9223372036854775808").substring(0, 4));
        Element.putSpilled(memory, 5, 7);
        assertEquals(17, Element.bytes(memory));
        assertEquals(5, Element.spilledLength(memory));
        assertEquals(7, Element.spilledPage(memory));
        Element.putTime(memory, 99);
        assertEquals(9, Element.bytes(memory));
        assertEquals(99, Element.time(memory));
    }

    @Test
    void whatIsPutIsReadAndFound() {
        long seed = Seed.get();
        Prng random = new Prng(seed);
        for (int round = 0; round < 2_000; round++) {
            List<byte[]> strings = new ArrayList<>();
            List<Long> places = new ArrayList<>();
            long at = memory;
            int count = random.nextInt(40);
            while (strings.size() < count) {
                byte[] string = string(random);
                if (random.chance(0.1)) {
                    Element.putTime(at, random.nextLong());
                    places.add(at);
                    at += Element.bytes(at);
                } else {
                    places.add(at);
                }
                strings.add(string);
                at += put(at, string);
            }
            assertEquals(count, Element.count(memory, at), Seed.line(seed));
            for (int i = 0; i < count; i++) {
                byte[] string = strings.get(i);
                long place = places.get(i);
                long element = Element.isTime(place) ? place + Element.bytes(place) : place;
                assertArrayEquals(string, read(element), Seed.line(seed));
                assertEquals(string.length, Element.textLength(element), Seed.line(seed));
                Memory.copyIn(string, 0, text, string.length);
                long found = Element.find(memory, at, text, string.length);
                long wanted = 0;
                long field = 0;
                for (int j = count - 1; j >= 0; j--) {
                    long other = places.get(j);
                    if (!Element.isTime(other) && java.util.Arrays.equals(string, strings.get(j))) {
                        wanted = other;
                        field = j % 2 == 0 ? other : field;
                    }
                }
                assertEquals(wanted, found, Seed.line(seed));
                if (count % 2 == 0) {
                    assertEquals(
                            field,
                            Element.findField(memory, at, text, string.length),
                            Seed.line(seed));
                }
            }
        }
    }

    private static byte[] string(Prng random) {
        switch (random.nextInt(4)) {
            case 0 -> {
                long number = random.nextLong() >> random.nextInt(64);
                return Long.toString(number).getBytes(StandardCharsets.ISO_8859_1);
            }
            case 1 -> {
                return Integer.toString(random.nextInt(40) - 20)
                        .getBytes(StandardCharsets.ISO_8859_1);
            }
            default -> {
                byte[] bytes = new byte[random.nextInt(random.chance(0.05) ? 17_000 : 12)];
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] = (byte) ('0' + random.nextInt(12));
                }
                return bytes;
            }
        }
    }

    private byte[] read(long at) {
        if (Element.isNumber(at)) {
            return Long.toString(Element.number(at)).getBytes(StandardCharsets.ISO_8859_1);
        }
        byte[] bytes = new byte[Element.length(at)];
        Memory.copyOut(Element.text(at), bytes, 0, bytes.length);
        assertTrue(!Element.isSpilled(at) && !Element.isTime(at));
        return bytes;
    }
}
