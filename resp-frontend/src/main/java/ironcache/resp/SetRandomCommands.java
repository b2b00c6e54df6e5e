package ironcache.resp;

import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;

import ironcache.datatypes.SetSample;
import ironcache.datatypes.SetWalk;
import ironcache.datatypes.Sets;

/** The set family, part three: members at random. Rows and handlers. */
final class SetRandomCommands {
    private static final ErrorReply NOT_POSITIVE =
            new ErrorReply("ERR value is out of range, must be positive");

    /** Picks that may repeat are sent so many at a time. */
    private static final int PICKS_STEP = 256;

    private SetRandomCommands() {}

    static void register(CommandTable t) {
        t.add("SPOP", SetRandomCommands::spop)
                .arity(-2)
                .flags(WRITE, FAST)
                .tips("nondeterministic_output")
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key"), Arg.integer("count").since("3.2.0").optional())
                .group("set")
                .since("1.0.0")
                .complexity("O(1); with a count O(N) with N members in the set.")
                .history("3.2.0", "Takes a count.")
                .summary("Removes members of a set at random and returns them.");
        t.add("SRANDMEMBER", SetRandomCommands::srandmember)
                .arity(-2)
                .flags(READONLY)
                .tips("nondeterministic_output")
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), Arg.integer("count").since("2.6.0").optional())
                .group("set")
                .since("1.0.0")
                .complexity("O(1); with a count O(N) with N members in the set.")
                .history("2.6.0", "Takes a count.")
                .summary("Picks members of a set at random.");
    }

    /** Begins to pick. The same picks where the command runs again for what is on the SSD, or when some of the reply was sent. */
    private static SetSample sample(CommandContext c, long record) {
        SetSample sample = c.types().setSample;
        sample.begin(c.shard(), record, c.connection().id << 32 ^ c.connection().commands);
        return sample;
    }

    static void spop(CommandContext c) {
        if (c.argc() > 3) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        boolean counted = c.argc() == 3;
        if (counted && !c.parseLongInRange(2, 0, Long.MAX_VALUE, NOT_POSITIVE)) {
            return;
        }
        long wanted = counted ? c.longValue() : 1;
        long record = c.readForWrite(1);
        if (!SetCommands.isSet(c, record)) {
            return;
        }
        if (!counted) {
            popOne(c, record);
        } else if (record == 0 || wanted == 0) {
            c.reply().set(0);
        } else {
            pop(c, record, wanted);
        }
    }

    private static void popOne(CommandContext c, long record) {
        if (record == 0) {
            c.reply().nullBulk();
            return;
        }
        SetSample sample = sample(c, record);
        sample.pick(0);
        SetReplies.element(c, sample.picked());
        Sets set = SetCommands.open(c, 1, record);
        sample.removePicked(set);
        SetCommands.finishRemoval(c, set, "spop");
    }

    private static void pop(CommandContext c, long record, long wanted) {
        SetSample sample = sample(c, record);
        SetWalk walk = c.types().setWalk;
        if (wanted >= sample.count()) {
            walk.open(c.shard(), record);
            walk.load();
            SetReplies.gathered(c, walk, sample.count(), 0, true);
            c.delete(1);
            c.changed(1, "spop");
            c.changed(1, "del");
            return;
        }
        sample.pickDifferent(wanted);
        sample.walk(walk);
        SetReplies.gathered(c, walk, wanted, sample.bytes(), true);
        Sets set = SetCommands.open(c, 1, record);
        sample.removeFrom(set, c.node().config.setLimits);
        SetCommands.finishRemoval(c, set, "spop");
    }

    static void srandmember(CommandContext c) {
        if (c.argc() > 3) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        boolean counted = c.argc() == 3;
        if (counted && !c.parseLong(2)) {
            return;
        }
        long wanted = counted ? c.longValue() : 1;
        if (wanted == Long.MIN_VALUE) {
            c.reply().error(Errors.COUNT_OUT_OF_RANGE);
            return;
        }
        long record = LongReplies.record(c, 1);
        if (record == LongReplies.LOST || !SetCommands.isSet(c, record)) {
            return;
        }
        if (!counted) {
            replyOne(c, record);
        } else if (record == 0 || wanted == 0) {
            c.reply().array(0);
        } else if (wanted < 0) {
            replyAny(c, record, -wanted);
        } else {
            replyDifferent(c, record, wanted);
        }
    }

    private static void replyOne(CommandContext c, long record) {
        if (record == 0) {
            c.reply().nullBulk();
        } else {
            SetSample sample = sample(c, record);
            sample.pick(0);
            SetReplies.element(c, sample.picked());
        }
    }

    /** As many as wanted, the same ones again and again. */
    private static void replyAny(CommandContext c, long record, long wanted) {
        SetSample sample = sample(c, record);
        long done = LongReplies.done(c);
        if (done == 0) {
            c.reply().array(wanted);
        }
        while (done < wanted) {
            long step = Math.min(wanted - done, PICKS_STEP);
            sample.prefetch(done, step);
            for (long end = done + step; done < end; done++) {
                sample.pick(done);
                SetReplies.element(c, sample.picked());
            }
            if (done < wanted) {
                LongReplies.pause(c, 1, done);
                sample = sample(c, c.resume(1));
            }
        }
    }

    private static void replyDifferent(CommandContext c, long record, long wanted) {
        SetSample sample = sample(c, record);
        if (LongReplies.isStreaming(c) || wanted >= sample.count()) {
            SetReplies.all(c, record, false);
            return;
        }
        SetWalk walk = c.types().setWalk;
        sample.pickDifferent(wanted);
        sample.walk(walk);
        SetReplies.gathered(c, walk, wanted, sample.bytes(), false);
    }
}
