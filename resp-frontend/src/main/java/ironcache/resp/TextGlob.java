package ironcache.resp;

import ironcache.datatypes.Glob;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.nio.charset.StandardCharsets;

/** {@link Glob} for names of settings and commands. For the control path. */
final class TextGlob {
    private TextGlob() {}

    static boolean matches(String pattern, String text) {
        byte[] patternBytes = pattern.getBytes(StandardCharsets.ISO_8859_1);
        byte[] textBytes = text.getBytes(StandardCharsets.ISO_8859_1);
        int bytes = Math.max(1, patternBytes.length + textBytes.length);
        long memory = Memory.allocate(bytes, MemoryTag.OTHER);
        try {
            Memory.copyIn(patternBytes, 0, memory, patternBytes.length);
            Memory.copyIn(textBytes, 0, memory + patternBytes.length, textBytes.length);
            return Glob.matches(
                    memory, patternBytes.length, memory + patternBytes.length, textBytes.length);
        } finally {
            Memory.free(memory, bytes, MemoryTag.OTHER);
        }
    }
}
