package ironcache.tools;

import ironcache.tools.CrashStep.Verb;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Canaries: after the server has recovered, and before it is looked at, makes of its data what a server with a bug might
 * have made of it. A run that does not complain then is broken.
 */
enum CrashPlant {
    NONE,
    /** A value that had to survive is gone. */
    LOST_WRITE,
    /** One key of a group has an older token than the others. */
    TORN_TRANSACTION,
    /** A deleted key is there again, with the value that it had. */
    GHOST,
    /** A collection that had to survive lacks an element. */
    LOST_ELEMENT,
    WRONG_COUNTER,
    /** A key that expires does so no more. */
    LOST_EXPIRY,
    /** A key that does not expire does. */
    WRONG_EXPIRY,
    /** With everysec: one write of the last second is gone, later ones of the same client are there. */
    REORDERED;

    /** Returns what was done, or null where this crash left nothing to do it to. */
    String plant(CrashChecker checker, List<String> keys, RespClient client) {
        return switch (this) {
            case NONE -> null;
            case LOST_WRITE -> {
                String key = first(checker, keys, s -> s.isPresent() && !s.expires());
                yield key == null ? null : call(client, "DEL", key);
            }
            case LOST_ELEMENT -> {
                List<String> collections =
                        keys.stream().filter(key -> CrashCollections.kind(key) != null).toList();
                String key = first(checker, collections, s -> s.isPresent() && !s.expires());
                yield key == null
                        ? null
                        : call(
                                client,
                                CrashCollections.removal(
                                        key, checker.candidates(key).getLast().value()));
            }
            case WRONG_COUNTER -> {
                List<String> counters = keys.stream().filter(CrashKeys::isNumber).toList();
                String key = first(checker, counters, s -> s.isPresent() && !s.expires());
                yield key == null ? null : call(client, "INCRBY", key, "1000003");
            }
            case LOST_EXPIRY -> {
                String key = first(checker, keys, CrashPlant::expiresLate);
                yield key == null ? null : call(client, "PERSIST", key);
            }
            case WRONG_EXPIRY -> {
                String key = first(checker, keys, s -> s.isPresent() && !s.expires());
                yield key == null ? null : call(client, "PEXPIRE", key, "500000");
            }
            case GHOST -> {
                Map<String, byte[]> old = new HashMap<>();
                for (CrashOp op : checker.operations()) {
                    for (CrashStep step : op.steps) {
                        if (step.verb() == Verb.SET) {
                            old.put(step.key(), step.value());
                        }
                    }
                }
                String key = first(checker, List.copyOf(old.keySet()), s -> !s.isPresent());
                yield key == null ? null : set(client, key, old.get(key));
            }
            case TORN_TRANSACTION -> torn(checker, client);
            case REORDERED -> reordered(checker, client);
        };
    }

    private interface Condition {
        boolean holds(CrashState state);
    }

    private static boolean expiresLate(CrashState state) {
        return state.expires() && state.expiresFromMs() > System.currentTimeMillis() + 60_000;
    }

    private static String first(CrashChecker checker, List<String> keys, Condition condition) {
        for (String key : keys) {
            if (checker.candidates(key).stream().allMatch(condition::holds)) {
                return key;
            }
        }
        return null;
    }

    /** Where it can, with a token that the key by itself may have: then only looking at all keys shows it. */
    private static String torn(CrashChecker checker, RespClient client) {
        List<CrashOp> ops = checker.operations();
        for (int i = ops.size() - 1; i >= 0; i--) {
            CrashStep step = ops.get(i).steps.getFirst();
            if (!CrashKeys.isOfGroup(step.key()) || step.verb() != Verb.SET) {
                continue;
            }
            byte[] now = client.call("GET", step.key()).bytes();
            for (CrashState state : checker.candidates(step.key())) {
                if (state.isPresent() && !Arrays.equals(state.value(), now)) {
                    return set(client, step.key(), state.value());
                }
            }
        }
        for (CrashOp op : ops) {
            CrashStep step = op.steps.getFirst();
            if (CrashKeys.isOfGroup(step.key()) && step.verb() == Verb.SET) {
                byte[] now = client.call("GET", step.key()).bytes();
                if (!Arrays.equals(now, step.value())) {
                    return set(client, step.key(), step.value());
                }
            }
        }
        return null;
    }

    private static String reordered(CrashChecker checker, RespClient client) {
        List<CrashOp> ops = checker.operations();
        Set<String> written = new HashSet<>();
        Map<Integer, Integer> later = new HashMap<>();
        String best = null;
        byte[] value = null;
        // The further back, the more there is that survived it.
        for (int i = ops.size() - 1; i >= 0; i--) {
            CrashOp op = ops.get(i);
            CrashStep step = op.steps.getFirst();
            int after = later.merge(op.client, 1, Integer::sum);
            List<String> keys = new ArrayList<>(op.keys());
            keys.removeIf(written::contains);
            written.addAll(op.keys());
            if (op.steps.size() > 1
                    || step.verb() != Verb.SET
                    || keys.isEmpty()
                    || after < 200
                    || CrashKeys.owner(step.key()) == null) {
                continue;
            }
            List<CrashState> states = checker.candidates(step.key());
            if (states.size() < 2) {
                continue;
            }
            CrashState before = states.get(states.size() - 2);
            if (before.isPresent() && !before.expires()) {
                best = step.key();
                value = before.value();
            }
        }
        return best == null ? null : set(client, best, value);
    }

    private static String set(RespClient client, String key, byte[] value) {
        Reply reply =
                client.call(
                        new byte[][] {RespClient.bytes("SET")[0], RespClient.bytes(key)[0], value});
        return "SET " + key + " " + Reply.escape(value, 60) + " → " + reply;
    }

    private static String call(RespClient client, String... args) {
        return String.join(" ", args) + " → " + client.call(args);
    }
}
