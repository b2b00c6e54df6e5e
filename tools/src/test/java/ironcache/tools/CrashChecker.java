package ironcache.tools;

import ironcache.tools.CrashStep.Verb;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Judges what is there after a crash by what was there before, what was sent, and what was acknowledged. Of the
 * operations on a key, the first few survived: at least those that had to, without a gap. So there is a row of states,
 * one after each operation, and what was found has to be one of those at or behind the last operation that had to
 * survive. Knows nothing of servers. Owned by one thread.
 */
final class CrashChecker {
    enum Policy {
        ALWAYS,
        EVERYSEC,
        /** Anything may be lost, as long as what is left was there at some moment. */
        NONE
    }

    /** Among whose operations a later one must not survive an earlier one that was acknowledged before it was sent. */
    enum Prefix {
        OFF,
        /** Those of one client on keys of one slot. */
        SLOT,
        CLIENT,
        /** Of all clients. */
        ALL
    }

    /**
     * @param slackNs what {@code EVERYSEC} may lose beyond a second
     * @param clockSlackMs how far the server's clock may be behind ours, since it need not read it for each command
     */
    record Rules(Policy policy, long slackNs, long clockSlackMs, Prefix prefix) {
        static Rules of(Policy policy) {
            return new Rules(policy, 100_000_000, 250, Prefix.CLIENT);
        }

        Rules with(Policy other) {
            return new Rules(other, slackNs, clockSlackMs, prefix);
        }
    }

    /**
     * What was read after the crash, and when.
     *
     * @param value null where there was none
     * @param expiresMs as PEXPIRETIME has it: -1 for never, -2 where the key was gone when it was asked
     */
    record Seen(byte[] value, long expiresMs, long fromMs, long untilMs) {
        @Override
        public String toString() {
            return value == null
                    ? "absent"
                    : new CrashState(
                                    value,
                                    expiresMs < 0 ? CrashState.NEVER : expiresMs,
                                    expiresMs < 0 ? CrashState.NEVER : expiresMs)
                            + (expiresMs == -2 ? " (gone a moment later)" : "");
        }
    }

    record Violation(String kind, String key, String text) {
        @Override
        public String toString() {
            return kind + ": " + text;
        }
    }

    /**
     * @param lost operations that did not survive, and did not have to
     * @param lostAcknowledged of these, the ones with a reply: with {@code EVERYSEC} only
     * @param oldestLostMs how long before the crash the first of those was acknowledged
     */
    record Verdict(
            List<Violation> violations,
            int sent,
            int acknowledged,
            int refused,
            int lost,
            int lostAcknowledged,
            double oldestLostMs) {}

    private static final int HISTORY_LINES = 14;

    /** A key's operations, and what it may have held after each that may have been the last. */
    private static final class Track {
        final String key;
        final List<CrashOp> ops = new ArrayList<>();

        /** How many of the operations have to have survived. */
        int required;

        /** Operations gone through so far. */
        int done;

        List<CrashState> current;

        /** By the number of operations that survived. */
        final TreeMap<Integer, List<CrashState>> states = new TreeMap<>();

        /** Which of those are what was found. */
        final List<Integer> fitting = new ArrayList<>();

        Track(String key, List<CrashState> base) {
            this.key = key;
            current = base;
        }

        int position(CrashOp op) {
            return ops.indexOf(op) + 1;
        }
    }

    private final Rules rules;
    private final Map<String, CrashState> base;
    private final List<CrashOp> all;

    /** Of all, those that were not refused. */
    private final List<CrashOp> ops = new ArrayList<>();

    private final long killedNs;
    private final long killedMs;
    private final Map<String, Track> tracks = new LinkedHashMap<>();
    private final List<Violation> violations = new ArrayList<>();

    /** Of operations, their keys: whether all its steps may have found nothing there that they would change. */
    private final Map<CrashOp, Map<String, Boolean>> idle = new HashMap<>();

    private int sent;
    private int acknowledged;
    private int refused;

