package ironcache.tools;

import ironcache.tools.CrashKeys.Kind;
import ironcache.tools.CrashStep.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Collections as a crash run knows them: what one holds is bytes as what a string holds is, so that two are compared as these are. The bytes are words, each behind its length: a list's elements in order, a set's
 * members in theirs, fields or members with their values or scores in theirs. One that holds nothing is absent. Names tell types, so no key ever has another one.
 */
final class CrashCollections {
    private CrashCollections() {}

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

    private static TreeMap<String, String> pairs(List<String> words) {
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
        TreeMap<String, String> pairs = pairs(words(before.value()));
        boolean isNew = pairs.put(name, value) == null;
        return outcome(before, words(pairs), CrashStep.integer(isNew ? 1 : 0));
    }

    static Outcome remove(CrashState before, String name) {
        TreeMap<String, String> pairs = pairs(words(before.value()));
        boolean there = pairs.remove(name) != null;
        return outcome(before, words(pairs), CrashStep.integer(there ? 1 : 0));
    }

    /** @param scored it is a sorted set, which says its scores as strings */
    static Outcome add(CrashState before, String name, long by, boolean scored) {
        TreeMap<String, String> pairs = pairs(words(before.value()));
        long sum = Long.parseLong(pairs.getOrDefault(name, "0")) + by;
        String text = Long.toString(sum);
        pairs.put(name, text);
        return outcome(
                before,
                words(pairs),
                scored
                        ? CrashStep.bulk(text.getBytes(StandardCharsets.ISO_8859_1))
                        : CrashStep.integer(sum));
    }

    // What is there after a crash.

    /** Asks for all that a key holds. */
    static byte[][] read(String key, String name) {
        Kind kind = kind(key);
        if (kind == null) {
            return RespClient.bytes("GET", name);
        }
        return switch (kind) {
            case LIST -> RespClient.bytes("LRANGE", name, "0", "-1");
            case HASH -> RespClient.bytes("HGETALL", name);
            case SET -> RespClient.bytes("SMEMBERS", name);
            default -> RespClient.bytes("ZRANGE", name, "0", "-1", "WITHSCORES");
        };
    }

    /** Whether that is a reply to {@link #read}. */
    static boolean isRead(String key, Reply reply) {
        return reply.type() == (kind(key) == null ? '$' : '*');
    }

    /** What it says that the key holds. */
    static byte[] value(String key, Reply reply) {
        Kind kind = kind(key);
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
        return bytes(kind == Kind.HASH || kind == Kind.ZSET ? words(pairs(words)) : words);
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
