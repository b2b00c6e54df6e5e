package ironcache.ffm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Simulated disk. It outlives the {@link SimIo} that uses it, as a disk outlives a crash: {@link
 * #crash} throws away a random part of what was written but not synced. Names and sizes of files are
 * durable at once; the doubt is about contents.
 *
 * <p>Contents live on the Java heap in blocks of 4096 bytes, absent where never written. Owned by
 * the simulation's thread.
 */
public final class SimDisk {
    static final int BLOCK_BYTES = 4096;
    static final int SECTOR_BYTES = 512;

    private final long capacityBytes;
    private final Map<String, SimFile> files = new TreeMap<>();
    private final Set<String> directories = new TreeSet<>();

    /** A write that a crash may still undo. */
    private record Unsynced(long offset, byte[] bytes) {}

    /** A file: what reads see, and what a crash would leave. */
    static final class SimFile {
        private Map<Long, byte[]> blocks = new HashMap<>();
        private final Map<Long, byte[]> durableBlocks = new HashMap<>();
        private final List<Unsynced> unsynced = new ArrayList<>();
        private long bytes;

        long bytes() {
            return bytes;
        }

        /** @return bytes read: fewer at the end of the file */
        int read(long offset, byte[] target, int length) {
            int available = (int) Math.max(0, Math.min(length, bytes - offset));
            for (int done = 0; done < available; ) {
                long at = offset + done;
                int within = (int) (at % BLOCK_BYTES);
                int now = Math.min(available - done, BLOCK_BYTES - within);
                byte[] block = blocks.get(at / BLOCK_BYTES);
                if (block == null) {
                    java.util.Arrays.fill(target, done, done + now, (byte) 0);
                } else {
                    System.arraycopy(block, within, target, done, now);
                }
                done += now;
            }
            return available;
        }

        void write(long offset, byte[] source) {
            put(blocks, offset, source, 0, source.length);
            unsynced.add(new Unsynced(offset, source));
            bytes = Math.max(bytes, offset + source.length);
        }

        void sync() {
            for (Unsynced write : unsynced) {
                put(durableBlocks, write.offset, write.bytes, 0, write.bytes.length);
            }
            unsynced.clear();
        }

        private static void put(
                Map<Long, byte[]> to, long offset, byte[] source, int from, int length) {
            for (int done = 0; done < length; ) {
                long at = offset + done;
                int within = (int) (at % BLOCK_BYTES);
                int now = Math.min(length - done, BLOCK_BYTES - within);
                byte[] block = to.computeIfAbsent(at / BLOCK_BYTES, key -> new byte[BLOCK_BYTES]);
                System.arraycopy(source, from + done, block, within, now);
                done += now;
            }
        }

        /** Of the unsynced writes some reach the medium, in any order, each perhaps torn between sectors. */
        private void crash(Prng prng) {
            while (!unsynced.isEmpty()) {
                Unsynced write = unsynced.remove(prng.nextInt(unsynced.size()));
                if (prng.chance(0.5)) {
                    int sectors = (write.bytes.length + SECTOR_BYTES - 1) / SECTOR_BYTES;
                    for (int sector = 0; sector < sectors; sector++) {
                        if (prng.chance(0.8)) {
                            int from = sector * SECTOR_BYTES;
                            int length = Math.min(SECTOR_BYTES, write.bytes.length - from);
                            put(durableBlocks, write.offset + from, write.bytes, from, length);
                        }
                    }
                }
            }
            blocks = new HashMap<>();
            durableBlocks.forEach((number, block) -> blocks.put(number, block.clone()));
        }
    }

    public SimDisk(long capacityBytes) {
        this.capacityBytes = capacityBytes;
    }

    /** Power fails: what was not synced is in doubt, decided by {@code prng}. */
    public void crash(Prng prng) {
        for (SimFile file : files.values()) {
            file.crash(prng);
        }
    }

    /** Bytes not occupied by any file; a file occupies up to its highest written or allocated byte. */
    public long freeBytes() {
        long used = 0;
        for (SimFile file : files.values()) {
            used += file.bytes;
        }
        return capacityBytes - used;
    }

    /** The names of all files, in order. */
    public List<String> names() {
        return List.copyOf(files.keySet());
    }

    /** Flips one bit of a file's durable and current contents, as a failing medium would. */
    public void flipBit(Path path, long bit) {
        SimFile file = files.get(path.toString());
        if (file == null || bit / 8 >= file.bytes) {
            throw new IllegalArgumentException("no bit " + bit + " in " + path);
        }
        byte[] one = new byte[1];
        file.read(bit / 8, one, 1);
        one[0] ^= (byte) (1 << bit % 8);
        SimFile.put(file.blocks, bit / 8, one, 0, 1);
        SimFile.put(file.durableBlocks, bit / 8, one, 0, 1);
    }

    void makeDirectory(Path directory) {
        directories.add(directory.toString());
    }

    boolean hasDirectory(Path directory) {
        return directories.contains(directory.toString());
    }

    /** Null where there is none. */
    @Nullable SimFile find(Path path) {
        return files.get(path.toString());
    }

    SimFile create(Path path) {
        SimFile file = new SimFile();
        Path directory = path.getParent();
        if (directory != null) {
            makeDirectory(directory);
        }
        files.put(path.toString(), file);
        return file;
    }

    /** @return false where there is no such file */
    boolean rename(Path from, Path to) {
        SimFile file = files.remove(from.toString());
        if (file != null) {
            files.put(to.toString(), file);
        }
        return file != null;
    }

    void delete(Path path) {
        files.remove(path.toString());
    }

    /** Makes a file occupy the disk up to {@code end}. @return false where there is no room */
    boolean grow(SimFile file, long end) {
        if (end > file.bytes) {
            if (end - file.bytes > freeBytes()) {
                return false;
            }
            file.bytes = end;
        }
        return true;
    }
}