    /**
     * @param base what each key held when the operations began; keys that are not in it were absent
     * @param all of each client in the order of sending
     * @param killedNs no operation was acknowledged later than this, but for replies on their way
     */
    CrashChecker(
            Rules rules,
            Map<String, CrashState> base,
            List<CrashOp> all,
            long killedNs,
            long killedMs) {
        this.rules = rules;
        this.base = base;
        this.all = all;
        this.killedNs = killedNs;
        this.killedMs = killedMs;
        for (CrashOp op : all) {
            sent++;
            acknowledged += op.isAcknowledged() ? 1 : 0;
            if (op.isRefused()) {
                refused++;
            } else {
                ops.add(op);
            }
        }
        // Each client's times ascend, and whoever writes to a group has waited for the one before.
        ops.sort((a, b) -> Long.compare(a.sentNs, b.sentNs));
        List<Violation> wrongReplies = new ArrayList<>();
        replay(tracks, Set.of(), wrongReplies);
        violations.addAll(wrongReplies);
    }

    /**
     * Where a disk failed, a client may have been cut off before it was told that an operation was refused, and a later one of it was not.
     *
     * @return of the same operations without those of which nobody knows the reply and that, if they did not happen, explain what was found
     */
    CrashChecker withoutRefused(Map<String, Seen> found) {
        List<CrashOp> left = all;
        int wrong = violations(left, found);
        while (wrong > 0) {
            List<CrashOp> better = null;
            for (CrashOp op : left) {
                if (op.isAcknowledged()) {
                    continue;
                }
                List<CrashOp> without = new ArrayList<>(left);
                without.remove(op);
                int now = violations(without, found);
                if (now < wrong) {
                    wrong = now;
                    better = without;
                }
            }
            if (better == null) {
                break;
            }
            left = better;
        }
        return of(left);
    }

    private int violations(List<CrashOp> some, Map<String, Seen> found) {
        return of(some).judge(found).violations().size();
    }

    private CrashChecker of(List<CrashOp> some) {
        return new CrashChecker(rules, base, some, killedNs, killedMs);
    }

    private boolean isRequired(CrashOp op) {
        return switch (rules.policy) {
            case ALWAYS -> op.isAcknowledged();
            case EVERYSEC ->
                    op.isAcknowledged() && op.ackedNs <= killedNs - 1_000_000_000L - rules.slackNs;
            case NONE -> false;
        };
    }

    /** What the key may hold now, whatever survived; empty where nothing is known of it. */
    List<CrashState> candidates(String key) {
        Track track = tracks.get(key);
        if (track == null) {
            return List.of(base.getOrDefault(key, CrashState.ABSENT));
        }
        List<CrashState> all = new ArrayList<>();
        track.states.values().forEach(all::addAll);
        return all;
    }

    List<CrashOp> operations() {
        return ops;
    }

    // What each key held, step by step.

    private void replay(Map<String, Track> into, Set<String> traced, List<Violation> wrong) {
        for (CrashOp op : ops) {
            for (String key : op.keys()) {
                Track track = into.computeIfAbsent(key, this::track);
                track.ops.add(op);
                if (isRequired(op)) {
                    track.required = track.ops.size();
                }
            }
        }
        for (Track track : into.values()) {
            record(track, traced);
        }
        for (CrashOp op : ops) {
            for (int i = 0; i < op.steps.size(); i++) {
                step(op, i, into, wrong);
            }
            for (String key : op.keys()) {
                Track track = into.get(key);
                track.done++;
                record(track, traced);
            }
        }
    }

    private Track track(String key) {
        return new Track(key, List.of(base.getOrDefault(key, CrashState.ABSENT)));
    }

    /** States that no longer count are not kept: with large values they are many. */
    private static void record(Track track, Set<String> traced) {
        if (track.done >= track.required || traced.contains(track.key)) {
            track.states.put(track.done, track.current);
        }
    }

