package ironcache.wal;

import java.nio.file.Path;

/** What is wrong with a file, for the operator: where, which field, what it should have been, what it is. */
public record Damage(Path file, long offset, String field, String expected, String actual) {
    @Override
    public String toString() {
        return file
                + ", offset "
                + offset
                + ", field "
                + field
                + ": expected "
                + expected
                + ", actual "
                + actual;
    }
}
