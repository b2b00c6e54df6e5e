package ironcache.tools;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One command of one key ({@code RENAME}: of two; of FLUSHDB and SWAPDB, the part of one name), and what it does to what the key holds.
 *
 * @param to the second key of RENAME, else null
 * @param number an increment, an offset, a time to live, a time, or a score
 * @param field of a hash; of a set or a sorted set the member
 */
record CrashStep(Verb verb, String key, String to, byte[] value, long number, String field) {
    enum Verb {
        SET,
        SET_PX,
        SET_PXAT,
        GETSET,
        GETDEL,
        APPEND,
        SETRANGE,
        DEL,
        UNLINK,
        INCR,
        INCRBY,
        PEXPIRE,
        EXPIRE,
        PEXPIREAT,
        PERSIST,
        LPUSH,
        RPUSH,
        LPOP,
        RPOP,
        HSET,
        HINCRBY,
        HDEL,
        HPEXPIREAT,
        HPERSIST,
        SADD,
        SREM,
        ZADD,
        ZINCRBY,
        ZREM,
        RENAME,
        /** What FLUSHDB does to a key. */
        FLUSHED,
        /** What SWAPDB does to two keys of one name. */
        SWAPPED
    }

    /** A possible outcome: what is there afterwards, and the reply to that. */
    record Outcome(CrashState after, Reply reply) {}

    private static final Reply OK = new Reply("+OK\r\n".getBytes(StandardCharsets.ISO_8859_1));
    private static final Reply NIL = new Reply("$-1\r\n".getBytes(StandardCharsets.ISO_8859_1));

    CrashStep(Verb verb, String key, String to, byte[] value, long number) {
        this(verb, key, to, value, number, null);
    }

    /** Of a collection. */
    static CrashStep of(Verb verb, String key, String field, byte[] value, long number) {
        return new CrashStep(verb, key, null, value, number, field);
    }

    static CrashStep of(Verb verb, String key) {
        return new CrashStep(verb, key, null, null, 0);
    }

    static CrashStep of(Verb verb, String key, long number) {
        return new CrashStep(verb, key, null, null, number);
    }

    static CrashStep of(Verb verb, String key, byte[] value) {
        return new CrashStep(verb, key, null, value, 0);
    }

    static CrashStep rename(String key, String to) {
        return new CrashStep(Verb.RENAME, key, to, null, 0);
    }

    static CrashStep swapped(String key, String other) {
        return new CrashStep(Verb.SWAPPED, key, other, null, 0);
    }

    /** Of every verb that has one key. The state is as the command met it: a key whose time is over is absent. */
    Outcome apply(CrashState before, long sentMs, long doneMs) {
        return switch (verb) {
            case SET -> new Outcome(CrashState.of(value), OK);
            case SET_PX -> new Outcome(new CrashState(value, sentMs + number, doneMs + number), OK);
            case SET_PXAT -> new Outcome(CrashState.of(value, number), OK);
            case GETSET -> new Outcome(CrashState.of(value), bulk(before.value()));
            case GETDEL -> new Outcome(CrashState.ABSENT, bulk(before.value()));
            case APPEND -> patched(before, before.isPresent() ? before.value().length : 0);
            case SETRANGE -> patched(before, (int) number);
            case DEL, UNLINK -> new Outcome(CrashState.ABSENT, integer(before.isPresent() ? 1 : 0));
            case INCR -> added(before, 1);
            case INCRBY -> added(before, number);
            case PEXPIRE -> expiring(before, sentMs + number, doneMs + number);
            case EXPIRE -> expiring(before, sentMs + number * 1000, doneMs + number * 1000);
            case PEXPIREAT -> expiring(before, number, number);
            case PERSIST ->
                    before.isPresent() && before.expires()
                            ? new Outcome(CrashState.of(before.value()), integer(1))
                            : new Outcome(before, integer(0));
            case LPUSH, RPUSH -> CrashCollections.push(before, verb == Verb.LPUSH, value);
            case LPOP, RPOP -> CrashCollections.pop(before, verb == Verb.LPOP);
            case HSET ->
                    CrashCollections.put(
                            before, field, new String(value, StandardCharsets.ISO_8859_1));
            case ZADD -> CrashCollections.put(before, field, Long.toString(number));
            case HINCRBY, ZINCRBY ->
                    CrashCollections.add(before, field, number, verb == Verb.ZINCRBY);
            case HPEXPIREAT -> CrashCollections.expire(before, field, number);
            case HPERSIST -> CrashCollections.expire(before, field, 0);
            case HDEL, ZREM -> CrashCollections.remove(before, field);
            case SADD -> CrashCollections.addMember(before, field);
            case SREM -> CrashCollections.removeMember(before, field);
            case FLUSHED -> new Outcome(CrashState.ABSENT, OK);
            case RENAME, SWAPPED -> throw new IllegalStateException(verb + " has two keys");
        };
    }

