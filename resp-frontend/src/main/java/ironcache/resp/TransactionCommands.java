package ironcache.resp;

import static ironcache.resp.CommandFlag.ALLOW_BUSY;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.NO_MULTI;
import static ironcache.resp.CommandFlag.SKIP_SLOWLOG;
import static ironcache.resp.CommandFlag.STALE;

/** The transactions family: rows; {@link Transactions} does the work. */
final class TransactionCommands {
    private TransactionCommands() {}

    static void register(CommandTable t) {
        t.add("MULTI", c -> c.transactions().multi(c.connection()))
                .arity(1)
                .flags(NOSCRIPT, LOADING, STALE, FAST, NO_MULTI, ALLOW_BUSY)
                .group("transactions")
                .since("1.2.0")
                .complexity("O(1)")
                .summary("Begins a transaction.");
        t.add("EXEC", c -> c.transactions().exec(c))
                .arity(1)
                .flags(NOSCRIPT, LOADING, STALE, SKIP_SLOWLOG)
                .group("transactions")
                .since("1.2.0")
                .complexity("That of the transaction's commands together.")
                .summary("Runs the transaction's commands, with nothing in between.")
                .neverQueued();
        t.add("DISCARD", c -> c.transactions().discard(c.connection()))
                .arity(1)
                .flags(NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY)
                .group("transactions")
                .since("2.0.0")
                .complexity("O(N) where N is the number of queued commands")
                .summary("Forgets the transaction's commands.")
                .neverQueued();
        t.add("WATCH", c -> c.transactions().watch(c))
                .arity(-2)
                .flags(NOSCRIPT, LOADING, STALE, FAST, NO_MULTI, ALLOW_BUSY)
                .keys(1, -1, 1, KeyFlag.RO)
                .args(Arg.key("key").multiple())
                .group("transactions")
                .since("2.2.0")
                .complexity("O(1) for every key")
                .summary(
                        "Makes the next transaction depend on keys that nobody changes meanwhile.");
        t.add(
                        "UNWATCH",
                        c -> {
                            Watches.removeAll(c.connection());
                            c.reply().ok();
                        })
                .arity(1)
                .flags(NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY)
                .group("transactions")
                .since("2.2.0")
                .complexity("O(1)")
                .summary("Forgets the watched keys.");
    }
}
