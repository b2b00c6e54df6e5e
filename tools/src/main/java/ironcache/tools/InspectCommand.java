package ironcache.tools;

import ironcache.engine.EffectVisitor;
import ironcache.engine.LoggedEffects;
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
import ironcache.wal.Manifests;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code inspect FILE}: what is in a file, part by part; it goes by the file's name. What does not verify is passed over and named. */
@Command(
        name = "inspect",
        description = {
            "Shows what is in a file: manifest-*, wal-*.iron and image-*.iron (frames, with --effects what is in them), segment-*.iron (pages, with --records what is in them).",
            "With --json one line for each thing shown."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:shown",
            "1:something in it does not verify",
            "2:wrong usage",
            "3:no such file, or none of IronCache's"
        })
final class InspectCommand implements Callable<Integer> {
    private static final int KEY_SHOWN_MAX = 64;

    @Mixin private CommonOptions common = new CommonOptions();

    @Parameters(
            paramLabel = "FILE",
            description = "The file; of a data directory, its newest manifest.")
    private Path file = Path.of("");

    @Option(names = "--effects", description = "Each effect in the frames of a log or an image.")
    private boolean effects;

    @Option(names = "--records", description = "Each record in the pages of a segment.")
    private boolean records;

    @Option(
            names = "--from",
            paramLabel = "N",
            description = "From this frame (its seqno), or this page in the file, on.")
    private long from;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "At most so many frames or pages (${DEFAULT-VALUE}).")
    private long limit = 1000;

    @Option(
            names = "--page",
            paramLabel = "N",
            description =
                    "The number in the shard of a segment's first page, where it cannot be told from the page itself.")
    private int firstPage = -1;

    private int code = ExitCode.FINE;

    @Override
    public Integer call() throws IOException {
        Path shown = file;
        if (Files.isDirectory(file)) {
            DataDirectory directory = DataDirectory.open(file);
            if (directory.manifests.isEmpty()) {
                throw new ToolException(file + ": no manifest in it");
            }
            shown = directory.manifests.lastEntry().getValue();
        } else if (!Files.exists(file)) {
            throw new ToolException(file + ": no such file");
        }
        if (Manifests.generation(shown) >= 0) {
            manifest(shown);
        } else if (WalFileLayout.logGeneration(shown) >= 0
                || WalFileLayout.imageGeneration(shown) >= 0) {
            frames(shown);
        } else if (SegmentStore.number(shown) >= 0) {
            pages(shown);
        } else {
            throw new ToolException(
                    shown
                            + ": its name is none of manifest-*, wal-*.iron, image-*.iron,"
                            + " segment-*.iron");
        }
        return code;
    }

    /** One thing: its names and values. */
    private void show(String kind, Map<String, Object> values, int indent) {
        if (common.json) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("kind", kind);
            line.putAll(values);
            System.out.println(Json.of(line));
            return;
        }
        StringBuilder text = new StringBuilder("  ".repeat(indent)).append(kind);
        values.forEach((name, value) -> text.append("  ").append(name).append('=').append(value));
        System.out.println(text);
    }

    private void damaged(Map<String, Object> values) {
        code = ExitCode.DAMAGE;
        show("DAMAGED", values, 0);
    }

    private static Map<String, Object> map(Object... namesAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            map.put(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]);
        }
        return map;
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    // Manifests.

    private void manifest(Path path) throws IOException {
        DataDirectory.ReadManifest read = DataDirectory.readManifest(path);
        Manifest manifest = read.manifest();
        if (manifest == null) {
            if (read.damage() != null) {
                damaged(VerifyCommand.json(read.damage()));
            }
            return;
        }
        if (!common.json) {
            System.out.print(Files.readString(path, StandardCharsets.ISO_8859_1));
            return;
        }
        List<Object> shards = new ArrayList<>();
        for (Manifest.ShardFiles shard : manifest.shards()) {
            shards.add(
                    map(
                            "segment_pages", shard.segmentPages(),
                            "log_from_generation", shard.logFromGeneration(),
                            "log_to_generation", shard.logToGeneration(),
                            "log_from_seqno", shard.logFromSeqno(),
                            "stable_seqno", shard.stableSeqno()));
        }
        List<Object> snapshots = new ArrayList<>();
        for (Manifest.Snapshot snapshot : manifest.snapshots()) {
            List<Object> parts = new ArrayList<>();
            for (Manifest.SnapshotPart part : snapshot.parts()) {
                parts.add(
                        map(
                                "image_generation", part.imageGeneration(),
                                "begin_seqno", part.beginSeqno(),
                                "cut_seqno", part.cutSeqno(),
                                "first_log_generation", part.firstLogGeneration(),
                                "last_log_generation", part.lastLogGeneration(),
                                "ssd_segments", part.segments().stream().boxed().toList()));
            }
            snapshots.add(
                    map(
                            "number", snapshot.number(),
                            "time_ms", snapshot.timeMillis(),
                            "keys", snapshot.keys(),
                            "bytes", snapshot.bytes(),
                            "parts", parts));
        }
        show(
                "manifest",
                map(
                        "file", path,
                        "generation", manifest.generation(),
                        "node_id", hex(manifest.nodeId()),
                        "hash_seed", hex(manifest.hashSeed()),
                        "epoch", manifest.epoch(),
                        "shards", shards,
                        "snapshots", snapshots),
                0);
    }

    // Logs and images.

    private void frames(Path path) throws IOException {
        try (FileWorker worker = new FileWorker();
                FileScan scan = new FileScan(worker.io, 0)) {
            worker.handle((token, result) -> scan.onFile((int) token, result));
            scan.open(path);
            boolean headerShown = false;
            long expected = 0;
            long end = WalFileLayout.BLOCK_BYTES;
            long shown = 0;
            while (shown < limit) {
                FrameReader.Status status = scan.next();
                if (status == FrameReader.Status.PENDING) {
                    worker.await();
                    continue;
                }
                if (!headerShown) {
                    headerShown = true;
                    header(path, scan);
                }
                if (status != FrameReader.Status.FRAME) {
                    return;
                }
                if (expected != 0 && scan.seqno() != expected) {
                    damaged(
                            map(
                                    "offset",
                                    end,
                                    "field",
                                    "seqno",
                                    "expected",
                                    expected,
                                    "actual",
                                    scan.seqno()));
                }
                expected = scan.seqno() + 1;
                end = scan.offset() + FrameLayout.HEADER_BYTES + scan.length();
                if (scan.seqno() >= from) {
                    shown++;
                    frame(scan);
                }
            }
            // What is in flight must not outlive its memory.
            scan.stop();
            while (scan.next() == FrameReader.Status.PENDING) {
                worker.await();
            }
        }
    }

    private void header(Path path, FileScan scan) {
        if (scan.damage() != null) {
            damaged(VerifyCommand.json(scan.damage()));
            return;
        }
        Map<String, Object> values =
                map(
                        "file", path,
                        "bytes", path.toFile().length(),
                        "shard", scan.shard(),
                        "node_id", hex(scan.nodeId()),
                        "first_seqno", scan.firstSeqno());
        if (!scan.isImage()) {
            values.put("witness", scan.witness());
        }
        show(scan.isImage() ? "image" : "log", values, 0);
    }

    private void frame(FileScan scan) {
        String kind =
                switch (scan.kind()) {
                    case FrameLayout.EFFECTS -> "effects";
                    case FrameLayout.MARK -> "mark";
                    default -> "end";
                };
        Map<String, Object> values =
                map(
                        "offset", scan.offset(),
                        "seqno", scan.seqno(),
                        "durable", scan.durable(),
                        "stable", scan.stable(),
                        "length", scan.length(),
                        "crc32c", "0x" + Integer.toHexString(scan.crc32c()),
                        "holds", kind,
                        "more", (scan.flags() & FrameLayout.MORE) != 0);
        long payload = scan.payload();
        int length = scan.length();
        if ((scan.flags() & FrameLayout.PARTS) != 0) {
            List<Object> parts = new ArrayList<>();
            for (int i = 0; i < FrameLayout.parts(payload, length); i++) {
                parts.add(
                        map(
                                "shard", FrameLayout.partShard(payload, length, i),
                                "seqno", FrameLayout.partSeqno(payload, length, i)));
            }
            values.put("parts", parts);
        }
        show("frame", values, 1);
        if (effects) {
            int bytes = FrameLayout.effectsBytes(payload, length, scan.flags());
            int visited = LoggedEffects.visit(payload, bytes, new Effects());
            if (visited < bytes) {
                damaged(
                        map(
                                "offset",
                                scan.offset() + FrameLayout.HEADER_BYTES + visited,
                                "field",
                                "op",
                                "expected",
                                "an effect that this version knows",
                                "actual",
                                Memory.getByte(payload + visited) & 0xFF));
            }
        }
    }

    /** Shows each. */
    private final class Effects implements EffectVisitor {
        @Override
        public void put(long record) {
            show("put", recordValues(record), 2);
        }

        @Override
        public void delete(int keyspace, long key, int keyLength, boolean page) {
            show("delete", map("keyspace", keyspace, "key", key(key, keyLength, page)), 2);
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
            show(
                    "patch",
                    map(
                            "keyspace", keyspace,
                            "key", key(key, keyLength, page),
                            "from", fromByte,
                            "count", count),
                    2);
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
            show(
                    "splice",
                    map(
                            "keyspace", keyspace,
                            "key", key(key, keyLength, page),
                            "version", version,
                            "from", fromByte,
                            "removed", removed,
                            "count", count),
                    2);
        }

        @Override
        public void expire(int keyspace, long key, int keyLength, long millis, boolean fields) {
            show(
                    fields ? "fields expire" : "expire",
                    map(
                            "keyspace", keyspace,
                            "key", key(key, keyLength, false),
                            "millis", millis),
                    2);
        }

        @Override
        public void keyspaces(long numbers, int count) {
            List<Object> list = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                list.add(Memory.getByte(numbers + i) & 0xFF);
            }
            show("keyspaces", map("by_database", list), 2);
        }

        @Override
        public void segment(int number, int pages, long generation) {
            show("segment", map("number", number, "pages", pages, "generation", generation), 2);
        }

        @Override
        public void reference(int keyspace, boolean page, long address, long entryHash) {
            show(
                    "reference",
                    map(
                            "keyspace", keyspace,
                            "page", Address.page(address),
                            "offset", Address.offset(address),
                            "of_object", page,
                            "hash", hex(entryHash)),
                    2);
        }

        @Override
        public void note(int keyspace, long address, long hash, long secondHash) {
            show(
                    "note",
                    map(
                            "keyspace", keyspace,
                            "page", Address.page(address),
                            "offset", Address.offset(address),
                            "hash", hex(hash)),
                    2);
        }

        @Override
        public void wheel(int count) {
            show("wheel", map("entries", count), 2);
        }

        @Override
        public void object(long object, long pages) {
            show("object", map("number", object, "pages", pages), 2);
        }

        @Override
        public void expires(int keyspace, long keys, long timedHashes) {
            show(
                    "expires",
                    map("keyspace", keyspace, "keys", keys, "timed hashes", timedHashes),
                    2);
        }
    }

    // Pages.

    private void pages(Path path) throws IOException {
        int total = (int) (Files.size(path) >>> Address.PAGE_SHIFT);
        BitSet wanted = new BitSet();
        wanted.set((int) Math.min(from, total), (int) Math.min(from + limit, total));
        PageCheck check = new PageCheck();
        show("segment", map("file", path, "bytes", Files.size(path), "pages", total), 0);
        // One at a time: in the file's order.
        try (FileWorker worker = new FileWorker();
                PageReads reads = new PageReads(worker, path, wanted, 1)) {
            while (reads.next()) {
                page(reads, check);
            }
        }
    }

    private void page(PageReads reads, PageCheck check) {
        long offset = (long) reads.index() << Address.PAGE_SHIFT;
        if (reads.errno() == 0 && Memory.getLong(reads.address()) == 0) {
            show("empty page", map("offset", offset), 1);
            return;
        }
        int number =
                firstPage >= 0
                        ? firstPage + reads.index()
                        : PageCheck.storedNumber(reads.address());
        for (PageCheck.Flaw flaw : check.check(reads.address(), reads.bytes(), number, 0)) {
            damaged(
                    map(
                            "offset", offset + flaw.offset(),
                            "field", flaw.field(),
                            "expected", flaw.expected(),
                            "actual", flaw.actual()));
        }
        if (check.end() == 0) {
            return;
        }
        show(
                "page",
                map(
                        "offset", offset,
                        "number", number,
                        "generation", check.generation(),
                        "records", check.records(),
                        "end", check.end()),
                1);
        for (int at = PageCheck.FIRST_RECORD; records && at < check.end(); ) {
            long record = check.record(at);
            if (record == 0) {
                show("unreadable", map("offset", offset + at), 2);
                return;
            }
            Map<String, Object> values = map("offset", offset + at);
            values.putAll(recordValues(record));
            show("record", values, 2);
            at += Record.length(record);
        }
    }

    // Records.

    private static Map<String, Object> recordValues(long record) {
        boolean page = Record.type(record) == Record.TYPE_PAGE;
        Map<String, Object> values =
                map(
                        "keyspace", Record.keyspace(record),
                        "key", key(Record.key(record), Record.keyLength(record), page),
                        "type", type(Record.type(record)),
                        "encoding", Record.kind(record) >>> 4,
                        "value_bytes", Record.valueLength(record));
        if (Record.hasExpiry(record)) {
            values.put("expiry_ms", Record.expiry(record));
        }
        return values;
    }

    /** A type's name. */
    static String type(int type) {
        return switch (type) {
            case Record.TYPE_STRING -> "string";
            case Record.TYPE_HASH -> "hash";
            case Record.TYPE_LIST -> "list";
            case Record.TYPE_SET -> "set";
            case Record.TYPE_ZSET -> "zset";
            case Record.TYPE_STREAM -> "stream";
            case Record.TYPE_PAGE -> "page of an object";
            case Record.TYPE_FILLER -> "filler";
            default -> "invalid " + type;
        };
    }

    /** A key as text: printable bytes as they are, others as {@code \xNN}. */
    static String key(long key, int length, boolean page) {
        if (page && length == 2 * Long.BYTES) {
            return "object " + Memory.getLong(key) + " page " + Memory.getLong(key + Long.BYTES);
        }
        return text(key, length, KEY_SHOWN_MAX);
    }

    /** Bytes as text. */
    static String text(long bytes, int length, int shownMax) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(length, shownMax); i++) {
            int b = Memory.getByte(bytes + i) & 0xFF;
            if (b > ' ' && b < 127 && b != '\\') {
                text.append((char) b);
            } else {
                text.append("\\x")
                        .append(Character.forDigit(b >>> 4, 16))
                        .append(Character.forDigit(b & 15, 16));
            }
        }
        return length > shownMax ? text + "..." : text.toString();
    }
}
