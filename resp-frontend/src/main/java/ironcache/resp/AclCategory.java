package ironcache.resp;

/** ACL categories in the order in which ACL CAT and COMMAND INFO list them. */
enum AclCategory {
    KEYSPACE,
    READ,
    WRITE,
    SET,
    SORTEDSET,
    LIST,
    HASH,
    STRING,
    BITMAP,
    HYPERLOGLOG,
    GEO,
    STREAM,
    PUBSUB,
    ADMIN,
    FAST,
    SLOW,
    BLOCKING,
    DANGEROUS,
    CONNECTION,
    TRANSACTION,
    SCRIPTING;

    private final String wireName = "@" + name().toLowerCase(java.util.Locale.ROOT);

    String wireName() {
        return wireName;
    }

    long bit() {
        return 1L << ordinal();
    }
}
