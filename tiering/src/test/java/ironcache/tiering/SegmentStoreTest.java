package ironcache.tiering;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Io;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimFaults;
import ironcache.ffm.SimIo;
import ironcache.hybridlog.Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A start that reads an image back seals pages meanwhile where the image does not fit into memory. Once, the segment for these took the number of a file that the image named only
 * later, and so emptied it; and the tables of a page that was on its way to the disk were read from there, and taken for damaged.
 */
class SegmentStoreTest {
    private static final Path DIRECTORY = Path.of("data");
    private static final long MAX_DISK_BYTES = 256L << 20;

    /** Of which the space law allows a sixteenth beside what is alive: eight segments. */
    private static final long LARGER_DISK_BYTES = 512L << 20;

    private static final int PAGES = 4;
    private static final int TURNS = 100;
    private static final long TURN_NANOS = 10_000_000;
    private static final long GENERATION = 7;
    private static final int ALIVE_SIXTEENTHS = 15;

    private final long bytesBefore = MemoryTag.LOG_META.bytes();
    private final SimDisk disk = new SimDisk(1L << 30);
    private final SimClock clock = new SimClock();
    private final SimIo io = new SimIo(1, clock, disk, new SimFaults());
    private SegmentStore store;

    @AfterEach
    void nothingIsLeft() {
        store.close();
        io.close();
        assertEquals(bytesBefore, MemoryTag.LOG_META.bytes());
    }

    @Test
    void noSegmentTakesTheNumberOfAFoundFile() throws IOException {
        byte[] zero = found(0, 1);
        byte[] two = found(2, 2);
        byte[] four = found(4, 3);
        open();
        // Nothing has been restored: any of the files may be in the image.
        assertEquals(Set.of(1, 3, 5), fillSpares());
        store.restore(2, PAGES, GENERATION);
        // Nor while the image is being read, by which more is needed.
        store.takePage(SegmentStore.Stream.SEAL);
        assertEquals(Set.of(1, 2, 3, 5, 6), fillSpares());
        assertArrayEquals(zero, disk.contents(file(0)));
        assertArrayEquals(two, disk.contents(file(2)));
        assertArrayEquals(four, disk.contents(file(4)));
        store.restore(4, PAGES, GENERATION);

        // All that counts is known: what is not named is gone, and its number free.
        store.deleteLeftovers();
        assertFalse(disk.names().contains(file(0).toString()));
        assertArrayEquals(two, disk.contents(file(2)));
        assertArrayEquals(four, disk.contents(file(4)));
        for (int i = 0; i < PAGES; i++) {
            store.takePage(SegmentStore.Stream.SEAL);
        }
        assertTrue(fillSpares().contains(0));
    }

    @Test
    void onlyRestoredPagesAreAlive() throws IOException {
        found(1, 1);
        found(3, 2);
        open();
        fillSpares();
        // Sealed by this process, before and behind those of the image.
        Set<Integer> own = new TreeSet<>();
        for (int i = 0; i <= PAGES; i++) {
            int page = store.takePage(SegmentStore.Stream.SEAL);
            store.recordAlive(page, 100);
            own.add(page);
            fillSpares();
        }
        assertEquals(Set.of(page(0, 0), page(0, 1), page(0, 2), page(0, 3), page(2, 0)), own);
        store.restore(1, PAGES, GENERATION);
        store.restore(3, PAGES, GENERATION);
        assertEquals(store.endPage(), store.nextAlive(0), "nothing of the image yet");

        store.restoreRecord(page(1, 1));
        store.restoreRecord(page(1, 3));
        store.restoreRecord(page(3, 0));
        assertEquals(page(1, 1), store.nextAlive(0));
        assertEquals(page(1, 1), store.nextAlive(page(1, 1)));
        assertEquals(page(1, 3), store.nextAlive(page(1, 2)));
        assertEquals(page(3, 0), store.nextAlive(page(2, 0)));
        assertEquals(store.endPage(), store.nextAlive(page(3, 1)));
    }

