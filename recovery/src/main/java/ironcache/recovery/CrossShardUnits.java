package ironcache.recovery;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How far each shard's log is applied: a prefix of each in which every unit over several shards is whole. A log is cut before its first unit that lacks a part, which may
 * take a part from another; so it goes on until no cut moves. What is left is a state that the node was in, and has all that was acknowledged: that waited for
 * exactly this (docs/adr/0012-durability.md).
 *
 * <p>Used by one thread.
 */
final class CrossShardUnits {
    /**
     * A part of a unit, as one shard's log has it.
     *
     * @param shard whose log
     * @param first seqno of its first frame there
     * @param shards all that have a part
     * @param seqnos the last frame of each part
     */
    record Part(int shard, long first, int[] shards, long[] seqnos) {}

    private final List<Part> parts = new ArrayList<>();

    /** Of each log that was cut, the shard of one that lacked a part. */
    private final Map<Integer, Integer> causes = new HashMap<>();

    void add(Part part) {
        parts.add(part);
    }

    /** @param ends by shard, the last frame that can be read; moved to the last that is to be applied */
    void cut(long[] ends) {
        boolean moved = true;
        while (moved) {
            moved = false;
            for (Part part : parts) {
                int lacking = part.first <= ends[part.shard] ? lacking(part, ends) : -1;
                if (lacking >= 0) {
                    causes.put(part.shard, lacking);
                    ends[part.shard] = part.first - 1;
                    moved = true;
                }
            }
        }
    }

    /** @return a shard whose log lacks its part of the unit; -1: none does */
    private static int lacking(Part part, long[] ends) {
        for (int i = 0; i < part.shards.length; i++) {
            if (part.seqnos[i] > ends[part.shards[i]]) {
                return part.shards[i];
            }
        }
        return -1;
    }

    /** @return the shard whose log's end is why this one's was cut; itself where it was not */
    int cause(int shard) {
        int at = shard;
        // Two may keep each other from more: then either will do.
        for (int i = 0; i < causes.size(); i++) {
            at = causes.getOrDefault(at, at);
        }
        return at;
    }
}
