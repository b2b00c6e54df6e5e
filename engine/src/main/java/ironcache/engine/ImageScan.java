package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import ironcache.wal.ImageFile;
import java.util.BitSet;

/**
 * Writes the shard's image while commands run, in slices: effects that rebuild it. What the log says of the time from its begin to the cut makes it exact
 * (docs/adr/0012-durability.md).
 *
 * <pre>
 * BEGUN  keyspaces, object numbers, retired objects      at once, at the begin
 * KEYS   of each keyspace, keys and then pages: a group of the index at a time, each entry once; a record that a written page holds is
 *        referred to, any other is put in whole; objects that are retired meanwhile, of which pages may be in it
 * WHEEL  entries of the timing wheel, while active expiry rests
 * FIELDS those of the wheel of hashes with field times, likewise
 * </pre>
 *
 * <p>One owner thread. Memory: the image file's buffers, of which the scan lets no more than {@value #PENDING_BYTES_MAX} bytes gather.
 */
final class ImageScan {
    /** What waits to be written; the scan rests while it is more. */
    private static final int PENDING_BYTES_MAX = 4 << 20;

    /** References of one group that are gathered; a group that has more is written in parts. */
    private static final int REFERENCES_MAX = 512;

    private static final int GROUPS_PER_CHECK = 4;

    private enum State {
        KEYS,
        WHEEL,
        FIELDS,
        DONE
    }

    private final Store store;
    private final Expirer expirer;
    private final FieldExpirer fieldExpirer;
    private final Keyspace[] keyspaces;
    private final ImageFile image;

    /** Segments that the image refers to. */
    final BitSet segments = new BitSet();

    private State state = State.KEYS;
    private int keyspace;
    private boolean inPages;
    private long cursor;
    private final long[] references = new long[REFERENCES_MAX];
    private int referenceCount;
    private final long[] wheelEntries = new long[2 * WheelBlocks.ENTRIES];
    private int wheelCount;
    private long keys;

    /**
     * @param databases as they are now
     * @param image empty
     */
    ImageScan(
            Store store,
            Expirer expirer,
            FieldExpirer fieldExpirer,
            PagedObjects objects,
            Keyspace[] databases,
            ImageFile image) {
        this.store = store;
        this.expirer = expirer;
        this.fieldExpirer = fieldExpirer;
        this.image = image;
        keyspaces = databases.clone();
        EffectLayout.keyspaces(image.append(EffectLayout.keyspacesBytes()), databases);
        object(objects.lastNumber(), 0);
        store.reaper.forEachRetired(this::object);
    }

    /** Between begin and cut this object was retired: pages of it may be in the image, and its root not. */
    void retired(long object, long pages) {
        if (state == State.KEYS) {
            object(object, pages);
        }
    }

    private void object(long object, long pages) {
        EffectLayout.put(
                image.append(EffectLayout.WORD_BYTES + 16), EffectLayout.OBJECT, 0, object, pages);
    }

    /** Whether active expiry has to rest. */
    boolean holdsExpiry() {
        return state == State.WHEEL || state == State.FIELDS;
    }

    /** Whether {@link #step} would get anywhere. */
    boolean hasWork() {
        return state != State.DONE && image.pendingBytes() <= PENDING_BYTES_MAX;
    }

    boolean isDone() {
        return state == State.DONE;
    }

    /** Keys that are in the image so far. */
    long keys() {
        return keys;
    }

    /** @return false: the image's writes have to get further first, or there is nothing left to do */
    boolean step(long deadlineNanos, Clock clock) {
        int steps = 0;
        while (state != State.DONE) {
            if (image.pendingBytes() > PENDING_BYTES_MAX) {
                return false;
            }
            if (state == State.KEYS) {
                group();
            } else {
                wheel();
            }
            if (++steps % GROUPS_PER_CHECK == 0 && clock.nanoTime() - deadlineNanos >= 0) {
                return true;
            }
        }
        return false;
    }

    private void group() {
        Keyspace current = keyspaces[keyspace];
        // Flushed since: a later effect says so, and whatever it held is of no interest.
        if (!current.flushed) {
            HashIndex index = inPages ? current.pages : current.keys;
            int group = HashIndex.groupOf(cursor);
            cursor = index.scan(cursor, this::entry);
            writeReferences(group);
        } else {
            cursor = 0;
        }
        if (cursor == 0) {
            if (inPages) {
                keyspace++;
            }
            inPages = !inPages;
            if (keyspace == keyspaces.length) {
                state = State.WHEEL;
            }
        }
    }

    private void entry(long slot, long address) {
        if (!inPages) {
            keys++;
        }
        long ssd = address;
        long record = store.log.resolve(address);
        if (Log.isMutable(address)) {
            ssd = Record.hasHome(record) ? Record.home(record) : 0;
        } else if (!store.segments.isFlushed(Address.page(address))) {
            ssd = 0;
        }
        if (ssd == 0) {
            EffectLayout.put(image.append(EffectLayout.putBytes(record)), record);
            return;
        }
        note(address);
        if (referenceCount == REFERENCES_MAX) {
            writeReferences(HashIndex.groupOf(cursor));
        }
        references[referenceCount++] = HashIndex.word(slot) - address + ssd;
        announce(ssd);
    }

    /** What a blind write left to settle. */
    private void note(long address) {
        long note = store.shadows.size() == 0 ? 0 : store.shadows.find(address);
        if (note != 0) {
            EffectLayout.put(
                    image.append(EffectLayout.WORD_BYTES + 24),
                    EffectLayout.NOTE,
                    Shadows.keyspace(note),
                    address,
                    Shadows.hash(note),
                    Shadows.second(note));
        }
    }

    /** A segment is described before the first reference into it. */
    private void announce(long address) {
        int page = Address.page(address);
        int number = store.segments.numberOf(page);
        if (!segments.get(number)) {
            segments.set(number);
            EffectLayout.put(
                    image.append(EffectLayout.WORD_BYTES + 16),
                    EffectLayout.SEGMENT,
                    0,
                    number | (long) store.segments.segmentPages() << 32,
                    store.segments.generationOf(page));
        }
    }

    private void writeReferences(int group) {
        if (referenceCount == 0) {
            return;
        }
        long effect = image.append(EffectLayout.referencesBytes(referenceCount));
        EffectLayout.references(
                effect,
                keyspaces[keyspace].number,
                inPages ? EffectLayout.PAGE : 0,
                group,
                referenceCount);
        for (int i = 0; i < referenceCount; i++) {
            Memory.putLong(EffectLayout.reference(effect, i), references[i]);
        }
        referenceCount = 0;
    }

    private void wheel() {
        wheelCount = 0;
        boolean fields = state == State.FIELDS;
        cursor =
                fields
                        ? fieldExpirer.dump(cursor, this::wheelEntry)
                        : expirer.dump(cursor, this::wheelEntry);
        if (wheelCount > 0) {
            long effect = image.append(EffectLayout.wheelBytes(wheelCount));
            EffectLayout.wheel(effect, fields ? EffectLayout.FIELDS : 0, wheelCount);
            for (int i = 0; i < wheelCount; i++) {
                long at = EffectLayout.wheelEntry(effect, i);
                Memory.putLong(at, wheelEntries[2 * i]);
                Memory.putLong(at + 8, wheelEntries[2 * i + 1]);
            }
        }
        if (cursor == 0) {
            state = fields ? State.DONE : State.FIELDS;
        }
    }

    private void wheelEntry(long word, long deadlineMillis) {
        wheelEntries[2 * wheelCount] = word;
        wheelEntries[2 * wheelCount++ + 1] = deadlineMillis;
    }
}
