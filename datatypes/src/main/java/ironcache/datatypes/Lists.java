package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/**
 * Lists over a shard: packed in one record up to {@value #PACKED_BYTES_MAX} bytes, paged beyond ({@link PagedList}); once paged a list stays so. The door of the list type for the frontend.
 *
 * <pre>
 * lists.open(shard, db, key, keyLength, hash, record, limit);     the key of all that follows, as the command has read it
 * </pre>
 *
 * <p>Operations that change the list read all that they need before their first write, so a command that makes one after its own reads may be unwound by a cold miss at any point. A command that
 * changes two lists loads for both first: {@link #loadPush}, and the walk of {@link #removeWalked}; then {@link #pushLoaded} and that do not miss.
 *
 * <p>One per thread and purpose. Owns a copy of a root, a tree's and a walk's scratch, and room for one element.
 */
public final class Lists implements AutoCloseable {
    /** Longest value of a packed list. */
    static final int PACKED_BYTES_MAX = 4096;

    /** So many elements fewer are not worth a new list. */
    private static final int REBUILT_MIN = 10_000;

    private static final int ELEMENT_BYTES_MAX = 2 + Spill.SPILL_BYTES;

    private final PagedList paged = new PagedList();
    private final ListWalk walk = new ListWalk();

    /** An element as it is coded. */
    private final long coded = Memory.allocate(ELEMENT_BYTES_MAX, MemoryTag.OTHER);

    // The key.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private int db;
    private long key;
    private int keyLength;
    private long hash;
    private long record;

    /** list-max-listpack-size. */
    private int limit;

    // What is sought.
    private long soughtText;
    private int soughtLength;
    private int soughtBytes;

    // Of the push that was loaded.
    private int pushKind;

    /** The list is paged now, or will be. */
    private boolean pushPaged;

    /** Its root is new. */
    private boolean pushNew;

    // Of the trim that was loaded, where what stays is copied.
    private long keptFrom;
    private long kept;

    public static boolean isList(long record) {
        return Record.type(record) == Record.TYPE_LIST;
    }

    /** Elements of a list. */
    public static long length(long record) {
        long value = Record.value(record);
        return Record.isPaged(record)
                ? CollectionRoot.count(value)
                : Element.count(value + ListLayout.PACKED, value + Record.valueLength(record));
    }

    /** Of a paged list: a number that differs after every write to it. */
    public static int version(long record) {
        return CollectionRoot.version(Record.value(record));
    }

    /** Of a paged list: about what its pages take. */
    public static long bytes(long record) {
        return ListLayout.listpackBytes(Record.value(record));
    }

    /** Whether OBJECT ENCODING is listpack, else quicklist. */
    public static boolean isListpack(long record) {
        return Record.form(Record.kind(record)) == Record.FORM_LISTPACK;
    }

    /**
     * The key that all further calls are about.
     *
     * @param newRecord as the command has read it; 0 where the key does not exist
     * @param listpackSize list-max-listpack-size
     */
    public void open(
            Shard newShard,
            int newDb,
            long newKey,
            int newKeyLength,
            long newHash,
            long newRecord,
            int listpackSize) {
        shard = newShard;
        db = newDb;
        key = newKey;
        keyLength = newKeyLength;
        hash = newHash;
        record = newRecord;
        limit = listpackSize;
    }

    /** Elements; 0 where the key does not exist. */
    public long length() {
        return record == 0 ? 0 : length(record);
    }

    private boolean isPaged() {
        return Record.isPaged(record);
    }

    private int kind(boolean isPaged, int form) {
        return Record.collection(Record.TYPE_LIST, isPaged, form);
    }

    private int form() {
        return record == 0 ? Record.FORM_LISTPACK : Record.form(Record.kind(record));
    }

    // The form that OBJECT ENCODING shows. Valkey makes a listpack a quicklist before it adds
    // what would make it too long, and a quicklist of a single node a listpack when it has become
    // half as long; here as if all that is so short were a single node.

    /** @param addedBytes of the strings alone */
    private int grownForm(long addedCount, long addedBytes) {
        if (form() == Record.FORM_LARGE) {
            return Record.FORM_LARGE;
        }
        return exceeds(addedCount, addedBytes) ? Record.FORM_LARGE : Record.FORM_LISTPACK;
    }

