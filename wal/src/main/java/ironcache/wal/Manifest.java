package ironcache.wal;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Which files of a data directory count: written anew as a whole whenever that changes ({@link Manifests}).
 *
 * <p>As text: one {@code name = value} a line, always the same ones in the same order, in sections; the last line is the CRC-32C of all bytes before it. Numbers are decimal, identifiers
 * and checksums hexadecimal.
 *
 * <pre>
 * format = 1
 * generation = 7
 * node-id = 0x1f00...
 * hash-seed = 0x8e21...
 * epoch = 3
 * shards = 1
 * snapshots = 1
 *
 * [shard 0]
 * segment-pages = 64
 * log-from-generation = 12
 * log-to-generation = 0
 * log-from-seqno = 30012
 * stable-seqno = 30480
 *
 * [snapshot 4]
 * time-ms = 1767225600000
 * keys = 1000000
 * bytes = 73400320
 * shards = 1
 *
 * [snapshot 4 shard 0]
 * image-generation = 4
 * begin-seqno = 30012
 * cut-seqno = 30400
 * first-log-generation = 12
 * last-log-generation = 12
 * ssd-segments = 0-3,7
 *
 * crc32c = 0x5d3a77f1
 * </pre>
 *
 * @param generation of the manifest, in its name too
 * @param nodeId drawn when the directory was made; in each log and image file
 * @param hashSeed of the index: images refer to hashes
 * @param epoch counts the starts of a server on this directory
 * @param shards by number
 * @param snapshots oldest first
 */