    private void step(CrashOp op, int number, Map<String, Track> into, List<Violation> wrong) {
        CrashStep step = op.steps.get(number);
        Reply reply = op.isAcknowledged() ? op.replyTo(number) : null;
        if (op.isRefusal(reply)) {
            return;
        }
        long doneMs = op.isAcknowledged() ? op.ackedMs : Math.max(op.sentMs, killedMs);
        Track track = into.get(step.key());
        List<CrashState> met = met(track.current, op.sentMs, doneMs);
        if (step.verb() == Verb.RENAME) {
            rename(op, step, reply, met, into, wrong);
            return;
        }
        if (step.verb() == Verb.SWAPPED) {
            Track other = into.get(step.to());
            List<CrashState> here = track.current;
            noteGone(op, step, here, other.current);
            track.current = other.current;
            other.current = here;
            return;
        }
        if (step.verb() == Verb.FLUSHED) {
            noteGone(op, step, track.current, track.current);
        }
        List<CrashState> after = new ArrayList<>();
        Reply expected = null;
        boolean same = false;
        for (CrashState state : met) {
            CrashStep.Outcome outcome = step.apply(state, op.sentMs, doneMs);
            if (!op.isAcknowledged() || outcome.reply().equals(reply)) {
                add(after, outcome.after());
                same |= outcome.after().equals(state);
            }
            expected = outcome.reply();
        }
        noteIdle(op, step.key(), same);
        if (after.isEmpty()) {
            wrongReply(op, step, track.current, expected, wrong);
            after.add(step.apply(met.getFirst(), op.sentMs, doneMs).after());
        }
        track.current = after;
    }

    /** Nothing was there: shards that hold nothing of a database have no part in its end. */
    private void noteGone(
            CrashOp op, CrashStep step, List<CrashState> here, List<CrashState> there) {
        boolean gone =
                here.stream().noneMatch(CrashState::isPresent)
                        && there.stream().noneMatch(CrashState::isPresent);
        step.keys().forEach(key -> noteIdle(op, key, gone));
    }

    private void noteIdle(CrashOp op, String key, boolean isIdle) {
        idle.computeIfAbsent(op, any -> new HashMap<>()).merge(key, isIdle, Boolean::logicalAnd);
    }

    /** What a command may have found: a key whose time is about to be over may be there or not. */
    private List<CrashState> met(List<CrashState> states, long fromMs, long untilMs) {
        List<CrashState> met = new ArrayList<>(states.size());
        for (CrashState state : states) {
            if (!state.expires() || fromMs <= after(state.expiresUntilMs())) {
                add(met, state);
            }
            if (state.expires() && untilMs + rules.clockSlackMs >= state.expiresFromMs()) {
                add(met, CrashState.ABSENT);
            }
        }
        return met;
    }

    private long after(long ms) {
        return ms + rules.clockSlackMs;
    }

    private void rename(
            CrashOp op,
            CrashStep step,
            Reply reply,
            List<CrashState> met,
            Map<String, Track> into,
            List<Violation> wrong) {
        Track source = into.get(step.key());
        Track target = into.get(step.to());
        List<CrashState> left = new ArrayList<>();
        List<CrashState> put = new ArrayList<>();
        for (CrashState state : met) {
            if (reply != null && !CrashStep.renameReplied(state, reply)) {
                continue;
            }
            add(left, CrashState.ABSENT);
            if (state.isPresent()) {
                add(put, state);
            } else {
                target.current.forEach(there -> add(put, there));
            }
        }
        if (left.isEmpty()) {
            wrongReply(op, step, source.current, null, wrong);
            left.add(CrashState.ABSENT);
            put.addAll(target.current);
        }
        source.current = left;
        target.current = put;
    }

    private static void add(List<CrashState> states, CrashState state) {
        if (!states.contains(state)) {
            states.add(state);
        }
    }

    private void wrongReply(
            CrashOp op, CrashStep step, List<CrashState> held, Reply expected, List<Violation> to) {
        if (op.how == CrashOp.How.MSET && step != op.steps.getFirst()) {
            return;
        }
        to.add(
                new Violation(
                        "wrong reply",
                        step.key(),
                        "%s of client %d got %s where the key held %s%s"
                                .formatted(
                                        op,
                                        op.client,
                                        op.reply.show(120),
                                        held,
                                        expected == null
                                                ? ""
                                                : "; to that belongs " + expected.show(120))));
    }

    // Against what was found.

