package ironcache.engine;

import ironcache.index.HashIndex;

/**
 * The keys of one database: an index and counts. SWAPDB exchanges keyspaces between databases; FLUSHDB gives the database a new one and lets the old one
 * dissolve in the background. Records carry the keyspace's number, so that a rewrite knows which index to ask about them.
 */
final class Keyspace {
    /** The number under which pages of paged objects are kept; no database has it. */
    static final int PAGES = 255;

    final int number;
    final HashIndex index = new HashIndex();

    /** Keys with an expiry. */
    long expires;

    /** Old entries whose records may hold the key of a newer one, see {@link Shadows}. */
    long unsettled;

    /** Flushed: whatever is found under it is dead. */
    boolean retired;

    Keyspace(int number) {
        this.number = number;
    }
}
