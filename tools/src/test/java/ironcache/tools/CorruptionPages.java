package ironcache.tools;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import ironcache.engine.EffectVisitor;
import ironcache.engine.KeyHash;
import ironcache.engine.LoggedEffects;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimDisk;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Record;
import ironcache.recovery.FileWorker;
import ironcache.tiering.PageCheck;
import ironcache.tiering.SegmentStore;
import ironcache.tools.CorruptionDamage.Target;
import ironcache.tools.CorruptionData.Origin;
import ironcache.tools.CorruptionData.Served;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A directory with many keys, most of them cold, of which a part of all pages is damaged, and what {@code recover} saves of it. Where the newest record of each key lies is
 * worked out before the damage; so it is known which keys have to be saved, and for which the report has to have an entry.
 */
final class CorruptionPages implements AutoCloseable {
    /** What is damaged. */
    enum Where {
        /** Pages of 1 MiB of the segments, each in one to sixteen of its blocks. */
        PAGES,
        /** Blocks of 4 KiB of the segments, wherever they are. */
        SEGMENT_BLOCKS,
        /** Blocks of 4 KiB of images and logs. */
        FRAME_BLOCKS
    }

    private static final int BLOCK = 4096;
    private static final int BLOCKS_OF_PAGE = Address.PAGE_BYTES / BLOCK;
    private static final int DAMAGES_OF_PAGE = 16;
    private static final int KINDS = 6;
    private static final int SHOWN = 5;
    private static final long SALVAGE_MEMORY_BYTES = 64L << 20;

    /** A part of a file. */
    private record Place(Path file, long from, long end) {}

    /** What one damage of many places led to. */
    static final class Result {
        final Where where;
        int damaged;
        int of;
        int keys;
        int sound;
        int soundSaved;
        int beside;
        int besideSaved;
        int within;
        int withinSaved;
        int older;
        long toldRecords;
        long toldFrames;
        long toldKeys;
        String start = "";
        final List<String> failures = new ArrayList<>();

        Result(Where where) {
            this.where = where;
        }

        double savedOfSound() {
            return sound == 0 ? 1 : (double) soundSaved / sound;
        }
    }

    private final CorruptionData data;
    private final Prng prng;
    private final long seed;
    private final Path root;
    private final Map<String, List<Place>> places = new HashMap<>();

    CorruptionPages(int keys, long seed) throws IOException {
        this.seed = seed;
        prng = new Prng(seed);
        data = new CorruptionData(Origin.LOG_AT_REST, keys, seed);
        root = CorruptionRun.scratch();
        try {
            Path whole = root.resolve("whole");
            CorruptionRun.export(data.disk, whole);
            locate(DataDirectory.open(whole));
            CorruptionRun.delete(whole);
            if (!places.keySet().equals(data.values.keySet())) {
                throw new IllegalStateException(
                        places.size()
                                + " keys are on the disk, "
                                + data.values.size()
                                + " were written");
            }
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    int keys() {
        return data.values.size();
    }

    // Where each key is.

    private void locate(DataDirectory directory) throws IOException {
        Manifest manifest = directory.manifest();
        Manifest.Snapshot snapshot = manifest.snapshots().getLast();
        for (int shard = 0; shard < CorruptionData.SHARDS; shard++) {
            Manifest.SnapshotPart part = snapshot.parts().get(shard);
            DataDirectory.ShardDirectory files = directory.shard(shard);
            Locator locator = new Locator(shard, manifest.hashSeed());
            scan(WalFileLayout.imageFile(files.path, part.imageGeneration()), 0, locator);
            locator.endImage();
            for (Path file : files.logs.tailMap(part.firstLogGeneration(), true).values()) {
                scan(file, part.beginSeqno(), locator);
            }
        }
    }

    private static void scan(Path file, long fromSeqno, Locator locator) throws IOException {
        try (FileWorker reader = new FileWorker();
                FileScan scan = new FileScan(reader.io, 0)) {
            reader.handle((token, result) -> scan.onFile((int) token, result));
            scan.open(file);
            FrameReader.Status status = scan.next();
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    reader.await();
                } else if (scan.seqno() >= fromSeqno
                        && (scan.isImage() || scan.kind() == FrameLayout.EFFECTS)) {
                    locator.frame(file, scan);
                }
                status = scan.next();
            }
        }
    }