    /** Of each key that the run knows, what it holds. */
    Verdict judge(Map<String, Seen> found) {
        List<Track> all = new ArrayList<>();
        List<Track> bad = new ArrayList<>();
        for (String key : found.keySet()) {
            Track track = tracks.get(key);
            if (track == null) {
                track = track(key);
                track.states.put(0, track.current);
            }
            Seen seen = found.get(key);
            for (Map.Entry<Integer, List<CrashState>> entry : track.states.entrySet()) {
                if (entry.getValue().stream().anyMatch(state -> fits(state, seen))) {
                    track.fitting.add(entry.getKey());
                }
            }
            (track.fitting.isEmpty() ? bad : all).add(track);
        }
        if (!bad.isEmpty()) {
            explain(bad, found);
        }
        Map<String, Track> good = new HashMap<>();
        all.forEach(track -> good.put(track.key, track));
        checkWhole(good, found);
        checkOrder(all, found);
        return verdict(good);
    }

    private Verdict verdict(Map<String, Track> good) {
        int lost = 0;
        int lostAcknowledged = 0;
        long oldest = killedNs;
        for (CrashOp op : ops) {
            boolean gone = false;
            for (String key : op.keys()) {
                Track track = good.get(key);
                gone |=
                        track != null
                                && track.required < track.ops.size()
                                && track.position(op) > track.fitting.getLast();
            }
            if (gone) {
                lost++;
                if (op.isAcknowledged()) {
                    lostAcknowledged++;
                    oldest = Math.min(oldest, op.ackedNs);
                }
            }
        }
        return new Verdict(
                violations,
                sent,
                acknowledged,
                refused,
                lost,
                lostAcknowledged,
                (killedNs - oldest) / 1e6);
    }

    private boolean fits(CrashState state, Seen seen) {
        if (seen.value == null) {
            return !state.isPresent() || mayBeOver(state, seen.untilMs);
        }
        if (!state.isPresent() || !java.util.Arrays.equals(state.value(), seen.value)) {
            return false;
        }
        if (seen.expiresMs == -2) {
            return mayBeOver(state, seen.untilMs);
        }
        if (!state.expires()) {
            return seen.expiresMs == -1;
        }
        return seen.expiresMs >= state.expiresFromMs() - rules.clockSlackMs
                && seen.expiresMs <= after(state.expiresUntilMs())
                && seen.fromMs <= after(seen.expiresMs);
    }

    private boolean mayBeOver(CrashState state, long nowMs) {
        return state.expires() && after(nowMs) >= state.expiresFromMs();
    }

    /** Names what is wrong with keys that hold what they cannot hold; a second replay keeps all their states. */
    private void explain(List<Track> bad, Map<String, Seen> found) {
        Set<String> keys = new HashSet<>();
        bad.forEach(track -> keys.add(track.key));
        Map<String, Track> traced = new HashMap<>();
        replay(traced, keys, new ArrayList<>());
        for (Track shallow : bad) {
            Track track = traced.getOrDefault(shallow.key, shallow);
            Seen seen = found.get(track.key);
            int older = -1;
            boolean value = false;
            for (Map.Entry<Integer, List<CrashState>> entry : track.states.entrySet()) {
                for (CrashState state : entry.getValue()) {
                    if (entry.getKey() < track.required && fits(state, seen)) {
                        older = entry.getKey();
                    }
                    value |=
                            entry.getKey() >= track.required
                                    && seen.value != null
                                    && java.util.Arrays.equals(state.value(), seen.value);
                }
            }
            boolean goneForSure =
                    shallow.states.values().stream()
                            .flatMap(List::stream)
                            .noneMatch(CrashState::isPresent);
            String kind;
            if (seen.value != null && goneForSure) {
                kind = "deleted key came back";
            } else if (value) {
                kind = "wrong expiry";
            } else if (CrashKeys.isNumber(track.key) && seen.value != null && older < 0) {
                kind = "wrong number";
            } else if (older >= 0 || seen.value == null) {
                kind = "lost write";
            } else {
                kind = "value that nobody wrote";
            }
            String text =
                    "%s holds %s%s; %d of its %d operations had to survive%s%n%s"
                            .formatted(
                                    track.key,
                                    seen,
                                    older >= 0 ? ", as after operation " + older : "",
                                    track.required,
                                    track.ops.size(),
                                    older >= 0 && track.required > 0
                                            ? lateness(track.ops.get(older))
                                            : "",
                                    history(track, older >= 0 ? older : track.required));
            violations.add(new Violation(kind, track.key, text));
        }
    }