    /** Whether this is what RENAME says of a source in that state. */
    static boolean renameReplied(CrashState source, Reply reply) {
        return source.isPresent() ? reply.equals(OK) : reply.isError();
    }

    /** By its reply. */
    boolean changedNothing(Reply reply) {
        return switch (verb) {
            case DEL, UNLINK, PEXPIRE, EXPIRE, PEXPIREAT, PERSIST, HDEL, SADD, SREM, ZREM ->
                    reply.equals(integer(0));
            case GETDEL, LPOP, RPOP -> reply.isNull();
            case HPEXPIREAT, HPERSIST -> CrashCollections.isUnchanged(reply);
            default -> false;
        };
    }

    private static Outcome expiring(CrashState before, long fromMs, long untilMs) {
        return before.isPresent()
                ? new Outcome(new CrashState(before.value(), fromMs, untilMs), integer(1))
                : new Outcome(before, integer(0));
    }

    private Outcome patched(CrashState before, int offset) {
        byte[] old = before.isPresent() ? before.value() : new byte[0];
        byte[] changed = new byte[Math.max(old.length, offset + value.length)];
        System.arraycopy(old, 0, changed, 0, old.length);
        System.arraycopy(value, 0, changed, offset, value.length);
        return new Outcome(before.with(changed), integer(changed.length));
    }

    private static Outcome added(CrashState before, long by) {
        long sum = by;
        if (before.isPresent()) {
            sum += Long.parseLong(new String(before.value(), StandardCharsets.ISO_8859_1));
        }
        return new Outcome(before.with(ascii(Long.toString(sum))), integer(sum));
    }

    static Reply integer(long value) {
        return new Reply(ascii(":" + value + "\r\n"));
    }

    static Reply bulk(byte[] value) {
        if (value == null) {
            return NIL;
        }
        byte[] head = ascii("$" + value.length + "\r\n");
        byte[] raw = new byte[head.length + value.length + 2];
        System.arraycopy(head, 0, raw, 0, head.length);
        System.arraycopy(value, 0, raw, head.length, value.length);
        raw[raw.length - 2] = '\r';
        raw[raw.length - 1] = '\n';
        return new Reply(raw);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    byte[][] command() {
        String name = verb.name();
        List<byte[]> args = new ArrayList<>();
        int underscore = name.indexOf('_');
        args.add(ascii(underscore < 0 ? name : name.substring(0, underscore)));
        args.add(ascii(key));
        switch (verb) {
            case SET, GETSET, APPEND, LPUSH, RPUSH -> args.add(value);
            case HSET -> {
                args.add(ascii(field));
                args.add(value);
            }
            case HINCRBY -> {
                args.add(ascii(field));
                args.add(ascii(Long.toString(number)));
            }
            case ZADD, ZINCRBY -> {
                args.add(ascii(Long.toString(number)));
                args.add(ascii(field));
            }
            case HDEL, SADD, SREM, ZREM -> args.add(ascii(field));
            case HPEXPIREAT, HPERSIST -> {
                if (verb == Verb.HPEXPIREAT) {
                    args.add(ascii(Long.toString(number)));
                }
                args.add(ascii("FIELDS"));
                args.add(ascii("1"));
                args.add(ascii(field));
            }
            case SET_PX, SET_PXAT -> {
                args.add(value);
                args.add(ascii(name.substring(underscore + 1)));
                args.add(ascii(Long.toString(number)));
            }
            case SETRANGE -> {
                args.add(ascii(Long.toString(number)));
                args.add(value);
            }
            case INCRBY, PEXPIRE, EXPIRE, PEXPIREAT -> args.add(ascii(Long.toString(number)));
            case RENAME, SWAPPED -> args.add(ascii(to));
            case GETDEL, DEL, UNLINK, INCR, PERSIST, LPOP, RPOP, FLUSHED -> {}
        }
        return args.toArray(byte[][]::new);
    }

    List<String> keys() {
        return to == null ? List.of(key) : List.of(key, to);
    }

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        for (byte[] arg : command()) {
            out.append(out.isEmpty() ? "" : " ").append(Reply.escape(arg, 40));
        }
        return out.toString();
    }
}
