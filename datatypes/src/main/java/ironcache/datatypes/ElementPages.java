package ironcache.datatypes;

import ironcache.engine.RootLayout;
import ironcache.hybridlog.Record;

/** Which page of a large collection a command will look at for an element: so that those of many commands can be brought into the cache before the first of them runs. Reads the root only. */
public final class ElementPages {
    /** The element is in the key's record, or there are so few that their pages are in the cache. */
    public static final long NONE = -1;

    private static final long MANY = 1 << 12;

    private ElementPages() {}

    /**
     * The page of a hash's field, or of a set's or sorted set's member.
     *
     * @param record in RAM, of any type
     */
    public static long of(long record, long text, int length) {
        if (!Record.isPaged(record) || Record.type(record) == Record.TYPE_STRING) {
            return NONE;
        }
        long root = Record.value(record);
        if (CollectionRoot.count(root) < MANY) {
            return NONE;
        }
        return switch (Record.type(record)) {
            case Record.TYPE_HASH -> Hashes.fieldPage(root, text, length);
            case Record.TYPE_SET -> SetPages.memberPage(root, text, length);
            case Record.TYPE_ZSET -> PagedSortedSet.memberPage(root, text, length);
            default -> NONE;
        };
    }

    /** Whose page it is. */
    public static long object(long record) {
        return RootLayout.object(Record.value(record));
    }
}
