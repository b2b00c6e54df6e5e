package ironcache.parity;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Io;
import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes parity of files that are written no more, and repairs files from it ({@link ParityLayout}); zone by zone, waiting for the disk. Owned by one thread, with an {@link Io} that
 * nobody else uses. Memory: a zone with its parity, 17 to 25 MiB, from the first use until {@link #release}.
 *
 * <p>What it restores is right or it is not restored: a block counts as there when it has the checksum that it had, and what was computed has to have its own too. Whether
 * parity belongs to the file is decided by {@link ParityId} first, and by the contents: where more than half of a zone is different, it is of something else.
 */
public final class ParityFiles implements AutoCloseable {
    private static final int BLOCK_BYTES = ParityLayout.BLOCK_BYTES;
    private static final int BLOCK_SHIFT = ParityLayout.BLOCK_SHIFT;
    private static final int ZONE_BLOCKS = ParityLayout.ZONE_BLOCKS;

    /** From this size on an allocation is aligned for O_DIRECT. */
    private static final long HEADERS_ROOM_BYTES = 128 << 10;

    private static final long ZONE_BYTES = (long) ZONE_BLOCKS << BLOCK_SHIFT;

    /** Decides whether what was read is right, so that damage is not protected. */
    public interface Check {
        /**
         * Looks at a stretch of the file: a zone of up to 16 MiB, or what is left.
         *
         * @return whether it holds what was written
         */
        boolean holds(long address, long offset, long bytes);
    }

    private final BlockingFiles files;
    private final BooleanSupplier cancelled;
    private final Crc32c crc = new Crc32c();
    private @Nullable Mapping memory;
    private @Nullable StripeCode code;

    /** For header blocks; 0: not yet. */
    private long headers;

    // The zone in memory.
    private long data;
    private long tables;
    private long parity;
    private final BitSet unreadable = new BitSet();

    /** Why a parity file was not opened. */
    private @Nullable Repair refusal;

    /** @param cancelled asked before each zone: an {@link InterruptedIOException} ends the work then */
    public ParityFiles(Io io, BooleanSupplier cancelled) {
        files = new BlockingFiles(io);
        this.cancelled = cancelled;
    }

    /** Makes room for one zone. */
    private StripeCode prepare(int parityBlocks) {
        StripeCode known = code;
        if (known == null || known.parityBlocks() != parityBlocks) {
            release();
            known = new StripeCode(parityBlocks);
            code = known;
        }
        ParityLayout.Header full = new ParityLayout.Header(0, 0, 0, 0, 0, parityBlocks, ZONE_BYTES);
        long tableBytes = 2L * full.tableBlocks(ZONE_BLOCKS) << BLOCK_SHIFT;
        Mapping room = memory;
        if (room == null) {
            long zoneBytes = (long) full.zoneBlocks(ZONE_BLOCKS) << BLOCK_SHIFT;
            room = Mapping.reserve(ZONE_BYTES + zoneBytes, MemoryTag.PARITY);
            room.commit(room.bytes());
            memory = room;
        }
        data = room.address();
        tables = data + ZONE_BYTES;
        parity = tables + tableBytes;
        return known;
    }

    /** What {@link #release} gives back, with arrays. */
    public static long memoryBytes(int parityBlocks) {
        ParityLayout.Header full = new ParityLayout.Header(0, 0, 0, 0, 0, parityBlocks, ZONE_BYTES);
        return ZONE_BYTES + ((long) full.zoneBlocks(ZONE_BLOCKS) << BLOCK_SHIFT) + (1 << 20);
    }

    /** Gives the memory back; it is taken again when it is needed. */
    public void release() {
        Mapping room = memory;
        if (room != null) {
            room.close();
            memory = null;
        }
        if (headers != 0) {
            Memory.free(headers, HEADERS_ROOM_BYTES, MemoryTag.PARITY);
            headers = 0;
        }
        code = null;
    }

    private void checkCancelled() throws IOException {
        if (cancelled.getAsBoolean()) {
            throw new InterruptedIOException("stopped");
        }
    }

    // Making.

    /**
     * Makes parity of a file, in place of what may be there; durable when it returns, as is the file then.
     *
     * @param parityBlocks of each stripe, 1 to {@value ParityLayout#PARITY_BLOCKS_MAX}
     * @return the parity file's bytes; 0: the file is not what was written, there is no parity of it
     */
    public long protect(ParityId id, Path file, int parityBlocks, Check check) throws IOException {
        files.begin();
        StripeCode stripe = prepare(parityBlocks);
        Path temporary = ParityLayout.temporaryFile(file);
        Io io = files.io();
        int from = io.openFile(file, Io.OpenMode.READ, true);
        int to = -1;
        boolean made = false;
        try {
            to = io.openFile(temporary, Io.OpenMode.CREATE, true);
            long bytes = protectZones(id, from, temporary, to, stripe, check);
            if (bytes == 0) {
                return 0;
            }
            files.sync(file, from);
            files.sync(temporary, to);
            io.closeFile(to);
            to = -1;
            io.renameFile(temporary, ParityLayout.parityFile(file));
            made = true;
            return bytes;
        } finally {
            io.closeFile(from);
            if (to >= 0) {
                io.closeFile(to);
            }
            if (!made) {
                io.deleteFile(temporary);
            }
        }
    }

    private long protectZones(
            ParityId id, int from, Path temporary, int to, StripeCode stripe, Check check)
            throws IOException {
        long fileBytes = 0;
        for (int zone = 0; fileBytes == zone * ZONE_BYTES; zone++) {
            checkCancelled();
            unreadable.clear();
            long bytes = files.read(from, zone * ZONE_BYTES, data, ZONE_BYTES, unreadable);
            if (bytes == 0) {
                break;
            }
            if (!unreadable.isEmpty()
                    || bytes % BLOCK_BYTES != 0
                    || !check.holds(data, fileBytes, bytes)) {
                return 0;
            }
            fileBytes += bytes;
            ParityLayout.Header soFar =
                    ParityLayout.Header.of(id, stripe.parityBlocks(), fileBytes);
            int blocks = soFar.dataBlocks(zone);
            encode(soFar, zone, blocks, stripe);
            files.write(
                    temporary,
                    to,
                    soFar.zoneOffset(zone),
                    tables,
                    (long) soFar.zoneBlocks(blocks) << BLOCK_SHIFT);
        }
        if (fileBytes == 0) {
            return 0;
        }
        ParityLayout.Header header = ParityLayout.Header.of(id, stripe.parityBlocks(), fileBytes);
        for (int i = 0; i < ParityLayout.HEADERS; i++) {
            ParityLayout.putHeader(data + (long) i * BLOCK_BYTES, header, crc);
        }
        files.write(temporary, to, 0, data, (long) ParityLayout.HEADERS << BLOCK_SHIFT);
        return header.parityFileBytes();
    }

    /** Of the zone in memory: computes parity, behind it in memory as on disk. */
    private void encode(ParityLayout.Header header, int zone, int blocks, StripeCode stripe) {
        int stripes = ParityLayout.Header.stripes(blocks);
        int tableBlocks = header.tableBlocks(blocks);
        long tableBytes = (long) tableBlocks << BLOCK_SHIFT;
        parity = tables + 2 * tableBytes;
        Memory.fill(tables, tableBytes, (byte) 0);
        for (int i = 0; i < blocks; i++) {
            ParityLayout.putBlockCrc(tables, i, crc.of(dataBlock(i), BLOCK_BYTES));
        }
        for (int t = 0; t < stripes; t++) {
            stripe.begin();
            for (int block = t; block < blocks; block += stripes) {
                stripe.data(block / stripes, dataBlock(block));
            }
            stripe.encode();
            for (int p = 0; p < stripe.parityBlocks(); p++) {
                int index = t + p * stripes;
                stripe.copyParity(p, parityBlock(index));
                ParityLayout.putBlockCrc(
                        tables, blocks + index, crc.of(parityBlock(index), BLOCK_BYTES));
            }
        }
        for (int i = 0; i < tableBlocks; i++) {
            ParityLayout.sealTable(tables + ((long) i << BLOCK_SHIFT), header, zone, i, crc);
        }
        Memory.copy(tables, tables + tableBytes, tableBytes);
    }

    private long dataBlock(int index) {
        return data + ((long) index << BLOCK_SHIFT);
    }

    private long parityBlock(int index) {
        return parity + ((long) index << BLOCK_SHIFT);
    }

    // Asking.

    /** Parity blocks of each stripe of the file; 0: there is no parity of it, as it is now, that can be read. */
    public int parityBlocks(ParityId id, Path file) {
        Opened parityFile = open(id, file);
        if (parityFile == null) {
            return 0;
        }
        files.io().closeFile(parityFile.file);
        return parityFile.header.parityBlocks();
    }

    /** A parity file whose header says that it is the right one. */
    private record Opened(int file, ParityLayout.Header header, int damagedHeaders) {}

    /** @return null: {@link #refusal} says why not */
    private @Nullable Opened open(ParityId id, Path file) {
        files.begin();
        Path path = ParityLayout.parityFile(file);
        int opened;
        try {
            opened = files.io().openFile(path, Io.OpenMode.READ, true);
        } catch (IOException e) {
            refusal = Repair.without(file, Repair.Outcome.ABSENT, "there is no parity of it");
            return null;
        }
        if (headers == 0) {
            headers = Memory.allocate(HEADERS_ROOM_BYTES, MemoryTag.PARITY);
        }
        long room = headers;
        long bytes = (long) ParityLayout.HEADERS << BLOCK_SHIFT;
        files.read(opened, 0, room, bytes, new BitSet());
        ParityLayout.Header header = null;
        String problem = "";
        int damaged = 0;
        for (long at = room; at < room + bytes; at += BLOCK_BYTES) {
            String flaw = ParityLayout.headerFlaw(at, crc);
            if (flaw == null) {
                header = ParityLayout.header(at);
            } else {
                damaged++;
                problem = "its parity cannot be read: " + path + ", offset " + (at - room) + flaw;
            }
        }
        if (header == null) {
            return refused(opened, file, Repair.Outcome.UNREADABLE, problem);
        }
        String foreign = header.foreignField(id);
        if (foreign != null) {
            return refused(
                    opened,
                    file,
                    Repair.Outcome.FOREIGN,
                    path
                            + " is of another file or of an earlier use of it, as its field "
                            + foreign
                            + " says");
        }
        return new Opened(opened, header, damaged);
    }

    private @Nullable Opened refused(
            int opened, Path file, Repair.Outcome outcome, String problem) {
        files.io().closeFile(opened);
        refusal = Repair.without(file, outcome, problem);
        return null;
    }

    // Repairing.

    /** Compares a file with its parity, and writes nothing. */
    public Repair inspect(ParityId id, Path file) throws IOException {
        return work(id, file, null, 0, Long.MAX_VALUE);
    }

    /** Writes what was restored to its place in the file. What cannot be restored stays. Durable when it returns. */
    public Repair mend(ParityId id, Path file) throws IOException {
        return work(id, file, file, 0, Long.MAX_VALUE);
    }

    /** As above, at least of these bytes of the file. */
    public Repair mend(ParityId id, Path file, long fromByte, long toByte) throws IOException {
        return work(id, file, file, fromByte, toByte);
    }

    /** Writes all of the file elsewhere, with what was restored. Nothing is written where there is no parity. */
    public Repair copy(ParityId id, Path file, Path target) throws IOException {
        return work(id, file, target, 0, Long.MAX_VALUE);
    }

    /** @param target null: nothing is written */
    private Repair work(ParityId id, Path file, @Nullable Path target, long fromByte, long toByte)
            throws IOException {
        Opened parityFile = open(id, file);
        if (parityFile == null) {
            return Objects.requireNonNull(refusal);
        }
        ParityLayout.Header header = parityFile.header;
        StripeCode stripe = prepare(header.parityBlocks());
        Io io = files.io();
        boolean inPlace = file.equals(target);
        BitSet damaged = new BitSet();
        BitSet lost = new BitSet();
        int parityDamaged = parityFile.damagedHeaders;
        int from = -1;
        int to = -1;
        try {
            from = io.openFile(file, inPlace ? Io.OpenMode.READ_WRITE : Io.OpenMode.READ, true);
            to =
                    inPlace
                            ? from
                            : target != null ? io.openFile(target, Io.OpenMode.CREATE, true) : -1;
            int lastZone = (int) Math.min(header.zones(), (toByte - 1) / ZONE_BYTES + 1);
            for (int zone = (int) (fromByte / ZONE_BYTES); zone < lastZone; zone++) {
                checkCancelled();
                Zone found = restore(parityFile, from, zone, stripe);
                parityDamaged += found.parityDamaged;
                if (target != null) {
                    write(target, to, header, zone, found, inPlace);
                }
                int first = zone * ZONE_BLOCKS;
                found.damaged.stream().forEach(block -> damaged.set(first + block));
                found.lost.stream().forEach(block -> lost.set(first + block));
            }
            if (target != null && (!inPlace || damaged.cardinality() > lost.cardinality())) {
                files.sync(target, to);
            }
        } finally {
            io.closeFile(parityFile.file);
            if (from >= 0) {
                io.closeFile(from);
            }
            if (to >= 0 && to != from) {
                io.closeFile(to);
            }
        }
        return new Repair(file, Repair.Outcome.COMPARED, "", damaged, lost, parityDamaged);
    }

    /** What of a zone is damaged, by place in it; what is not lost is restored in memory. */
    private record Zone(BitSet damaged, BitSet lost, int parityDamaged) {}

    private Zone restore(Opened parityFile, int file, int zone, StripeCode stripe) {
        ParityLayout.Header header = parityFile.header;
        int blocks = header.dataBlocks(zone);
        int stripes = ParityLayout.Header.stripes(blocks);
        unreadable.clear();
        long bytes = (long) blocks << BLOCK_SHIFT;
        long there = files.read(file, zone * ZONE_BYTES, data, bytes, unreadable);
        int whole = (int) (there >>> BLOCK_SHIFT);
        unreadable.set(whole, blocks);
        BitSet parityUnreadable = new BitSet();
        long zoneBytes = (long) header.zoneBlocks(blocks) << BLOCK_SHIFT;
        files.read(parityFile.file, header.zoneOffset(zone), tables, zoneBytes, parityUnreadable);
        int tableBlocks = header.tableBlocks(blocks);
        parity = tables + (2L * tableBlocks << BLOCK_SHIFT);
        int tablesDamaged = chooseTables(header, zone, tableBlocks);
        if (tablesDamaged < 0) {
            // Whatever is damaged here, nobody can tell.
            return new Zone(
                    (BitSet) unreadable.clone(), (BitSet) unreadable.clone(), 2 * tableBlocks);
        }
        BitSet damaged = new BitSet();
        for (int i = 0; i < blocks; i++) {
            if (unreadable.get(i)
                    || crc.of(dataBlock(i), BLOCK_BYTES) != ParityLayout.blockCrc(tables, i)) {
                damaged.set(i);
            }
        }
        BitSet parityDamaged = new BitSet();
        for (int i = 0; i < header.parityBlocks(blocks); i++) {
            if (crc.of(parityBlock(i), BLOCK_BYTES) != ParityLayout.blockCrc(tables, blocks + i)) {
                parityDamaged.set(i);
            }
        }
        BitSet lost = (BitSet) damaged.clone();
        if (damaged.cardinality() <= blocks / 2 + 1) {
            for (int t = 0; t < stripes; t++) {
                restoreStripe(t, stripes, blocks, stripe, damaged, parityDamaged, lost);
            }
        }
        return new Zone(damaged, lost, tablesDamaged + parityDamaged.cardinality());
    }

    /** Makes the first copy of the zone's table whole. @return how many blocks of the copies are damaged; -1: some are in both */
    private int chooseTables(ParityLayout.Header header, int zone, int tableBlocks) {
        int damaged = 0;
        for (int i = 0; i < tableBlocks; i++) {
            long first = tables + ((long) i << BLOCK_SHIFT);
            long second = first + ((long) tableBlocks << BLOCK_SHIFT);
            boolean isFirst = ParityLayout.isTableValid(first, header, zone, i, crc);
            boolean isSecond = ParityLayout.isTableValid(second, header, zone, i, crc);
            if (!isFirst && !isSecond) {
                return -1;
            }
            if (!isFirst) {
                Memory.copy(second, first, BLOCK_BYTES);
            }
            damaged += isFirst && isSecond ? 0 : 1;
        }
        return damaged;
    }

    private void restoreStripe(
            int t,
            int stripes,
            int blocks,
            StripeCode stripe,
            BitSet damaged,
            BitSet parityDamaged,
            BitSet lost) {
        boolean any = false;
        for (int block = t; block < blocks; block += stripes) {
            any |= damaged.get(block);
        }
        if (!any) {
            return;
        }
        stripe.begin();
        for (int row = 0; row < ParityLayout.STRIPE_BLOCKS; row++) {
            int block = t + row * stripes;
            if (block >= blocks) {
                stripe.noData(row);
            } else if (!damaged.get(block)) {
                stripe.data(row, dataBlock(block));
            }
        }
        for (int p = 0; p < stripe.parityBlocks(); p++) {
            int index = t + p * stripes;
            if (!parityDamaged.get(index)) {
                stripe.parity(p, parityBlock(index));
            }
        }
        if (!stripe.decode()) {
            return;
        }
        for (int block = t; block < blocks; block += stripes) {
            if (damaged.get(block)) {
                stripe.copyData(block / stripes, dataBlock(block));
                boolean isRight =
                        crc.of(dataBlock(block), BLOCK_BYTES)
                                == ParityLayout.blockCrc(tables, block);
                lost.set(block, !isRight);
                if (!isRight) {
                    Memory.fill(dataBlock(block), BLOCK_BYTES, (byte) 0);
                }
            }
        }
    }

    private void write(
            Path target,
            int file,
            ParityLayout.Header header,
            int zone,
            Zone found,
            boolean inPlace)
            throws IOException {
        long offset = zone * ZONE_BYTES;
        if (!inPlace) {
            files.write(target, file, offset, data, (long) header.dataBlocks(zone) << BLOCK_SHIFT);
            return;
        }
        BitSet restored = (BitSet) found.damaged.clone();
        restored.andNot(found.lost);
        for (int block = restored.nextSetBit(0); block >= 0; ) {
            int end = restored.nextClearBit(block);
            files.write(
                    target,
                    file,
                    offset + ((long) block << BLOCK_SHIFT),
                    dataBlock(block),
                    (long) (end - block) << BLOCK_SHIFT);
            block = restored.nextSetBit(end);
        }
    }

    /** Gives the memory back; the Io stays the caller's. */
    @Override
    public void close() {
        release();
    }
}