    private boolean exceeds(long addedCount, long addedBytes) {
        long most = ListLimits.bytes(limit);
        if (record == 0) {
            return Listpack.EMPTY_BYTES + addedBytes > most || addedCount > ListLimits.count(limit);
        }
        if (limit < 0 && !isPaged()) {
            long atMost = (long) Record.valueLength(record) * Listpack.EXPANSION;
            if (Listpack.EMPTY_BYTES + atMost + addedBytes <= most) {
                return false;
            }
        }
        return listpackBytes() + addedBytes > most
                || length() + addedCount > ListLimits.count(limit);
    }

    private long listpackBytes() {
        long value = Record.value(record);
        return Listpack.EMPTY_BYTES
                + (isPaged()
                        ? ListLayout.listpackBytes(value)
                        : Listpack.entriesBytes(
                                value + ListLayout.PACKED, value + Record.valueLength(record)));
    }

    /** Of a list that has become shorter, or had an element replaced. */
    private int shrunkForm(int form, long count, long listpackBytes) {
        return form == Record.FORM_LARGE && ListLimits.isHalf(limit, count, listpackBytes)
                ? Record.FORM_LISTPACK
                : form;
    }

    // Pushing.

    /**
     * Adds strings at an end, each beyond the one before. May miss before it writes.
     *
     * @param from the first of {@code arguments}; {@code to}: behind the last
     * @return the new length
     */
    public long push(boolean first, Arguments arguments, int from, int to) {
        long bytes = 0;
        long textBytes = 0;
        long pages = 0;
        for (int i = from; i < to; i++) {
            int length = arguments.argLength(i);
            bytes += Spill.codedBytes(arguments.arg(i), length);
            textBytes += length;
            pages += Spill.pagesOf(length);
        }
        long before = length();
        load(first, to - from, bytes, textBytes, pages);
        if (pushPaged) {
            beginPush();
            paged.push(first, arguments, from, to);
            savePush();
        } else {
            long at = spliceAtEnd(first, (int) bytes);
            if (first) {
                for (int i = to - 1; i >= from; i--) {
                    at += Element.put(at, arguments.arg(i), arguments.argLength(i));
                }
            } else {
                for (int i = from; i < to; i++) {
                    at += Element.put(at, arguments.arg(i), arguments.argLength(i));
                }
            }
        }
        return before + to - from;
    }

    /** Room at an end of a packed list. @return where the caller writes so many bytes at once */
    private long spliceAtEnd(boolean first, int bytes) {
        if (record == 0) {
            long value =
                    shard.upsert(db, key, keyLength, hash, pushKind, ListLayout.PACKED + bytes, 0);
            SplicedLayout.putVersion(value, 0);
            return value + ListLayout.PACKED;
        }
        int at = first ? ListLayout.PACKED : Record.valueLength(record);
        return splice(pushKind, at, 0, bytes);
    }

    private long splice(int kind, int at, int removed, int inserted) {
        return shard.splice(db, key, keyLength, hash, kind, at, removed, inserted) + at;
    }

    /**
     * Reads what adding strings at an end needs, and decides what the list is then. May miss.
     *
     * @param bytes of the elements as they are coded
     * @param textBytes of the strings
     * @param pages that spilled ones take
     */
    private void load(boolean first, int count, long bytes, long textBytes, long pages) {
        int form = grownForm(count, textBytes);
        boolean wasPaged = record != 0 && isPaged();
        long packed = record == 0 || wasPaged ? ListLayout.PACKED : Record.valueLength(record);
        pushPaged = wasPaged || pages > 0 || packed + bytes > PACKED_BYTES_MAX;
        pushNew = pushPaged && !wasPaged;
        pushKind = kind(pushPaged, form);
        if (pushNew) {
            paged.create(shard, db);
            paged.probe(first, bytes, pages, 1);
        } else if (pushPaged) {
            paged.open(shard, Record.value(record));
            paged.probe(first, bytes, pages, 0);
        }
    }

    /** The first writes of a push that makes the list paged. */
    private void beginPush() {
        if (pushNew && record != 0) {
            putPacked();
        }
    }

    private void putPacked() {
        paged.putPacked(
                Record.value(record) + ListLayout.PACKED,
                Record.valueLength(record) - ListLayout.PACKED);
    }

    private void savePush() {
        if (pushNew) {
            paged.saveNew(
                    db, key, keyLength, hash, pushKind, record == 0 ? 0 : Record.expiry(record));
        } else {
            paged.save(db, key, keyLength, hash, pushKind);
        }
    }

