package ironcache.resp;

import ironcache.ffm.MemoryTag;

/** What the process uses, for INFO and MEMORY: off-heap bytes by tag, the heap, the resident set and their peaks. Used by who has the first shard. */
final class MemoryGauge {
    private final ProcessMemory process;
    long residentBytes;
    long peakUsedBytes;
    long startupBytes;

    MemoryGauge(ProcessMemory process) {
        this.process = process;
    }

    void measure() {
        residentBytes = process.residentBytes();
        peakUsedBytes = Math.max(peakUsedBytes, usedBytes());
    }

    /** Heap in use. */
    long heapBytes() {
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    long offHeapBytes() {
        long bytes = 0;
        for (MemoryTag tag : MemoryTag.values()) {
            bytes += tag.bytes();
        }
        return bytes;
    }

    /** Off-heap and heap together: INFO's used_memory. */
    long usedBytes() {
        return offHeapBytes() + heapBytes();
    }

    /** Everything but keys and values. */
    long overheadBytes() {
        return usedBytes() - MemoryTag.LOG.bytes() - MemoryTag.STAGING.bytes();
    }

    ProcessMemory process() {
        return process;
    }
}
