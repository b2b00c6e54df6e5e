package ironcache.datatypes;

import ironcache.engine.Shard;

/**
 * What is sought in a scored {@link Tree}: a place in the order of (score, member). Ranges by score or by member are places between entries.
 *
 * <p>The order is that of {@link TreeKey}: scores as numbers, so that both zeros are one, then members as memcmp.
 */
abstract class TreeOrder {
    /** What has a lesser score is before the place, what has a greater one behind it, without more ado; NaN: scores do not tell. */
    double score = Double.NaN;

    /**
     * Where an entry, or a bound, is as seen from the place: negative before it, positive behind it, 0 where it is what is sought. Does not decrease along the order. May miss.
     *
     * @param entry score and element; the member of a bound may be none that is there
     */
    abstract int compare(Shard shard, long object, long entry);
}
