package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import org.jspecify.annotations.Nullable;

/**
 * Applies effects that were read back from the log. Each may be applied to a state that has some of the later ones already (an image is made while commands run), and
 * is right again when all have been: what finds its key gone, or another kind of value than it changed, does nothing, for a later effect made it so. What overwrites or deletes the root
 * of an object that came later must not take its pages along: until the log has come to the cut, where image and log agree, what is retired is held, and a put of its root revives it.
 *
 * <p>Nothing expires meanwhile: what did then, a DELETE says. One owner thread; owns no memory.
 */
final class Replay {
    private final Store store;
    private final KeyWrites writes;
    private final Expirer expirer;
    private final FieldExpirer fieldExpirer;
    private final PagedObjects objects;
    private final Keyspace[] databases;

    /** Effects are those of an image. */
    private boolean inImage;

    Replay(
            Store store,
            KeyWrites writes,
            Expirer expirer,
            FieldExpirer fieldExpirer,
            PagedObjects objects,
            Keyspace[] databases) {
        this.store = store;
        this.writes = writes;
        this.expirer = expirer;
        this.fieldExpirer = fieldExpirer;
        this.objects = objects;
        this.databases = databases;
    }

    /**
     * May miss; then nothing has been applied.
     *
     * @param effect its memory address; it has been verified
     * @return false: it is none that this version knows
     */
    boolean apply(long effect) {
        switch (EffectLayout.op(effect)) {
            case EffectLayout.PUT -> put(EffectLayout.record(effect));
            case EffectLayout.DELETE -> delete(effect);
            case EffectLayout.PATCH -> patch(effect);
            case EffectLayout.SPLICE -> splice(effect);
            case EffectLayout.EXPIRE -> expire(effect);
            case EffectLayout.KEYSPACES -> map(effect);
            case EffectLayout.SEGMENT -> restoreSegment(effect);
            case EffectLayout.REFERENCES -> refer(effect);
            case EffectLayout.NOTE -> note(effect);
            case EffectLayout.WHEEL -> wind(effect);
            case EffectLayout.OBJECT -> object(effect);
            case EffectLayout.EXPIRES -> countExpires(effect);
            default -> {
                return false;
            }
        }
        return true;
    }

    /** A keyspace that is some database's; null: it was flushed later, so what is in it does not matter. */
    private @Nullable Keyspace live(int number) {
        Keyspace keyspace = store.keyspaces[number];
        return keyspace == null || keyspace.flushed ? null : keyspace;
    }

    private void put(long from) {
        Keyspace keyspace = live(Record.keyspace(from));
        if (keyspace == null) {
            return;
        }
        if (inImage) {
            insert(keyspace, from);
            return;
        }
        long key = Record.key(from);
        int length = Record.valueLength(from);
        if (Record.type(from) == Record.TYPE_PAGE) {
            long object = Memory.getLong(key);
            objects.seen(object);
            Memory.copy(
                    Record.value(from),
                    objects.upsert(object, Memory.getLong(key + 8), length),
                    length);
            return;
        }
        int keyLength = Record.keyLength(from);
        long hash = store.hash(key, keyLength);
        long object = 0;
        if (Record.isPaged(from)) {
            // Its old root may be of the same object, which lives on: that must be known.
            object = RootLayout.object(Record.value(from));
            objects.seen(object);
            store.find(keyspace.keys, key, keyLength, hash);
            store.settleKey(keyspace, key, keyLength, hash);
            store.reaper.revive(object);
        }
        long record =
                writes.upsertRecord(
                        keyspace,
                        key,
                        keyLength,
                        hash,
                        Record.kind(from),
                        length,
                        Record.expiry(from),
                        object);
        Memory.copy(Record.value(from), Record.value(record), length);
    }

    /** A record of an image, which has each key once: nothing is looked up, and the wheel's entries come by themselves. */
    private void insert(Keyspace keyspace, long from) {
        int bytes = Record.carriedLength(from);
        long address = store.log.allocate(bytes);
        Record.copyCarried(from, store.log.resolve(address));
        long hash = store.hash(Record.key(from), Record.keyLength(from));
        if (Record.type(from) == Record.TYPE_PAGE) {
            keyspace.pages.insert(hash, address);
        } else {
            keyspace.keys.insert(hash, address);
            keyspace.kindChanged(0, Record.kind(from));
            if (Record.hasExpiry(from)) {
                keyspace.expires++;
            }
        }
    }

    private void delete(long effect) {
        Keyspace keyspace = live(EffectLayout.keyspace(effect));
        if (keyspace == null) {
            return;
        }
        long key = EffectLayout.deletedKey(effect);
        if (EffectLayout.has(effect, EffectLayout.PAGE)) {
            objects.delete(Memory.getLong(key), Memory.getLong(key + 8));
        } else {
            int keyLength = EffectLayout.keyLength(effect);
            writes.remove(
                    keyspace,
                    key,
                    keyLength,
                    store.hash(key, keyLength),
                    EffectLayout.has(effect, EffectLayout.DETACH) ? EffectLayout.DETACH : 0);
        }
    }

    private void patch(long effect) {
        Keyspace keyspace = live(EffectLayout.keyspace(effect));
        if (keyspace == null) {
            return;
        }
        long key = EffectLayout.patchedKey(effect);
        int keyLength = EffectLayout.keyLength(effect);
        boolean page = EffectLayout.has(effect, EffectLayout.PAGE);
        HashIndex index = page ? keyspace.pages : keyspace.keys;
        long record = store.find(index, key, keyLength, store.hash(key, keyLength));
        int kind = EffectLayout.patchKind(effect);
        if (record == 0 || Record.isPaged(record) || Record.type(record) != Record.typeOf(kind)) {
            return;
        }
        record = store.modify(keyspace, index, record, kind, EffectLayout.patchValueLength(effect));
        Memory.copy(
                EffectLayout.patchedBytes(effect),
                Record.value(record) + EffectLayout.patchFrom(effect),
                EffectLayout.patchCount(effect));
    }

