package ironcache.resp;

import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.RO;

import ironcache.datatypes.Element;
import ironcache.datatypes.Hashes;
import ironcache.engine.PageView;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;

/** The hash family, part two: all fields, some of them in turn, some at random. Rows and handlers. */
final class HashWalkCommands {
    /** Parts that are asked for at once, and written before the client has to take some. */
    private static final int AHEAD = 64;

    /** Up to so many picks are made one by one, where there are {@link #PICKS_SHARE} times as many fields. */
    private static final int PICKS_MAX = 256;

    private static final int PICKS_SHARE = 3;

    private HashWalkCommands() {}

    static void register(CommandTable t) {
        t.add("HGETALL", HashWalkCommands::hgetall)
                .arity(2)
                .flags(READONLY)
                .tips("nondeterministic_output_order")
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(N) with N fields in the hash.")
                .summary("Reads all fields of a hash.");
        t.add("HKEYS", HashWalkCommands::hkeys)
                .arity(2)
                .flags(READONLY)
                .tips("nondeterministic_output_order")
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(N) with N fields in the hash.")
                .summary("Lists the names of all fields of a hash.");
        t.add("HVALS", HashWalkCommands::hvals)
                .arity(2)
                .flags(READONLY)
                .tips("nondeterministic_output_order")
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(N) with N fields in the hash.")
                .summary("Lists the values of all fields of a hash.");
        t.add("HSCAN", HashWalkCommands::hscan)
                .arity(-3)
                .flags(READONLY)
                .tips("nondeterministic_output")
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.integer("cursor"),
                        Arg.pattern("pattern").token("MATCH").optional(),
                        Arg.integer("count").token("COUNT").optional(),
                        Arg.token("novalues", "NOVALUES").optional())
                .group("hash")
                .since("2.8.0")
                .complexity("O(1) for a call, O(N) for a whole walk over N fields.")
                .summary("Walks the fields of a hash a few at a time.");
        t.add("HRANDFIELD", HashWalkCommands::hrandfield)
                .arity(-2)
                .flags(READONLY)
                .tips("nondeterministic_output")
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.block(
                                        "options",
                                        Arg.integer("count"),
                                        Arg.token("withvalues", "WITHVALUES").optional())
                                .optional())
                .group("hash")
                .since("6.2.0")
                .complexity("O(N) with N fields returned.")
                .summary("Picks fields of a hash at random.");
    }

    // All fields.

    static void hgetall(CommandContext c) {
        walk(c, true, true);
    }

    static void hkeys(CommandContext c) {
        walk(c, true, false);
    }

    static void hvals(CommandContext c) {
        walk(c, false, true);
    }

    private static void walk(CommandContext c, boolean fields, boolean values) {
        long record = LongReplies.record(c, 1);
        if (record == LongReplies.LOST || !HashCommands.isHash(c, record)) {
            return;
        }
        Hashes hash = HashCommands.open(c, record);
        long count = hash.count();
        if (hash.isTimed()) {
            PageView view = hash.parts() > AHEAD ? LongReplies.keep(c, 1) : null;
            if (view == null) {
                walkTimed(c, hash, fields, values);
                return;
            }
            if (view.count < 0) {
                countLive(c, hash, view);
            }
            count = view.count;
        }
        long done = LongReplies.done(c);
        if (done == 0) {
            header(c, count, fields && values);
        }
        long parts = hash.parts();
        for (long part = done; part < parts; part++) {
            if (part > done && part % AHEAD == 0) {
                LongReplies.pause(c, 1, part, Hashes.pages(part), 0);
                HashCommands.open(c, c.resume(1));
            }
            goTo(hash, part, parts, part == done);
            for (long at = hash.from(); at < hash.end(); ) {
                long behind = Element.next(at);
                long value = hash.live(behind);
                if (value != 0) {
                    reply(c, hash, at, value, fields, values);
                }
                at = Element.next(behind);
            }
        }
    }

    /** How many fields of a long hash there are at the time of the view, {@code view.count} from then on. May miss, and goes on then. */
    private static void countLive(CommandContext c, Hashes hash, PageView view) {
        long done = LongReplies.done(c);
        long parts = hash.parts();
        long count = view.first;
        for (long part = done; part < parts; part++) {
            if (part > done && part % AHEAD == 0) {
                view.first = count;
                LongReplies.looked(c, part);
                HashCommands.open(c, c.resume(1));
            }
            goTo(hash, part, parts, part == done);
            for (long at = hash.from(); at < hash.end(); ) {
                long behind = Element.next(at);
                count += hash.live(behind) == 0 ? 0 : 1;
                at = Element.next(behind);
            }
        }
        view.count = count;
        LongReplies.looked(c, 0);
        HashCommands.open(c, c.resume(1));
    }

    /** Parts are asked for some at a time, so that those on the SSD are read together. May miss. */
    private static void goTo(Hashes hash, long part, long parts, boolean first) {
        if (first || part % AHEAD == 0) {
            for (long next = part; next < Math.min(parts, part + AHEAD); next++) {
                hash.prefetchPart(next);
            }
        }
        hash.goTo(part);
    }

    private static void header(CommandContext c, long count, boolean pairs) {
        if (pairs) {
            c.reply().map(count);
        } else {
            c.reply().array(count);
        }
    }

    private static void reply(
            CommandContext c, Hashes hash, long field, long value, boolean fields, boolean values) {
        if (fields) {
            ElementReplies.bulk(c, field, c.shard(1), hash.object());
        }
        if (values) {
            ElementReplies.bulk(c, value, c.shard(1), hash.object());
        }
    }

    /** How many fields of a hash that is not long there are shows when all have been looked at: the reply leaves when it is whole. */
    private static void walkTimed(CommandContext c, Hashes hash, boolean fields, boolean values) {
        long deferred = c.reply().beginDeferred();
        long count = 0;
        long parts = hash.parts();
        for (long part = 0; part < parts; part++) {
            goTo(hash, part, parts, part == 0);
            for (long at = hash.from(); at < hash.end(); ) {
                long behind = Element.next(at);
                long value = hash.live(behind);
                if (value != 0) {
                    reply(c, hash, at, value, fields, values);
                    count++;
                }
                at = Element.next(behind);
            }
        }
        if (fields && values) {
            c.reply().endDeferredMap(deferred, count);
        } else {
            c.reply().endDeferredArray(deferred, count);
        }
    }

    // A few at a time.

    static void hscan(CommandContext c) {
        ElementScan scan = c.types().scan;
        long record = scan.begin(c, Record.TYPE_HASH, "NOVALUES");
        if (record == 0) {
            return;
        }
        Hashes hash = HashCommands.open(c, record);
        long cursor = scan.cursor;
        // All that is replied is read first: addresses stay valid as nothing is written.
        long seen = 0;
        c.reply().array(2);
        long next = cursor;
        do {
            hash.goTo(hash.partAt(next));
            seen += Element.count(hash.from(), hash.end()) / 2;
            next = hash.nextCursor(next);
        } while (next != 0 && seen < scan.count);
        ScanCommands.replyCursor(c.reply(), next);
        long deferred = c.reply().beginDeferred();
        long count = 0;
        long end = next;
        next = cursor;
        do {
            hash.goTo(hash.partAt(next));
            for (long at = hash.from(); at < hash.end(); ) {
                long behind = Element.next(at);
                long value = hash.live(behind);
                if (value != 0 && scan.matches(c, at, c.shard(1), hash.object())) {
                    reply(c, hash, at, value, true, !scan.bare);
                    count += scan.bare ? 1 : 2;
                }
                at = Element.next(behind);
            }
            next = hash.nextCursor(next);
        } while (next != end);
        c.reply().endDeferredArray(deferred, count);
    }

    // At random.

    static void hrandfield(CommandContext c) {
        boolean counted = c.argc() > 2;
        if (counted && !c.parseLong(2)) {
            return;
        }
        long wanted = counted ? c.longValue() : 1;
        if (wanted == Long.MIN_VALUE) {
            c.reply().error(Errors.COUNT_OUT_OF_RANGE);
            return;
        }
        boolean values = c.argc() == 4 && c.argIs(3, "WITHVALUES");
        if (c.argc() > 4 || c.argc() == 4 && !values) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        if (values && (wanted < -Long.MAX_VALUE / 2 || wanted > Long.MAX_VALUE / 2)) {
            c.reply().error(Errors.OUT_OF_RANGE);
            return;
        }
        long record = LongReplies.record(c, 1);
        if (record == LongReplies.LOST || !HashCommands.isHash(c, record)) {
            return;
        }
        if (record == 0 || wanted == 0) {
            if (counted) {
                c.reply().array(0);
            } else {
                c.reply().nullBulk();
            }
            return;
        }
        Hashes hash = HashCommands.open(c, record);
        if (wanted > 0) {
            pickDistinct(c, hash, wanted, counted, values);
        } else {
            pickAny(c, hash, -wanted, values);
        }
    }

    /** The same picks where the command runs again for what is on the SSD, or when some of the reply was sent. */
    private static Prng random(CommandContext c, long step) {
        return new Prng(
                (c.connection().id << 32 ^ c.connection().commands) + step * 0x9E3779B97F4A7C15L);
    }

    /** Different fields: as many as wanted, or all. */
    private static void pickDistinct(
            CommandContext c, Hashes hash, long wanted, boolean counted, boolean values) {
        PageView view = c.connection().view;
        if (view != null) {
            pickMany(c, hash, view.first, view.count, values);
            return;
        }
        long live = hash.isTimed() ? countLive(hash) : hash.count();
        long count = Math.min(wanted, live);
        if (!counted) {
            if (live == 0) {
                c.reply().nullBulk();
            } else {
                ElementReplies.bulk(c, pickLive(hash, random(c, 0)), c.shard(1), hash.object());
            }
            return;
        }
        pickedHeader(c, count, values);
        if (count * PICKS_SHARE < live && count <= PICKS_MAX) {
            pickFew(c, hash, (int) count, values);
        } else {
            pickMany(c, hash, count, live, values);
        }
    }

    private static long countLive(Hashes hash) {
        long count = 0;
        for (long part = 0; part < hash.parts(); part++) {
            hash.goTo(part);
            for (long at = hash.from(); at < hash.end(); ) {
                long behind = Element.next(at);
                count += hash.live(behind) == 0 ? 0 : 1;
                at = Element.next(behind);
            }
        }
        return count;
    }

    private static long pickLive(Hashes hash, Prng random) {
        while (true) {
            long at = hash.pick(random);
            if (hash.live(Element.next(at)) != 0) {
                return at;
            }
        }
    }

    /** Picks until enough of them differ. What is picked stays where it is, as nothing is written. */
    private static void pickFew(CommandContext c, Hashes hash, int count, boolean values) {
        Prng random = random(c, 0);
        long[] picked = new long[count];
        for (int i = 0; i < count; ) {
            long at = pickLive(hash, random);
            boolean known = false;
            for (int j = 0; j < i && !known; j++) {
                known = picked[j] == at;
            }
            if (!known) {
                picked[i++] = at;
                replyPicked(c, hash, at, values);
            }
        }
    }

    /**
     * Goes through all, and takes each with the chance that leaves as many as are still wanted. Leaves as the client takes it.
     *
     * @param count fields that are still wanted
     * @param live fields that are still to be looked at
     */
    private static void pickMany(
            CommandContext c, Hashes hash, long count, long live, boolean values) {
        long done = LongReplies.done(c);
        Prng random = random(c, done);
        long wanted = count;
        long left = live;
        long parts = hash.parts();
        for (long part = done; part < parts && wanted > 0; part++) {
            PageView view = part > done && part % AHEAD == 0 ? LongReplies.keep(c, 1) : null;
            if (view != null) {
                view.first = wanted;
                view.count = left;
                LongReplies.pause(c, 1, part, Hashes.pages(part), 0);
                HashCommands.open(c, c.resume(1));
            }
            goTo(hash, part, parts, part == done);
            for (long at = hash.from(); at < hash.end() && wanted > 0; ) {
                long behind = Element.next(at);
                if (hash.live(behind) != 0 && Math.floorMod(random.nextLong(), left--) < wanted) {
                    wanted--;
                    replyPicked(c, hash, at, values);
                }
                at = Element.next(behind);
            }
        }
    }

    /** As many as wanted, the same ones again and again. */
    private static void pickAny(CommandContext c, Hashes hash, long wanted, boolean values) {
        long done = LongReplies.done(c);
        if (done == 0 && hash.isTimed() && countLive(hash) == 0) {
            c.reply().array(0);
            return;
        }
        if (done == 0) {
            pickedHeader(c, wanted, values);
        }
        while (done < wanted) {
            Prng random = random(c, done);
            for (long end = Math.min(wanted, done + PICKS_MAX); done < end; done++) {
                replyPicked(c, hash, pickLive(hash, random), values);
            }
            if (done < wanted) {
                LongReplies.pause(c, 1, done);
                HashCommands.open(c, c.resume(1));
            }
        }
    }

    private static void pickedHeader(CommandContext c, long count, boolean values) {
        c.reply().array(values && !c.isResp3() ? 2 * count : count);
    }

    /** Pairs are arrays of their own in RESP3. */
    private static void replyPicked(CommandContext c, Hashes hash, long field, boolean values) {
        if (values && c.isResp3()) {
            c.reply().array(2);
        }
        reply(c, hash, field, values ? hash.live(Element.next(field)) : 0, true, values);
    }
}
