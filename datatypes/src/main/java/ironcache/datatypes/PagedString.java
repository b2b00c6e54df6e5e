package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * Strings longer than one record: the pages behind a {@link PagedStringLayout} root. Only the pages that an operation touches are read
 * or written. Runs on the shard's thread; holds no memory. Callers {@link #load} what they will touch before they write.
 */
final class PagedString {
    private PagedString() {}

    /** Reads the pages of a range, all misses queued together. May miss; returns with all of them readable without a miss. */
    static void load(Shard shard, long object, int pageBytes, long offset, long bytes) {
        if (bytes <= 0) {
            return;
        }
        long first = offset / pageBytes;
        long last = (offset + bytes - 1) / pageBytes;
        for (long page = first; first < last && page <= last; page++) {
            shard.prefetchPage(object, page);
        }
        for (long page = first; page <= last; page++) {
            shard.readPage(object, page);
        }
    }

    /** Copies a range within the string's length to memory. May miss. */
    static void read(Shard shard, long object, int pageBytes, long offset, long to, long bytes) {
        long done = 0;
        while (done < bytes) {
            long page = (offset + done) / pageBytes;
            int inPage = (int) ((offset + done) % pageBytes);
            int wanted = (int) Math.min(bytes - done, pageBytes - inPage);
            long record = shard.readPage(object, page);
            int there =
                    record == 0 ? 0 : Math.clamp(Record.valueLength(record) - inPage, 0, wanted);
            if (there > 0) {
                Memory.copy(Record.value(record) + inPage, to + done, there);
            }
            zero(to + done + there, wanted - there);
            done += wanted;
        }
    }

    /** Whether a range within the string's length equals {@code bytes} bytes in memory. May miss. */
    static boolean equal(
            Shard shard, long object, int pageBytes, long offset, long other, long bytes) {
        long done = 0;
        while (done < bytes) {
            long page = (offset + done) / pageBytes;
            int inPage = (int) ((offset + done) % pageBytes);
            int wanted = (int) Math.min(bytes - done, pageBytes - inPage);
            long record = shard.readPage(object, page);
            int there =
                    record == 0 ? 0 : Math.clamp(Record.valueLength(record) - inPage, 0, wanted);
            if (there > 0 && !Memory.equal(Record.value(record) + inPage, other + done, there)) {
                return false;
            }
            for (long i = done + there; i < done + wanted; i++) {
                if (Memory.getByte(other + i) != 0) {
                    return false;
                }
            }
            done += wanted;
        }
        return true;
    }

    /**
     * Writes the pages of a new object: {@code headBytes} bytes from its start, then {@code bytes} bytes at {@code offset} over them.
     * Pages that neither reaches stay absent. Looks for nothing, so it never misses. The root is the caller's.
     */
    static void create(
            Shard shard,
            long object,
            int pageBytes,
            long head,
            long headBytes,
            long offset,
            long from,
            long bytes) {
        long end = offset + bytes;
        long page = headBytes > 0 ? 0 : offset / pageBytes;
        for (long start = page * pageBytes;
                start < Math.max(end, headBytes);
                start = ++page * pageBytes) {
            int headHere = Math.clamp(headBytes - start, 0, pageBytes);
            int begin = Math.clamp(offset - start, 0, pageBytes);
            int endHere = Math.clamp(end - start, 0, pageBytes);
            boolean reached = begin < endHere;
            if (!reached && headHere == 0) {
                // The gap between the two.
                page = Math.max(page, offset / pageBytes - 1);
                continue;
            }
            long value =
                    shard.insertPage(
                            object, page, reached ? Math.max(headHere, endHere) : headHere);
            Memory.copy(head + start, value, headHere);
            if (reached) {
                zero(value + headHere, begin - headHere);
                Memory.copy(from + (start + begin - offset), value + begin, endHere - begin);
            }
        }
    }

    /** Writes a range of an object whose touched pages were loaded. The root's length is the caller's. */
    static void write(Shard shard, long object, int pageBytes, long offset, long from, long bytes) {
        long done = 0;
        while (done < bytes) {
            long page = (offset + done) / pageBytes;
            int inPage = (int) ((offset + done) % pageBytes);
            int count = (int) Math.min(bytes - done, pageBytes - inPage);
            writePage(shard, object, page, pageBytes, inPage, from + done, count);
            done += count;
        }
    }

    private static void writePage(
            Shard shard, long object, long page, int pageBytes, int inPage, long from, int count) {
        long record = shard.readPage(object, page);
        int oldLength = record == 0 ? 0 : Record.valueLength(record);
        int end = inPage + count;
        long value;
        int kept;
        int newLength;
        if (record == 0 || inPage == 0 && count >= oldLength) {
            // Nothing of the old page stays. A string is mostly made whole: no slack for growth
            // yet.
            newLength = end;
            kept = 0;
            value = shard.upsertPage(object, page, newLength);
        } else {
            // A page that grows once may grow again: doubling keeps many small APPENDs from copying
            // it each time.
            newLength =
                    end <= oldLength
                            ? oldLength
                            : Math.min(pageBytes, Math.max(end, 2 * oldLength));
            kept = oldLength;
            int changedFrom = Math.min(oldLength, inPage);
            int changedTo = newLength > oldLength ? newLength : end;
            value = shard.modifyPage(object, page, newLength, changedFrom, changedTo - changedFrom);
        }
        zero(value + kept, inPage - kept);
        Memory.copy(from, value + inPage, count);
        int written = Math.max(kept, end);
        zero(value + written, newLength - written);
    }

    private static void zero(long address, long bytes) {
        if (bytes > 0) {
            Memory.fill(address, bytes, (byte) 0);
        }
    }
}
