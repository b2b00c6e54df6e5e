package ironcache.tools;

import ironcache.wal.Damage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@link Salvage} could not save, and where it was. */
final class SalvageReport {
    private static final int NAMES_MAX = 10_000;

    /** Something lost: where it was, what, and how many keys or frames (-1: not known). */
    record Loss(String row, Path file, long offset, String what, long count) {
        Map<String, Object> json() {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("row", row);
            map.put("file", file);
            map.put("offset", offset);
            map.put("what", what);
            map.put("count", count);
            return map;
        }

        @Override
        public String toString() {
            return "[" + row + "] " + file + ", offset " + offset + ": " + what;
        }
    }

    final List<String> decisions = new ArrayList<>();
    final List<Loss> losses = new ArrayList<>();
    final List<String> removedKeys = new ArrayList<>();
    long removedKeyCount;
    long lostReferences;
    long lostFrames;

    /** A log lost its end: as {@link #lostFrames}, and nobody knows how many. */
    boolean lostTail;

    long keys;

    void decide(String row, String what) {
        decisions.add("[" + row + "] " + what);
    }

    void lost(String row, Path file, long offset, String what, long count) {
        losses.add(new Loss(row, file, offset, what, count));
    }

    void lost(String row, Damage damage) {
        losses.add(new Loss(row, damage.file(), damage.offset(), damage.toString(), -1));
    }

    /** A key whose value is not known for sure. */
    void removed(String key) {
        removedKeyCount++;
        if (removedKeys.size() < NAMES_MAX) {
            removedKeys.add(key);
        }
    }

    boolean isComplete() {
        return losses.isEmpty() && removedKeyCount == 0;
    }
}