    /** The path on the simulated disk of a file of the same name of a shard. */
    private static Path onDisk(int shard, Path file) {
        return CorruptionData.ROOT.resolve("shard-" + shard).resolve(file.getFileName());
    }

    private final class Locator implements EffectVisitor {
        private final int shard;
        private final KeyHash first;
        private final KeyHash second;
        private final NavigableMap<Long, Place> references = new TreeMap<>();
        private final Map<Long, long[]> notes = new HashMap<>();
        private int pages;
        private Place frame = new Place(Path.of(""), 0, 0);

        Locator(int shard, long hashSeed) {
            this.shard = shard;
            first = new KeyHash(hashSeed);
            second = LoggedEffects.secondHash(hashSeed);
        }

        void frame(Path file, FileScan scan) {
            long end = scan.offset() + FrameLayout.HEADER_BYTES + scan.length();
            frame = new Place(onDisk(shard, file), scan.offset(), end);
            int length = FrameLayout.effectsBytes(scan.payload(), scan.length(), scan.flags());
            int at = 0;
            while (at < length && LoggedEffects.bytes(scan.payload() + at) > 0) {
                LoggedEffects.visitOne(scan.payload() + at, this);
                at += LoggedEffects.bytes(scan.payload() + at);
            }
        }

        private String text(long key, int length) {
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++) {
                bytes[i] = Memory.getByte(key + i);
            }
            return new String(bytes, ISO_8859_1);
        }

        @Override
        public void put(long record) {
            places.put(
                    text(Record.key(record), Record.keyLength(record)),
                    new ArrayList<>(List.of(frame)));
        }

        @Override
        public void delete(int number, long key, int keyLength, boolean page) {
            places.remove(text(key, keyLength));
        }

        @Override
        public void patch(
                int number, long key, int keyLength, boolean page, int from, long bytes, int n) {
            places.get(text(key, keyLength)).add(frame);
        }

        @Override
        public void expire(int number, long key, int keyLength, long millis, boolean fields) {
            places.get(text(key, keyLength)).add(frame);
        }

        @Override
        public void segment(int number, int pagesOfSegment, long generation) {
            pages = pagesOfSegment;
        }

        @Override
        public void reference(int number, boolean page, long address, long entryHash) {
            references.put(address, frame);
        }

        @Override
        public void note(int number, long address, long hash, long secondHash) {
            notes.put(address, new long[] {hash, secondHash});
        }

