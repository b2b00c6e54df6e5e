package ironcache.engine;

import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;

/**
 * Upsert, RMW and Delete of keys, as {@link Shard} offers them and {@link Replay} repeats them. One owner thread; owns no memory.
 */
final class KeyWrites {
    private final Store store;
    private final Expirer expirer;

    KeyWrites(Store store, Expirer expirer) {
        this.store = store;
        this.expirer = expirer;
    }

    /** As {@link Shard#upsert}. */
    long upsert(
            Keyspace keyspace,
            long key,
            int keyLength,
            long hash,
            int kind,
            int valueLength,
            long expiryMillis) {
        long record =
                upsertRecord(keyspace, key, keyLength, hash, kind, valueLength, expiryMillis, 0);
        store.effects.written(record);
        return Record.value(record);
    }

    /** As {@link Shard#expectUpsert}. */
    int expectUpsert(Keyspace keyspace, long key, int keyLength, long hash, int noted) {
        HashIndex index = keyspace.keys;
        boolean anyCold = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long record = store.log.resolve(HashIndex.payload(slot));
            if (record == 0) {
                anyCold = true;
            } else if (Record.hasKey(record, key, keyLength)) {
                return 0;
            }
        }
        return anyCold ? store.expectClaim(index, key, keyLength, hash, noted) : 0;
    }

    /**
     * As {@link Shard#upsert}, noted nowhere.
     *
     * @param object number of a paged object that is the key's old and its new one; 0: none is
     * @return the record
     */
    long upsertRecord(
            Keyspace keyspace,
            long key,
            int keyLength,
            long hash,
            int kind,
            int valueLength,
            long expiryMillis,
            long object) {
        HashIndex index = keyspace.keys;
        boolean anyCold = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            long record = store.log.resolve(address);
            if (record == 0) {
                anyCold = true;
            } else if (Record.hasKey(record, key, keyLength)) {
                return overwrite(
                        keyspace,
                        slot,
                        address,
                        record,
                        key,
                        keyLength,
                        hash,
                        kind,
                        valueLength,
                        expiryMillis,
                        object);
            }
        }
        if (anyCold) {
            long slot = store.claimCold(keyspace, index, key, keyLength, hash);
            if (slot != 0) {
                long address = store.foundAddress;
                long record = store.cold.staged(address);
                return overwrite(
                        keyspace,
                        slot,
                        address,
                        record,
                        key,
                        keyLength,
                        hash,
                        kind,
                        valueLength,
                        expiryMillis,
                        object);
            }
        }
        long record =
                store.append(key, keyLength, kind, valueLength, expiryMillis, keyspace.number);
        index.insert(hash, store.foundAddress);
        keyspace.kindChanged(0, kind);
        if (expiryMillis != 0) {
            keyspace.expires++;
            expirer.add(keyspace, hash, expiryMillis);
        }
        return record;
    }

    private long overwrite(
            Keyspace keyspace,
            long slot,
            long address,
            long record,
            long key,
            int keyLength,
            long hash,
            int kind,
            int valueLength,
            long expiryMillis,
            long object) {
        long before = Record.expiry(record);
        keyspace.kindChanged(Record.kind(record), kind);
        if (Record.isPaged(record)
                && (object == 0 || RootLayout.object(Record.value(record)) != object)) {
            store.retire(record);
        }
        if (before != 0 || expiryMillis != 0) {
            expirer.changed(keyspace, hash, before, expiryMillis);
        }
        if (Log.isMutable(address) && (before == 0) == (expiryMillis == 0)) {
            store.dirty(record);
            if (Record.resize(record, kind, valueLength)) {
                if (expiryMillis != 0) {
                    Record.putExpiry(record, expiryMillis);
                }
                Record.visit(record);
                store.stats.inPlaceUpdates++;
                return record;
            }
        }
        long copy = store.append(key, keyLength, kind, valueLength, expiryMillis, keyspace.number);
        keyspace.keys.replace(slot, store.foundAddress);
        store.supersede(address, record);
        store.stats.copyUpdates++;
        return copy;
    }

    /** As {@link Shard#modify}. */
    long modify(
            Keyspace keyspace,
            long key,
            int keyLength,
            long hash,
            int kind,
            int newValueLength,
            int from,
            int count) {
        long record = Store.found(store.find(keyspace.keys, key, keyLength, hash));
        record = store.modify(keyspace, keyspace.keys, record, kind, newValueLength);
        store.effects.patched(record, from, count);
        return Record.value(record);
    }

    /** As {@link Shard#splice}. */
    long splice(
            Keyspace keyspace,
            long key,
            int keyLength,
            long hash,
            int kind,
            int from,
            int removed,
            int inserted) {
        long record = Store.found(store.find(keyspace.keys, key, keyLength, hash));
        record = store.splice(keyspace, keyspace.keys, record, kind, from, removed, inserted, 0);
        store.effects.spliced(record, from, removed, inserted);
        return Record.value(record);
    }

    /**
     * As {@link Shard#delete}.
     *
     * @param flags {@link EffectLayout#DETACH}: as {@link Shard#detach}; else 0
     */
    boolean remove(Keyspace keyspace, long key, int keyLength, long hash, int flags) {
        long record = store.find(keyspace.keys, key, keyLength, hash);
        if (record == 0) {
            return false;
        }
        if (keyspace.unsettled > 0) {
            store.settleKey(keyspace, key, keyLength, hash);
            record = Store.found(store.find(keyspace.keys, key, keyLength, hash));
        }
        store.effects.deleted(keyspace, key, keyLength, flags);
        boolean expired = store.isExpired(record);
        if (expired) {
            store.stats.expiredKeys++;
        }
        if (flags != EffectLayout.DETACH || expired) {
            store.removeEntry(keyspace, keyspace.keys, store.foundSlot, store.foundAddress, record);
        } else {
            store.detachEntry(keyspace, keyspace.keys, store.foundSlot, store.foundAddress, record);
        }
        return !expired;
    }
}
