package ironcache.recovery;

import ironcache.engine.Shard;
import ironcache.engine.ShardStats;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateOutput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes a shard's state file at the end of the process, on the shard's thread, which does nothing else any more: it waits for completions by itself. Owns the file and its
 * buffers.
 */
public final class StateKeeper {
    /**
     * What the header says beside the shard's own.
     *
     * @param shutdown drawn for this process
     * @param manifestGeneration 0: there is no manifest
     * @param logGeneration of the log's last segment, and its last frame
     * @param logKept whether the log says all that the state does
     */
    public record Identity(
            Path directory,
            int shard,
            int shards,
            long nodeId,
            long hashSeed,
            long shutdown,
            long manifestGeneration,
            long logGeneration,
            long logSeqno,
            boolean logKept) {}

    /** Room that the file needs beside frames and index: an eighth of these, and this. */
    private static final long ROOM_BYTES = 64L << 20;

    private static final long WAIT_NANOS = 10_000_000;

    private final Io io;
    private final long token;
    private @Nullable StateOutput output;

    /** @param token high bits of the tokens of its writes, low 32 bits zero */
    public StateKeeper(Io io, long token) {
        this.io = io;
        this.token = token;
    }

    /** A completion of one of its writes. */
    public void onFile(int slot, int result) {
        StateOutput out = output;
        if (out != null) {
            out.onFile(slot, result);
        }
    }

    /** Whether completions are only its own now. */
    public boolean isWriting() {
        return output != null;
    }

    /**
     * Writes the file. The shard can only be closed afterwards, where no exception says otherwise.
     *
     * @return bytes written
     * @throws IOException why there is none
     */
    public long keep(Shard shard, Path file, Identity identity) throws IOException {
        while (!shard.quiesce()) {
            io.poll(WAIT_NANOS);
        }
        Path parent = Objects.requireNonNull(file.getParent());
        io.openDirectory(parent);
        ShardStats stats = shard.stats();
        long needed = (stats.logFramesBytes + stats.indexBytes) / 8 * 9 + ROOM_BYTES;
        if (io.usableSpace(parent) < needed) {
            throw new IOException(
                    parent
                            + ": "
                            + (needed >> 20)
                            + " MB of free space wanted, actual "
                            + (io.usableSpace(parent) >> 20)
                            + " MB");
        }
        int frames = shard.framesUsed();
        int notes = shard.notesUsed();
        int number = io.openFile(file, Io.OpenMode.CREATE, false);
        long header = Memory.allocate(StateOutput.HEADER_BYTES, MemoryTag.OTHER);
        try (StateOutput out =
                new StateOutput(
                        io, number, WarmState.salt(identity.shutdown, identity.shard), token)) {
            output = out;
            shard.saveState(out);
            out.end();
            putHeader(header, identity, shard.segmentPages(), frames, notes, out);
            if (out.failure() == null) {
                out.header(header);
            }
            if (out.failure() != null) {
                throw new IOException(file + ", " + out.failure());
            }
            return StateOutput.HEADER_BYTES + (long) out.blocks() * StateOutput.BLOCK_BYTES;
        } finally {
            output = null;
            Memory.free(header, StateOutput.HEADER_BYTES, MemoryTag.OTHER);
            io.closeFile(number);
        }
    }

    private static void putHeader(
            long header,
            Identity identity,
            int segmentPages,
            int frames,
            int notes,
            StateOutput out) {
        Memory.putLong(header + StateFileLayout.MAGIC_OFFSET, StateFileLayout.MAGIC);
        Memory.putInt(header + StateFileLayout.VERSION_OFFSET, StateFileLayout.VERSION);
        Memory.putInt(header + StateFileLayout.CLEAN_OFFSET, StateFileLayout.CLEAN);
        Memory.putInt(header + StateFileLayout.SHARD_OFFSET, identity.shard);
        Memory.putInt(header + StateFileLayout.SHARDS_OFFSET, identity.shards);
        Memory.putLong(header + StateFileLayout.NODE_ID_OFFSET, identity.nodeId);
        Memory.putLong(header + StateFileLayout.HASH_SEED_OFFSET, identity.hashSeed);
        Memory.putLong(header + StateFileLayout.SHUTDOWN_OFFSET, identity.shutdown);
        Memory.putLong(header + StateFileLayout.MANIFEST_OFFSET, identity.manifestGeneration);
        Memory.putLong(header + StateFileLayout.LOG_GENERATION_OFFSET, identity.logGeneration);
        Memory.putLong(header + StateFileLayout.LOG_SEQNO_OFFSET, identity.logSeqno);
        Memory.putInt(header + StateFileLayout.LOG_KEPT_OFFSET, identity.logKept ? 1 : 0);
        Memory.putInt(header + StateFileLayout.SEGMENT_PAGES_OFFSET, segmentPages);
        Memory.putInt(header + StateFileLayout.FRAMES_OFFSET, frames);
        Memory.putInt(header + StateFileLayout.NOTES_OFFSET, notes);
        Memory.putInt(header + StateFileLayout.WHOLE_BLOCKS_OFFSET, out.wholeBlocks());
        Memory.putInt(header + StateFileLayout.BLOCKS_OFFSET, out.blocks());
        Memory.putInt(header + StateFileLayout.TABLE_CRC_OFFSET, out.tableCrc());
        StateFileLayout.putPath(header, identity.directory.toString());
        StateFileLayout.seal(header);
    }
}
