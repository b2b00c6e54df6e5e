package ironcache.tools;

import ironcache.datatypes.StringPieces;
import ironcache.datatypes.Strings;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import ironcache.recovery.StoredShard;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A portable stream of keys: commands as clients send them, so that any server takes it. It begins and ends with an ECHO, which does nothing on a server; the last one
 * tells {@link LoadCommand} whether it has all.
 *
 * <pre>
 * ECHO "ironcache-dump 2"
 * SELECT 0
 * SET key value [PXAT milliseconds]                              a string
 * DEL key                                                        a collection begins; then as often as it takes, each some elements:
 * RPUSH key element...                                           of a list, in order
 * SADD key member...                                             of a set
 * ZADD key score member [score member...]                        of a sorted set
 * HSET key field value [field value...]                          of a hash
 * HPEXPIREAT key milliseconds FIELDS n field...                  of fields before it that expire
 * PEXPIREAT key milliseconds                                     the collection, where it expires, is complete
 * ...
 * ECHO "ironcache-dump end keys=N bytes=N crc32c=0x........"     of all bytes before it; SETs and DELs
 * </pre>
 *
 * <p>Version 1 knew strings only. {@link DumpCollections} writes all that is of collections; no more of a key than a part of it is ever in memory.
 *
 * <p>Of a file: written beside it, synced, renamed. Owned by one thread.
 */
final class DumpWriter implements AutoCloseable {
    static final String MARK = "ironcache-dump ";
    static final String BEGIN = MARK + "2";
    static final String BEGIN_OF_STRINGS = MARK + "1";
    static final String END = "ironcache-dump end ";

    private static final int BUFFER_BYTES = 1 << 20;
    private static final int PIECE_BYTES = 1 << 20;
    private static final byte[] SET = {'S', 'E', 'T'};
    private static final byte[] PXAT = {'P', 'X', 'A', 'T'};

    private final @Nullable Path target;
    private final @Nullable Path partial;
    private final @Nullable FileOutputStream file;
    private final Counted out;
    private final RespWriter resp;
    private byte[] bytes = new byte[1 << 16];
    private long keys;
    private boolean complete;

    private DumpWriter(
            @Nullable Path target,
            @Nullable Path partial,
            @Nullable FileOutputStream file,
            OutputStream raw) {
        this.target = target;
        this.partial = partial;
        this.file = file;
        out = new Counted(new BufferedOutputStream(raw, BUFFER_BYTES));
        resp = new RespWriter(out);
    }

    /** @param target null: standard output */
    static DumpWriter to(@Nullable Path target) throws IOException {
        if (target == null) {
            return new DumpWriter(
                    null, null, null, new FileOutputStream(java.io.FileDescriptor.out));
        }
        Path partial = target.resolveSibling(target.getFileName() + ".partial");
        FileOutputStream file = new FileOutputStream(partial.toFile());
        return new DumpWriter(target, partial, file, file);
    }

    /** Counts what goes by, and sums it up. */
    private static final class Counted extends OutputStream {
        private final OutputStream out;
        private final CRC32C crc = new CRC32C();
        private long count;

        Counted(OutputStream out) {
            this.out = out;
        }

        @Override
        public void write(int b) throws IOException {
            out.write(b);
            crc.update(b);
            count++;
        }

        @Override
        public void write(byte[] from, int offset, int length) throws IOException {
            out.write(from, offset, length);
            crc.update(from, offset, length);
            count += length;
        }

        @Override
        public void flush() throws IOException {
            out.flush();
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }

    /** A key whose value is on pages. */
    private record Paged(byte[] key, boolean isString, long expiryMillis) {}

    /** Writes all of it. */
    void write(StoredData data, long nowMillis, ToolProgress progress, Cancellation cancellation)
            throws IOException {
        progress.expect(data.keyCount());
        resp.words("ECHO", BEGIN);
        try (DumpCollections collections = new DumpCollections(resp, out, cancellation)) {
            for (int db = 0; db < Shard.DATABASES; db++) {
                boolean selected = false;
                for (StoredShard shard : data.shards()) {
                    if (shard.size(nowMillis, db) == 0) {
                        continue;
                    }
                    if (!selected) {
                        resp.words("SELECT", "" + db);
                        selected = true;
                    }
                    write(shard, nowMillis, db, collections, progress, cancellation);
                }
            }
        }
    }

