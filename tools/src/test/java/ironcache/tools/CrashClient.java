package ironcache.tools;

import ironcache.tools.CrashKeys.Kind;
import ironcache.tools.CrashOp.How;
import ironcache.tools.CrashStep.Verb;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;

/**
 * Says what a client of a crash run sends next. Owned by the client's thread. It does not know what its keys hold: that
 * is worked out after the crash. No two values of a run are alike.
 */
final class CrashClient {
    /** APPENDs and SETRANGEs to a key until it is set anew, so that values stay within some 100 KiB. */
    private static final int PATCHES = 24;

    private static final int LARGE_BYTES = 64 << 10;

    /** Members of a sorted set; of sets there are more. */
    private static final int MEMBERS = 40;

    /** Of the fields of a hash the last few are numbers. */
    private static final int NUMBER_FIELDS = 6;

    /** Elements of a list, about. */
    private static final int LIST_LENGTH = 60;

    /** What commands beside renames and groups are about. */
    private static final Kind[] MIXED = {
        Kind.NUMBER, Kind.STRING, Kind.VOLATILE, Kind.LIST, Kind.HASH, Kind.SET, Kind.ZSET
    };

    private final int number;
    private final CrashKeys keys;
    private final int pipeline;
    private final SplittableRandom random;
    private final Map<String, Integer> patches = new HashMap<>();

    /** Pushes less pops, of lists. */
    private final Map<String, Integer> lengths = new HashMap<>();

    private final List<Semaphore> held = new ArrayList<>();
    private final String prefix;
    private final LongSupplier clockMs;
    private long written;

    /**
     * @param pipeline up to so many operations are sent without waiting
     * @param clockMs the server's, about
     */
    CrashClient(
            int number, int cycle, CrashKeys keys, int pipeline, long seed, LongSupplier clockMs) {
        this.number = number;
        this.keys = keys;
        this.pipeline = pipeline;
        this.clockMs = clockMs;
        prefix = Integer.toString(cycle, 36) + "." + number + ".";
        random = new SplittableRandom(seed);
    }

    /** What to send at once. */
    List<CrashOp> next() {
        int count = pipeline > 1 ? 1 + random.nextInt(pipeline) : 1;
        List<CrashOp> batch = new ArrayList<>();
        while (batch.size() < count) {
            batch.add(one());
        }
        return batch;
    }

    /** All replies to the last batch are there. */
    void answered() {
        held.forEach(Semaphore::release);
        held.clear();
    }

    private CrashOp one() {
        int dice = random.nextInt(100);
        if (dice < 14) {
            CrashOp op = group();
            if (op != null) {
                return op;
            }
        }
        if (dice < 24) {
            return several();
        }
        if (dice < 32) {
            return rename();
        }
        return CrashOp.command(number, step(MIXED[random.nextInt(MIXED.length)]));
    }

    /** All keys of a group get one token, or all go; null where another client is at it. */
    private CrashOp group() {
        int group = random.nextInt(keys.groups());
        Semaphore lock = keys.lock(group);
        if (!lock.tryAcquire()) {
            return null;
        }
        held.add(lock);
        List<CrashStep> steps = new ArrayList<>();
        int dice = random.nextInt(100);
        byte[] token = dice < 2 ? value(LARGE_BYTES + random.nextInt(20_000)) : value();
        for (String key : CrashKeys.members(group)) {
            steps.add(
                    dice >= 90 ? CrashStep.of(Verb.DEL, key) : CrashStep.of(Verb.SET, key, token));
        }
        if (dice < 45) {
            return new CrashOp(number, How.MSET, steps);
        }
        steps.add(
                random.nextInt(steps.size() + 1),
                CrashStep.of(Verb.INCRBY, CrashKeys.counter(group), 1 + random.nextInt(9)));
        return new CrashOp(number, How.MULTI, steps);
    }

    /** MULTI of different commands over keys of its own. */
    private CrashOp several() {
        List<CrashStep> steps = new ArrayList<>();
        List<String> used = new ArrayList<>();
        for (int wanted = 2 + random.nextInt(3); steps.size() < wanted; ) {
            CrashStep step = step(MIXED[random.nextInt(MIXED.length)]);
            if (!used.contains(step.key())) {
                used.add(step.key());
                steps.add(step);
            }
        }
        return new CrashOp(number, How.MULTI, steps);
    }

