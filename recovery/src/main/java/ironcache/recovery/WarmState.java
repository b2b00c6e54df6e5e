package ironcache.recovery;

import ironcache.engine.Shard;
import ironcache.ffm.Crc32c;
import ironcache.ffm.FileView;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.wal.Damage;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The state files that an earlier process left (docs/adr/0013-warm-restart.md): found, verified, and taken or refused together. Owns what they are mapped to, until
 * {@link #close}. Used by the thread that starts the server, but for {@link Parallel}.
 */
public final class WarmState implements AutoCloseable {
    /** Runs tasks 0 to {@code count} - 1, at the same time where it can, and returns when all have ended. */
    public interface Parallel {
        void run(int count, IntConsumer task);
    }

    /** Blocks that one task verifies. */
    private static final int BLOCKS_AT_ONCE = 64;

    private static final String REFUSED = ".refused";

    /** One shard's file. */
    private static final class Part {
        final Path file;
        final FileView view;
        final long header;

        Part(Path file, FileView view) {
            this.file = file;
            this.view = view;
            header = view.address();
        }

        int getInt(int offset) {
            return Memory.getInt(header + offset);
        }

        long getLong(int offset) {
            return Memory.getLong(header + offset);
        }

        Damage wrong(long offset, String field, Object expected, Object actual) {
            return new Damage(file, offset, field, expected.toString(), actual.toString());
        }

        long blockOffset(int block) {
            return StateOutput.HEADER_BYTES + (long) block * StateOutput.BLOCK_BYTES;
        }
    }

    private final List<Part> parts;

    private WarmState(List<Part> parts) {
        this.parts = parts;
    }

    /**
     * Where a shard's state is.
     *
     * @param elsewhere the directory for state files, or null: each in its shard's directory
     */
    public static Path file(Path directory, @Nullable Path elsewhere, int shard) {
        return elsewhere == null
                ? directory.resolve("shard-" + shard).resolve("state.iron")
                : elsewhere.resolve("state-" + shard + ".iron");
    }

    /** How many shards left their states here, as far as the first one's can be read; 0: none did. */
    public static int shardsIn(Path directory, @Nullable Path elsewhere) {
        try (FileView view = FileView.map(file(directory, elsewhere, 0))) {
            return shardsIn(view, file(directory, elsewhere, 0));
        } catch (IOException e) {
            return elsewhere == null ? 0 : shardsIn(directory, null);
        }
    }

    private static int shardsIn(FileView view, Path file) {
        Part first = new Part(file, view);
        return view.bytes() >= StateOutput.HEADER_BYTES && checkHeader(first) == null
                ? first.getInt(StateFileLayout.SHARDS_OFFSET)
                : 0;
    }

    private static int shardsIn(Io io, Path directory, @Nullable Path elsewhere) {
        try (FileView view = io.viewFile(file(directory, elsewhere, 0))) {
            return shardsIn(view, file(directory, elsewhere, 0));
        } catch (IOException e) {
            return 0;
        }
    }

    /**
     * Looks for the states of all shards. Those that cannot be used are set aside, and a line says why.
     *
     * @param manifest in force, or null
     * @param wanted whether they may be used
     * @return null where there are none to be used
     * @throws RecoveryException where they are of another number of shards, and there is no manifest that says that they are stale
     */
    public static @Nullable WarmState find(
            Io io,
            Path directory,
            @Nullable Path elsewhere,
            int shards,
            @Nullable Manifest manifest,
            boolean wanted,
            Parallel parallel,
            Consumer<String> log) {
        int former = shardsIn(io, directory, elsewhere);
        if (former == 0 && elsewhere != null && shardsIn(io, directory, null) != 0) {
            // The setting is newer than the state.
            return find(io, directory, null, shards, manifest, wanted, parallel, log);
        }
        if (wanted && manifest == null && former != 0 && former != shards) {
            throw new RecoveryException(
                    file(directory, elsewhere, 0)
                            + " holds the data of "
                            + former
                            + " shards: start with --shards "
                            + former);
        }
        WarmState state = new WarmState(new ArrayList<>());
        boolean any = false;
        String refusal = wanted ? null : "warm-restart is off";
        for (int i = 0; i < Math.max(shards, former); i++) {
            Path file = file(directory, elsewhere, i);
            try {
                state.parts.add(new Part(file, io.viewFile(file)));
                any = true;
            } catch (NoSuchFileException e) {
                refusal = refusal != null ? refusal : file + ": expected a file, actual nothing";
            } catch (IOException e) {
                any = true;
                refusal = refusal != null ? refusal : file + ": " + e.getMessage();
            }
        }
        if (!any) {
            return null;
        }
        for (int i = 0; i < state.parts.size() && refusal == null; i++) {
            refusal = text(checkHeader(state.parts.get(i)));
        }
        for (int i = 0; i < state.parts.size() && refusal == null; i++) {
            refusal = text(state.check(i, io, directory, elsewhere != null, shards, manifest));
        }
        refusal = refusal != null ? refusal : text(state.verify(parallel));
        if (refusal == null) {
            return state;
        }
        state.close();
        log.accept("state of the last shutdown is not used: " + refusal);
        for (int i = 0; i < Math.max(shards, former); i++) {
            setAside(io, file(directory, elsewhere, i), log);
        }
        return null;
    }

    private static @Nullable String text(@Nullable Damage damage) {
        return damage == null ? null : damage.toString();
    }

    private static void setAside(Io io, Path file, Consumer<String> log) {
        try {
            io.renameFile(file, file.resolveSibling(file.getFileName() + REFUSED));
        } catch (NoSuchFileException e) {
            // There was none of this shard.
        } catch (IOException e) {
            log.accept(file + ": cannot be set aside: " + e.getMessage());
        }
    }

    /** What the file says of itself. @return what is wrong, or null */
    private static @Nullable Damage checkHeader(Part part) {
        if (part.view.bytes() < StateOutput.HEADER_BYTES) {
            return part.wrong(0, "header", StateOutput.HEADER_BYTES + " bytes", part.view.bytes());
        }
        long magic = part.getLong(StateFileLayout.MAGIC_OFFSET);
        if (magic == 0) {
            return part.wrong(
                    StateFileLayout.CLEAN_OFFSET, "clean", 1, "0 (it was not written to its end)");
        }
        if (magic != StateFileLayout.MAGIC) {
            return part.wrong(
                    StateFileLayout.MAGIC_OFFSET, "magic", hex(StateFileLayout.MAGIC), hex(magic));
        }
        int version = part.getInt(StateFileLayout.VERSION_OFFSET);
        if (version != StateFileLayout.VERSION) {
            return part.wrong(
                    StateFileLayout.VERSION_OFFSET,
                    "version",
                    StateFileLayout.VERSION
                            + (version > StateFileLayout.VERSION
                                    ? " (the file is too new)"
                                    : " (the file is too old)"),
                    version);
        }
        int crc = StateFileLayout.crc(part.header);
        if (crc != part.getInt(StateFileLayout.CRC_OFFSET)) {
            return part.wrong(
                    StateFileLayout.CRC_OFFSET,
                    "crc",
                    hex(crc),
                    hex(part.getInt(StateFileLayout.CRC_OFFSET)));
        }
        int clean = part.getInt(StateFileLayout.CLEAN_OFFSET);
        if (clean != StateFileLayout.CLEAN) {
            return part.wrong(StateFileLayout.CLEAN_OFFSET, "clean", 1, clean);
        }
        int blocks = part.getInt(StateFileLayout.BLOCKS_OFFSET);
        long bytes = part.blockOffset(blocks) + StateOutput.tableBytes(blocks);
        return part.view.bytes() == bytes
                ? null
                : part.wrong(bytes, "length", bytes, part.view.bytes());
    }

    /** Whether it is the one that belongs here. @return what is wrong, or null */
    private @Nullable Damage check(
            int shard,
            Io io,
            Path directory,
            boolean elsewhere,
            int shards,
            @Nullable Manifest manifest) {
        Part part = parts.get(shard);
        if (part.getInt(StateFileLayout.SHARD_OFFSET) != shard) {
            return part.wrong(
                    StateFileLayout.SHARD_OFFSET,
                    "shard",
                    shard,
                    part.getInt(StateFileLayout.SHARD_OFFSET));
        }
        if (part.getInt(StateFileLayout.SHARDS_OFFSET) != shards) {
            return part.wrong(
                    StateFileLayout.SHARDS_OFFSET,
                    "shards",
                    shards,
                    part.getInt(StateFileLayout.SHARDS_OFFSET));
        }
        Part first = parts.get(0);
        Damage wrong = same(part, StateFileLayout.SHUTDOWN_OFFSET, "shutdown", first);
        wrong = wrong != null ? wrong : same(part, StateFileLayout.NODE_ID_OFFSET, "nodeId", first);
        wrong =
                wrong != null
                        ? wrong
                        : same(part, StateFileLayout.HASH_SEED_OFFSET, "hashSeed", first);
        if (wrong != null) {
            return wrong;
        }
        if (elsewhere && !StateFileLayout.path(part.header).equals(directory.toString())) {
            return part.wrong(
                    StateFileLayout.PATH_OFFSET,
                    "path",
                    directory,
                    StateFileLayout.path(part.header));
        }
        return manifest == null
                ? is(part, StateFileLayout.MANIFEST_OFFSET, "manifestGeneration", 0)
                : checkManifest(shard, io, directory, manifest);
    }

    private @Nullable Damage checkManifest(int shard, Io io, Path directory, Manifest manifest) {
        Part part = parts.get(shard);
        Damage wrong = is(part, StateFileLayout.NODE_ID_OFFSET, "nodeId", manifest.nodeId());
        wrong =
                wrong != null
                        ? wrong
                        : is(
                                part,
                                StateFileLayout.HASH_SEED_OFFSET,
                                "hashSeed",
                                manifest.hashSeed());
        wrong =
                wrong != null
                        ? wrong
                        : is(
                                part,
                                StateFileLayout.MANIFEST_OFFSET,
                                "manifestGeneration",
                                manifest.generation());
        return wrong != null ? wrong : checkLog(shard, io, directory, manifest.nodeId());
    }

    /** No segment of the log was begun since. @return what is wrong, or null */
    private @Nullable Damage checkLog(int shard, Io io, Path directory, long nodeId) {
        Part part = parts.get(shard);
        long last = part.getLong(StateFileLayout.LOG_GENERATION_OFFSET);
        try {
            for (Path file : io.openDirectory(directory.resolve("shard-" + shard))) {
                if (WalFileLayout.logGeneration(file) > last && isBegun(io, file, shard, nodeId)) {
                    return part.wrong(
                            StateFileLayout.LOG_GENERATION_OFFSET,
                            "logGeneration",
                            WalFileLayout.logGeneration(file) + " (the log went on)",
                            last);
                }
            }
        } catch (IOException e) {
            return new Damage(directory, 0, "log", "readable", String.valueOf(e.getMessage()));
        }
        return null;
    }

    private static boolean isBegun(Io io, Path file, int shard, long nodeId) throws IOException {
        try (FileView view = io.viewFile(file)) {
            if (view.bytes() < WalFileLayout.BLOCK_BYTES) {
                return false;
            }
            // A copy, because the view cannot be written to.
            long block = Memory.allocate(WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
            Memory.copy(view.address(), block, WalFileLayout.BLOCK_BYTES);
            boolean begun = WalFileLayout.isBegun(block, file, shard, nodeId);
            Memory.free(block, WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
            return begun;
        }
    }

    private static @Nullable Damage same(Part part, int offset, String field, Part first) {
        return is(part, offset, field, first.getLong(offset));
    }

    private static @Nullable Damage is(Part part, int offset, String field, long expected) {
        long actual = part.getLong(offset);
        return actual == expected ? null : part.wrong(offset, field, hex(expected), hex(actual));
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static String hex(int value) {
        return "0x" + Integer.toHexString(value);
    }

    // Checksums.

    /** Of a shard's blocks: who and where. Shards of one shutdown have different ones. */
    static long salt(long shutdown, int shard) {
        return shutdown * 31 + shard;
    }

    private @Nullable Damage verify(Parallel parallel) {
        AtomicReference<@Nullable Damage> wrong = new AtomicReference<>();
        int count = 0;
        int[] firstTask = new int[parts.size() + 1];
        for (int i = 0; i < parts.size(); i++) {
            int blocks = parts.get(i).getInt(StateFileLayout.BLOCKS_OFFSET);
            firstTask[i] = count;
            count += (blocks + BLOCKS_AT_ONCE - 1) / BLOCKS_AT_ONCE + 1;
        }
        firstTask[parts.size()] = count;
        parallel.run(
                count,
                task -> {
                    int shard = 0;
                    while (firstTask[shard + 1] <= task) {
                        shard++;
                    }
                    int group = task - firstTask[shard] - 1;
                    if (wrong.get() == null) {
                        Part part = parts.get(shard);
                        int from = group * BLOCKS_AT_ONCE;
                        Damage found =
                                group < 0
                                        ? checkTable(part)
                                        : checkBlocks(part, shard, from, from + BLOCKS_AT_ONCE);
                        if (found != null) {
                            wrong.compareAndSet(null, found);
                        }
                    }
                });
        return wrong.get();
    }

    private static @Nullable Damage checkTable(Part part) {
        int blocks = part.getInt(StateFileLayout.BLOCKS_OFFSET);
        long table = part.blockOffset(blocks);
        int computed = new Crc32c().of(part.header + table, StateOutput.tableBytes(blocks));
        int stored = part.getInt(StateFileLayout.TABLE_CRC_OFFSET);
        return computed == stored
                ? null
                : part.wrong(table, "checksums", hex(stored), hex(computed));
    }

    private static @Nullable Damage checkBlocks(Part part, int shard, int from, int to) {
        int blocks = part.getInt(StateFileLayout.BLOCKS_OFFSET);
        long salt = salt(part.getLong(StateFileLayout.SHUTDOWN_OFFSET), shard);
        long table = part.header + part.blockOffset(blocks);
        Crc32c crc = new Crc32c();
        int end = Math.min(blocks, to);
        for (int block = from; block < end; block++) {
            long offset = part.blockOffset(block);
            int computed = StateOutput.checksum(crc, salt, block, part.header + offset);
            int stored = Memory.getInt(table + (long) block * Integer.BYTES);
            if (computed != stored) {
                return part.wrong(offset, "checksum of block " + block, hex(stored), hex(computed));
            }
        }
        return null;
    }

    // For whoever only looks.

    /**
     * What is wrong with the headers of states: each by itself, and all of them together.
     *
     * @param manifest in force, or null
     * @param isManifestKnown false: there is one, and it cannot be read
     * @param notes told why a start would not use states that are whole
     */
    public static List<Damage> checkHeaders(
            Path directory,
            int shards,
            @Nullable Manifest manifest,
            boolean isManifestKnown,
            Consumer<String> notes) {
        List<Damage> found = new ArrayList<>();
        List<Path> missing = new ArrayList<>();
        try (WarmState state = new WarmState(new ArrayList<>())) {
            for (int i = 0; i < shards; i++) {
                Path file = file(directory, null, i);
                try {
                    Part part = new Part(file, FileView.map(file));
                    state.parts.add(part);
                    Damage damage = checkHeader(part);
                    if (damage != null) {
                        found.add(damage);
                    } else if (part.getInt(StateFileLayout.SHARD_OFFSET) != i) {
                        found.add(
                                part.wrong(
                                        StateFileLayout.SHARD_OFFSET,
                                        "shard",
                                        i,
                                        part.getInt(StateFileLayout.SHARD_OFFSET)));
                    }
                } catch (NoSuchFileException e) {
                    missing.add(file);
                } catch (IOException e) {
                    found.add(new Damage(file, 0, "file", "readable", String.valueOf(e)));
                }
            }
            if (found.isEmpty() && !state.parts.isEmpty()) {
                for (Path file : missing) {
                    found.add(new Damage(file, 0, "file", "a state, as other shards", "nothing"));
                }
                state.checkTogether(shards, manifest, isManifestKnown, found, notes);
            }
        }
        return found;
    }

    private void checkTogether(
            int shards,
            @Nullable Manifest manifest,
            boolean isManifestKnown,
            List<Damage> found,
            Consumer<String> notes) {
        Part first = parts.get(0);
        for (Part part : parts) {
            Damage wrong = same(part, StateFileLayout.SHUTDOWN_OFFSET, "shutdown", first);
            wrong =
                    wrong != null
                            ? wrong
                            : same(part, StateFileLayout.NODE_ID_OFFSET, "nodeId", first);
            if (wrong == null && part.getInt(StateFileLayout.SHARDS_OFFSET) != shards) {
                wrong =
                        part.wrong(
                                StateFileLayout.SHARDS_OFFSET,
                                "shards",
                                shards,
                                part.getInt(StateFileLayout.SHARDS_OFFSET));
            }
            if (wrong != null) {
                found.add(wrong);
            }
        }
        if (isManifestKnown) {
            Damage other =
                    is(
                            first,
                            StateFileLayout.MANIFEST_OFFSET,
                            "manifestGeneration",
                            manifest == null ? 0 : manifest.generation());
            if (other != null) {
                notes.accept("the state of the last shutdown will not be used: " + other);
            }
        }
    }

    /** What is wrong with the blocks of a state whose header is as it should be; of another, nothing. */
    public static List<Damage> checkBlocks(Path file, int shard) throws IOException {
        List<Damage> found = new ArrayList<>();
        try (FileView view = FileView.map(file)) {
            Part part = new Part(file, view);
            if (checkHeader(part) != null) {
                return found;
            }
            Damage table = checkTable(part);
            if (table != null) {
                found.add(table);
                return found;
            }
            int blocks = part.getInt(StateFileLayout.BLOCKS_OFFSET);
            for (int block = 0; block < blocks; block++) {
                Damage damage = checkBlocks(part, shard, block, block + 1);
                if (damage != null) {
                    found.add(damage);
                }
            }
        }
        return found;
    }

    // What they say.

    public long nodeId() {
        return parts.get(0).getLong(StateFileLayout.NODE_ID_OFFSET);
    }

    public long hashSeed() {
        return parts.get(0).getLong(StateFileLayout.HASH_SEED_OFFSET);
    }

    public int segmentPages() {
        return parts.get(0).getInt(StateFileLayout.SEGMENT_PAGES_OFFSET);
    }

    /** Whether the log says all that the states do. */
    public boolean logWasKept() {
        return parts.get(0).getInt(StateFileLayout.LOG_KEPT_OFFSET) != 0;
    }

    public long logGeneration(int shard) {
        return parts.get(shard).getLong(StateFileLayout.LOG_GENERATION_OFFSET);
    }

    public long logSeqno(int shard) {
        return parts.get(shard).getLong(StateFileLayout.LOG_SEQNO_OFFSET);
    }

    /** As {@code ShardConfig} wants it. */
    public int framesUsed(int shard) {
        return parts.get(shard).getInt(StateFileLayout.FRAMES_OFFSET);
    }

    /** As {@code ShardConfig} wants it. */
    public int notesUsed(int shard) {
        return parts.get(shard).getInt(StateFileLayout.NOTES_OFFSET);
    }

    /** How many have left their states. */
    public int shards() {
        return parts.size();
    }

    /** Bytes of all files. */
    public long bytes() {
        long bytes = 0;
        for (Part part : parts) {
            bytes += part.view.bytes();
        }
        return bytes;
    }

    // What is done with them.

    /** Puts a shard's state into the shard, which has no data. */
    public void load(int number, Shard shard) {
        Part part = parts.get(number);
        try {
            shard.loadState(
                    new StateInput(
                            part.view,
                            part.getInt(StateFileLayout.WHOLE_BLOCKS_OFFSET),
                            part.getInt(StateFileLayout.BLOCKS_OFFSET)));
        } catch (IllegalStateException | UncheckedIOException e) {
            throw new RecoveryException(
                    part.file
                            + " is whole, and cannot be loaded: "
                            + e.getMessage()
                            + "; to start without it, remove it");
        }
    }

    /** All are loaded: the files are gone, so that none is loaded twice, and the rest of what they took is given back. */
    public void consume(Io io) throws IOException {
        close();
        for (Part part : parts) {
            io.deleteFile(part.file);
        }
    }

    @Override
    public void close() {
        parts.forEach(part -> part.view.close());
    }
}