    private String lateness(CrashOp firstLost) {
        return firstLost.isAcknowledged()
                ? ", and the first that is lost was acknowledged %.1f ms before the kill"
                        .formatted((killedNs - firstLost.ackedNs) / 1e6)
                : "";
    }

    private String history(Track track, int around) {
        StringBuilder out = new StringBuilder();
        int from = Math.max(0, around - HISTORY_LINES / 2);
        int to = Math.min(track.ops.size(), around + HISTORY_LINES / 2);
        if (from == 0) {
            out.append("    at the beginning: ").append(state(track, 0)).append('\n');
        }
        for (int i = from; i < to; i++) {
            CrashOp op = track.ops.get(i);
            out.append(
                    "    %d%s client %d, sent %.1f ms, %s: %s → %s%n"
                            .formatted(
                                    i + 1,
                                    i < track.required ? "!" : " ",
                                    op.client,
                                    (op.sentNs - killedNs) / 1e6,
                                    op.isAcknowledged()
                                            ? "%.1f ms %s"
                                                    .formatted(
                                                            (op.ackedNs - killedNs) / 1e6,
                                                            op.reply.show(40))
                                            : "no reply",
                                    op,
                                    state(track, i + 1)));
        }
        return out.toString();
    }

    private static String state(Track track, int position) {
        List<CrashState> states = track.states.get(position);
        return states == null
                ? "…"
                : states.size() == 1 ? states.getFirst().toString() : states + "";
    }

    /** No operation of several keys is there in one and missing in another. */
    private void checkWhole(Map<String, Track> good, Map<String, Seen> found) {
        for (CrashOp op : ops) {
            List<String> keys = op.keys();
            if (keys.size() == 1) {
                continue;
            }
            String without = null;
            String with = null;
            for (String key : keys) {
                Track track = good.get(key);
                if (track == null
                        || track.required == track.ops.size()
                        || changesNothing(op, key)) {
                    continue;
                }
                int position = track.position(op);
                if (track.fitting.getLast() < position) {
                    without = key;
                } else if (track.fitting.getFirst() >= position) {
                    with = key;
                }
            }
            if (without != null && with != null) {
                violations.add(
                        new Violation(
                                "torn transaction",
                                without,
                                "%s of client %d is there in %s (%s) and not in %s (%s)%n%s%s"
                                        .formatted(
                                                op,
                                                op.client,
                                                with,
                                                found.get(with),
                                                without,
                                                found.get(without),
                                                history(
                                                        good.get(with),
                                                        good.get(with).position(op)),
                                                history(
                                                        good.get(without),
                                                        good.get(without).position(op)))));
                return;
            }
        }
    }

    /** Where a step has nothing to do, there is nothing that could survive. */
    private boolean changesNothing(CrashOp op, String key) {
        if (idle.getOrDefault(op, Map.of()).getOrDefault(key, false)) {
            return true;
        }
        for (int i = 0; op.isAcknowledged() && i < op.steps.size(); i++) {
            if (op.steps.get(i).key().equals(key)) {
                return op.isRefusal(op.replyTo(i)) || op.steps.get(i).changedNothing(op.replyTo(i));
            }
        }
        return false;
    }

    // A later operation does not survive an earlier one.

    /**
     * A moment before which all was sent that survived, and after which all was acknowledged that did not: each key has
     * stretches of time in which that moment may lie, from the sending of the last operation that survived to the
     * acknowledgement of the next. All keys of a scope must have one in common.
     */
    private void checkOrder(List<Track> all, Map<String, Seen> found) {
        if (rules.prefix == Prefix.OFF) {
            return;
        }
        Map<String, List<Track>> scopes = new TreeMap<>();
        for (Track track : all) {
            String scope = scope(track.key);
            if (scope != null && !track.ops.isEmpty()) {
                scopes.computeIfAbsent(scope, s -> new ArrayList<>()).add(track);
            }
        }
        scopes.forEach((scope, tracks) -> checkOrder(scope, tracks, found));
    }

