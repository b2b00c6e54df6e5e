package ironcache.tools;

import ironcache.datatypes.Keys;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Counts keys: by database, by type, by prefix, by the time that they have left. Owned by one thread. */
final class StatReport {
    /** Prefixes that are told apart; further ones are counted together. */
    private static final int PREFIXES_MAX = 100_000;

    private static final int PREFIX_BYTES_MAX = 128;
    private static final String NO_PREFIX = "(no separator)";
    private static final String OTHER = "(other prefixes)";

    private static final long SECOND = 1000;
    private static final long MINUTE = 60 * SECOND;
    private static final long HOUR = 60 * MINUTE;
    private static final long DAY = 24 * HOUR;

    /** Of the TTL histogram: names, and where each ends. */
    private static final Map<String, Long> TTLS = new LinkedHashMap<>();

    static {
        TTLS.put("under 1 s", SECOND);
        TTLS.put("under 1 min", MINUTE);
        TTLS.put("under 10 min", 10 * MINUTE);
        TTLS.put("under 1 h", HOUR);
        TTLS.put("under 6 h", 6 * HOUR);
        TTLS.put("under 1 day", DAY);
        TTLS.put("under 7 days", 7 * DAY);
        TTLS.put("under 30 days", 30 * DAY);
        TTLS.put("under 1 year", 365 * DAY);
        TTLS.put("longer", Long.MAX_VALUE);
        TTLS.put("never", 0L);
    }

    /** Keys, and the bytes of their records and values. */
    static final class Sum {
        long keys;
        long bytes;

        void add(long more) {
            keys++;
            bytes += more;
        }

        Map<String, Object> json(String nameField, String name) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put(nameField, name);
            map.put("keys", keys);
            map.put("bytes", bytes);
            return map;
        }
    }

    private final byte separator;
    private final long nowMillis;
    final Sum all = new Sum();
    final Map<Integer, Sum> databases = new LinkedHashMap<>();
    final Map<String, Sum> types = new LinkedHashMap<>();
    final Map<String, Sum> ttls = new LinkedHashMap<>();
    private final Map<String, Sum> prefixes = new HashMap<>();

    /** Keys are looked at up to the first separator. */
    StatReport(char separator, long nowMillis) {
        this.separator = (byte) separator;
        this.nowMillis = nowMillis;
        TTLS.keySet().forEach(name -> ttls.put(name, new Sum()));
    }

    static String typeName(long record) {
        return switch (Record.type(record)) {
            case Record.TYPE_STRING -> "string";
            case Record.TYPE_HASH -> "hash";
            case Record.TYPE_LIST -> "list";
            case Record.TYPE_SET -> "set";
            case Record.TYPE_ZSET -> "zset";
            case Record.TYPE_STREAM -> "stream";
            default -> "type " + Record.type(record);
        };
    }

    /** A key's record. */
    void add(int db, long record) {
        long bytes = Record.carriedLength(record) + Keys.pageBytes(record);
        all.add(bytes);
        databases.computeIfAbsent(db, n -> new Sum()).add(bytes);
        types.computeIfAbsent(typeName(record), n -> new Sum()).add(bytes);
        sum(ttls, ttl(Record.expiry(record))).add(bytes);
        String prefix = prefix(Record.key(record), Record.keyLength(record));
        Sum sum = prefixes.get(prefix);
        if (sum == null && prefixes.size() >= PREFIXES_MAX) {
            sum = sum(prefixes, OTHER);
        }
        (sum == null ? sum(prefixes, prefix) : sum).add(bytes);
    }

    private static Sum sum(Map<String, Sum> sums, String name) {
        return sums.computeIfAbsent(name, n -> new Sum());
    }

    private String ttl(long expiryMillis) {
        if (expiryMillis == 0) {
            return "never";
        }
        long left = expiryMillis - nowMillis;
        for (Map.Entry<String, Long> entry : TTLS.entrySet()) {
            if (left < entry.getValue()) {
                return entry.getKey();
            }
        }
        return "longer";
    }

    private String prefix(long key, int length) {
        int end = Math.min(length, PREFIX_BYTES_MAX);
        for (int i = 0; i < end; i++) {
            if (Memory.getByte(key + i) == separator) {
                return InspectCommand.text(key, i + 1, PREFIX_BYTES_MAX);
            }
        }
        return NO_PREFIX;
    }

    /** The ones with the most bytes; what is behind them is counted together. */
    List<Map.Entry<String, Sum>> largestPrefixes(int most) {
        List<Map.Entry<String, Sum>> sorted = new ArrayList<>(prefixes.entrySet());
        sorted.sort(
                Comparator.comparingLong((Map.Entry<String, Sum> e) -> -e.getValue().bytes)
                        .thenComparing(Map.Entry::getKey));
        if (sorted.size() <= most) {
            return sorted;
        }
        Sum rest = new Sum();
        for (Map.Entry<String, Sum> entry : sorted.subList(most, sorted.size())) {
            rest.keys += entry.getValue().keys;
            rest.bytes += entry.getValue().bytes;
        }
        List<Map.Entry<String, Sum>> shown = new ArrayList<>(sorted.subList(0, most));
        shown.add(Map.entry(OTHER, rest));
        return shown;
    }
}
