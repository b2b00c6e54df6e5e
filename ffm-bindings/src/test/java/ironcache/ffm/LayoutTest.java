package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.liburing.io_uring_buf;
import ironcache.ffm.liburing.io_uring_cqe;
import ironcache.ffm.liburing.io_uring_getevents_arg;
import ironcache.ffm.liburing.io_uring_params;
import ironcache.ffm.liburing.io_uring_sqe;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Hand-written layouts against those that jextract read from the kernel's header. */
class LayoutTest {
    @Test
    void submissionEntry() {
        assertEquals(io_uring_sqe.sizeof(), SqeLayout.BYTES);
        assertEquals(SqeLayout.BYTES, 1 << SqeLayout.BYTES_SHIFT);
        assertEquals(io_uring_sqe.opcode$offset(), SqeLayout.OPCODE);
        assertEquals(io_uring_sqe.flags$offset(), SqeLayout.FLAGS);
        assertEquals(io_uring_sqe.ioprio$offset(), SqeLayout.IOPRIO);
        assertEquals(io_uring_sqe.fd$offset(), SqeLayout.FD);
        assertEquals(io_uring_sqe.off$offset(), SqeLayout.OFF);
        assertEquals(io_uring_sqe.addr$offset(), SqeLayout.ADDR);
        assertEquals(io_uring_sqe.len$offset(), SqeLayout.LEN);
        assertEquals(io_uring_sqe.msg_flags$offset(), SqeLayout.OP_FLAGS);
        assertEquals(io_uring_sqe.fsync_flags$offset(), SqeLayout.OP_FLAGS);
        assertEquals(io_uring_sqe.user_data$offset(), SqeLayout.USER_DATA);
        assertEquals(io_uring_sqe.buf_index$offset(), SqeLayout.BUF_INDEX);
        assertEquals(io_uring_sqe.file_index$offset(), SqeLayout.FILE_INDEX);
        assertEquals(io_uring_sqe.addr3$offset(), SqeLayout.ADDR3);
    }

    @Test
    void submissionEntryBytes() {
        long sqe = Memory.allocate(SqeLayout.BYTES, MemoryTag.OTHER);
        Memory.fill(sqe, SqeLayout.BYTES, (byte) 0xEE);
        SqeLayout.fill(
                sqe,
                0x11,
                0x82,
                0x8003,
                -2,
                0x0102030405060708L,
                0x1112131415161718L,
                -3,
                -4,
                -5,
                0xFFFE);
        byte[] bytes = new byte[SqeLayout.BYTES];
        Memory.copyOut(sqe, bytes, 0, bytes.length);
        assertEquals(
                "11820380feffffff"
                        + "0807060504030201"
                        + "1817161514131211"
                        + "fdfffffffcffffff"
                        + "fbffffffffffffff"
                        + "feff000000000000"
                        + "0000000000000000"
                        + "0000000000000000",
                HexFormat.of().formatHex(bytes));
        Memory.free(sqe, SqeLayout.BYTES, MemoryTag.OTHER);
    }

    @Test
    void completionEntry() {
        assertEquals(io_uring_cqe.layout().byteSize(), CqeLayout.BYTES);
        assertEquals(CqeLayout.BYTES, 1 << CqeLayout.BYTES_SHIFT);
        assertEquals(io_uring_cqe.user_data$offset(), CqeLayout.USER_DATA);
        assertEquals(io_uring_cqe.res$offset(), CqeLayout.RES);
        assertEquals(io_uring_cqe.flags$offset(), CqeLayout.FLAGS);
    }

    @Test
    void providedBuffer() {
        assertEquals(io_uring_buf.sizeof(), BufferRingLayout.ENTRY_BYTES);
        assertEquals(io_uring_buf.addr$offset(), BufferRingLayout.ADDR);
        assertEquals(io_uring_buf.len$offset(), BufferRingLayout.LEN);
        assertEquals(io_uring_buf.bid$offset(), BufferRingLayout.BID);
        assertEquals(io_uring_buf.resv$offset(), BufferRingLayout.TAIL);
    }

    @Test
    void argumentsFitTheRingsBlock() {
        assertEquals(120, io_uring_params.sizeof());
        assertEquals(24, io_uring_getevents_arg.sizeof());
    }
}