public record Manifest(
        long generation,
        long nodeId,
        long hashSeed,
        long epoch,
        List<ShardFiles> shards,
        List<Snapshot> snapshots) {
    static final int FORMAT = 1;

    /** Null: there is none. */
    public @Nullable Snapshot newestSnapshot() {
        return snapshots.isEmpty() ? null : snapshots.getLast();
    }

    /**
     * What one shard goes on with.
     *
     * @param segmentPages of a segment of the SSD tier; 0 where there is none
     * @param logFromGeneration the first log segment that counts; 0 where there is no log
     * @param logToGeneration the last one; 0: all that there are, the log goes on
     * @param logFromSeqno its first seqno
     * @param stableSeqno the log holds everything up to here at least
     */
    public record ShardFiles(
            int segmentPages,
            long logFromGeneration,
            long logToGeneration,
            long logFromSeqno,
            long stableSeqno) {}

    /**
     * A snapshot: for each shard of its time an image and the log from its begin to the cut.
     *
     * @param number counts snapshots, and names them for the operator
     * @param keys and {@code bytes}: what the operator is told
     */
    public record Snapshot(
            long number, long timeMillis, long keys, long bytes, List<SnapshotPart> parts) {
        public Snapshot {
            parts = List.copyOf(parts);
        }
    }

    /**
     * A snapshot's files of one shard: frames from {@code beginSeqno} up to {@code cutSeqno} make the image exact.
     *
     * @param segments of the SSD tier that the image refers to, by number
     */
    public record SnapshotPart(
            long imageGeneration,
            long beginSeqno,
            long cutSeqno,
            long firstLogGeneration,
            long lastLogGeneration,
            BitSet segments) {}

    private static final String CRC_NAME = "crc32c = 0x";
    private static final int CRC_DIGITS = 8;
    private static final int SHARDS_MAX = 4096;
    private static final int SNAPSHOTS_MAX = 65536;

    public Manifest {
        shards = List.copyOf(shards);
        snapshots = List.copyOf(snapshots);
    }

    /** The text. */
    public byte[] toBytes() {
        StringBuilder text = new StringBuilder();
        line(text, "format", FORMAT);
        line(text, "generation", generation);
        hexLine(text, "node-id", nodeId);
        hexLine(text, "hash-seed", hashSeed);
        line(text, "epoch", epoch);
        line(text, "shards", shards.size());
        line(text, "snapshots", snapshots.size());
        for (int i = 0; i < shards.size(); i++) {
            ShardFiles shard = shards.get(i);
            text.append("\n[shard ").append(i).append("]\n");
            line(text, "segment-pages", shard.segmentPages);
            line(text, "log-from-generation", shard.logFromGeneration);
            line(text, "log-to-generation", shard.logToGeneration);
            line(text, "log-from-seqno", shard.logFromSeqno);
            line(text, "stable-seqno", shard.stableSeqno);
        }
        for (Snapshot snapshot : snapshots) {
            String section = "snapshot " + snapshot.number;
            text.append("\n[").append(section).append("]\n");
            line(text, "time-ms", snapshot.timeMillis);
            line(text, "keys", snapshot.keys);
            line(text, "bytes", snapshot.bytes);
            line(text, "shards", snapshot.parts.size());
            for (int i = 0; i < snapshot.parts.size(); i++) {
                SnapshotPart part = snapshot.parts.get(i);
                text.append("\n[").append(section).append(" shard ").append(i).append("]\n");
                line(text, "image-generation", part.imageGeneration);
                line(text, "begin-seqno", part.beginSeqno);
                line(text, "cut-seqno", part.cutSeqno);
                line(text, "first-log-generation", part.firstLogGeneration);
                line(text, "last-log-generation", part.lastLogGeneration);
                text.append("ssd-segments = ").append(ranges(part.segments)).append('\n');
            }
        }
        text.append('\n');
        byte[] body = text.toString().getBytes(StandardCharsets.US_ASCII);
        text.append(CRC_NAME).append(crcText(crc(body, body.length))).append('\n');
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }

    /** As 0-3,7; nothing for none. */
    private static String ranges(BitSet numbers) {
        StringBuilder text = new StringBuilder();
        for (int first = numbers.nextSetBit(0); first >= 0; ) {
            int last = numbers.nextClearBit(first) - 1;
            text.append(text.isEmpty() ? "" : ",").append(first);
            if (last > first) {
                text.append('-').append(last);
            }
            first = numbers.nextSetBit(last + 1);
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String name, long value) {
        text.append(name).append(" = ").append(value).append('\n');
    }

    private static void hexLine(StringBuilder text, String name, long value) {
        text.append(name).append(" = 0x").append(Long.toHexString(value)).append('\n');
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    private static String crcText(int crc) {
        String digits = Integer.toHexString(crc);
        return "0".repeat(CRC_DIGITS - digits.length()) + digits;
    }

    /**
     * Reads what {@link #toBytes} wrote.
     *
     * @param file for messages
     */
    public static Manifest parse(Path file, byte[] bytes) throws DamagedManifestException {
        return new Parser(file, bytes).parse();
    }

    /** Takes line by line what must be there: any deviation is an error that says where. */
    private static final class Parser {
        private final Path file;
        private final byte[] bytes;
        private final String text;
        private int end;
        private int at;
        private int lineNumber;

        Parser(Path file, byte[] bytes) {
            this.file = file;
            this.bytes = bytes;
            this.text = new String(bytes, StandardCharsets.ISO_8859_1);
        }

        Manifest parse() throws DamagedManifestException {
            checkCrc();
            long format = number("format");
            if (format != FORMAT) {
                throw damaged(
                        "format",
                        FORMAT + (format > FORMAT ? " (too new)" : " (too old)"),
                        "" + format);
            }
            long generation = number("generation");
            long nodeId = identifier("node-id");
            long hashSeed = identifier("hash-seed");
            long epoch = number("epoch");
            int shardCount = count("shards", SHARDS_MAX);
            int snapshotCount = count("snapshots", SNAPSHOTS_MAX);
            List<ShardFiles> shards = new ArrayList<>(shardCount);
            for (int i = 0; i < shardCount; i++) {
                section("shard " + i);
                shards.add(
                        new ShardFiles(
                                count("segment-pages", Integer.MAX_VALUE),
                                number("log-from-generation"),
                                number("log-to-generation"),
                                number("log-from-seqno"),
                                number("stable-seqno")));
            }
            List<Snapshot> snapshots = new ArrayList<>(snapshotCount);
            for (int i = 0; i < snapshotCount; i++) {
                snapshots.add(snapshot());
            }
            expect("", "end of the sections");
            if (at != end) {
                throw damaged("end of the sections", CRC_NAME, line());
            }
            return new Manifest(generation, nodeId, hashSeed, epoch, shards, snapshots);
        }

        private Snapshot snapshot() throws DamagedManifestException {
            expect("", "section");
            long number = bracketed("snapshot ");
            long timeMillis = number("time-ms");
            long keys = number("keys");
            long size = number("bytes");
            int shardCount = count("shards", SHARDS_MAX);
            List<SnapshotPart> parts = new ArrayList<>(shardCount);
            for (int i = 0; i < shardCount; i++) {
                section("snapshot " + number + " shard " + i);
                parts.add(
                        new SnapshotPart(
                                number("image-generation"),
                                number("begin-seqno"),
                                number("cut-seqno"),
                                number("first-log-generation"),
                                number("last-log-generation"),
                                ranges("ssd-segments")));
            }
            return new Snapshot(number, timeMillis, keys, size, parts);
        }

        /** First of all: whatever else is wrong with a text that does not verify is not worth telling. */
        private void checkCrc() throws DamagedManifestException {
            int lastLine = CRC_NAME.length() + CRC_DIGITS + 1;
            end = bytes.length - lastLine;
            at = Math.max(0, end);
            if (end < 0 || !text.startsWith(CRC_NAME, end) || !text.endsWith("\n")) {
                throw damaged("crc32c", "a last line " + CRC_NAME + "...", lastLineText());
            }
            String actual = text.substring(end + CRC_NAME.length(), bytes.length - 1);
            String expected = crcText(crc(bytes, end));
            if (!actual.equals(expected)) {
                throw damaged("crc32c", "0x" + expected, "0x" + printable(actual));
            }
            at = 0;
        }

        private String lastLineText() {
            return bytes.length == 0
                    ? "an empty file"
                    : printable(text.substring(Math.max(0, bytes.length - 32)));
        }

        private long number(String name) throws DamagedManifestException {
            String value = value(name);
            try {
                long number = Long.parseLong(value);
                if (number >= 0) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // Said below, as for negative numbers.
            }
            throw damaged(name, "a number", value);
        }

        private BitSet ranges(String name) throws DamagedManifestException {
            String value = value(name);
            BitSet numbers = new BitSet();
            for (String range : value.isEmpty() ? new String[0] : value.split(",", -1)) {
                int dash = range.indexOf('-');
                try {
                    int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
                    int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1));
                    numbers.set(first, last + 1);
                } catch (IndexOutOfBoundsException | NumberFormatException e) {
                    throw damaged(name, "numbers as in 0-3,7", value);
                }
            }
            return numbers;
        }

        private int count(String name, int max) throws DamagedManifestException {
            long number = number(name);
            if (number > max) {
                throw damaged(name, "at most " + max, "" + number);
            }
            return (int) number;
        }

        private long identifier(String name) throws DamagedManifestException {
            String value = value(name);
            if (value.startsWith("0x")) {
                try {
                    return Long.parseUnsignedLong(value.substring(2), 16);
                } catch (NumberFormatException e) {
                    // Said below.
                }
            }
            throw damaged(name, "0x and hexadecimal digits", value);
        }

        private String value(String name) throws DamagedManifestException {
            String line = line();
            String start = name + " = ";
            if (!line.startsWith(start)) {
                throw damaged(name, start + "...", line);
            }
            next(line);
            return line.substring(start.length());
        }

        private void section(String name) throws DamagedManifestException {
            expect("", "section");
            expect("[" + name + "]", "section");
        }

        private long bracketed(String prefix) throws DamagedManifestException {
            String line = line();
            if (line.startsWith("[" + prefix) && line.endsWith("]")) {
                try {
                    long number =
                            Long.parseLong(line.substring(prefix.length() + 1, line.length() - 1));
                    next(line);
                    return number;
                } catch (NumberFormatException e) {
                    // Said below.
                }
            }
            throw damaged("section", "[" + prefix + "n]", line);
        }

        private void expect(String wanted, String field) throws DamagedManifestException {
            String line = line();
            if (!line.equals(wanted)) {
                throw damaged(field, wanted.isEmpty() ? "an empty line" : wanted, line);
            }
            next(line);
        }

        /** The line at the cursor; empty at the end. */
        private String line() {
            int newline = text.indexOf('\n', at);
            return at >= end || newline < 0 ? "" : text.substring(at, Math.min(newline, end));
        }

        private void next(String line) {
            at += line.length() + 1;
            lineNumber++;
        }

        private DamagedManifestException damaged(String field, String expected, String actual) {
            String place = lineNumber == 0 ? field : field + " (line " + (lineNumber + 1) + ")";
            return new DamagedManifestException(
                    new Damage(file, at, place, expected, printable(actual)));
        }

        private static String printable(String text) {
            StringBuilder shown = new StringBuilder();
            for (int i = 0; i < Math.min(64, text.length()); i++) {
                char c = text.charAt(i);
                shown.append(c >= ' ' && c < 127 ? c : '?');
            }
            return shown.toString();
        }
    }
}