    /** Once, one that holds little since its records are large was compacted, and what came of that again, and so on without end. */
    @Test
    void onlyWhatIsDeadIsAReasonToCompact() throws IOException {
        int recordBytes = Address.PAGE_BYTES / 16 * 9;
        open();
        fillSpares();
        for (int i = 0; i < PAGES; i++) {
            int page = store.takePage(SegmentStore.Stream.SEAL);
            store.recordAlive(page, recordBytes);
            store.flushed(page);
        }
        assertFalse(store.hasCompactable(ALIVE_SIXTEENTHS));
        store.recordDead(Address.of(page(0, 1), 0), recordBytes);
        assertTrue(store.hasCompactable(ALIVE_SIXTEENTHS));

        store.beginImage();
        assertFalse(store.hasCompactable(ALIVE_SIXTEENTHS), "it would not be freed");
        store.endImage(new BitSet());
        assertTrue(store.hasCompactable(ALIVE_SIXTEENTHS));
    }

    /** While compaction frees as many as are filled, no file is deleted and none is made: a disk may take long over either. */
    @Test
    void segmentsThatGoRoundAreKept() throws IOException {
        open(LARGER_DISK_BYTES);
        fillSpares();
        comeAndGo();
        Set<Integer> all = fillSpares();
        long calls = disk.calls();
        for (int i = 0; i < 40; i++) {
            comeAndGo();
            assertEquals(all, fillSpares());
        }
        assertEquals(calls, disk.calls());
    }

    /** Two are filled, and then two are free: compaction gets behind, and catches up. */
    private void comeAndGo() {
        int first = fillSegment();
        int second = fillSegment();
        fillSpares();
        letGo(first);
        letGo(second);
    }

    /** Those that are kept are within the space law, together with those that are being filled. */
    @Test
    void theKeptAreNotTooMany() throws IOException {
        long slackBytes = 6L * PAGES << Address.PAGE_SHIFT;
        open(16 * slackBytes);
        fillSpares();
        int[] first = new int[20];
        for (int i = 0; i < first.length; i++) {
            first[i] = fillSegment();
        }
        for (SegmentStore.Stream stream : SegmentStore.Stream.values()) {
            fillSpares();
            assertTrue(store.takePage(stream) != 0);
        }
        for (int page : first) {
            letGo(page);
        }
        assertFalse(store.hasCompactable(ALIVE_SIXTEENTHS));
        assertTrue(store.isOverLaw());
        store.trim();
        assertTrue(
                store.diskBytes() <= slackBytes, store.diskBytes() + " bytes, of which none live");
    }

    private static int page(int segment, int index) {
        return Address.FIRST_SSD_PAGE + segment * PAGES + index;
    }

    private static Path file(int number) {
        return SegmentStore.file(DIRECTORY, number);
    }

    /** A file of an earlier process. @return what is in it */
    private byte[] found(int number, int contents) {
        byte[] all = new byte[PAGES << Address.PAGE_SHIFT];
        Arrays.fill(all, (byte) contents);
        disk.put(file(number), all);
        return all;
    }

    private void open() throws IOException {
        open(MAX_DISK_BYTES);
    }

    private void open(long maxDiskBytes) throws IOException {
        store = new SegmentStore(io, DIRECTORY, maxDiskBytes, PAGES, 0);
        io.setHandlers(
                Io.SocketHandler.NONE, (token, result) -> store.onAllocated((int) token, result));
    }

    /** @return its first page; each has one record that is alive */
    private int fillSegment() {
        int first = 0;
        for (int i = 0; i < PAGES; i++) {
            int page = store.takePage(SegmentStore.Stream.SEAL);
            if (page == 0) {
                fillSpares();
                page = store.takePage(SegmentStore.Stream.SEAL);
            }
            store.recordAlive(page, 100);
            store.flushed(page);
            first = i == 0 ? page : first;
        }
        return first;
    }

    /** All that is alive in the segment of this first page dies. */
    private void letGo(int first) {
        for (int page = first; page < first + PAGES; page++) {
            store.recordDead(Address.of(page, 0), 100);
        }
    }

    /** Turns until there are as many spares as there should be. @return the numbers of all segments */
    private Set<Integer> fillSpares() {
        for (int i = 0; i < TURNS; i++) {
            store.maintain(clock.nanoTime());
            io.poll(0);
            clock.advance(TURN_NANOS);
        }
        Set<Integer> numbers = new TreeSet<>();
        store.visitSegments(
                (number, state, pages, liveBytes, liveRecords, images, damaged) ->
                        numbers.add(number));
        return numbers;
    }
}
