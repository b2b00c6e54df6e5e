package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * Goes through the elements of a set, or those that a command has gathered, where they lie. Stands before the first one when it is opened; an element's address is valid as the record is that it came from.
 * Reused; on the shard's thread.
 *
 * <pre>
 * walk.open(shard, record);
 * while (walk.next()) { ... walk.element() ... }
 * </pre>
 */
public final class SetWalk implements AutoCloseable {
    /** A spilled element. */
    private final ElementBuffer gathered = new ElementBuffer();

    // Set by open, before anything else.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private long record;

    /** The next part that is read, and how many there are. */
    private long part;

    private long parts;

    private long at;
    private long next;
    private long end;

    /** @param record of the set; 0: of an empty one */
    public void open(Shard shard, long record) {
        this.shard = shard;
        this.record = record;
        part = 0;
        parts = record == 0 ? 0 : SetPages.parts(record);
        next = 0;
        end = 0;
    }

    /** What was gathered. */
    void open(ElementBuffer elements) {
        record = 0;
        parts = 0;
        part = 0;
        next = elements.begin();
        end = elements.end();
    }

    // Parts: pages that have all elements between them. Of a packed set there is one.

    public long parts() {
        return parts;
    }

    /** Asks for some parts, as far as they exist, without waiting. */
    public void prefetch(long first, long end) {
        for (long i = first; i < Math.min(end, parts); i++) {
            SetPages.prefetchPart(shard, record, i);
        }
    }

    /** Stands before the first element of a part. May miss. */
    public void goTo(long to) {
        long page = SetPages.part(shard, record, to);
        part = to + 1;
        next = page == 0 ? 0 : Buckets.first(page);
        end = page == 0 ? 0 : Buckets.end(page);
    }

    /** Pages with lower even numbers are parts before this one. */
    public static long pages(long part) {
        return Buckets.page(part);
    }

    /** @return false at the end of the part */
    public boolean nextOfPart() {
        if (next >= end) {
            return false;
        }
        at = next;
        next = at + Element.bytes(at);
        return true;
    }

    /** Elements of the part from here on. */
    public long countOfPart() {
        return Element.count(next, end);
    }

    /** The part that a scan with this cursor is at. */
    public long partAt(long cursor) {
        return Record.isPaged(record)
                ? Buckets.bucketAt(Record.value(record) + SetPages.PART, cursor)
                : 0;
    }

    /** The cursor behind that part; 0: it was the last. */
    public long nextCursor(long cursor) {
        return Record.isPaged(record)
                ? Buckets.nextCursor(Record.value(record) + SetPages.PART, cursor)
                : 0;
    }

    // All elements.

    /** Asks for all parts and waits. May miss. */
    public void load() {
        if (record == 0 || !Record.isPaged(record)) {
            return;
        }
        long root = Record.value(record);
        long object = CollectionRoot.object(root);
        int asked = 0;
        for (long i = 0; i < parts; i++) {
            asked = ManyPages.ask(shard, object, Buckets.page(i), asked);
        }
        ManyPages.await(shard, asked);
        if (CollectionRoot.nextPage(root) > 1) {
            loadSpilled(object);
        }
    }

    private void loadSpilled(long object) {
        int asked = 0;
        for (long i = 0; i < parts; i++) {
            goTo(i);
            while (nextOfPart()) {
                if (Element.isSpilled(at)) {
                    asked = Spill.ask(shard, object, at, asked);
                }
            }
        }
        ManyPages.await(shard, asked);
        open(shard, record);
    }

    /** May miss. @return false at the end */
    public boolean next() {
        while (!nextOfPart()) {
            if (part == parts) {
                return false;
            }
            goTo(part);
        }
        return true;
    }

    /** Where the element is; it is read by {@link Element}, and where it is spilled by {@link Spill}. */
    public long element() {
        return at;
    }

    /** The shard that the set is in. */
    public Shard shard() {
        return shard;
    }

    /** Whose pages spilled elements are on; 0: none is. */
    public long object() {
        return record != 0 && Record.isPaged(record)
                ? CollectionRoot.object(Record.value(record))
                : 0;
    }

    /** The element as it is where it is not spilled; else gathered, until the next is. May miss. */
    public long whole() {
        if (!Element.isSpilled(at)) {
            return at;
        }
        gathered.clear();
        gathered.put(copyTo(gathered));
        return gathered.begin();
    }

    /** Copies the element behind those gathered, as a whole; {@link ElementBuffer#put} or putOnce takes it. May miss. @return its bytes */
    int copyTo(ElementBuffer elements) {
        if (!Element.isSpilled(at)) {
            int bytes = Element.bytes(at);
            Memory.copy(at, elements.room(bytes), bytes);
            return bytes;
        }
        return Spill.gather(shard, object(), at, elements);
    }

    @Override
    public void close() {
        gathered.close();
    }
}