    private CrashOp rename() {
        String key = keys.pick(number, Kind.RENAMED, random);
        CrashStep step =
                switch (random.nextInt(10)) {
                    case 0, 1, 2, 3 -> {
                        String to = keys.pick(number, Kind.RENAMED, random);
                        yield to.equals(key)
                                ? CrashStep.of(Verb.SET, key, value())
                                : CrashStep.rename(key, to);
                    }
                    case 4 -> CrashStep.of(Verb.PEXPIREAT, key, nowMs() + 3_600_000);
                    case 5 -> new CrashStep(Verb.SET_PXAT, key, null, value(), nowMs() + 3_600_000);
                    case 6 -> CrashStep.of(Verb.DEL, key);
                    default -> CrashStep.of(Verb.SET, key, value());
                };
        return CrashOp.command(number, step);
    }

    private CrashStep step(Kind kind) {
        String key = keys.pick(number, kind, random);
        return switch (kind) {
            case NUMBER -> number(key);
            case STRING -> string(key);
            case LIST, HASH, SET, ZSET -> collection(kind, key);
            default -> volatileKey(key);
        };
    }

    private CrashStep number(String key) {
        int dice = random.nextInt(100);
        if (dice < 40) {
            return CrashStep.of(Verb.INCR, key);
        }
        if (dice < 78) {
            return CrashStep.of(Verb.INCRBY, key, random.nextLong(-1_000_000, 1_000_000));
        }
        if (dice < 84) {
            return CrashStep.of(Verb.DEL, key);
        }
        if (dice < 90) {
            byte[] start = ascii(Long.toString(random.nextLong(1L << 40)));
            return CrashStep.of(random.nextBoolean() ? Verb.SET : Verb.GETSET, key, start);
        }
        return dice < 96 ? expiry(key) : CrashStep.of(Verb.PERSIST, key);
    }

    private CrashStep string(String key) {
        int dice = random.nextInt(100);
        if (dice < 45 && patches.merge(key, 1, Integer::sum) <= PATCHES) {
            if (dice < 28) {
                return CrashStep.of(Verb.APPEND, key, value());
            }
            int offset = random.nextInt(40) == 0 ? random.nextInt(70_000) : random.nextInt(300);
            return new CrashStep(Verb.SETRANGE, key, null, value(12), offset);
        }
        if (dice < 88) {
            patches.put(key, 0);
            return CrashStep.of(dice < 78 ? Verb.SET : Verb.GETSET, key, value());
        }
        patches.put(key, 0);
        return CrashStep.of(dice < 94 ? Verb.DEL : dice < 97 ? Verb.UNLINK : Verb.GETDEL, key);
    }

    private CrashStep volatileKey(String key) {
        int dice = random.nextInt(100);
        if (dice < 35) {
            return new CrashStep(Verb.SET_PX, key, null, value(), timeToLiveMs());
        }
        if (dice < 65) {
            return expiry(key);
        }
        if (dice < 75) {
            return CrashStep.of(Verb.PERSIST, key);
        }
        if (dice < 83 && patches.merge(key, 1, Integer::sum) <= PATCHES) {
            return CrashStep.of(Verb.APPEND, key, value());
        }
        patches.put(key, 0);
        return dice < 95 ? CrashStep.of(Verb.SET, key, value()) : CrashStep.of(Verb.DEL, key);
    }

