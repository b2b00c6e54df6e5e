package ironcache.engine;

import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;

/**
 * The keys of one database: indexes and counts. SWAPDB exchanges keyspaces between databases; FLUSHDB gives the database a new one and lets the old one
 * dissolve in the background. Records carry the keyspace's number, so that a rewrite knows which index to ask about them.
 */
final class Keyspace implements AutoCloseable {
    final int number;

    final HashIndex keys = new HashIndex();

    /** Pages of paged objects, apart, so that DBSIZE, SCAN and RANDOMKEY see keys only. */
    final HashIndex pages = new HashIndex();

    /** Keys with an expiry. */
    long expires;

    /** Hashes of which some field has a time. */
    long timed;

    /** Notes in {@link Shadows}: entries of {@link #keys} that may be superseded by a newer one of the same key. */
    long unsettled;

    /** It is no database's any more. */
    boolean flushed;

    /** Flushed, and whatever is found under it is dead: no object of it is viewed any more. */
    boolean retired;

    Keyspace(int number) {
        this.number = number;
    }

    /** A record of the keys changes its kind, or comes or goes (then the other kind is 0). */
    void kindChanged(int before, int after) {
        if (before != after) {
            timed += (Record.isTimed(after) ? 1 : 0) - (Record.isTimed(before) ? 1 : 0);
        }
    }

    @Override
    public void close() {
        keys.close();
        pages.close();
    }
}
