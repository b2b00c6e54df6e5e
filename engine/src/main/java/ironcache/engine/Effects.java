package ironcache.engine;

import ironcache.hybridlog.Record;
import ironcache.wal.SyncPolicy;
import ironcache.wal.WalWriter;
import org.jspecify.annotations.Nullable;

/**
 * Appends to the shard's log what its commands change, see {@link EffectLayout}. A command writes a value after the engine has made room for it, so a record is
 * appended when the next change begins, or the command ends: it is <em>pending</em> until then.
 *
 * <p>Owned as the shard is. Nothing is allocated; where no log is kept each call costs a test of a field.
 */
final class Effects {
    /** The whole record. */
    private static final int WHOLE = -1;

    private static final int PATCHED = -1;

    /** A patch has to save this much of the record to be worth a look-up in recovery. */
    private static final int PATCH_SAVES_BYTES = 64;

    /** What of the log may be in memory only before write commands wait. */
    private static final long PENDING_BYTES_MAX = 16 << 20;

    /** How long the oldest effect may be without a sync, with everysec, before write commands wait. */
    private static final long UNSYNCED_NANOS_MAX = 2_000_000_000;

    private @Nullable WalWriter log;

    /** The disk does not keep up with the syncs that were promised. */
    private boolean late;

    /** The record that changed last, 0: none is pending; and the bytes of its value that did. */
    private long pending;

    private int pendingFrom;
    private int pendingCount;

    /** Bytes that those replaced; {@link #PATCHED}: they are as many, and nothing moved. */
    private int pendingRemoved;

    /** From now on effects are appended here; null: nowhere. Between two commands. */
    void appendTo(@Nullable WalWriter newLog) {
        assert pending == 0;
        log = newLog;
        late = false;
    }

    @Nullable WalWriter log() {
        return log;
    }

    /** Owner, once a turn: hands to the disk what is due. */
    void commit(long nowNanos) {
        WalWriter to = log;
        if (to != null) {
            to.commit(nowNanos);
            late =
                    to.policy() == SyncPolicy.EVERYSEC
                            && to.unsyncedNanos(nowNanos) > UNSYNCED_NANOS_MAX;
        }
    }

    /** The disk does not keep up: write commands had better wait. */
    boolean isBehind() {
        WalWriter to = log;
        return to != null && (late || to.pendingBytes() > PENDING_BYTES_MAX);
    }

    /** A command begins, or goes on. */
    void begin() {
        WalWriter to = log;
        if (to != null) {
            to.beginUnit();
        }
    }

    /** The command waits; where it has changed something, its unit goes on with it. */
    void park() {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            if (!to.hasUnit()) {
                to.endUnit();
            }
        }
    }

    /** As {@link Shard#unitSeqno}. */
    long unitSeqno() {
        WalWriter to = log;
        if (to == null) {
            return 0;
        }
        appendPending(to);
        return to.hasUnit() ? to.unitSeqno() : 0;
    }

    /** The command, over several shards, ends. */
    void end(int parts, int[] shards, long[] seqnos) {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            if (parts > 1 && to.hasUnit()) {
                to.endUnit(parts, shards, seqnos);
            } else {
                to.endUnit();
            }
        }
    }

    /** Whether the owner has something to write that is waited for. */
    boolean wantsCommit() {
        WalWriter to = log;
        return to != null && to.wantsCommit();
    }

    /** The command ends. */
    void end() {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            to.endUnit();
        }
    }

    /** A record is about to change in place: the one that changed last is appended as it is now. */
    void settle() {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
        }
    }

    // What changed.

    /** The record is new, or changed anywhere in it. */
    void written(long record) {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            pending = record;
            pendingFrom = WHOLE;
        }
    }

    /** The record's length or kind changed, and of its value {@code count} bytes from {@code from} on. */
    void patched(long record, int from, int count) {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            pending = record;
            pendingFrom = count + PATCH_SAVES_BYTES < Record.valueLength(record) ? from : WHOLE;
            pendingCount = count;
            pendingRemoved = PATCHED;
        }
    }

    /** Of the record's value {@code removed} bytes from {@code from} on were replaced by {@code inserted}, and its version counted. */
    void spliced(long record, int from, int removed, int inserted) {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            pending = record;
            pendingFrom = inserted + PATCH_SAVES_BYTES < Record.valueLength(record) ? from : WHOLE;
            pendingCount = inserted;
            pendingRemoved = removed;
        }
    }

    /** @param flags as in {@link EffectLayout} */
    void deleted(Keyspace keyspace, long key, int keyLength, int flags) {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            EffectLayout.delete(
                    to.append(EffectLayout.deleteBytes(keyLength)),
                    keyspace.number,
                    key,
                    keyLength,
                    flags);
        }
    }

    /** The record's time was over; it is still there. */
    void expired(Keyspace keyspace, long record) {
        deleted(keyspace, Record.key(record), Record.keyLength(record), 0);
    }

    void expiryChanged(Keyspace keyspace, long key, int keyLength, long millis) {
        expire(keyspace, key, keyLength, millis, 0);
    }

    /** Fields of a hash are to be looked at then. */
    void fieldsExpire(Keyspace keyspace, long key, int keyLength, long millis) {
        expire(keyspace, key, keyLength, millis, EffectLayout.FIELDS);
    }

    private void expire(Keyspace keyspace, long key, int keyLength, long millis, int flags) {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            EffectLayout.expire(
                    to.append(EffectLayout.expireBytes(keyLength)),
                    keyspace.number,
                    key,
                    keyLength,
                    millis,
                    flags);
        }
    }

    /** The databases' keyspaces are others now. */
    void mapped(Keyspace[] databases) {
        WalWriter to = log;
        if (to != null) {
            appendPending(to);
            EffectLayout.keyspaces(to.append(EffectLayout.keyspacesBytes()), databases);
        }
    }

    private void appendPending(WalWriter to) {
        long record = pending;
        if (record == 0) {
            return;
        }
        pending = 0;
        if (pendingFrom == WHOLE) {
            EffectLayout.put(to.append(EffectLayout.putBytes(record)), record);
        } else if (pendingRemoved != PATCHED) {
            int bytes = EffectLayout.spliceBytes(Record.keyLength(record), pendingCount);
            EffectLayout.splice(
                    to.append(bytes), record, pendingFrom, pendingRemoved, pendingCount);
        } else {
            int bytes = EffectLayout.patchBytes(Record.keyLength(record), pendingCount);
            EffectLayout.patch(to.append(bytes), record, pendingFrom, pendingCount);
        }
    }
}
