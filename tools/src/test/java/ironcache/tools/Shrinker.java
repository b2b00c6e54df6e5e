package ironcache.tools;

import ironcache.tools.Op.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes a failing list of commands small: delta debugging over the list, then over arguments and connections. What it
 * returns fails still, and is the smallest that it found within its time.
 */
final class Shrinker {
    /** Plays a list and says whether it fails. */
    interface Trial {
        boolean fails(List<Op> ops) throws Exception;
    }

    private final Trial trial;
    private final long deadlineNs;
    private int trials;

    Shrinker(Trial trial, long limitMs) {
        this.trial = trial;
        this.deadlineNs = System.nanoTime() + limitMs * 1_000_000;
    }

    int trials() {
        return trials;
    }

    List<Op> shrink(List<Op> failing) throws Exception {
        List<Op> best = fewer(failing);
        best = simpler(best);
        return fewer(best);
    }

    private boolean fails(List<Op> ops) throws Exception {
        trials++;
        return trial.fails(ops);
    }

    private boolean timeLeft() {
        return System.nanoTime() < deadlineNs;
    }

    /** Removes chunks, from halves down to single commands, as long as it goes on failing. */
    private List<Op> fewer(List<Op> failing) throws Exception {
        List<Op> best = failing;
        int chunk = Math.max(1, best.size() / 2);
        while (timeLeft()) {
            boolean removed = false;
            for (int at = best.size() - chunk; at > -chunk && timeLeft(); at -= chunk) {
                int from = Math.max(0, at);
                List<Op> without = new ArrayList<>(best.subList(0, from));
                without.addAll(best.subList(Math.min(best.size(), at + chunk), best.size()));
                if (!without.isEmpty() && without.size() < best.size() && fails(without)) {
                    best = without;
                    removed = true;
                }
            }
            if (chunk == 1 && !removed) {
                break;
            }
            chunk = Math.max(1, Math.min(chunk / 2, best.size() / 2));
        }
        return best;
    }

    private List<Op> simpler(List<Op> failing) throws Exception {
        List<Op> best = new ArrayList<>(failing);
        for (int i = 0; i < best.size() && best.size() <= 50; i++) {
            boolean better = true;
            while (better && timeLeft()) {
                better = false;
                for (Op candidate : candidates(best.get(i))) {
                    List<Op> changed = new ArrayList<>(best);
                    changed.set(i, candidate);
                    if (fails(changed)) {
                        best = changed;
                        better = true;
                        break;
                    }
                }
            }
        }
        return best;
    }

    /** The same command with the first connection, without its last argument, or with one long argument halved. */
    private static List<Op> candidates(Op op) {
        List<Op> out = new ArrayList<>();
        if (op.connection() != 0) {
            out.add(new Op(0, op.kind(), op.args()));
        }
        if (op.kind() != Kind.PLAIN) {
            return out;
        }
        if (op.args().length > 2) {
            out.add(
                    new Op(
                            op.connection(),
                            op.kind(),
                            Arrays.copyOf(op.args(), op.args().length - 1)));
        }
        for (int i = 1; i < op.args().length; i++) {
            if (op.args()[i].length > 8) {
                byte[][] args = op.args().clone();
                args[i] = Arrays.copyOf(args[i], args[i].length / 2);
                out.add(new Op(op.connection(), op.kind(), args));
            }
        }
        return out;
    }
}
