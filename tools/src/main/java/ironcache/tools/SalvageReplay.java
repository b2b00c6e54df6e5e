package ironcache.tools;

import ironcache.engine.EffectVisitor;
import ironcache.engine.KeyHash;
import ironcache.engine.LoggedEffects;
import ironcache.engine.RootLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import java.util.HashMap;
import java.util.Map;

/**
 * Applies units of a log in their order, and knows what is sure behind a gap: rows L, M, O and Q of {@link Salvage}. Is given the frames of one shard that count, by the
 * thread of the salvage; owns the memory in which it gathers a unit, until {@link #close}.
 */
final class SalvageReplay implements EffectVisitor, AutoCloseable {
    private final DataDirectory from;
    private final SalvageReport report;
    private final SalvagedLogs logs;
    private final EffectBatch batch;
    private final KeyHash hash = new KeyHash(0x5A17A6E);
    private long lastSeqno;

    /** Of the frame that is to come; 0: not known. */
    private long nextSeqno;

    private long lastObject;

    /** Some of the log before is missing. */
    private boolean gapped;

    /** Keys that were put or deleted as a whole since the last gap. */
    private final LongSet known = new LongSet();

    private final LongSet knownObjects = new LongSet();
    final LongSet unsureObjects = new LongSet();

    // The unit that is gathered.
    private long unit;
    private int unitCapacity;
    private int unitBytes;
    private boolean unitOpen;

    // Of the unit: pages put, by object, and roots put.
    private final Map<Long, Long> pagesPut = new HashMap<>();
    private final Map<Long, Long> rootsPut = new HashMap<>();
    private boolean pass;

    /**
     * @param firstSeqno of the log; 0: not known
     * @param lastObject the newest that the image knows of
     */
    SalvageReplay(
            SalvageJob job,
            SalvagedLogs logs,
            EffectBatch batch,
            long firstSeqno,
            long lastObject) {
        from = job.from();
        report = job.report();
        this.logs = logs;
        this.batch = batch;
        nextSeqno = firstSeqno;
        this.lastObject = lastObject;
    }

    /** The next frame that counts. */
    void frame(FileScan scan) {
        if (nextSeqno != 0 && scan.seqno() != nextSeqno) {
            gap();
        }
        lastSeqno = scan.seqno();
        nextSeqno = lastSeqno + 1;
        long payload = scan.payload();
        int length = scan.length();
        boolean more = (scan.flags() & FrameLayout.MORE) != 0;
        int bytes = FrameLayout.effectsBytes(payload, length, scan.flags());
        if (scan.kind() == FrameLayout.EFFECTS) {
            if (more || unitOpen) {
                gather(payload, bytes);
                payload = unit;
                bytes = unitBytes;
            }
            unitOpen = more;
            if (more) {
                return;
            }
            boolean whole =
                    (scan.flags() & FrameLayout.PARTS) == 0
                            || logs.isWhole(scan.payload(), scan.length());
            if (whole) {
                applyUnit(payload, bytes);
            } else {
                report.lost(
                        "O",
                        from.path,
                        0,
                        "a transaction over several shards that ends in frame "
                                + scan.seqno()
                                + " lacks a part",
                        -1);
                gap();
            }
            unitBytes = 0;
        }
    }

    private void gap() {
        if (unitOpen) {
            report.lost(
                    "M", from.path, 0, "a unit before frame " + lastSeqno + " is not whole", -1);
        }
        gapped = true;
        known.clear();
        knownObjects.clear();
        unitOpen = false;
        unitBytes = 0;
    }

    private void gather(long payload, int bytes) {
        if (unitBytes + bytes > unitCapacity) {
            int wider = Math.max(2 * unitCapacity, unitBytes + bytes + (1 << 20));
            long memory = Memory.allocate(wider, MemoryTag.STAGING);
            if (unitCapacity > 0) {
                Memory.copy(unit, memory, unitBytes);
                Memory.free(unit, unitCapacity, MemoryTag.STAGING);
            }
            unit = memory;
            unitCapacity = wider;
        }
        Memory.copy(payload, unit + unitBytes, bytes);
        unitBytes += bytes;
    }