    /**
     * What an image has may be newer, so that bytes are at another place: only where the version is the one before does the effect fit. Where it is a newer one, the effect is in it
     * already; where the record is another one, that was put later, and so it will be again.
     */
    private void splice(long effect) {
        Keyspace keyspace = live(EffectLayout.keyspace(effect));
        if (keyspace == null) {
            return;
        }
        long key = EffectLayout.splicedKey(effect);
        int keyLength = EffectLayout.keyLength(effect);
        boolean page = EffectLayout.has(effect, EffectLayout.PAGE);
        HashIndex index = page ? keyspace.pages : keyspace.keys;
        long record = store.find(index, key, keyLength, store.hash(key, keyLength));
        int kind = EffectLayout.spliceKind(effect);
        int from = EffectLayout.spliceFrom(effect);
        int removed = EffectLayout.spliceRemoved(effect);
        int count = EffectLayout.spliceCount(effect);
        if (record == 0
                || Record.isPaged(record)
                || Record.type(record) != Record.typeOf(kind)
                || from + removed > Record.valueLength(record)
                || SplicedLayout.version(Record.value(record)) + 1
                        != EffectLayout.spliceVersion(effect)) {
            return;
        }
        record = store.splice(keyspace, index, record, kind, from, removed, count, 0);
        Memory.copy(EffectLayout.splicedBytes(effect), Record.value(record) + from, count);
    }

    private void expire(long effect) {
        Keyspace keyspace = live(EffectLayout.keyspace(effect));
        if (keyspace == null) {
            return;
        }
        long key = EffectLayout.expiringKey(effect);
        int keyLength = EffectLayout.keyLength(effect);
        long hash = store.hash(key, keyLength);
        if (EffectLayout.has(effect, EffectLayout.FIELDS)) {
            fieldExpirer.add(keyspace, hash, EffectLayout.expireMillis(effect));
        } else if (store.find(keyspace.keys, key, keyLength, hash) != 0) {
            expirer.set(keyspace, key, keyLength, hash, EffectLayout.expireMillis(effect));
        }
    }

    /** Databases were flushed or exchanged. */
    private void map(long effect) {
        Keyspace[] before = databases.clone();
        for (int db = 0; db < databases.length; db++) {
            databases[db] = keyspace(EffectLayout.keyspaceOf(effect, db), before);
        }
        for (Keyspace keyspace : before) {
            if (!isMapped(keyspace)) {
                store.reaper.flush(keyspace);
            }
        }
    }

    private boolean isMapped(Keyspace keyspace) {
        for (Keyspace mapped : databases) {
            if (mapped == keyspace) {
                return true;
            }
        }
        return false;
    }

    /** The mapped keyspace of this number, or a new one. */
    private Keyspace keyspace(int number, Keyspace[] before) {
        for (Keyspace keyspace : before) {
            if (keyspace.number == number) {
                return keyspace;
            }
        }
        return store.newKeyspace(number);
    }

    // Images.

    /** @param portable whether it comes without references, so that keys of it may be there already */
    void beginImage(boolean portable) {
        inImage = !portable;
        store.reaper.hold();
    }

    void endImage() {
        inImage = false;
    }

    /** All has been replayed. */
    void end() {
        store.reaper.letGo();
    }

    private void restoreSegment(long effect) {
        long first = EffectLayout.first(effect);
        store.segments.restore((int) first, (int) (first >>> 32), EffectLayout.second(effect));
    }

    private void refer(long effect) {
        Keyspace keyspace = live(EffectLayout.keyspace(effect));
        if (keyspace == null) {
            return;
        }
        HashIndex index =
                EffectLayout.has(effect, EffectLayout.PAGE) ? keyspace.pages : keyspace.keys;
        int group = EffectLayout.group(effect);
        for (int i = 0; i < EffectLayout.referenceCount(effect); i++) {
            long word = Memory.getLong(EffectLayout.reference(effect, i));
            long address = HashIndex.payloadOf(word);
            index.insert(HashIndex.hashOf(word, group), address);
            store.segments.restoreRecord(Address.page(address));
        }
    }

    private void note(long effect) {
        int number = EffectLayout.keyspace(effect);
        Keyspace keyspace = live(number);
        if (keyspace != null) {
            store.shadows.add(
                    EffectLayout.first(effect),
                    EffectLayout.second(effect),
                    EffectLayout.third(effect),
                    number);
            keyspace.unsettled++;
        }
    }

    private void wind(long effect) {
        for (int i = 0; i < EffectLayout.first(effect); i++) {
            long entry = EffectLayout.wheelEntry(effect, i);
            if (EffectLayout.has(effect, EffectLayout.FIELDS)) {
                fieldExpirer.add(Memory.getLong(entry), Memory.getLong(entry + 8));
            } else {
                expirer.add(Memory.getLong(entry), Memory.getLong(entry + 8));
            }
        }
    }

    private void object(long effect) {
        objects.seen(EffectLayout.first(effect));
        store.reaper.retire(EffectLayout.first(effect), EffectLayout.second(effect));
    }

    /** The mark of a cut. */
    private void countExpires(long effect) {
        store.reaper.letGo();
        Keyspace keyspace = live(EffectLayout.keyspace(effect));
        if (keyspace != null) {
            keyspace.expires = EffectLayout.first(effect);
            keyspace.timed = EffectLayout.second(effect);
        }
    }
}
