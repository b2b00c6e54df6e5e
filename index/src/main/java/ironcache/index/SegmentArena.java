package ironcache.index;

import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Hands out zeroed units of {@link SegmentLayout#BYTES}, side by side in regions that double in size
 * up to 1 GiB, so that a small index costs little and a large one has few mappings. Owned by the
 * index's thread. Freed units are used again; regions go back to the system with {@link #close}.
 */
final class SegmentArena implements AutoCloseable {
    private static final long FIRST_REGION_BYTES = 2L << 20;
    private static final long LAST_REGION_BYTES = 1L << 30;
    private static final long PAGE_BYTES = 4096;

    private @Nullable Mapping[] regions = new Mapping[4];
    private long[] bases = new long[4];
    private int regionCount;
    private long unitsInLastRegion;
    private long lastRegionUnits;

    /** First of the freed units, chained by their first word. */
    private long freeUnit;

    private long units;

    /** A unit of zeroes. */
    long allocate() {
        long unit = freeUnit;
        if (unit != 0) {
            freeUnit = Memory.getLong(unit);
            Memory.fill(unit, SegmentLayout.BYTES, (byte) 0);
        } else {
            if (unitsInLastRegion == lastRegionUnits) {
                addRegion();
            }
            unit = bases[regionCount - 1] + unitsInLastRegion++ * SegmentLayout.BYTES;
        }
        units++;
        regions[regionOf(unit)].commit(SegmentLayout.BYTES);
        return unit;
    }

    /** Takes a unit back and returns its inner pages to the system. */
    void free(long unit) {
        Mapping region = regions[regionOf(unit)];
        long from = unit - region.address() + PAGE_BYTES - 1 & -PAGE_BYTES;
        long to = unit - region.address() + SegmentLayout.BYTES & -PAGE_BYTES;
        region.release(from, to - from);
        Memory.putLong(unit, freeUnit);
        freeUnit = unit;
        units--;
        region.commit(-SegmentLayout.BYTES);
    }

    /** The unit that an address lies in, or 0 if it is none of this arena. */
    long unitOf(long address) {
        int region = regionOf(address);
        if (region < 0) {
            return 0;
        }
        long base = bases[region];
        return base + (address - base) / SegmentLayout.BYTES * SegmentLayout.BYTES;
    }

    long units() {
        return units;
    }

    long bytes() {
        return units * SegmentLayout.BYTES;
    }

    private int regionOf(long address) {
        for (int i = regionCount - 1; i >= 0; i--) {
            if (Long.compareUnsigned(address - bases[i], regions[i].bytes()) < 0) {
                return i;
            }
        }
        return -1;
    }

    private void addRegion() {
        long bytes = Math.min(LAST_REGION_BYTES, FIRST_REGION_BYTES << Math.min(regionCount, 20));
        if (regionCount == regions.length) {
            regions = Arrays.copyOf(regions, 2 * regionCount);
            bases = Arrays.copyOf(bases, 2 * regionCount);
        }
        Mapping region = Mapping.reserve(bytes, MemoryTag.INDEX);
        if (regionCount > 0) {
            region.adviseHugePages(0, region.bytes());
        }
        regions[regionCount] = region;
        bases[regionCount] = region.address();
        regionCount++;
        unitsInLastRegion = 0;
        lastRegionUnits = bytes / SegmentLayout.BYTES;
    }

    /** Gives everything back to the system; the arena is empty and usable again. */
    @Override
    public void close() {
        for (int i = 0; i < regionCount; i++) {
            regions[i].close();
            regions[i] = null;
        }
        regionCount = 0;
        unitsInLastRegion = 0;
        lastRegionUnits = 0;
        freeUnit = 0;
        units = 0;
    }
}