    /** Reads what adding one element of another list, which was loaded, needs here: then {@link #pushLoaded} adds it. May miss. */
    public void loadPush(boolean first, long element) {
        long pages = Element.isSpilled(element) ? Spill.pieces(element) : 0;
        load(first, 1, Element.bytes(element), Element.textLength(element), pages);
    }

    /** Adds an element of another list. After {@link #loadPush}; before that list is written. */
    public void pushLoaded(boolean first, Shard fromShard, long fromObject, long element) {
        int bytes = Element.bytes(element);
        if (!pushPaged) {
            Memory.copy(element, spliceAtEnd(first, bytes), bytes);
            return;
        }
        beginPush();
        Memory.copy(element, coded, bytes);
        if (Element.isSpilled(element)) {
            long page = Spill.copy(fromShard, fromObject, element, shard, paged.root());
            Element.putSpilled(coded, Element.spilledLength(element), page);
        }
        paged.push(first, coded, bytes);
        savePush();
    }

    // Removing.

    /** Reads what the removal of so many elements at an end needs, and the elements. May miss. */
    private void loadRemove(boolean first, long count) {
        if (count >= length() || !isPaged()) {
            return;
        }
        walk.open(shard, record);
        walk.load(first ? 0 : length() - count, count);
        walk.seekEnd(first, count);
        for (long i = 0; i < count && (first ? walk.next() : walk.previous()); i++) {
            walk.loadElement();
        }
    }

    /** Removes those elements, at least one, that {@link #walkFrom} has gone over, spilled ones read, and no other call came between. @return whether the list, and with it the key, is gone */
    public boolean removeWalked(boolean first, long count) {
        long value = Record.value(record);
        long element = walk.element();
        if (isPaged()) {
            if (count >= CollectionRoot.count(value)) {
                shard.delete(db, key, keyLength, hash);
                return true;
            }
            paged.open(shard, value);
            if (!walk.isInEnd(first)
                    || !paged.removeInLeaf(
                            first,
                            count,
                            walk.leafBegin() - TreeLayout.ENTRIES,
                            walk.leafEnd(),
                            element)) {
                paged.removeEnd(first, count, true);
            }
            saveShrunk();
            return false;
        }
        long begin = value + ListLayout.PACKED;
        long end = value + Record.valueLength(record);
        long from = first ? begin : element;
        long to = first ? element + Element.bytes(element) : end;
        if (from == begin && to == end) {
            shard.delete(db, key, keyLength, hash);
            return true;
        }
        int kind = Record.kind(record);
        if (form() == Record.FORM_LARGE) {
            long restFrom = first ? to : begin;
            long restTo = first ? end : from;
            kind = shrunkPackedKind(restFrom, restTo, Element.count(restFrom, restTo));
        }
        splice(kind, (int) (from - value), (int) (to - from), 0);
        return false;
    }

    /** Reads what the removal of elements at both ends needs. May miss. */
    public void loadTrim(long atBegin, long atEnd) {
        long length = length();
        if (atBegin + atEnd >= length || !isPaged()) {
            return;
        }
        if (!isRebuilt(length, atBegin + atEnd)) {
            loadRemove(true, atBegin);
            loadRemove(false, atEnd);
            return;
        }
        keptFrom = atBegin;
        kept = length - atBegin - atEnd;
        walk.open(shard, record);
        walk.load(keptFrom, kept);
        walk.seek(keptFrom, kept);
        long bytes = 0;
        long pages = 0;
        for (long i = 0; i < kept && walk.next(); i++) {
            walk.loadElement();
            bytes += Element.bytes(walk.element());
            pages += Element.isSpilled(walk.element()) ? Spill.pieces(walk.element()) : 0;
        }
        paged.create(shard, db);
        paged.probe(false, bytes, pages, 2);
    }

