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

    private static final LongVector BITS_01 = LongVector.fromArray(S128, new long[] {1, 2}, 0);
    private static final LongVector BITS_23 = LongVector.fromArray(S128, new long[] {4, 8}, 0);
    private static final LongVector BITS_45 = LongVector.fromArray(S128, new long[] {16, 32}, 0);
    private static final LongVector BITS_67 = LongVector.fromArray(S128, new long[] {64, 128}, 0);

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
        return bits(
                matchSigns(line, tag),
                matchSigns(line + 16, tag),
                matchSigns(line + 32, tag),
                matchSigns(line + 48, tag));
    }

    static int empty512(long line) {
        return (int) empty(S512, line);
    }

    static int empty256(long line) {
        return (int) (empty(S256, line) | empty(S256, line + 32) << 4);
    }

    static int empty128(long line) {
        return bits(
                emptySigns(line),
                emptySigns(line + 16),
                emptySigns(line + 32),
                emptySigns(line + 48));
    }

    /** -1 in each lane that carries the tag, else 0. The shifted difference is below 2^24, so one less is negative only for zero. */
    private static LongVector matchSigns(long address, long tag) {
        return load(S128, address)
                .lanewise(VectorOperators.XOR, tag)
                .lanewise(VectorOperators.LSHR, SegmentLayout.PAYLOAD_BITS)
                .lanewise(VectorOperators.SUB, 1L)
                .lanewise(VectorOperators.ASHR, Long.SIZE - 1);
    }

    /** -1 in each lane that is zero, else 0. */
    private static LongVector emptySigns(long address) {
        LongVector words = load(S128, address);
        return words.lanewise(VectorOperators.OR, words.lanewise(VectorOperators.NEG))
                .lanewise(VectorOperators.NOT)
                .lanewise(VectorOperators.ASHR, Long.SIZE - 1);
    }

    /** Masks of two lanes are not compiled well (measured ten times slower): each lane contributes its bit as a value instead. */
    private static int bits(
            LongVector signs01, LongVector signs23, LongVector signs45, LongVector signs67) {
        LongVector bits =
                signs01.and(BITS_01)
                        .or(signs23.and(BITS_23))
                        .or(signs45.and(BITS_45))
                        .or(signs67.and(BITS_67));
        return (int) (bits.lane(0) | bits.lane(1));
    }

    private static long match(VectorSpecies<Long> species, long address, long tag) {
        return load(species, address)
                .lanewise(VectorOperators.XOR, tag)
                .compare(VectorOperators.ULT, SegmentLayout.LOWEST_TAG)
                .toLong();
    }

    private static long empty(VectorSpecies<Long> species, long address) {
        return load(species, address).compare(VectorOperators.EQ, 0L).toLong();
    }

    private static LongVector load(VectorSpecies<Long> species, long address) {
        return LongVector.fromMemorySegment(species, ALL, address, ORDER);
    }
}
