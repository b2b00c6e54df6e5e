package ironcache.tools;

import ironcache.ffm.Prng;
import ironcache.ffm.SimDisk;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One damage to one place of a directory on the simulated disk, chosen by a seed: what it is, and which blocks of which files it has changed. */
final class CorruptionDamage {
    /** What is damaged. */
    enum Target {
        SEGMENT,
        LOG,
        MANIFEST,
        IMAGE,
        STATE
    }

    /** How. */
    enum Kind {
        /** A bit. */
        FLIP,
        /** The file is cut off, anywhere. */
        TRUNCATE,
        /** One to sixteen blocks are zeros, or a part of one. */
        ZERO,
        /** Two blocks, of one file or of two of a kind, changed places. */
        SWAP,
        /** One to eight blocks are what they were before they were last written; a manifest is the one before. */
        STALE,
        /** A block is a copy of another one. */
        MISDIRECT
    }

    private static final int BLOCK = 4096;
    private static final int MOST_ZEROED = 16;
    private static final int MOST_STALE = 8;
    private static final int TRIES = 200;

    /** Tries to meet a file that holds something. */
    private static final int ANOTHER = 6;

    /** The files of a directory that can be damaged, and which of their blocks hold something. */
    static final class Files {
        private final Map<Target, List<Path>> files = new EnumMap<>(Target.class);
        private final Map<Path, int[]> used = new TreeMap<>();

        Files(SimDisk disk) {
            for (String name : disk.names()) {
                Path file = Path.of(name);
                Target target = target(file);
                if (target != null) {
                    files.computeIfAbsent(target, t -> new ArrayList<>()).add(file);
                    used.put(file, usedBlocks(disk.contents(file)));
                }
            }
        }

        List<Target> targets() {
            return List.copyOf(files.keySet());
        }

        private static int[] usedBlocks(byte[] contents) {
            int[] blocks = new int[contents.length / BLOCK + 1];
            int count = 0;
            for (int from = 0; from < contents.length; from += BLOCK) {
                int end = Math.min(contents.length, from + BLOCK);
                for (int i = from; i < end; i++) {
                    if (contents[i] != 0) {
                        blocks[count++] = from / BLOCK;
                        break;
                    }
                }
            }
            return Arrays.copyOf(blocks, count);
        }
    }

    static Target target(Path file) {
        String name = file.getFileName().toString();
        return name.startsWith("segment-")
                ? Target.SEGMENT
                : name.startsWith("wal-")
                        ? Target.LOG
                        : name.startsWith("manifest-")
                                ? Target.MANIFEST
                                : name.startsWith("image-")
                                        ? Target.IMAGE
                                        : name.startsWith("state") ? Target.STATE : null;
    }

    final Target target;
    final Kind kind;

    /** Where it is; the first of two. */
    final Path file;

    /** For the report. */
    final String what;

    /** Files that are not as they were: first byte and end of what may differ. */
    final Map<Path, long[]> touched = new TreeMap<>();

    private CorruptionDamage(Target target, Kind kind, Path file, String what) {
        this.target = target;
        this.kind = kind;
        this.file = file;
        this.what = what;
    }

    @Override
    public String toString() {
        return what;
    }

    /** Whether it is one damage to this file that reaches to the end of what was written to it, or beyond. */
    boolean takes(Path end, long endBytes) {
        boolean one = kind == Kind.ZERO || kind == Kind.STALE || kind == Kind.MISDIRECT;
        return one && file.equals(end) && touched.get(file)[1] >= endBytes;
    }

    /** Does it to the disk. */
    static CorruptionDamage make(SimDisk disk, Files files, Prng prng) {
        List<Target> targets = files.targets();
        while (true) {
            Target target = targets.get(prng.nextInt(targets.size()));
            Kind kind = Kind.values()[prng.nextInt(Kind.values().length)];
            CorruptionDamage made = new Maker(disk, files, prng, target).make(kind);
            if (made != null) {
                return made;
            }
        }
    }

    /** A bit of a block that holds nothing but a part of a value. */
    static CorruptionDamage flipValue(SimDisk disk, Files files, Prng prng, Target target) {
        while (true) {
            Maker maker = new Maker(disk, files, prng, target);
            byte[] contents = disk.contents(maker.file);
            int[] used = files.used.get(maker.file);
            for (int i = 0; i < TRIES && used.length > 0; i++) {
                int from = used[prng.nextInt(used.length)] * BLOCK;
                if (isText(contents, from, Math.min(contents.length, from + BLOCK))) {
                    long at = (long) from + prng.nextInt(BLOCK);
                    disk.flipBit(maker.file, at * Byte.SIZE);
                    return maker.damage(Kind.FLIP, "bit 0 of byte " + at, at, at + 1);
                }
            }
        }
    }

    private static boolean isText(byte[] contents, int from, int end) {
        boolean text = end - from == BLOCK;
        for (int i = from; i < end && text; i++) {
            text = contents[i] >= '-' && contents[i] <= 'z';
        }
        return text;
    }

    private static final class Maker {
        private final SimDisk disk;
        private final Files files;
        private final Prng prng;
        private final Target target;
        private final Path file;
        private final long bytes;

        Maker(SimDisk disk, Files files, Prng prng, Target target) {
            this.disk = disk;
            this.files = files;
            this.prng = prng;
            this.target = target;
            file = any();
            bytes = disk.bytes(file);
        }

        /** Mostly one that holds something: of the segment files all but one or two are there for later. */
        private Path any() {
            List<Path> all = files.files.get(target);
            Path one = all.get(prng.nextInt(all.size()));
            for (int i = 0; i < ANOTHER && files.used.get(one).length == 0; i++) {
                one = all.get(prng.nextInt(all.size()));
            }
            return one;
        }

