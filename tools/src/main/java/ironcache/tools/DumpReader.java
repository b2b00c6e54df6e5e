package ironcache.tools;

import ironcache.wal.Damage;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Reads commands one by one, from what {@link DumpWriter} wrote or anything else that consists of arrays of bulk strings. Values are passed on as they are read and not kept
 * unless that is asked for. Owned by one thread.
 */
final class DumpReader implements AutoCloseable {
    /** Takes the bytes of commands as they are in the file. */
    interface Sink {
        void write(byte[] from, int offset, int length) throws IOException;
    }

    private static final int BUFFER_BYTES = 1 << 20;
    private static final int PIECE_BYTES = 1 << 18;
    private static final int HEADER_DIGITS_MAX = 20;

    /** Of each word, so much is kept where it is not kept as a whole. */
    private static final int KEPT_BYTES = 256;

    private static final int WORDS_MAX = 1 << 20;
    private static final long WORD_BYTES_MAX = 1L << 30;

    private final Path file;
    private final InputStream in;
    private final boolean keepsWhole;
    private final Sink sink;
    private final CRC32C crc = new CRC32C();
    private final byte[] piece = new byte[PIECE_BYTES];
    private final List<byte[]> words = new ArrayList<>();
    private long position;
    private long offset;
    private long keys;
    private boolean marked;
    private boolean ended;

    /**
     * Of a stream.
     *
     * @param file for messages
     * @param keepsWhole whether words are wanted as a whole
     */
    DumpReader(Path file, InputStream in, boolean keepsWhole, Sink sink) {
        this.file = file;
        this.in = new BufferedInputStream(in, BUFFER_BYTES);
        this.keepsWhole = keepsWhole;
        this.sink = sink;
    }

    /**
     * Reads the next command.
     *
     * @return false at the end
     * @throws DamageException where there is none, or the dump is not whole
     */
    boolean next() throws IOException {
        offset = position;
        int crcBefore = (int) crc.getValue();
        int first = in.read();
        if (first < 0) {
            if (marked && !ended) {
                throw damaged(
                        "end", "the dump's last command", "the end of the file: it was cut off");
            }
            return false;
        }
        if (ended) {
            throw damaged("end", "nothing behind the dump's last command", "more");
        }
        words.clear();
        long count = number('*', first, WORDS_MAX);
        for (long i = 0; i < count; i++) {
            word();
        }
        if (isWord(0, "ECHO") && count == 2) {
            mark(crcBefore);
        } else if (isWord(0, "SET") || marked && isWord(0, "DEL")) {
            keys++;
        }
        return true;
    }

    private void mark(int crcBefore) {
        String text = text(1);
        if (offset == 0 && text.startsWith(DumpWriter.MARK)) {
            marked = true;
            if (!text.equals(DumpWriter.BEGIN) && !text.equals(DumpWriter.BEGIN_OF_STRINGS)) {
                throw damaged("version", DumpWriter.BEGIN, text);
            }
        } else if (marked && text.startsWith(DumpWriter.END)) {
            ended = true;
            String actual = DumpWriter.end(keys, offset, crcBefore);
            if (!text.equals(actual)) {
                throw damaged("end", text, actual);
            }
        }
    }

    private void word() throws IOException {
        long length = number('$', in.read(), WORD_BYTES_MAX);
        int kept = (int) (keepsWhole ? length : Math.min(length, KEPT_BYTES));
        byte[] word = new byte[kept];
        int at = 0;
        long left = length + 2;
        int last = 0;
        int beforeLast = 0;
        while (left > 0) {
            int got = in.read(piece, 0, (int) Math.min(left, PIECE_BYTES));
            if (got < 0) {
                throw cutOff();
            }
            pass(piece, got);
            int take = Math.min(got, kept - at);
            System.arraycopy(piece, 0, word, at, Math.max(0, take));
            at += Math.max(0, take);
            beforeLast = got > 1 ? piece[got - 2] : last;
            last = piece[got - 1];
            left -= got;
        }
        if (beforeLast != '\r' || last != '\n') {
            throw damaged("bulk string", "an end of line behind " + length + " bytes", "none");
        }
        words.add(word);
    }

    /** As in {@code *3} or {@code $12}, with its end of line. */
    private long number(char type, int first, long most) throws IOException {
        byte[] line = new byte[HEADER_DIGITS_MAX + 3];
        int length = 0;
        for (int c = first; ; c = in.read()) {
            if (c < 0) {
                throw cutOff();
            }
            if (length == line.length) {
                break;
            }
            line[length++] = (byte) c;
            if (c == '\n') {
                break;
            }
        }
        pass(line, length);
        String text = new String(line, 0, length, StandardCharsets.ISO_8859_1);
        String digits = text.length() < 4 ? "" : text.substring(1, text.length() - 2);
        if (text.charAt(0) != type || !text.endsWith("\r\n") || !digits.matches("\\d{1,19}")) {
            throw damaged("command", type + "N and an end of line", printable(text));
        }
        long number = Long.parseLong(digits);
        if (number > most) {
            throw damaged("command", type + "N, at most " + most, "" + number);
        }
        return number;
    }

    private void pass(byte[] bytes, int length) throws IOException {
        crc.update(bytes, 0, length);
        position += length;
        sink.write(bytes, 0, length);
    }

    private DamageException cutOff() {
        return damaged("command", "a whole command", "the end of the file: it was cut off");
    }

    private DamageException damaged(String field, String expected, String actual) {
        return new DamageException(new Damage(file, offset, field, expected, actual));
    }

    private static String printable(String text) {
        return "'" + text.strip().replaceAll("[^ -~]", "?") + "'";
    }

    // The command that was read last.

    /** For messages. */
    Path file() {
        return file;
    }

    /** Where it begins. */
    long offset() {
        return offset;
    }

    /** Where the next one does. */
    long position() {
        return position;
    }

    int count() {
        return words.size();
    }

    byte[] word(int index) {
        return words.get(index);
    }

    String text(int index) {
        return new String(words.get(index), StandardCharsets.UTF_8);
    }

    /** Whether the command has this word there, in any case. */
    boolean isWord(int index, String word) {
        return index < words.size()
                && words.get(index).length == word.length()
                && text(index).equalsIgnoreCase(word);
    }

    /** Name and key, for messages. */
    String describe() {
        String name = printable(text(0));
        return words.size() > 1 ? name + " " + printable(text(1)) : name;
    }

    /** SETs so far, and in a dump collections. */
    long keys() {
        return keys;
    }

    /** Whether it is a dump of this tool, with an end that tells whether it is whole. */
    boolean isMarked() {
        return marked;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
