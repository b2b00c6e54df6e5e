package ironcache.tools;

import ironcache.engine.EffectVisitor;
import ironcache.engine.KeyHash;
import ironcache.engine.LoggedEffects;
import ironcache.engine.RootLayout;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Record;
import ironcache.recovery.FileWorker;
import ironcache.tiering.PageCheck;
import ironcache.tiering.SegmentStore;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The image of one shard, and the pages of the SSD tier that it refers to: rows H to J of {@link Salvage}. Gives all that verifies of them to the shard that is rebuilt:
 * first what stands in the image itself, then the records it refers to, segment by segment. Made for one shard by the thread of the salvage; owns nothing
 * off the heap.
 */
final class SalvagedImage implements EffectVisitor {
    private static final int PAGES_IN_FLIGHT = 8;

    private final SalvageJob job;
    private final SalvageReport report;
    private final SalvageChoice choice;
    private final int shard;
    private final FileWorker reader;
    private final EffectBatch batch;

    // Of keys, as notes have them; null: the seed is not known.
    private final @Nullable KeyHash first;
    private final @Nullable KeyHash second;

    /** address 40 | keyspace 8 | page 1, with the address on top, so that they sort by it. */
    private long[] references = new long[1 << 10];

    private int referenceCount;
    private final NavigableMap<Integer, PageSet.Segment> segments = new TreeMap<>();

    /** By address: keyspace, hash, second hash. */
    private final Map<Long, long[]> notes = new HashMap<>();

    private int segmentPages;
    private boolean framesLost;
    private boolean objectPagesLost;
    private long lastObject;
    private final int[] databaseOf = new int[256];

    SalvagedImage(
            SalvageJob job, SalvageChoice choice, int shard, FileWorker reader, EffectBatch batch) {
        this.job = job;
        report = job.report();
        this.choice = choice;
        this.shard = shard;
        this.reader = reader;
        this.batch = batch;
        Manifest found = choice.identity();
        first = found == null ? null : new KeyHash(found.hashSeed());
        second = found == null ? null : LoggedEffects.secondHash(found.hashSeed());
    }

    /** Loads all that verifies. */
    void load(Path file) throws IOException {
        loadImage(file);
        batch.flush();
        loadPages();
        batch.flush();
    }

    /** Whether pages of objects may be lost. */
    boolean mayLackPages() {
        return framesLost || objectPagesLost;
    }

    /** The newest object that it knows of. */
    long lastObject() {
        return lastObject;
    }

    // The image.

