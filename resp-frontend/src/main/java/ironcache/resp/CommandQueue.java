package ironcache.resp;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * Commands that run later. Their arguments are copied to memory of the queue's own, since receive buffers are gone by the next turn:
 *
 * <pre>
 * one command, unaligned:
 * 0        4      8
 * | row id | argc | (length | bytes) × argc |
 *                      4
 * </pre>
 *
 * <p>Whoever has no more use for it closes it.
 */
class CommandQueue implements AutoCloseable {
    private static final int FIRST_CAPACITY = 512;

    /** Keys are loaded a word at a time: bytes after the last one stay readable. */
    private static final int PADDING = 8;

    private long queue;
    private long capacity;
    private long used;
    private int count;

    /** Of all commands, or-ed. */
    private long flags;

    void add(CommandRow row, long args, int argc) {
        long bytes = 8;
        for (int i = 0; i < argc; i++) {
            bytes += 4 + ArgumentTable.length(args, i);
        }
        ensure(used + bytes + PADDING);
        long at = queue + used;
        Memory.putInt(at, row.id);
        Memory.putInt(at + 4, argc);
        at += 8;
        for (int i = 0; i < argc; i++) {
            int length = ArgumentTable.length(args, i);
            Memory.putInt(at, length);
            Memory.copy(ArgumentTable.address(args, i), at + 4, length);
            at += 4 + length;
        }
        used += bytes;
        count++;
        flags |= row.flags;
    }

    private void ensure(long bytes) {
        if (bytes <= capacity) {
            return;
        }
        long newCapacity = Math.max(Math.max(bytes, 2 * capacity), FIRST_CAPACITY);
        long newQueue = Memory.allocate(newCapacity, MemoryTag.NETWORK);
        if (queue != 0) {
            Memory.copy(queue, newQueue, used);
            Memory.free(queue, capacity, MemoryTag.NETWORK);
        }
        queue = newQueue;
        capacity = newCapacity;
    }

    int count() {
        return count;
    }

    /** Memory taken. */
    long bytes() {
        return capacity;
    }

    /** Whether one of its commands has this flag. */
    boolean has(CommandFlag flag) {
        return (flags & flag.bit()) != 0;
    }

    // Walking: from first(), with after(), as long as != end().

    long first() {
        return queue;
    }

    long end() {
        return queue + used;
    }

    static int rowId(long command) {
        return Memory.getInt(command);
    }

    static int argc(long command) {
        return Memory.getInt(command + 4);
    }

    /** Puts a command's arguments into the table. @return the command after it */
    static long after(long command, ArgumentTable table) {
        long at = command + 8;
        for (int n = argc(command); n > 0; n--) {
            int length = Memory.getInt(at);
            table.add(at + 4, length);
            at += 4 + length;
        }
        return at;
    }

    @Override
    public void close() {
        if (queue != 0) {
            Memory.free(queue, capacity, MemoryTag.NETWORK);
            queue = 0;
        }
    }
}
