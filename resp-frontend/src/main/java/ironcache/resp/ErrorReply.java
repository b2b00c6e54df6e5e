package ironcache.resp;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.nio.charset.StandardCharsets;

/** An error line with its {@code -} and CRLF, encoded once, off-heap, for the life of the process. */
final class ErrorReply {
    final String text;

    /** First word: what INFO errorstats counts by. */
    final String code;

    final long address;
    final int length;

    ErrorReply(String text) {
        this.text = text;
        int space = text.indexOf(' ');
        this.code = space < 0 ? text : text.substring(0, space);
        byte[] bytes = ("-" + text + "\r\n").getBytes(StandardCharsets.UTF_8);
        this.length = bytes.length;
        this.address = Memory.allocate(length, MemoryTag.OTHER);
        Memory.copyIn(bytes, 0, address, length);
    }
}
