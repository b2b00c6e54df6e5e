package ironcache.hybridlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import org.junit.jupiter.api.Test;

final class LogTest {
    private static final int RECORD_BYTES = 1024;
    private static final int RECORDS_PER_PAGE = Address.PAGE_BYTES / RECORD_BYTES;

    private static long append(Log log) {
        long address = log.allocate(RECORD_BYTES);
        Memory.putLong(
                log.resolve(address),
                Record.header(16, RECORD_BYTES - 24, Record.STRING, false, 0));
        return address;
    }

    @Test
    void pagesFillInOrderAndAreTakenOldestFirst() {
        try (Log log = new Log(8)) {
            int first = Address.page(append(log));
            for (int i = 1; i < 3 * RECORDS_PER_PAGE; i++) {
                append(log);
            }
            assertEquals(3, log.mutablePages());
            assertEquals(5, log.framesFree());
            assertEquals(first, log.takeOldestMutable());
            assertEquals(Address.PAGE_BYTES, log.usedBytes(first));
            log.freePage(first);
            assertEquals(6, log.framesFree());
            assertEquals(0, log.resolve(Address.of(first, 0)));
            log.checkInvariants();
        }
        assertEquals(0, MemoryTag.LOG.bytes());
    }

    @Test
    void deadBytesAreCountedByPage() {
        try (Log log = new Log(8)) {
            long address = append(log);
            append(log);
            log.markDead(address);
            assertEquals(RECORD_BYTES, log.deadBytes(Address.page(address)));
            assertTrue(Record.isDead(log.resolve(address)));
        }
    }

    @Test
    void aRecordThatDoesNotFitOpensThePageThatFollows() {
        try (Log log = new Log(8)) {
            long first = log.allocate(Address.PAGE_BYTES - 8);
            long second = log.allocate(16);
            assertEquals(Address.PAGE_BYTES - 8, log.usedBytes(Address.page(first)));
            assertEquals(0, Address.offset(second));
            assertTrue(Address.page(first) != Address.page(second));
        }
    }

    @Test
    void framesOverTheLimitAreGivenBack() {
        try (Log log = new Log(8)) {
            for (int i = 0; i < 12 * RECORDS_PER_PAGE; i++) {
                append(log);
            }
            assertEquals(-4, log.framesFree());
            assertEquals(12L << Address.PAGE_SHIFT, MemoryTag.LOG.bytes());
            for (int i = 0; i < 6; i++) {
                log.freePage(log.takeOldestMutable());
            }
            assertEquals(8L << Address.PAGE_SHIFT, MemoryTag.LOG.bytes());
            log.setFramesLimit(7);
            assertEquals(7L << Address.PAGE_SHIFT, MemoryTag.LOG.bytes());
            log.checkInvariants();
        }
    }

    @Test
    void aSealedPageHasItsOwnNumberAndAnyFrame() {
        try (Log log = new Log(8)) {
            int page = Address.FIRST_SSD_PAGE + 12345;
            long memory = log.mapSealed(page);
            assertEquals(memory + 4096, log.resolve(Address.of(page, 4096)));
            log.freePage(page);
            assertEquals(0, log.resolve(Address.of(page, 4096)));
        }
    }
}
