package ironcache.index;

import ironcache.ffm.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * One cache line compared at once: 8 lanes, or 2 times 4, or 4 times 2. A slot carries the tag where
 * slot xor tag is below 2^40, unsigned; an empty slot does not, because no tag is zero.
 */
final class VectorProbe {
    private static final VectorSpecies<Long> S512 = LongVector.SPECIES_512;
    private static final VectorSpecies<Long> S256 = LongVector.SPECIES_256;
    private static final VectorSpecies<Long> S128 = LongVector.SPECIES_128;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final MemorySegment ALL = Memory.all();

    private VectorProbe() {}

    static int preferredBits() {
        return LongVector.SPECIES_PREFERRED.vectorBitSize();
    }

    static int match512(long line, long tag) {
        return (int) match(S512, line, tag);
    }

    static int match256(long line, long tag) {
        return (int) (match(S256, line, tag) | match(S256, line + 32, tag) << 4);
    }

    static int match128(long line, long tag) {
        return (int) (match(S128, line, tag)
                | match(S128, line + 16, tag) << 2
                | match(S128, line + 32, tag) << 4
                | match(S128, line + 48, tag) << 6);
    }

    static int empty512(long line) {
        return (int) empty(S512, line);
    }

    static int empty256(long line) {
        return (int) (empty(S256, line) | empty(S256, line + 32) << 4);
    }

    static int empty128(long line) {
        return (int) (empty(S128, line)
                | empty(S128, line + 16) << 2
                | empty(S128, line + 32) << 4
                | empty(S128, line + 48) << 6);
    }

    private static long match(VectorSpecies<Long> species, long address, long tag) {
        return LongVector.fromMemorySegment(species, ALL, address, ORDER)
                .lanewise(VectorOperators.XOR, tag)
                .compare(VectorOperators.ULT, SegmentLayout.LOWEST_TAG)
                .toLong();
    }

    private static long empty(VectorSpecies<Long> species, long address) {
        return LongVector.fromMemorySegment(species, ALL, address, ORDER)
                .compare(VectorOperators.EQ, 0L)
                .toLong();
    }
}