    private void loadImage(Path file) {
        long expected = 1;
        long end = WalFileLayout.BLOCK_BYTES;
        boolean ended = false;
        try (FileScan scan = new FileScan(reader.io, 0)) {
            reader.handle((token, result) -> scan.onFile((int) token, result));
            scan.open(file, choice.nodeId(), shard, 0);
            FrameReader.Status status = scan.next();
            long readBefore = 0;
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    reader.await();
                    job.progress().did(scan.bytesRead() - readBefore);
                    readBefore = scan.bytesRead();
                    job.progress().show();
                    job.checkCancelled();
                } else {
                    if (scan.seqno() != expected) {
                        lostFrames(file, end, expected, scan.seqno() - 1);
                    }
                    expected = scan.seqno() + 1;
                    end = scan.offset() + FrameLayout.HEADER_BYTES + scan.length();
                    ended |= scan.kind() == FrameLayout.END;
                    imageFrame(scan);
                }
                status = scan.next();
            }
            if (!ended) {
                framesLost = true;
                report.lost("H", file, end, "the image ends without its END frame", -1);
            }
        } catch (IOException e) {
            framesLost = true;
            report.lost("H", file, 0, "cannot be read: " + e, -1);
        }
    }

    private void lostFrames(Path file, long offset, long first, long last) {
        framesLost = true;
        report.lostFrames += last - first + 1;
        report.lost(
                "H",
                file,
                offset,
                "frames "
                        + first
                        + " to "
                        + last
                        + " of the image do not verify: their keys are lost",
                -1);
    }

    private void imageFrame(FileScan scan) {
        long payload = scan.payload();
        int length = FrameLayout.effectsBytes(payload, scan.length(), scan.flags());
        int at = 0;
        while (at < length) {
            int bytes = LoggedEffects.bytes(payload + at);
            if (bytes == 0) {
                return;
            }
            LoggedEffects.visitOne(payload + at, this);
            if (LoggedEffects.isPortable(payload + at)) {
                batch.copy(payload + at, bytes);
            }
            at += bytes;
        }
    }

    // Pages.

    private void loadPages() throws IOException {
        Arrays.sort(references, 0, referenceCount);
        Manifest found = choice.identity();
        int pagesOfSegment = segmentPages;
        if (pagesOfSegment == 0) {
            pagesOfSegment = found == null ? 0 : found.shards().get(shard).segmentPages();
        }
        if (pagesOfSegment == 0) {
            return;
        }
        int at = 0;
        while (at < referenceCount) {
            int page = pageOf(references[at]);
            int segment = PageCheck.segmentOf(page, pagesOfSegment);
            int end = at;
            BitSet wanted = new BitSet();
            Map<Integer, int[]> ranges = new HashMap<>();
            while (end < referenceCount
                    && PageCheck.segmentOf(pageOf(references[end]), pagesOfSegment) == segment) {
                int index = PageCheck.indexInSegment(pageOf(references[end]), pagesOfSegment);
                wanted.set(index);
                int begin = end;
                ranges.computeIfAbsent(index, i -> new int[] {begin, begin})[1] = ++end;
            }
            loadSegment(segment, pagesOfSegment, wanted, ranges);
            at = end;
        }
    }

    private static int pageOf(long reference) {
        return Address.page(reference >>> 9);
    }

    private void loadSegment(
            int segment, int pagesOfSegment, BitSet wanted, Map<Integer, int[]> ranges) {
        Path file = job.from().actual(SegmentStore.file(job.from().shard(shard).path, segment));
        PageSet.Segment known = segments.get(segment);
        PageCheck check = new PageCheck();
        BitSet seen = new BitSet();
        try (PageReads reads = new PageReads(reader, file, wanted, PAGES_IN_FLIGHT)) {
            while (reads.next()) {
                job.checkCancelled();
                job.progress().did(Address.PAGE_BYTES);
                job.progress().show();
                seen.set(reads.index());
                int[] range = Objects.requireNonNull(ranges.get(reads.index()));
                int page = PageCheck.firstPage(segment, pagesOfSegment) + reads.index();
                List<PageCheck.Flaw> flaws =
                        check.check(
                                reads.address(),
                                reads.bytes(),
                                page,
                                known == null ? 0 : known.generation());
                long lost = 0;
                for (int i = range[0]; i < range[1]; i++) {
                    if (!loadRecord(check, references[i])) {
                        lost++;
                        objectPagesLost |= (references[i] & 1) != 0;
                    }
                }
                if (lost > 0) {
                    report.lostReferences += lost;
                    report.lost(
                            "I",
                            file,
                            (long) reads.index() << Address.PAGE_SHIFT,
                            lost
                                    + " of "
                                    + (range[1] - range[0])
                                    + " records of the page"
                                    + (flaws.isEmpty() ? "" : "; " + flaws.getFirst()),
                            lost);
                }
            }
        } catch (IOException e) {
            report.lost("I", file, 0, "cannot be read: " + e, -1);
        }
        for (Map.Entry<Integer, int[]> unread : ranges.entrySet()) {
            if (!seen.get(unread.getKey())) {
                int[] range = unread.getValue();
                int lost = range[1] - range[0];
                report.lostReferences += lost;
                for (int i = range[0]; i < range[1]; i++) {
                    objectPagesLost |= (references[i] & 1) != 0;
                }
                report.lost(
                        "I",
                        file,
                        (long) unread.getKey() << Address.PAGE_SHIFT,
                        lost + " records of a page that cannot be read",
                        lost);
            }
        }
    }

    /** @return false: it is lost */
    private boolean loadRecord(PageCheck check, long reference) {
        long address = reference >>> 9;
        int keyspace = (int) (reference >>> 1) & 0xFF;
        boolean page = (reference & 1) != 0;
        long record = check.record(Address.offset(address));
        if (record == 0
                || Record.keyspace(record) != keyspace
                || Record.type(record) == Record.TYPE_PAGE != page) {
            return false;
        }
        long[] note = notes.get(address);
        if (note != null && !page) {
            if (first == null || second == null) {
                // Without the seed nobody can say whose note it is: what is there already is newer.
                int db = databaseOf[keyspace];
                batch.flush();
                if (db < 0 || batch.shard.has(db, record)) {
                    return true;
                }
            } else {
                long key = Record.key(record);
                int length = Record.keyLength(record);
                if (first.of(key, length) == note[1] && second.of(key, length) == note[2]) {
                    return true;
                }
            }
        }
        if (Record.isPaged(record)) {
            lastObject = Math.max(lastObject, RootLayout.object(Record.value(record)));
        }
        int bytes = LoggedEffects.putBytes(record);
        LoggedEffects.put(batch.reserve(bytes), record);
        int timedBytes = LoggedEffects.timedBytes(record);
        if (timedBytes > 0) {
            LoggedEffects.timed(batch.reserve(timedBytes), record);
        }
        return true;
    }

    // What of the image is not effects that stand for themselves.

    @Override
    public void put(long record) {
        if (Record.isPaged(record)) {
            lastObject = Math.max(lastObject, RootLayout.object(Record.value(record)));
        }
    }

    @Override
    public void keyspaces(long numbers, int count) {
        Arrays.fill(databaseOf, -1);
        for (int db = 0; db < count; db++) {
            databaseOf[Memory.getByte(numbers + db) & 0xFF] = db;
        }
    }

    @Override
    public void segment(int number, int pages, long generation) {
        segments.put(number, new PageSet.Segment(number, pages, generation));
        segmentPages = pages;
    }

    @Override
    public void reference(int keyspace, boolean page, long address, long entryHash) {
        if (referenceCount == references.length) {
            references = Arrays.copyOf(references, 2 * referenceCount);
        }
        references[referenceCount++] = address << 9 | keyspace << 1 | (page ? 1 : 0);
    }

    @Override
    public void note(int keyspace, long address, long hash, long secondHash) {
        notes.put(address, new long[] {keyspace, hash, secondHash});
    }

    @Override
    public void object(long object, long pages) {
        lastObject = Math.max(lastObject, object);
    }
}
