package ironcache.tools;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Outcome;
import ironcache.tools.HistoryRequest.Answer;
import ironcache.tools.HistoryRequest.Command;
import ironcache.tools.HistoryRequest.End;
import ironcache.tools.HistoryRequest.Verb;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * A client of the workloads without its connection: says what to send next, takes the replies, and writes the history
 * down. So it runs against sockets as against a simulation, and with the same replies it asks the same. Owned by its
 * client's thread.
 *
 * <p>Values are never used twice: tokens and registers have client and number in them, and transfers move amounts of
 * up to 2^52, of which no two sums are alike (if ever two are, the checker leaves that value out).
 */
final class HistoryClient {
    private static final int ATTEMPTS = 4;

    /** What a step does, by its weight. */
    enum Work {
        APPENDS(35),
        REGISTERS(25),
        MIXED(5),
        WATCHED_TRANSFER(15),
        TRANSFER(10),
        SNAPSHOT(10);

        final int weight;

        Work(int weight) {
            this.weight = weight;
        }
    }

    /** Between WATCH with its reads, and MULTI. */
    private record Watched(List<String> accounts, long amount, int attempt) {}

    private final int number;
    private final SplittableRandom random;
    private final HistoryKeys keys;
    private final Set<Work> works;
    private final int pipeline;
    private final History history;
    private final Map<Work, Integer> done = new EnumMap<>(Work.class);
    private final Set<String> unexpected = new HashSet<>();

    private List<HistoryRequest> sent = new ArrayList<>();
    private Watched watched;
    private Watched retry;
    private HistoryRequest next;
    private long connection;
    private long written;

    /** @param pipeline up to so many units are sent without waiting */
    HistoryClient(
            int number,
            long seed,
            HistoryKeys keys,
            Set<Work> works,
            int pipeline,
            History history) {
        this.number = number;
        this.keys = keys;
        this.works = works;
        this.pipeline = pipeline;
        this.history = history;
        random = new SplittableRandom(seed * 1_000_003 + number);
        connection = (long) number << 32;
    }

    /** Replies that no server should give, each once. */
    Set<String> unexpected() {
        return unexpected;
    }

    Map<Work, Integer> done() {
        return done;
    }

    /** Nothing that the client has begun waits for its next step. */
    boolean atRest() {
        return next == null && retry == null;
    }

    /** The commands of the next send. */
    List<byte[][]> next() {
        sent = new ArrayList<>();
        if (next != null) {
            sent.add(next);
            next = null;
        } else if (retry != null) {
            watch(retry);
            retry = null;
        } else {
            int count = pipeline > 1 ? 1 + random.nextInt(pipeline) : 1;
            Work first = choose();
            if (first == Work.WATCHED_TRANSFER) {
                watch(new Watched(twoAccounts(keys.bank(random)), amount(), 1));
            } else {
                sent.add(request(first));
                while (sent.size() < count) {
                    Work another = choose();
                    if (another != Work.WATCHED_TRANSFER) {
                        sent.add(request(another));
                    }
                }
            }
        }
        List<byte[][]> commands = new ArrayList<>();
        sent.forEach(request -> request.encode(commands));
        return commands;
    }

    /** Commands that fill the banks, and the sums they then have; by one client, before all others. */
    List<byte[][]> fillBanks(TransferInvariant invariant) {
        sent = new ArrayList<>();
        for (int bank = 0; bank < keys.banks(); bank++) {
            List<String> accounts = keys.accountsOf(bank);
            List<String> balances = new ArrayList<>();
            long sum = 0;
            for (int i = 0; i < accounts.size(); i++) {
                long balance = amount();
                sum += balance;
                balances.add(Long.toString(balance));
            }
            invariant.bank(bank, accounts, sum);
            sent.add(HistoryRequest.single(new Command(Verb.WRITES, accounts, balances)));
        }
        List<byte[][]> commands = new ArrayList<>();
        sent.forEach(request -> request.encode(commands));
        return commands;
    }

    /**
     * The replies to the last send, in order; fewer than commands where the connection was lost, which is replaced.
     *
     * @param returned when each reply was there
     */
    void answered(long invoked, List<Reply> replies, List<Long> returned) {
        int at = 0;
        boolean lost = false;
        List<KeyOp> reads = new ArrayList<>();
        for (HistoryRequest request : sent) {
            int end = Math.min(replies.size(), at + request.size());
            Answer answer = request.understand(replies.subList(Math.min(at, end), end));
            lost |= end - at < request.size();
            if (answer.unexpected() != null) {
                unexpected.add(answer.unexpected());
            }
            reads.addAll(answer.ops());
            if (!answer.ops().isEmpty()) {
                boolean open = answer.outcome() == Outcome.UNKNOWN;
                long returnedNs = open || end == 0 ? History.NEVER : returned.get(end - 1);
                history.add(
                        new History.Unit(
                                number,
                                connection,
                                invoked,
                                returnedNs,
                                answer.outcome(),
                                request.how(),
                                answer.ops()));
            }
            if (watched != null && request.end() != End.NONE) {
                afterExec(answer.outcome());
            }
            at = end;
        }
        if (lost) {
            connection++;
            watched = null;
            next = null;
        } else if (watched != null && next == null) {
            transfer(reads);
        }
    }

    // Watched transfers.

    private void watch(Watched transfer) {
        watched = transfer;
        sent.add(HistoryRequest.single(Command.of(Verb.WATCH, transfer.accounts)));
        for (String account : transfer.accounts) {
            sent.add(HistoryRequest.single(Command.of(Verb.READS, List.of(account))));
        }
    }