    private void write(
            StoredShard shard,
            long nowMillis,
            int db,
            DumpCollections collections,
            ToolProgress progress,
            Cancellation cancellation)
            throws IOException {
        List<Paged> paged = new ArrayList<>();
        long cursor = 0;
        do {
            paged.clear();
            try {
                cursor =
                        shard.scan(
                                nowMillis,
                                db,
                                cursor,
                                record -> {
                                    progress.did(1);
                                    progress.show();
                                    cancellation.check();
                                    if (Record.isPaged(record)) {
                                        paged.add(
                                                new Paged(
                                                        StoredShard.keyOf(record),
                                                        Strings.isString(record),
                                                        Record.expiry(record)));
                                    } else {
                                        writeSmall(shard, nowMillis, db, collections, record);
                                    }
                                });
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
            for (Paged key : paged) {
                if (key.isString) {
                    writePaged(shard, nowMillis, db, key, cancellation);
                } else {
                    collections.write(shard, nowMillis, db, key.key);
                    keys++;
                }
            }
        } while (cursor != 0);
    }

    private void writeSmall(
            StoredShard shard, long nowMillis, int db, DumpCollections collections, long record) {
        try {
            if (!Strings.isString(record)) {
                collections.writePacked(shard, nowMillis, db, record);
                keys++;
                return;
            }
            begin(Record.expiry(record));
            int keyLength = Record.keyLength(record);
            resp.bulkHeader(keyLength);
            copy(Record.key(record), keyLength);
            resp.bulkEnd();
            int length = Record.valueLength(record);
            resp.bulkHeader(length);
            copy(Record.value(record), length);
            resp.bulkEnd();
            end(Record.expiry(record));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void writePaged(
            StoredShard stored, long nowMillis, int db, Paged key, Cancellation cancellation)
            throws IOException {
        int keyLength = key.key.length;
        long name = Memory.allocate(Math.max(8, keyLength), MemoryTag.OTHER);
        try {
            Memory.copyIn(key.key, 0, name, keyLength);
            long hash = stored.shard().hash(name, keyLength);
            long[] length = new long[1];
            stored.read(
                    nowMillis,
                    () ->
                            length[0] =
                                    Strings.length(stored.shard().peek(db, name, keyLength, hash)));
            begin(key.expiryMillis);
            resp.bulk(key.key);
            resp.bulkHeader(length[0]);
            for (long at = 0; at < length[0]; at += PIECE_BYTES) {
                cancellation.check();
                int count = (int) Math.min(PIECE_BYTES, length[0] - at);
                long from = at;
                bytes = bytes.length < count ? new byte[count] : bytes;
                stored.read(
                        nowMillis,
                        () -> {
                            long record = stored.shard().peek(db, name, keyLength, hash);
                            Strings.load(stored.shard(), record, from, count);
                            StringPieces pieces =
                                    new StringPieces(stored.shard(), record, from, count);
                            int done = 0;
                            while (pieces.next()) {
                                Memory.copyOut(pieces.address(), bytes, done, pieces.length());
                                done += pieces.length();
                            }
                        });
                out.write(bytes, 0, count);
            }
            resp.bulkEnd();
            end(key.expiryMillis);
        } finally {
            Memory.free(name, Math.max(8, keyLength), MemoryTag.OTHER);
        }
    }

    private void begin(long expiryMillis) throws IOException {
        resp.command(expiryMillis == 0 ? 3 : 5);
        resp.bulk(SET);
    }

    private void end(long expiryMillis) throws IOException {
        if (expiryMillis != 0) {
            resp.bulk(PXAT);
            resp.bulk(Long.toString(expiryMillis).getBytes(StandardCharsets.ISO_8859_1));
        }
        keys++;
    }

    private void copy(long address, int length) throws IOException {
        bytes = bytes.length < length ? new byte[length] : bytes;
        Memory.copyOut(address, bytes, 0, length);
        out.write(bytes, 0, length);
    }

    /** What the last command says. */
    static String end(long keys, long bytes, int crc) {
        return String.format(
                Locale.ROOT, "%skeys=%d bytes=%d crc32c=0x%08x", END, keys, bytes, crc);
    }

    /** It has all keys: writes the end, and gives the file its name. */
    void complete() throws IOException {
        resp.words("ECHO", end(keys, out.count, (int) out.crc.getValue()));
        out.flush();
        FileOutputStream made = file;
        Path from = partial;
        Path to = target;
        if (made != null && from != null && to != null) {
            made.getFD().sync();
            made.close();
            Files.move(
                    from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
        complete = true;
    }

    long keys() {
        return keys;
    }

    long bytes() {
        return out.count;
    }

    /** What is not complete goes. */
    @Override
    public void close() throws IOException {
        FileOutputStream made = file;
        Path from = partial;
        if (!complete && made != null && from != null) {
            made.close();
            Files.deleteIfExists(from);
        }
    }
}
