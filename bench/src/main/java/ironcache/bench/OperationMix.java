package ironcache.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Which operation comes next: {@code get} alone, or weights such as {@code get:95,set:5}. No allocation per draw. */
final class OperationMix {
    private static final int SLOTS = 4096;

    private final Operation[] slots;
    private final List<Operation> operations = new ArrayList<>();

    OperationMix(String spec) {
        String[] parts = spec.toUpperCase(Locale.ROOT).split(",");
        double[] weights = new double[parts.length];
        double total = 0;
        for (int i = 0; i < parts.length; i++) {
            String[] pair = parts[i].trim().split(":", 2);
            try {
                operations.add(Operation.valueOf(pair[0]));
                weights[i] = pair.length == 2 ? Double.parseDouble(pair[1]) : 1;
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "--op "
                                + spec
                                + ": comma-separated NAME or NAME:WEIGHT of "
                                + List.of(Operation.values()));
            }
            total += weights[i];
        }
        slots = new Operation[parts.length == 1 ? 1 : SLOTS];
        double upTo = 0;
        int slot = 0;
        for (int i = 0; i < parts.length; i++) {
            upTo += weights[i] / total * slots.length;
            for (; slot < Math.round(upTo) && slot < slots.length; slot++) {
                slots[slot] = operations.get(i);
            }
        }
        if (slot != slots.length) {
            throw new IllegalArgumentException("--op " + spec + ": weights must be positive");
        }
    }

    Operation next(Mix64 random) {
        return slots.length == 1 ? slots[0] : slots[(int) (random.nextLong() & (SLOTS - 1))];
    }

    List<Operation> operations() {
        return operations;
    }
}
