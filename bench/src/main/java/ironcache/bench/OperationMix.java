package ironcache.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What comes next: {@code get} alone, or weights such as {@code get:95,set:5}. In the place of an operation there may be a
 * sequence that one connection sends in order, {@code multi+set+set+exec}. No allocation per draw.
 */
final class OperationMix {
    private static final int SLOTS = 4096;

    private final Operation[][] slots;
    private final List<Operation> operations;

    OperationMix(String spec) {
        String[] parts = spec.toUpperCase(Locale.ROOT).split(",");
        double[] weights = new double[parts.length];
        Operation[][] sequences = new Operation[parts.length][];
        double total = 0;
        for (int i = 0; i < parts.length; i++) {
            String[] pair = parts[i].trim().split(":", 2);
            try {
                sequences[i] =
                        Arrays.stream(pair[0].split("\\+", -1))
                                .map(Operation::valueOf)
                                .toArray(Operation[]::new);
                weights[i] = pair.length == 2 ? Double.parseDouble(pair[1]) : 1;
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "--op "
                                + spec
                                + ": comma-separated NAME, NAME:WEIGHT or NAME+NAME+...:WEIGHT of "
                                + List.of(Operation.values()));
            }
            total += weights[i];
        }
        slots = new Operation[parts.length == 1 ? 1 : SLOTS][];
        double upTo = 0;
        int slot = 0;
        for (int i = 0; i < parts.length; i++) {
            upTo += weights[i] / total * slots.length;
            for (; slot < Math.round(upTo) && slot < slots.length; slot++) {
                slots[slot] = sequences[i];
            }
        }
        if (slot != slots.length) {
            throw new IllegalArgumentException("--op " + spec + ": weights must be positive");
        }
        operations = Arrays.stream(sequences).flatMap(Arrays::stream).distinct().toList();
    }

    /** One operation or a sequence; not the caller's to change. */
    Operation[] next(Mix64 random) {
        return slots.length == 1 ? slots[0] : slots[(int) (random.nextLong() & (SLOTS - 1))];
    }

    /** Each once. */
    List<Operation> operations() {
        return operations;
    }
}
