package ironcache.tools;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Kind;
import ironcache.tools.History.Unit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Money is neither made nor lost: each unit that read all accounts of a bank before it changed one must find the sum
 * that the bank began with. Much coarser than {@link HistoryChecker}, and independent of its reasoning.
 */
final class TransferInvariant {
    private final Map<String, Integer> bankOf = new HashMap<>();
    private final Map<Integer, Integer> accounts = new HashMap<>();
    private final Map<Integer, Long> sums = new HashMap<>();
    private int snapshots;

    /** Sums are modulo 2^64, which wraps but never lies. */
    void bank(int bank, List<String> keys, long sum) {
        keys.forEach(key -> bankOf.put(key, bank));
        accounts.put(bank, keys.size());
        sums.put(bank, sum);
    }

    /** Snapshots of whole banks that the last check found. */
    int snapshots() {
        return snapshots;
    }

    List<HistoryReport.Anomaly> check(History history) {
        HistoryReport report = new HistoryReport(history.units());
        snapshots = 0;
        for (int u = 0; u < history.size(); u++) {
            Unit unit = history.units().get(u);
            if (unit.happened() && unit.ops().size() > 1) {
                check(unit, u, report);
            }
        }
        return report.anomalies();
    }

    private void check(Unit unit, int u, HistoryReport report) {
        Map<Integer, Map<String, Long>> seen = new HashMap<>();
        for (KeyOp op : unit.ops()) {
            Integer bank = bankOf.get(op.key());
            if (bank == null) {
                continue;
            }
            if (op.kind() != Kind.READ) {
                return;
            }
            long balance = op.value() == null ? 0 : Long.parseLong(op.value());
            seen.computeIfAbsent(bank, b -> new HashMap<>()).putIfAbsent(op.key(), balance);
        }
        seen.forEach(
                (bank, balances) -> {
                    if (balances.size() < accounts.get(bank)) {
                        return;
                    }
                    snapshots++;
                    long sum = balances.values().stream().mapToLong(Long::longValue).sum();
                    if (sum != sums.get(bank)) {
                        report.add(
                                "sum of a bank",
                                "a unit saw "
                                        + sum
                                        + " in all accounts, instead of "
                                        + sums.get(bank),
                                u);
                    }
                });
    }
}
