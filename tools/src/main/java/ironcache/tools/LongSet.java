package ironcache.tools;

/** A set of numbers, open addressing; for millions of them. Not for several threads. */
final class LongSet {
    private long[] slots = new long[1 << 10];
    private int size;
    private boolean hasZero;

    /** @return whether it is new */
    boolean add(long value) {
        if (value == 0) {
            boolean fresh = !hasZero;
            hasZero = true;
            return fresh;
        }
        if (size >= slots.length / 2) {
            grow();
        }
        int slot = find(value);
        if (slots[slot] == value) {
            return false;
        }
        slots[slot] = value;
        size++;
        return true;
    }

    boolean contains(long value) {
        return value == 0 ? hasZero : slots[find(value)] == value;
    }

    boolean isEmpty() {
        return size == 0 && !hasZero;
    }

    void clear() {
        if (!isEmpty()) {
            slots = new long[1 << 10];
            size = 0;
            hasZero = false;
        }
    }

    private int find(long value) {
        int mask = slots.length - 1;
        int slot = (int) (value * 0x9E3779B97F4A7C15L >>> 32) & mask;
        while (slots[slot] != 0 && slots[slot] != value) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        long[] before = slots;
        slots = new long[before.length * 2];
        for (long value : before) {
            if (value != 0) {
                slots[find(value)] = value;
            }
        }
    }
}