    /** Removes elements at both ends. After {@link #loadTrim}. @return whether the list, and with it the key, is gone */
    public boolean trim(long atBegin, long atEnd) {
        long length = length();
        if (atBegin + atEnd >= length) {
            shard.delete(db, key, keyLength, hash);
            return true;
        }
        if (isPaged() && isRebuilt(length, atBegin + atEnd)) {
            rebuild();
            return false;
        }
        if (isPaged()) {
            paged.open(shard, Record.value(record));
            paged.removeEnd(true, atBegin, true);
            paged.removeEnd(false, atEnd, true);
            saveShrunk();
            return false;
        }
        long begin = Record.value(record) + ListLayout.PACKED;
        long from = skip(begin, atBegin);
        long to = skip(from, length - atBegin - atEnd);
        int kept = (int) (to - from);
        int endBytes = (int) (begin - ListLayout.PACKED + Record.valueLength(record) - to);
        int kind = shrunkPackedKind(from, to, length - atBegin - atEnd);
        int beginBytes = (int) (from - begin);
        if (endBytes > 0) {
            splice(kind, ListLayout.PACKED + beginBytes + kept, endBytes, 0);
        }
        if (beginBytes > 0) {
            splice(kind, ListLayout.PACKED, beginBytes, 0);
        }
        return false;
    }

    /** Whether of a list so much goes that what stays is rather copied to a new one: its pages are fewer than those that would be read to be deleted. */
    private static boolean isRebuilt(long length, long removed) {
        return removed > REBUILT_MIN && length - removed < removed;
    }

    /** The elements that {@link #loadTrim} read become a list of their own; the old one's object dies as a whole. */
    private void rebuild() {
        walk.seek(keptFrom, kept);
        for (long i = 0; i < kept && walk.next(); i++) {
            long element = walk.element();
            int bytes = Element.bytes(element);
            Memory.copy(element, coded, bytes);
            if (Element.isSpilled(element)) {
                long page = Spill.copy(shard, walk.object(), element, shard, paged.root());
                Element.putSpilled(coded, Element.spilledLength(element), page);
            }
            paged.push(false, coded, bytes);
        }
        int kind = kind(true, shrunkPagedForm(form()));
        paged.saveNew(db, key, keyLength, hash, kind, Record.expiry(record));
    }

    private static long skip(long from, long count) {
        long at = from;
        for (long i = 0; i < count; i++) {
            at += Element.bytes(at);
        }
        return at;
    }

    private int shrunkPackedKind(long from, long to, long count) {
        int form = form();
        if (form == Record.FORM_LARGE) {
            form = shrunkForm(form, count, Listpack.EMPTY_BYTES + Listpack.entriesBytes(from, to));
        }
        return kind(false, form);
    }

    private void saveShrunk() {
        saveShrunk(form());
    }

    private void saveShrunk(int form) {
        long root = paged.root();
        int shrunk =
                shrunkForm(
                        form,
                        CollectionRoot.count(root),
                        Listpack.EMPTY_BYTES + ListLayout.listpackBytes(root));
        paged.save(db, key, keyLength, hash, kind(true, shrunk));
    }

    /** Moves an element from one end to the other, or leaves it at its own. May miss before it writes. */
    public void rotate(boolean from, boolean to) {
        loadRemove(from, 1);
        walk.open(shard, record);
        walk.seekEnd(from, 1);
        boolean there = from ? walk.next() : walk.previous();
        assert there : "an empty list";
        long element = walk.element();
        int bytes = Element.bytes(element);
        Memory.copy(element, coded, bytes);
        if (isPaged()) {
            paged.open(shard, Record.value(record));
            paged.probe(to, bytes, 0, 1);
            int form = form();
            paged.removeEnd(from, 1, false);
            paged.push(to, coded, bytes);
            saveShrunk(form);
            return;
        }
        int kind = kind(false, form());
        int end = Record.valueLength(record);
        splice(kind, from ? ListLayout.PACKED : end - bytes, bytes, 0);
        Memory.copy(coded, splice(kind, to ? ListLayout.PACKED : end - bytes, 0, bytes), bytes);
    }

    /** Nothing was removed: what a removal makes of OBJECT ENCODING. */
    public void noteShrink() {
        long begin = Record.value(record) + ListLayout.PACKED;
        int kind = Record.kind(record);
        if (isPaged()) {
            int form = shrunkForm(form(), length(), listpackBytes());
            if (form != form()) {
                paged.open(shard, Record.value(record));
                paged.save(db, key, keyLength, hash, kind(true, form));
            }
        } else {
            long end = Record.value(record) + Record.valueLength(record);
            int shrunk = shrunkPackedKind(begin, end, length());
            if (shrunk != kind) {
                splice(shrunk, ListLayout.PACKED, 0, 0);
            }
        }
    }

    // In the middle.

