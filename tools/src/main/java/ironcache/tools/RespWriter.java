package ironcache.tools;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes commands as clients send them: arrays of bulk strings. */
final class RespWriter {
    private static final byte[] LINE_END = {'\r', '\n'};

    private final OutputStream out;

    RespWriter(OutputStream out) {
        this.out = out;
    }

    void command(int words) throws IOException {
        header('*', words);
    }

    void bulk(byte[] bytes) throws IOException {
        bulkHeader(bytes.length);
        out.write(bytes);
        bulkEnd();
    }

    /** Of a bulk string whose bytes the caller writes. */
    void bulkHeader(long length) throws IOException {
        header('$', length);
    }

    void bulkEnd() throws IOException {
        out.write(LINE_END);
    }

    void words(String... words) throws IOException {
        command(words.length);
        for (String word : words) {
            bulk(word.getBytes(StandardCharsets.UTF_8));
        }
    }

    private void header(char type, long number) throws IOException {
        out.write(type);
        out.write(Long.toString(number).getBytes(StandardCharsets.ISO_8859_1));
        out.write(LINE_END);
    }
}
