package ironcache.tools;

import ironcache.tools.CrashChecker.Seen;
import ironcache.tools.CrashKeys.Kind;
import ironcache.tools.CrashStep.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Collections as a crash run knows them: what one holds is bytes as what a string holds is, so that two are compared as these are. The bytes are words, each behind its length: a list's elements in order, a set's
 * members in theirs, fields or members with their values or scores in theirs, a value of a field that expires with its time. One that holds nothing is absent. Names tell types, so no key ever has another one.
 */
final class CrashCollections {
    /** Names of a hash's fields that the clients use: these, by their numbers. */
    static final int FIELDS = 40;

    /** Behind the value of a field that expires, before the time. */
    private static final String UNTIL = "\n until ";

    private CrashCollections() {}

    static String field(int number) {
        return "field" + number;
    }

    /** The kind of a key that is a collection; null: it is a string. */
    static Kind kind(String key) {
        for (Kind kind : new Kind[] {Kind.LIST, Kind.HASH, Kind.SET, Kind.ZSET}) {
            if (key.contains(":" + kind.name().toLowerCase(java.util.Locale.ROOT) + ":")) {
                return kind;
            }
        }
        return null;
    }

    // Words.

    static List<String> words(byte[] value) {
        List<String> words = new ArrayList<>();
        String text = value == null ? "" : new String(value, StandardCharsets.ISO_8859_1);
        for (int at = 0; at < text.length(); ) {
            int colon = text.indexOf(':', at);
            int end = colon + 1 + Integer.parseInt(text.substring(at, colon));
            words.add(text.substring(colon + 1, end));
            at = end + 1;
        }
        return words;
    }