    private void transfer(List<KeyOp> reads) {
        if (reads.size() != watched.accounts.size()
                || reads.stream().anyMatch(r -> r.value() == null)) {
            unexpected.add("accounts were not there: " + reads);
            watched = null;
            next = HistoryRequest.single(Command.of(Verb.UNWATCH, List.of()));
            return;
        }
        List<Command> commands = new ArrayList<>();
        commands.add(move(watched.accounts.get(0), reads.get(0), -watched.amount));
        commands.add(move(watched.accounts.get(1), reads.get(1), watched.amount));
        next = new HistoryRequest(End.EXEC, commands, List.copyOf(reads));
    }

    private Command move(String account, KeyOp balance, long by) {
        if (random.nextBoolean()) {
            return Command.of(
                    Verb.WRITES, account, Long.toString(Long.parseLong(balance.value()) + by));
        }
        return Command.of(by < 0 ? Verb.DECRBY : Verb.INCRBY, account, Long.toString(Math.abs(by)));
    }

    /** A broken watch: again from the start, but not for ever. */
    private void afterExec(Outcome outcome) {
        Watched before = watched;
        watched = null;
        if (outcome == Outcome.ABORTED && before.attempt < ATTEMPTS) {
            retry = new Watched(before.accounts, amount(), before.attempt + 1);
        }
    }

    // The other requests.

    private Work choose() {
        int total = works.stream().mapToInt(w -> w.weight).sum();
        int at = random.nextInt(total);
        for (Work work : works) {
            at -= work.weight;
            if (at < 0) {
                done.merge(work, 1, Integer::sum);
                return work;
            }
        }
        throw new IllegalStateException("no work");
    }

    private HistoryRequest request(Work work) {
        return switch (work) {
            case APPENDS -> appends();
            case REGISTERS -> registers();
            case MIXED -> {
                List<Command> commands = new ArrayList<>();
                commands.add(append());
                commands.add(write(2 + random.nextInt(2)));
                commands.add(Command.of(Verb.LISTS, lists(1 + random.nextInt(2))));
                commands.add(Command.of(Verb.READS, registerKeys(1 + random.nextInt(3))));
                yield HistoryRequest.block(commands);
            }
            case TRANSFER -> {
                List<String> accounts = twoAccounts(keys.bank(random));
                String amount = Long.toString(amount());
                yield HistoryRequest.block(
                        List.of(
                                Command.of(Verb.DECRBY, accounts.get(0), amount),
                                Command.of(Verb.INCRBY, accounts.get(1), amount)));
            }
            case SNAPSHOT -> snapshot();
            case WATCHED_TRANSFER -> throw new IllegalStateException("takes two sends");
        };
    }

    private HistoryRequest appends() {
        int dice = random.nextInt(100);
        if (dice < 15) {
            return HistoryRequest.single(append());
        }
        if (dice < 40) {
            return HistoryRequest.single(Command.of(Verb.LISTS, lists(1 + random.nextInt(3))));
        }
        List<Command> commands = new ArrayList<>();
        for (int i = 2 + random.nextInt(3); i > 0; i--) {
            commands.add(random.nextInt(3) == 0 ? Command.of(Verb.LISTS, lists(1)) : append());
        }
        End end = dice < 94 ? End.EXEC : dice < 97 ? End.DISCARD : End.REFUSED_EXEC;
        return new HistoryRequest(end, commands, List.of());
    }

    private HistoryRequest registers() {
        int dice = random.nextInt(100);
        if (dice < 25) {
            return HistoryRequest.single(write(2 + random.nextInt(3)));
        }
        if (dice < 50) {
            return HistoryRequest.single(
                    Command.of(Verb.READS, registerKeys(2 + random.nextInt(4))));
        }
        if (dice < 65) {
            return HistoryRequest.single(write(1));
        }
        if (dice < 80) {
            return HistoryRequest.single(Command.of(Verb.READS, registerKeys(1)));
        }
        if (dice < 88) {
            Verb verb = random.nextBoolean() ? Verb.GETSET : Verb.SET_GET;
            return HistoryRequest.single(Command.of(verb, keys.register(random), value()));
        }
        Command write = write(2 + random.nextInt(2));
        return HistoryRequest.block(List.of(Command.of(Verb.READS, write.keys()), write));
    }

    private HistoryRequest snapshot() {
        List<String> accounts = keys.accountsOf(keys.bank(random));
        if (random.nextBoolean()) {
            return HistoryRequest.single(Command.of(Verb.READS, accounts));
        }
        int half = accounts.size() / 2;
        return HistoryRequest.block(
                List.of(
                        Command.of(Verb.READS, accounts.subList(half, accounts.size())),
                        Command.of(Verb.READS, accounts.subList(0, half))));
    }

    private Command append() {
        keys.appends().incrementAndGet();
        String token = Long.toString(++written, 36);
        return Command.of(
                Verb.APPEND,
                keys.list(random),
                (char) ('A' + number)
                        + "0".repeat(History.TOKEN_CHARS - 2 - token.length())
                        + token
                        + ".");
    }

    private Command write(int count) {
        List<String> names = registerKeys(count);
        return new Command(Verb.WRITES, names, names.stream().map(name -> value()).toList());
    }

    private String value() {
        return number + ":" + ++written;
    }

    private long amount() {
        return random.nextLong(1, 1L << 52);
    }

    private List<String> lists(int count) {
        return distinct(count, () -> keys.list(random));
    }

    private List<String> registerKeys(int count) {
        return distinct(count, () -> keys.register(random));
    }

    private List<String> twoAccounts(int bank) {
        return distinct(2, () -> keys.account(bank, random.nextInt(keys.accounts())));
    }

    private static List<String> distinct(int count, Supplier<String> keys) {
        List<String> chosen = new ArrayList<>(count);
        while (chosen.size() < count) {
            String key = keys.get();
            if (!chosen.contains(key)) {
                chosen.add(key);
            }
        }
        return chosen;
    }
}