    /** Small enough for a record, or on pages, as values and fields come. */
    private CrashStep collection(Kind kind, String key) {
        int dice = random.nextInt(100);
        if (dice < 6) {
            lengths.put(key, 0);
            return dice < 2
                    ? CrashStep.of(random.nextBoolean() ? Verb.DEL : Verb.UNLINK, key)
                    : dice < 4 ? expiry(key) : CrashStep.of(Verb.PERSIST, key);
        }
        return switch (kind) {
            case LIST -> list(key);
            case HASH -> hash(key, dice);
            case SET -> {
                // Numbers alone, or not.
                String member =
                        (key.hashCode() % 2 == 0 ? "" : "member") + random.nextInt(4 * MEMBERS);
                yield CrashStep.of(dice < 65 ? Verb.SADD : Verb.SREM, key, member, null, 0);
            }
            default -> {
                String member = "member" + random.nextInt(MEMBERS);
                long score = random.nextInt(-1_000, 1_000);
                yield dice < 45
                        ? CrashStep.of(Verb.ZADD, key, member, null, score)
                        : dice < 75
                                ? CrashStep.of(Verb.ZINCRBY, key, member, null, score)
                                : CrashStep.of(Verb.ZREM, key, member, null, 0);
            }
        };
    }

    /** Pushes at one end more than at the other, and pops likewise. */
    private CrashStep list(String key) {
        int length = lengths.getOrDefault(key, 0);
        boolean pushes = length <= 0 || length < LIST_LENGTH && random.nextInt(100) < 60;
        lengths.put(key, pushes ? length + 1 : length - 1);
        boolean first = random.nextInt(100) < (pushes ? 75 : 25);
        return pushes
                ? CrashStep.of(first ? Verb.LPUSH : Verb.RPUSH, key, element())
                : CrashStep.of(first ? Verb.LPOP : Verb.RPOP, key);
    }

    private CrashStep hash(String key, int dice) {
        int field = random.nextInt(CrashCollections.FIELDS);
        String name = CrashCollections.field(field);
        if (dice < 26) {
            return CrashStep.of(Verb.HDEL, key, name, null, 0);
        }
        if (dice < 40) {
            // None is over before the run is: only the server knows when it looked.
            return dice < 36
                    ? CrashStep.of(
                            Verb.HPEXPIREAT,
                            key,
                            name,
                            null,
                            nowMs() + 36_000_000 + random.nextInt(1_000_000))
                    : CrashStep.of(Verb.HPERSIST, key, name, null, 0);
        }
        return field >= CrashCollections.FIELDS - NUMBER_FIELDS
                ? CrashStep.of(Verb.HINCRBY, key, name, null, random.nextInt(-100, 1_000))
                : CrashStep.of(Verb.HSET, key, name, element(), 0);
    }

    /** A few are so long that a collection has them on pages of their own. */
    private byte[] element() {
        int dice = random.nextInt(1000);
        return value(
                dice < 970
                        ? 1 + random.nextInt(200)
                        : dice < 998 ? random.nextInt(4_000) : random.nextInt(30_000));
    }

    private CrashStep expiry(String key) {
        return switch (random.nextInt(3)) {
            case 0 -> CrashStep.of(Verb.EXPIRE, key, 1 + random.nextInt(100));
            case 1 -> CrashStep.of(Verb.PEXPIREAT, key, nowMs() + timeToLiveMs());
            default -> CrashStep.of(Verb.PEXPIRE, key, timeToLiveMs());
        };
    }

    /** Some are over within the cycle, some while the server is down, some cycles later. */
    private long timeToLiveMs() {
        return switch (random.nextInt(4)) {
            case 0 -> 5 + random.nextInt(100);
            case 1 -> 100 + random.nextInt(3_000);
            case 2 -> 3_000 + random.nextInt(20_000);
            default -> 600_000 + random.nextInt(600_000);
        };
    }

    private byte[] value() {
        int dice = random.nextInt(1000);
        if (dice < 600) {
            return value(1 + random.nextInt(24));
        }
        if (dice < 850) {
            return value(1 + random.nextInt(300));
        }
        if (dice < 970) {
            return value(1 + random.nextInt(4_096));
        }
        return value(
                dice < 995 ? random.nextInt(40_000) : LARGE_BYTES + 1 + random.nextInt(100_000));
    }

    /** At least as long as the name that makes it unique, which comes first. */
    private byte[] value(int bytes) {
        byte[] name = ascii(prefix + Long.toString(++written, 36) + ";");
        byte[] value = new byte[Math.max(bytes, name.length)];
        if (bytes > name.length) {
            random.nextBytes(value);
        }
        System.arraycopy(name, 0, value, 0, name.length);
        return value;
    }

    private long nowMs() {
        return clockMs.getAsLong();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