    private static byte[] bytes(List<String> words) {
        if (words.isEmpty()) {
            return null;
        }
        StringBuilder text = new StringBuilder();
        for (String word : words) {
            text.append(word.length()).append(':').append(word).append(' ');
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    private static SortedMap<String, String> pairs(List<String> words) {
        TreeMap<String, String> pairs = new TreeMap<>();
        for (int i = 0; i < words.size(); i += 2) {
            pairs.put(words.get(i), words.get(i + 1));
        }
        return pairs;
    }

    private static List<String> words(Map<String, String> pairs) {
        List<String> words = new ArrayList<>();
        pairs.forEach(
                (name, value) -> {
                    words.add(name);
                    words.add(value);
                });
        return words;
    }

    // What commands do.

    private static Outcome outcome(CrashState before, List<String> words, Reply reply) {
        byte[] after = bytes(words);
        return new Outcome(after == null ? CrashState.ABSENT : before.with(after), reply);
    }

    static Outcome push(CrashState before, boolean first, byte[] value) {
        List<String> words = words(before.value());
        words.add(first ? 0 : words.size(), new String(value, StandardCharsets.ISO_8859_1));
        return outcome(before, words, CrashStep.integer(words.size()));
    }

    static Outcome pop(CrashState before, boolean first) {
        List<String> words = words(before.value());
        if (words.isEmpty()) {
            return new Outcome(before, CrashStep.bulk(null));
        }
        String gone = words.remove(first ? 0 : words.size() - 1);
        return outcome(before, words, CrashStep.bulk(gone.getBytes(StandardCharsets.ISO_8859_1)));
    }

    static Outcome addMember(CrashState before, String member) {
        List<String> words = words(before.value());
        if (words.contains(member)) {
            return new Outcome(before, CrashStep.integer(0));
        }
        words.add(member);
        words.sort(null);
        return outcome(before, words, CrashStep.integer(1));
    }

    static Outcome removeMember(CrashState before, String member) {
        List<String> words = words(before.value());
        boolean there = words.remove(member);
        return outcome(before, words, CrashStep.integer(there ? 1 : 0));
    }

    /** Of a hash or a sorted set. */
    static Outcome put(CrashState before, String name, String value) {
        SortedMap<String, String> pairs = pairs(words(before.value()));
        boolean isNew = pairs.put(name, value) == null;
        return outcome(before, words(pairs), CrashStep.integer(isNew ? 1 : 0));
    }

    static Outcome remove(CrashState before, String name) {
        SortedMap<String, String> pairs = pairs(words(before.value()));
        boolean there = pairs.remove(name) != null;
        return outcome(before, words(pairs), CrashStep.integer(there ? 1 : 0));
    }

    /** @param scored it is a sorted set, which says its scores as strings */
    static Outcome add(CrashState before, String name, long by, boolean scored) {
        SortedMap<String, String> pairs = pairs(words(before.value()));
        String old = pairs.getOrDefault(name, "0");
        long sum = Long.parseLong(withoutTime(old)) + by;
        String text = Long.toString(sum);
        pairs.put(name, text + old.substring(withoutTime(old).length()));
        return outcome(
                before,
                words(pairs),
                scored
                        ? CrashStep.bulk(text.getBytes(StandardCharsets.ISO_8859_1))
                        : CrashStep.integer(sum));
    }

    private static String withoutTime(String value) {
        int until = value.indexOf(UNTIL);
        return until < 0 ? value : value.substring(0, until);
    }

    /** A field gets a time, or with 0 none. */
    static Outcome expire(CrashState before, String name, long millis) {
        SortedMap<String, String> pairs = pairs(words(before.value()));
        String old = pairs.get(name);
        if (old == null) {
            return new Outcome(before, said(-2));
        }
        String value = withoutTime(old);
        if (millis == 0 && value.equals(old)) {
            return new Outcome(before, said(-1));
        }
        pairs.put(name, millis == 0 ? value : value + UNTIL + millis);
        return outcome(before, words(pairs), said(1));
    }

    /** What is said of one field. */
    private static Reply said(int number) {
        return new Reply(("*1\r\n:" + number + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Whether that is said of a field that stayed as it was. */
    static boolean isUnchanged(Reply reply) {
        return reply.equals(said(-1)) || reply.equals(said(-2));
    }

    // What is there after a crash.

    /** Commands of {@link #read}. */
    static final int READS = 3;

    /** Asks for all that a key holds, for the times of its fields, and for its own. */
    static List<byte[][]> read(String key, String name) {
        Kind kind = kind(key);
        byte[][] value =
                switch (kind) {
                    case null -> RespClient.bytes("GET", name);
                    case LIST -> RespClient.bytes("LRANGE", name, "0", "-1");
                    case HASH -> RespClient.bytes("HGETALL", name);
                    case SET -> RespClient.bytes("SMEMBERS", name);
                    default -> RespClient.bytes("ZRANGE", name, "0", "-1", "WITHSCORES");
                };
        return List.of(
                value,
                kind == Kind.HASH ? readTimes(name) : RespClient.bytes("ECHO", ""),
                RespClient.bytes("PEXPIRETIME", name));
    }

    private static byte[][] readTimes(String name) {
        List<String> words =
                new ArrayList<>(List.of("HPEXPIRETIME", name, "FIELDS", Integer.toString(FIELDS)));
        for (int i = 0; i < FIELDS; i++) {
            words.add(field(i));
        }
        return RespClient.bytes(words.toArray(String[]::new));
    }

    /** Whether these are replies to {@link #read}. */
    static boolean isRead(String key, List<Reply> replies) {
        Kind kind = kind(key);
        return replies.get(0).type() == (kind == null ? '$' : '*')
                && replies.get(1).type() == (kind == Kind.HASH ? '*' : '$')
                && replies.get(2).type() == ':';
    }

    /** What they say of the key. */
    static Seen seen(String key, List<Reply> replies, long fromMs, long untilMs) {
        long expiresMs = replies.get(2).integer();
        // Of a hash that went meanwhile the times may be missing.
        boolean isPart = kind(key) == Kind.HASH && expiresMs == -2;
        return new Seen(isPart ? null : value(key, replies), expiresMs, fromMs, untilMs);
    }

    private static byte[] value(String key, List<Reply> replies) {
        Kind kind = kind(key);
        Reply reply = replies.getFirst();
        if (kind == null) {
            return reply.bytes();
        }
        List<String> words = new ArrayList<>();
        for (Reply word : reply.elements()) {
            words.add(new String(word.bytes(), StandardCharsets.ISO_8859_1));
        }
        if (kind == Kind.SET) {
            words.sort(null);
        }
        if (kind == Kind.HASH) {
            SortedMap<String, String> pairs = pairs(words);
            List<Reply> times = replies.get(1).elements();
            for (int i = 0; i < FIELDS; i++) {
                long time = times.get(i).integer();
                if (time >= 0) {
                    pairs.merge(field(i), UNTIL + time, String::concat);
                }
            }
            words = words(pairs);
        }
        return bytes(kind == Kind.ZSET ? words(pairs(words)) : words);
    }

    /** Removes an element that a key holds. */
    static String[] removal(String key, byte[] value) {
        String first = words(value).getFirst();
        return switch (kind(key)) {
            case LIST -> new String[] {"LPOP", key};
            case HASH -> new String[] {"HDEL", key, first};
            case SET -> new String[] {"SREM", key, first};
            default -> new String[] {"ZREM", key, first};
        };
    }
}