        /** Mostly one that holds something, else one anywhere. */
        private long blockOf(Path one) {
            int[] used = files.used.get(one);
            int blocks = (int) ((disk.bytes(one) + BLOCK - 1) / BLOCK);
            return switch (prng.nextInt(8)) {
                case 0 -> prng.nextInt(Math.max(1, blocks));
                case 1 -> 0;
                case 2 -> used.length == 0 ? 0 : used[used.length - 1];
                default -> used.length == 0 ? 0 : used[prng.nextInt(used.length)];
            };
        }

        private CorruptionDamage damage(Kind kind, String how, long from, long end) {
            CorruptionDamage made =
                    new CorruptionDamage(target, kind, file, kind + " of " + file + ": " + how);
            made.touched.put(file, new long[] {from, end});
            return made;
        }

        CorruptionDamage make(Kind kind) {
            return switch (kind) {
                case FLIP -> flip();
                case TRUNCATE -> truncate();
                case ZERO -> zero();
                case SWAP -> swap();
                case STALE -> target == Target.MANIFEST ? staleFile() : stale();
                case MISDIRECT -> misdirect();
            };
        }

        private CorruptionDamage flip() {
            long block = blockOf(file);
            int length = (int) Math.min(BLOCK, bytes - block * BLOCK);
            // Headers are the first words of blocks.
            int within = prng.nextInt(3) == 0 ? Math.min(128, length) : length;
            long at = block * BLOCK + prng.nextInt(within);
            int bit = prng.nextInt(8);
            disk.flipBit(file, at * 8 + bit);
            return damage(Kind.FLIP, "bit " + bit + " of byte " + at, at, at + 1);
        }

        private CorruptionDamage truncate() {
            long block = blockOf(file);
            long to =
                    switch (prng.nextInt(4)) {
                        case 0 -> block * BLOCK;
                        case 1 -> Math.min(bytes - 1, prng.nextInt(BLOCK));
                        case 2 -> bytes - 1 - prng.nextInt((int) Math.min(bytes, 2 * BLOCK));
                        default -> Math.min(bytes - 1, block * BLOCK + prng.nextInt(BLOCK));
                    };
            to = Math.max(0, to);
            disk.truncate(file, to);
            return damage(Kind.TRUNCATE, "to " + to + " of " + bytes + " bytes", to, bytes);
        }

        private CorruptionDamage zero() {
            long block = blockOf(file);
            long from = block * BLOCK;
            long end = Math.min(bytes, from + BLOCK);
            if (prng.nextInt(3) == 0) {
                from += prng.nextInt((int) (end - from));
                end = Math.min(end, from + 512);
            } else if (prng.nextInt(3) == 0) {
                end = Math.min(bytes, from + (1L + prng.nextInt(MOST_ZEROED)) * BLOCK);
            }
            disk.zero(file, from, (int) (end - from));
            return damage(Kind.ZERO, "bytes " + from + " to " + end, from, end);
        }

        private CorruptionDamage swap() {
            Path other = prng.nextInt(2) == 0 ? file : any();
            for (int i = 0; i < TRIES; i++) {
                long block = blockOf(file);
                long otherBlock = blockOf(other);
                if ((block + 1) * BLOCK <= bytes
                        && (otherBlock + 1) * BLOCK <= disk.bytes(other)
                        && !(other.equals(file) && block == otherBlock)) {
                    disk.swapBlocks(file, block, other, otherBlock);
                    CorruptionDamage made =
                            damage(
                                    Kind.SWAP,
                                    "block " + block + " with block " + otherBlock + " of " + other,
                                    block * BLOCK,
                                    (block + 1) * BLOCK);
                    touch(made, other, otherBlock * BLOCK, (otherBlock + 1) * BLOCK);
                    return made;
                }
            }
            return null;
        }

        private static void touch(CorruptionDamage made, Path other, long from, long end) {
            made.touched.merge(
                    other,
                    new long[] {from, end},
                    (a, b) -> new long[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])});
        }

        private CorruptionDamage stale() {
            for (int i = 0; i < TRIES; i++) {
                long first = blockOf(file);
                int count = prng.nextInt(3) == 0 ? 1 + prng.nextInt(MOST_STALE) : 1;
                int reverted = 0;
                while (reverted < count
                        && (first + reverted) * BLOCK < bytes
                        && disk.revertBlock(file, first + reverted)) {
                    reverted++;
                }
                if (reverted > 0) {
                    return damage(
                            Kind.STALE,
                            reverted + " blocks from " + first,
                            first * BLOCK,
                            Math.min(bytes, (first + reverted) * BLOCK));
                }
            }
            return null;
        }

        /** A file that was never replaced, as a disk has it that did not do what it said. */
        private CorruptionDamage staleFile() {
            Path other = any();
            if (other.equals(file)) {
                return null;
            }
            byte[] contents = disk.contents(other);
            disk.put(file, contents);
            return damage(
                    Kind.STALE, "what " + other + " holds", 0, Math.max(bytes, contents.length));
        }

        private CorruptionDamage misdirect() {
            Path other = prng.nextInt(2) == 0 ? file : any();
            long block = blockOf(file);
            long otherBlock = blockOf(other);
            int length = (int) Math.min(BLOCK, bytes - block * BLOCK);
            long from = otherBlock * BLOCK;
            if (length <= 0
                    || from + length > disk.bytes(other)
                    || other.equals(file) && block == otherBlock) {
                return null;
            }
            disk.overwrite(file, block * BLOCK, disk.contents(other, from, length));
            return damage(
                    Kind.MISDIRECT,
                    "block " + block + " holds block " + otherBlock + " of " + other,
                    block * BLOCK,
                    block * BLOCK + length);
        }
    }
}