    private String scope(String key) {
        return switch (rules.prefix) {
            case OFF -> null;
            case SLOT -> key.startsWith("{") ? CrashKeys.owner(key) + ", one slot" : null;
            case CLIENT -> CrashKeys.owner(key);
            case ALL -> "all";
        };
    }

    private record Stretch(long fromNs, long untilNs) {}

    private void checkOrder(String scope, List<Track> tracks, Map<String, Seen> found) {
        TreeMap<Long, Integer> opening = new TreeMap<>();
        TreeMap<Long, Integer> closing = new TreeMap<>();
        for (Track track : tracks) {
            for (Stretch stretch : stretches(track)) {
                opening.merge(stretch.fromNs, 1, Integer::sum);
                closing.merge(stretch.untilNs, 1, Integer::sum);
            }
        }
        int open = 0;
        for (Map.Entry<Long, Integer> entry : opening.entrySet()) {
            open += entry.getValue();
            int closed = 0;
            for (int n : closing.headMap(entry.getKey(), false).values()) {
                closed += n;
            }
            closing.headMap(entry.getKey(), false).clear();
            open -= closed;
            if (open == tracks.size()) {
                return;
            }
        }
        violations.add(orderViolation(scope, tracks, found));
    }

    /** Of one key, ascending, those that touch made one. */
    private List<Stretch> stretches(Track track) {
        List<Stretch> merged = new ArrayList<>();
        for (int position : track.fitting) {
            long from = position == 0 ? Long.MIN_VALUE : track.ops.get(position - 1).sentNs;
            long until =
                    position == track.ops.size() ? CrashOp.NEVER : track.ops.get(position).ackedNs;
            if (!merged.isEmpty() && merged.getLast().untilNs >= from) {
                Stretch before = merged.removeLast();
                from = Math.min(from, before.fromNs);
                until = Math.max(until, before.untilNs);
            }
            merged.add(new Stretch(from, until));
        }
        return merged;
    }

    private Violation orderViolation(String scope, List<Track> tracks, Map<String, Seen> found) {
        for (Track lost : tracks) {
            for (Track kept : tracks) {
                if (stretches(lost).getLast().untilNs >= stretches(kept).getFirst().fromNs
                        || lost == kept) {
                    continue;
                }
                CrashOp gone = lost.ops.get(lost.fitting.getLast());
                CrashOp there = kept.ops.get(kept.fitting.getFirst() - 1);
                return new Violation(
                        "later write survived an earlier one",
                        lost.key,
                        ("of %s: %s is lost (%s holds %s), acknowledged %.1f ms before the kill; but %s,"
                                        + " sent %.1f ms before it, survived (%s holds %s)%n%s%s")
                                .formatted(
                                        scope,
                                        gone,
                                        lost.key,
                                        found.get(lost.key),
                                        (killedNs - gone.ackedNs) / 1e6,
                                        there,
                                        (killedNs - there.sentNs) / 1e6,
                                        kept.key,
                                        found.get(kept.key),
                                        history(lost, lost.fitting.getLast()),
                                        history(kept, kept.fitting.getFirst())));
            }
        }
        return new Violation(
                "later write survived an earlier one",
                Collections.min(tracks.stream().map(t -> t.key).toList()),
                "of " + scope + ": no moment of the cut fits all " + tracks.size() + " keys");
    }

    /** What the next cycle begins with: what was found. */
    static Map<String, CrashState> base(Map<String, Seen> found) {
        Map<String, CrashState> base = new HashMap<>();
        found.forEach(
                (key, seen) -> {
                    if (seen.value != null && seen.expiresMs != -2) {
                        base.put(
                                key,
                                seen.expiresMs < 0
                                        ? CrashState.of(seen.value)
                                        : CrashState.of(seen.value, seen.expiresMs));
                    }
                });
        return base;
    }
}