    /** Codes an argument, without its pages where it is spilled. @return bytes */
    private int code(long text, int length) {
        if (length > Spill.SPILL_BYTES) {
            Element.putSpilled(coded, length, 0);
            return Element.SPILLED_BYTES;
        }
        return Element.put(coded, text, length);
    }

    /** As a change that would add this string makes OBJECT ENCODING, though it may not happen. */
    public void noteGrowth(int textLength) {
        if (grownForm(1, textLength) != form()) {
            if (isPaged()) {
                paged.open(shard, Record.value(record));
                paged.save(db, key, keyLength, hash, kind(true, Record.FORM_LARGE));
            } else {
                splice(kind(false, Record.FORM_LARGE), ListLayout.PACKED, 0, 0);
            }
        }
    }

    /** Puts a string before the element at this index, from 0 to the length. May miss before it writes. @return the new length */
    public long insert(long index, long text, int length) {
        return change(index, false, text, length);
    }

    /** Puts a string instead of the element at this index, which is there. May miss before it writes. */
    public void set(long index, long text, int length) {
        change(index, true, text, length);
    }

    private long change(long index, boolean replaces, long text, int length) {
        int form = grownForm(1, length);
        int bytes = code(text, length);
        long pages = Spill.pagesOf(length);
        long count = length();
        int removed = 0;
        if (replaces) {
            walk.open(shard, record);
            walk.seek(index, 1);
            boolean there = walk.next();
            assert there : "no element at " + index;
            walk.loadElement();
            removed = Element.bytes(walk.element());
        }
        if (!isPaged()) {
            int at = (int) (skipped(index) - Record.value(record));
            int newLength = Record.valueLength(record) - removed + bytes;
            if (pages == 0 && newLength <= PACKED_BYTES_MAX) {
                splicePacked(form, at, removed, bytes, replaces);
                return count + 1;
            }
            long expiry = Record.expiry(record);
            paged.create(shard, db);
            paged.probe(false, bytes, pages, 2);
            putPacked();
            change(index, replaces, text, bytes, length);
            int newForm = replaces ? shrunkPagedForm(form) : form;
            paged.saveNew(db, key, keyLength, hash, kind(true, newForm), expiry);
            return count + 1;
        }
        paged.open(shard, Record.value(record));
        paged.loadChange(index, bytes, pages);
        change(index, replaces, text, bytes, length);
        int newForm = replaces ? shrunkPagedForm(form) : form;
        paged.save(db, key, keyLength, hash, kind(true, newForm));
        return count + 1;
    }

    private long skipped(long index) {
        return skip(Record.value(record) + ListLayout.PACKED, index);
    }

    private void splicePacked(int form, int at, int removed, int bytes, boolean replaces) {
        int newForm = form;
        if (replaces && form == Record.FORM_LARGE) {
            long begin = Record.value(record) + ListLayout.PACKED;
            long end = Record.value(record) + Record.valueLength(record);
            long old = Record.value(record) + at;
            newForm =
                    shrunkForm(
                            form,
                            Element.count(begin, end),
                            Listpack.EMPTY_BYTES
                                    + Listpack.entriesBytes(begin, end)
                                    - Listpack.entryBytes(old)
                                    + Listpack.entryBytes(coded));
        }
        Memory.copy(coded, splice(kind(false, newForm), at, removed, bytes), bytes);
    }

    private int shrunkPagedForm(int form) {
        long root = paged.root();
        return shrunkForm(
                form,
                CollectionRoot.count(root),
                Listpack.EMPTY_BYTES + ListLayout.listpackBytes(root));
    }

    /** Of the paged list whose root copy is open. */
    private void change(long index, boolean replaces, long text, int bytes, int length) {
        if (length > Spill.SPILL_BYTES) {
            Element.putSpilled(coded, length, Spill.write(shard, paged.root(), text, length));
        }
        if (!replaces || !paged.replace(index, coded, bytes)) {
            paged.insert(index, coded, bytes);
            if (replaces) {
                paged.remove(index + 1);
            }
        }
    }