        void endImage() {
            long memory = Memory.allocate(Address.PAGE_BYTES, MemoryTag.OTHER);
            PageCheck check = new PageCheck();
            Map<Integer, byte[]> segments = new HashMap<>();
            int loaded = -1;
            for (Map.Entry<Long, Place> one : references.entrySet()) {
                int page = Address.page(one.getKey());
                int segment = PageCheck.segmentOf(page, pages);
                Path file =
                        SegmentStore.file(CorruptionData.ROOT.resolve("shard-" + shard), segment);
                long from = (long) PageCheck.indexInSegment(page, pages) << Address.PAGE_SHIFT;
                if (page != loaded) {
                    byte[] contents =
                            segments.computeIfAbsent(segment, s -> data.disk.contents(file));
                    Memory.copyIn(contents, (int) from, memory, Address.PAGE_BYTES);
                    if (!check.check(memory, Address.PAGE_BYTES, page, 0).isEmpty()) {
                        throw new IllegalStateException(file + " is damaged already");
                    }
                    loaded = page;
                }
                int offset = Address.offset(one.getKey());
                long record = check.record(offset);
                long key = Record.key(record);
                int length = Record.keyLength(record);
                long[] note = notes.get(one.getKey());
                if (note == null
                        || first.of(key, length) != note[0]
                        || second.of(key, length) != note[1]) {
                    Place place =
                            new Place(file, from + offset, from + offset + Record.length(record));
                    places.put(text(key, length), new ArrayList<>(List.of(place, one.getValue())));
                }
            }
            Memory.free(memory, Address.PAGE_BYTES, MemoryTag.OTHER);
        }
    }

    // Damage.

    /** A block of a file. */
    private record Block(Path file, int number) {}

    /** Blocks that what is there now needs: of pages and frames that keys are in. */
    private List<Block> blocks(boolean ofSegments) {
        Map<Path, BitSet> needed = new TreeMap<>();
        for (List<Place> all : places.values()) {
            for (Place place : all) {
                if (ofSegments == (CorruptionDamage.target(place.file) == Target.SEGMENT)) {
                    BitSet set = needed.computeIfAbsent(place.file, f -> new BitSet());
                    int first = (int) (place.from / BLOCK);
                    set.set(first, (int) ((place.end - 1) / BLOCK) + 1);
                    if (ofSegments) {
                        set.set(first / BLOCKS_OF_PAGE * BLOCKS_OF_PAGE); // its header
                    }
                }
            }
        }
        List<Block> blocks = new ArrayList<>();
        needed.forEach((file, set) -> set.stream().forEach(n -> blocks.add(new Block(file, n))));
        return blocks;
    }

    private List<Block> choose(Where where, double part, Result result) {
        List<Block> all = blocks(where != Where.FRAME_BLOCKS);
        List<Block> chosen = new ArrayList<>();
        if (where != Where.PAGES) {
            result.of = all.size();
            for (int i = wanted(part, all.size()); i > 0; i--) {
                chosen.add(all.remove(prng.nextInt(all.size())));
            }
            return chosen;
        }
        Map<Block, List<Block>> pages = new HashMap<>();
        List<Block> names = new ArrayList<>();
        for (Block block : all) {
            Block page = new Block(block.file, block.number / BLOCKS_OF_PAGE);
            pages.computeIfAbsent(
                            page,
                            p -> {
                                names.add(p);
                                return new ArrayList<>();
                            })
                    .add(block);
        }
        result.of = names.size();
        for (int i = wanted(part, names.size()); i > 0; i--) {
            List<Block> page = pages.get(names.remove(prng.nextInt(names.size())));
            for (int n = 1 + prng.nextInt(DAMAGES_OF_PAGE); n > 0 && !page.isEmpty(); n--) {
                chosen.add(page.remove(prng.nextInt(page.size())));
            }
        }
        return chosen;
    }

    private static int wanted(double part, int all) {
        return Math.max(1, (int) Math.round(part * all));
    }

    private void damage(SimDisk disk, List<Block> chosen) {
        for (int i = 0; i < chosen.size(); i++) {
            Block block = chosen.get(i);
            Block other = chosen.get(prng.nextInt(chosen.size()));
            long from = (long) block.number * BLOCK;
            switch (prng.nextInt(KINDS)) {
                case 0 -> disk.zero(block.file, from, BLOCK);
                case 1 -> disk.zero(block.file, from + 512L * prng.nextInt(8), 512);
                case 2 -> {
                    if (!block.equals(other)) {
                        disk.swapBlocks(block.file, block.number, other.file, other.number);
                    }
                }
                case 3 -> {
                    boolean _ = disk.revertBlock(block.file, block.number);
                }
                default -> {} // A bit alone.
            }
            disk.flipBit(block.file, from * 8 + prng.nextInt(BLOCK * 8));
        }
    }

    private Map<Path, BitSet> changes(SimDisk disk) {
        Map<Path, BitSet> changed = new TreeMap<>();
        for (String name : disk.names()) {
            Path file = Path.of(name);
            byte[] before = data.disk.contents(file);
            byte[] after = disk.contents(file);
            BitSet blocks = new BitSet();
            for (int at = 0; at < before.length; at += BLOCK) {
                int end = Math.min(before.length, at + BLOCK);
                if (!java.util.Arrays.equals(before, at, end, after, at, end)) {
                    blocks.set(at / BLOCK);
                }
            }
            if (!blocks.isEmpty()) {
                changed.put(file, blocks);
            }
        }
        return changed;
    }

    private static boolean isHit(Map<Path, BitSet> changed, Path file, long from, long end) {
        BitSet blocks = changed.get(file);
        int hit = blocks == null ? -1 : blocks.nextSetBit((int) (from / BLOCK));
        return hit >= 0 && (long) hit * BLOCK < end;
    }

    private static boolean isHit(Map<Path, BitSet> changed, Place place) {
        return isHit(changed, place.file, place.from, place.end);
    }

    private static boolean isPageHit(Map<Path, BitSet> changed, Place place) {
        long page = place.from >>> Address.PAGE_SHIFT << Address.PAGE_SHIFT;
        return CorruptionDamage.target(place.file) == Target.SEGMENT
                && isHit(changed, place.file, page, page + Address.PAGE_BYTES);
    }

    // Recovery.

    /** Damages a part of all, recovers, starts on it, reads all keys. */
    Result play(Where where, double part) throws IOException {
        Result result = new Result(where);
        SimDisk disk = data.disk.copy();
        damage(disk, choose(where, part, result));
        Map<Path, BitSet> changed = changes(disk);
        result.damaged =
                where == Where.PAGES
                        ? changed.values().stream().mapToInt(CorruptionPages::pages).sum()
                        : changed.values().stream().mapToInt(BitSet::cardinality).sum();
        Path in = root.resolve("in");
        Path out = root.resolve("out");
        CorruptionRun.export(disk, in);
        DataDirectory directory = DataDirectory.open(in);
        Verification verification = new Verification(directory, new ToolProgress("verify", true));
        verification.run(1);
        Salvage salvage =
                new Salvage(
                        directory, out, SALVAGE_MEMORY_BYTES, new ToolProgress("recover", true));
        salvage.run(verification.findings());
        SimDisk made = new SimDisk(1L << 32);
        try (Stream<Path> all = Files.walk(out)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                made.put(
                        CorruptionData.ROOT.resolve(out.relativize(file)),
                        Files.readAllBytes(file));
            }
        }
        CorruptionRun.delete(in);
        CorruptionRun.delete(out);
        Served served = data.serve(made, seed, false, CorruptionData.NOTHING);
        if (served.refusal() != null) {
            result.failures.add("the start on what was recovered is refused: " + served.refusal());
        }
        result.failures.addAll(served.failures());
        result.failures.addAll(served.errors());
        judge(result, changed, served, salvage.report, in);
        start(result, disk);
        return result;
    }

    private static int pages(BitSet blocks) {
        return (int) blocks.stream().map(block -> block / BLOCKS_OF_PAGE).distinct().count();
    }

    private void judge(
            Result result,
            Map<Path, BitSet> changed,
            Served served,
            SalvageReport report,
            Path in) {
        Set<String> lost = new HashSet<>(served.missing());
        lost.addAll(served.older());
        result.older = served.older().size();
        result.toldRecords = report.lostReferences;
        result.toldFrames = report.lostFrames;
        result.toldKeys = report.removedKeyCount;
        if (result.older > 0 && report.lostFrames == 0 && !report.lostTail) {
            result.failures.add(
                    served.older() + " are as they were, and no frame is said to be lost");
        }
        Map<String, Integer> lostOfPage = new TreeMap<>();
        for (Map.Entry<String, List<Place>> one : places.entrySet()) {
            boolean saved = !lost.contains(one.getKey());
            result.keys++;
            if (one.getValue().stream().anyMatch(place -> isHit(changed, place))) {
                result.within++;
                result.withinSaved += saved ? 1 : 0;
            } else if (one.getValue().stream().anyMatch(place -> isPageHit(changed, place))) {
                result.beside++;
                result.besideSaved += saved ? 1 : 0;
            } else {
                result.sound++;
                result.soundSaved += saved ? 1 : 0;
                if (!saved) {
                    result.failures.add(one.getKey() + " was lost, and lies in " + one.getValue());
                }
            }
            if (!saved && !isNamed(one.getKey(), one.getValue(), changed, report, in, lostOfPage)) {
                result.failures.add(
                        one.getKey()
                                + " was lost from "
                                + one.getValue()
                                + ", and the report does not name that");
            }
        }
        for (SalvageReport.Loss loss : report.losses) {
            Integer count = lostOfPage.remove(loss.file() + " " + loss.offset());
            if (count != null && count > loss.count()) {
                result.failures.add(count + " keys were lost here, the report says " + loss);
            }
        }
    }

    /** By file and page, or frames; or by name. */
    private static boolean isNamed(
            String key,
            List<Place> all,
            Map<Path, BitSet> changed,
            SalvageReport report,
            Path in,
            Map<String, Integer> lostOfPage) {
        for (Place place : all) {
            Path file = in.resolve(CorruptionData.ROOT.relativize(place.file));
            long page = place.from >>> Address.PAGE_SHIFT << Address.PAGE_SHIFT;
            boolean ofPage = CorruptionDamage.target(place.file) == Target.SEGMENT;
            if (ofPage ? !isPageHit(changed, place) : !isHit(changed, place)) {
                continue;
            }
            for (SalvageReport.Loss loss : report.losses) {
                if (loss.file().equals(file)
                        && (ofPage ? loss.offset() == page : loss.offset() <= place.from)) {
                    if (ofPage) {
                        lostOfPage.merge(file + " " + page, 1, Integer::sum);
                    }
                    return true;
                }
            }
        }
        return report.removedKeys.stream().anyMatch(name -> name.contains(key));
    }

    /** And a start on the damaged directory itself. */
    private void start(Result result, SimDisk disk) {
        Served served = data.serve(disk, seed, true, CorruptionData.NOTHING);
        served.failures().stream()
                .filter(one -> !one.startsWith("DBSIZE"))
                .forEach(one -> result.failures.add("a start as it is: " + one));
        if (!served.missing().isEmpty() || !served.older().isEmpty()) {
            result.failures.add(
                    "a start as it is: missing " + served.missing() + " older " + served.older());
        }
        result.start =
                served.refusal() != null
                        ? "refused"
                        : String.format(Locale.ROOT, "%,d errors", served.errors().size());
    }

    @Override
    public void close() throws IOException {
        CorruptionRun.delete(root);
    }

    static String table(List<Result> results) {
        StringBuilder text =
                new StringBuilder(
                        String.format(
                                Locale.ROOT,
                                "%-16s%14s%9s%20s%11s%20s%20s%7s%9s%8s%9s%8s  %s%n",
                                "1 damage in",
                                "damaged",
                                "keys",
                                "in sound pages",
                                "saved",
                                "beside: saved",
                                "within: saved",
                                "older",
                                "records",
                                "frames",
                                "removed",
                                "wrong",
                                "start"));
        for (Result one : results) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "%-16s%14s%,9d%,20d%10.3f%%%20s%20s%,7d%,9d%,8d%,9d%,8d  %s%n",
                            one.where.toString().toLowerCase(Locale.ROOT).replace('_', ' '),
                            String.format(Locale.ROOT, "%,d of %,d", one.damaged, one.of),
                            one.keys,
                            one.sound,
                            100 * one.savedOfSound(),
                            String.format(Locale.ROOT, "%,d: %,d", one.beside, one.besideSaved),
                            String.format(Locale.ROOT, "%,d: %,d", one.within, one.withinSaved),
                            one.older,
                            one.toldRecords,
                            one.toldFrames,
                            one.toldKeys,
                            one.failures.stream().filter(f -> f.contains("WRONG")).count(),
                            one.start));
            one.failures.stream()
                    .limit(SHOWN)
                    .forEach(failure -> text.append("FAILED ").append(failure).append('\n'));
        }
        return text.toString();
    }

    /** All of it. @return whether nothing was wrong */
    static boolean run(int keys, double part, long seed) throws IOException {
        List<Result> results = new ArrayList<>();
        try (CorruptionPages pages = new CorruptionPages(keys, seed)) {
            for (Where where : Where.values()) {
                results.add(pages.play(where, part));
            }
        }
        System.out.print(table(results));
        System.out.printf(Locale.ROOT, "seed %d, %.4f of all damaged%n", seed, part);
        return results.stream().allMatch(one -> one.failures.isEmpty());
    }
}
