package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ImageFileTest {
    private static final Path DIRECTORY = Path.of("/sim/shard-0");

    /** An image of so many effects, finished unless it fails. */
    private static ImageFile write(SimIo io, int effects) throws IOException {
        ImageFile image = new ImageFile(io, DIRECTORY, WalSim.SHARD, WalSim.NODE_ID, 4, 5L << 32);
        io.setHandlers(Io.SocketHandler.NONE, (token, result) -> image.onFile((int) token, result));
        for (int i = 0; i < effects; i++) {
            int bytes = 24 + 8 * (i % 1000);
            long at = image.append(bytes);
            Memory.putLong(at, bytes);
            Memory.putLong(at + 8, i);
            Memory.putLong(at + 16, 1);
            new Prng(i * 31L).fill(at + 24, bytes - 24);
            image.commit();
            io.poll(0);
        }
        image.finish();
        while (!image.isFinished() && image.failure() == null) {
            image.commit();
            io.poll(-1);
        }
        return image;
    }

    private static WalSim.Found read(SimIo io) {
        return WalSim.read(io, List.of(WalFileLayout.imageFile(DIRECTORY, 4)), true);
    }

    @Test
    void anImageIsReadBackAfterACrash() throws IOException {
        for (int effects : new int[] {0, 1, 3000}) {
            SimDisk disk = new SimDisk(64 << 20);
            try (SimIo io = new SimIo(1, new SimClock(), disk);
                    ImageFile image = write(io, effects)) {
                assertNull(image.failure());
                assertEquals(0, image.pendingBytes());
                long bytes = disk.bytes(WalFileLayout.imageFile(DIRECTORY, 4));
                assertTrue(
                        bytes >= image.writtenBytes()
                                && bytes <= 2 * image.writtenBytes() + (1 << 20),
                        "space behind the end: " + bytes + " for " + image.writtenBytes());
            }
            disk.crash(new Prng(1));
            try (SimIo io = new SimIo(2, new SimClock(), disk)) {
                WalSim.Found found = read(io);
                assertEquals(FrameReader.Status.END, found.status, () -> "" + found.damage);
                assertEquals(effects, found.units.size());
            }
        }
        assertEquals(0, MemoryTag.WAL.bytes());
    }

    @Test
    void anImageThatIsCutIsDamaged() throws IOException {
        SimDisk disk = new SimDisk(64 << 20);
        Path file = WalFileLayout.imageFile(DIRECTORY, 4);
        try (SimIo io = new SimIo(1, new SimClock(), disk);
                ImageFile image = write(io, 300)) {
            long bytes = image.writtenBytes();
            for (long cut = 0; cut < bytes; cut += 5001) {
                SimDisk copy = disk.copy();
                copy.truncate(file, cut);
                try (SimIo other = new SimIo(1, new SimClock(), copy)) {
                    assertEquals(FrameReader.Status.DAMAGED, read(other).status, "cut at " + cut);
                }
            }
        }
    }

    @Test
    void flipsAreDamageOrHarmless() throws IOException {
        SimDisk disk = new SimDisk(64 << 20);
        Path file = WalFileLayout.imageFile(DIRECTORY, 4);
        try (SimIo io = new SimIo(1, new SimClock(), disk);
                ImageFile image = write(io, 40)) {
            Prng prng = new Prng(7);
            for (int i = 0; i < 2000; i++) {
                SimDisk copy = disk.copy();
                copy.flipBit(file, prng.nextLong(image.writtenBytes() * 8));
                try (SimIo other = new SimIo(1, new SimClock(), copy)) {
                    WalSim.Found found = read(other);
                    assertTrue(
                            found.status == FrameReader.Status.DAMAGED || found.units.size() == 40);
                }
            }
        }
    }

    @Test
    void anyFailureIsTheEndOfIt() throws IOException {
        int failed = 0;
        for (int seed = 0; seed < 50; seed++) {
            SimDisk disk = new SimDisk(64 << 20);
            try (SimIo io = new SimIo(seed, new SimClock(), disk)) {
                io.faults().ioError = 0.1;
                io.faults().shortTransfer = 0.3;
                try (ImageFile image = write(io, 500)) {
                    if (image.failure() != null) {
                        failed++;
                        while (image.isBusy()) {
                            io.poll(-1);
                        }
                        image.abandon();
                        assertTrue(io.openDirectory(DIRECTORY).isEmpty());
                    } else {
                        io.faults().ioError = 0;
                        assertEquals(500, read(io).units.size());
                    }
                }
            }
        }
        assertTrue(failed > 5 && failed < 50, "failed " + failed);
    }
}
