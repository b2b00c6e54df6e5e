package ironcache.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The keys of one history. Most picks fall on a few, so that clients meet; the others on many, so that some have gone
 * cold. Lists grow, so the few that most appends go to are always new ones. Names have no hash tags: they spread over
 * all slots. Shared by the clients.
 *
 * @param prefix of all names, never used before on the server
 * @param appendsPerList after about so many a list is left alone
 */
record HistoryKeys(
        String prefix,
        int registers,
        int banks,
        int accounts,
        int listsAtATime,
        int appendsPerList,
        AtomicLong appends) {
    private static final int HOT_REGISTERS = 12;
    private static final int HOT_BANKS = 2;
    private static final int DELETED_TOGETHER = 100;

    /** For a run of seconds on real connections. */
    static HistoryKeys large(String prefix) {
        return new HistoryKeys(prefix, 3_000, 40, 8, 10, 40, new AtomicLong());
    }

    /** For histories of some hundred units. */
    static HistoryKeys small(String prefix) {
        return new HistoryKeys(prefix, 6, 1, 4, 4, 12, new AtomicLong());
    }

    String list(SplittableRandom random) {
        long first = appends.get() / appendsPerList;
        // One in five looks at what was written earlier, and writes to it.
        long which =
                random.nextInt(5) == 0
                        ? random.nextLong(first + listsAtATime)
                        : first + random.nextInt(listsAtATime);
        return prefix + "l" + which;
    }

    String register(SplittableRandom random) {
        boolean hot = random.nextInt(10) < 7;
        return prefix + "r" + random.nextInt(hot ? Math.min(HOT_REGISTERS, registers) : registers);
    }

    int bank(SplittableRandom random) {
        boolean hot = random.nextInt(10) < 7;
        return random.nextInt(hot ? Math.min(HOT_BANKS, banks) : banks);
    }

    String account(int bank, int number) {
        return prefix + "b" + bank + ":" + number;
    }

    List<String> accountsOf(int bank) {
        List<String> keys = new ArrayList<>(accounts);
        for (int i = 0; i < accounts; i++) {
            keys.add(account(bank, i));
        }
        return keys;
    }

    /** Commands that remove all keys. */
    List<byte[][]> removal() {
        List<String> names = new ArrayList<>();
        for (long i = appends.get() / appendsPerList + listsAtATime; i >= 0; i--) {
            names.add(prefix + "l" + i);
        }
        for (int i = 0; i < registers; i++) {
            names.add(prefix + "r" + i);
        }
        for (int i = 0; i < banks; i++) {
            names.addAll(accountsOf(i));
        }
        List<byte[][]> commands = new ArrayList<>();
        for (int from = 0; from < names.size(); from += DELETED_TOGETHER) {
            List<String> command = new ArrayList<>(List.of("UNLINK"));
            command.addAll(names.subList(from, Math.min(names.size(), from + DELETED_TOGETHER)));
            commands.add(RespClient.bytes(command.toArray(String[]::new)));
        }
        return commands;
    }
}
