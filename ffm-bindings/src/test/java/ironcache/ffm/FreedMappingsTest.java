package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class FreedMappingsTest {
    private static final long MIB = 1L << 20;

    private final FreedMappings freed = new FreedMappings(3 * MIB);

    @Test
    void givesWhatHasExactlyTheSize() {
        assertEquals(0, freed.take(MIB));
        assertTrue(freed.add(4096, MIB));
        assertTrue(freed.add(8192, MIB));
        assertEquals(0, freed.take(MIB / 2));
        assertEquals(8192, freed.take(MIB));
        assertEquals(4096, freed.take(MIB));
        assertEquals(0, freed.take(MIB));
    }

    @Test
    void keepsNoMoreThanItMay() {
        assertTrue(freed.add(4096, 2 * MIB));
        assertFalse(freed.add(8192, 2 * MIB));
        assertTrue(freed.add(8192, MIB));
        assertEquals(8192, freed.take(MIB));
        assertTrue(freed.add(12288, MIB));
    }
}