    private void applyUnit(long effects, int length) {
        pagesPut.clear();
        rootsPut.clear();
        int at = 0;
        while (at < length) {
            int bytes = LoggedEffects.bytes(effects + at);
            if (bytes == 0) {
                break;
            }
            pass = true;
            LoggedEffects.visitOne(effects + at, this);
            if (pass && LoggedEffects.isPortable(effects + at)) {
                batch.copy(effects + at, bytes);
            }
            at += bytes;
        }
        if (gapped) {
            judgeObjects();
        }
    }

    /** Row Q. */
    private void judgeObjects() {
        rootsPut.forEach(
                (object, pages) -> {
                    boolean whole =
                            object > lastObject && pagesPut.getOrDefault(object, 0L).equals(pages);
                    if (whole) {
                        knownObjects.add(object);
                    } else {
                        unsure(object);
                    }
                    lastObject = Math.max(lastObject, object);
                });
        pagesPut.keySet().forEach(this::unsure);
    }

    /** Was changed, and what it was before is not known, unless it was put as a whole since the gap. */
    private void unsure(long object) {
        if (!knownObjects.contains(object)) {
            unsureObjects.add(object);
        }
    }

    private long id(int keyspace, long key, int keyLength) {
        return hash.of(key, keyLength) + keyspace * 0x9E3779B97F4A7C15L;
    }

    @Override
    public void put(long record) {
        long key = Record.key(record);
        if (Record.type(record) == Record.TYPE_PAGE) {
            if (gapped) {
                pagesPut.merge(Memory.getLong(key), 1L, Long::sum);
            }
            return;
        }
        if (Record.isPaged(record)) {
            long object = RootLayout.object(Record.value(record));
            if (gapped) {
                rootsPut.put(object, RootLayout.pages(Record.value(record)));
            } else {
                lastObject = Math.max(lastObject, object);
            }
        }
        if (gapped) {
            known.add(id(Record.keyspace(record), key, Record.keyLength(record)));
        }
    }

    @Override
    public void delete(int keyspace, long key, int keyLength, boolean page) {
        if (!gapped) {
            return;
        }
        if (page) {
            unsure(Memory.getLong(key));
        } else {
            known.add(id(keyspace, key, keyLength));
        }
    }

    @Override
    public void patch(
            int keyspace,
            long key,
            int keyLength,
            boolean page,
            int fromByte,
            long bytes,
            int count) {
        changed(keyspace, key, keyLength, page);
    }

    @Override
    public void splice(
            int keyspace,
            long key,
            int keyLength,
            boolean page,
            int version,
            int fromByte,
            int removed,
            long bytes,
            int count) {
        changed(keyspace, key, keyLength, page);
    }

    /** A part of the value is another one now. */
    private void changed(int keyspace, long key, int keyLength, boolean page) {
        if (!gapped) {
            return;
        }
        if (page) {
            unsure(Memory.getLong(key));
        } else if (!known.contains(id(keyspace, key, keyLength))) {
            remove(keyspace, key, keyLength);
        }
    }

    @Override
    public void expire(int keyspace, long key, int keyLength, long millis, boolean fields) {
        if (gapped && !known.contains(id(keyspace, key, keyLength))) {
            remove(keyspace, key, keyLength);
        }
    }

    /** Row L: what it was before this change is not known. */
    private void remove(int keyspace, long key, int keyLength) {
        pass = false;
        report.removed("keyspace " + keyspace + " " + InspectCommand.text(key, keyLength, 256));
        LoggedEffects.delete(
                batch.reserve(LoggedEffects.deleteBytes(keyLength)), keyspace, key, keyLength);
    }

    @Override
    public void close() {
        if (unitCapacity > 0) {
            Memory.free(unit, unitCapacity, MemoryTag.STAGING);
            unitCapacity = 0;
        }
    }
}