    /**
     * Removes elements that are a string. May miss before it writes.
     *
     * @param most of them; 0: all
     * @param fromEnd the last ones rather than the first
     * @param others so many elements at that end are known to be none
     * @return how many there were; where that is all that the list had, the key is gone
     */
    public long removeEqual(long text, int length, long most, boolean fromEnd, long others) {
        int bytes = code(text, length);
        long count = length();
        long wanted = most == 0 ? Long.MAX_VALUE : most;
        long found = 0;
        walk.open(shard, record);
        long at = fromEnd ? count - others : others;
        if (wanted >= count) {
            walk.load(fromEnd ? 0 : at, count - others);
        }
        walk.seek(at, fromEnd ? -at : count - at);
        while (found < wanted && (fromEnd ? walk.previous() : walk.next())) {
            if (walk.isElement(coded, bytes, text, length)) {
                walk.loadElement();
                found++;
            }
        }
        if (found == count) {
            shard.delete(db, key, keyLength, hash);
        } else if (found > 0 && isPaged()) {
            removeEqualPaged(text, length, bytes, found, fromEnd, at);
        } else if (found > 0) {
            removeEqualPacked(bytes, found, fromEnd, count);
        }
        return found;
    }

    private void removeEqualPaged(
            long text, int length, int bytes, long found, boolean fromEnd, long from) {
        paged.open(shard, Record.value(record));
        long at = from;
        walk.openRoot(shard, paged.root());
        for (long i = 0; i < found; i++) {
            walk.seek(at, fromEnd ? -1 : 1);
            if (fromEnd) {
                do {
                    walk.previous();
                    at--;
                } while (!walk.isElement(coded, bytes, text, length));
                paged.remove(at);
            } else {
                walk.next();
                while (!walk.isElement(coded, bytes, text, length)) {
                    walk.next();
                    at++;
                }
                paged.remove(at);
            }
            walk.openRoot(shard, paged.root());
        }
        saveShrunk();
    }

    /** Those found are a contiguous part of all that are equal, so the others tell where to stop. */
    private void removeEqualPacked(int bytes, long found, boolean fromEnd, long count) {
        int form = form();
        long left = count - found;
        long value = Record.value(record);
        long begin = value + ListLayout.PACKED;
        long end = value + Record.valueLength(record);
        if (form == Record.FORM_LARGE) {
            long listpack = Listpack.EMPTY_BYTES + Listpack.entriesBytes(begin, end);
            form = shrunkForm(form, left, listpack - found * Listpack.entryBytes(coded));
        }
        int kind = kind(false, form);
        long passed = fromEnd ? equal(begin, end, bytes) - found : 0;
        long rest = found;
        int at = ListLayout.PACKED;
        while (rest > 0) {
            long element = value + at;
            if (!isCoded(element, bytes) || passed-- > 0) {
                at += Element.bytes(element);
                continue;
            }
            value = splice(kind, at, bytes, 0) - at;
            rest--;
        }
    }

    private boolean isCoded(long element, int bytes) {
        return Element.bytes(element) == bytes && Memory.equal(element, coded, bytes);
    }

    private long equal(long begin, long end, int bytes) {
        long count = 0;
        for (long at = begin; at < end; at += Element.bytes(at)) {
            count += isCoded(at, bytes) ? 1 : 0;
        }
        return count;
    }

    // Finding.

    /**
     * A walk over the list for the caller, who does nothing else with this object meanwhile.
     *
     * @param count how many elements it will go over from there; negative: backward
     */
    public ListWalk walk(long index, long count) {
        walk.open(shard, record);
        walk.seek(index, count);
        return walk;
    }

    /** A walk from an end of the list inward, as {@link #walk}. */
    public ListWalk walkFrom(boolean first, long count) {
        walk.open(shard, record);
        walk.seekEnd(first, count);
        return walk;
    }

    /** Reads so many elements at an end. May miss. @return bytes of their strings */
    public long textBytes(boolean first, long count) {
        walkFrom(first, count);
        long bytes = 0;
        for (long i = 0; i < count && (first ? walk.next() : walk.previous()); i++) {
            bytes += Element.textLength(walk.element());
            walk.loadElement();
        }
        return bytes;
    }

    /** Says which string {@link #isSought} asks for. */
    public void seek(long text, int length) {
        soughtText = text;
        soughtLength = length;
        soughtBytes = code(text, length);
    }

    /** Whether the walk's element is the string. May miss. */
    public boolean isSought() {
        return walk.isElement(coded, soughtBytes, soughtText, soughtLength);
    }

    @Override
    public void close() {
        paged.close();
        walk.close();
        Memory.free(coded, ELEMENT_BYTES_MAX, MemoryTag.OTHER);
    }
}
