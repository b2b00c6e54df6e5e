package ironcache.tools;

import ironcache.tools.Op.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Two servers that receive the same commands on the same kind of connections, in pipelined batches, and must reply the
 * same. The left one is the oracle. Connections 0 and 1 begin in RESP2, 2 and 3 in RESP3. Owned by one thread.
 */
final class LockStep implements AutoCloseable {
    private static final int BATCH_COMMANDS = 100;
    private static final int BATCH_BYTES = 1 << 20;
    private static final long SETTLE_LIMIT_NS = 5_000_000_000L;

    /** What is asked of each key at the end, whatever it holds. */
    private static final String[] COLLECTION_QUESTIONS = {
        "SCARD", "SMEMBERS", "HLEN", "HGETALL", "LLEN", "LRANGE 0 -1"
    };

    /** Settings that the stream changes; put back before each play, so that a play depends on its commands only. */
    private static final String[][] SETTINGS = {
        {"slowlog-max-len", "128"},
        {"lfu-log-factor", "10"},
        {"lfu-decay-time", "1"},
        {"latency-monitor-threshold", "0"},
        {"maxmemory-samples", "5"}
    };

    /** @param index of the command, or the number of commands where the keyspaces differ at the end */
    record Mismatch(int index, Op op, String why, String expected, String actual) {}

    private final int oraclePort;
    private final int subjectPort;
    private final ReplyRules rules = new ReplyRules();
    private final RespClient[] oracle = new RespClient[CommandGen.CONNECTIONS];
    private final RespClient[] subject = new RespClient[CommandGen.CONNECTIONS];

    LockStep(int oraclePort, int subjectPort) {
        this.oraclePort = oraclePort;
        this.subjectPort = subjectPort;
    }

    /** New connections and empty servers. */
    void reset() throws IOException {
        for (int i = 0; i < oracle.length; i++) {
            connect(i);
        }
        for (RespClient client : new RespClient[] {oracle[0], subject[0]}) {
            Reply flushed = client.call("FLUSHALL");
            if (!flushed.text().equals("OK")) {
                throw new IOException("FLUSHALL: " + flushed);
            }
            for (String[] setting : SETTINGS) {
                client.call("CONFIG", "SET", setting[0], setting[1]);
            }
        }
    }

    private void connect(int i) throws IOException {
        if (oracle[i] != null) {
            oracle[i].close();
            subject[i].close();
        }
        oracle[i] = new RespClient(oraclePort);
        subject[i] = new RespClient(subjectPort);
        if (i >= CommandGen.CONNECTIONS / 2) {
            oracle[i].call("HELLO", "3");
            subject[i].call("HELLO", "3");
        }
    }

    /** Plays from empty servers; null where all replies and the keyspaces at the end agree. */
    Mismatch play(List<Op> ops) throws IOException {
        reset();
        int from = 0;
        while (from < ops.size()) {
            Op first = ops.get(from);
            int to = from + 1;
            if (first.kind() == Kind.PLAIN) {
                int bytes = first.size();
                while (to < ops.size()
                        && to - from < BATCH_COMMANDS
                        && bytes < BATCH_BYTES
                        && ops.get(to).kind() == Kind.PLAIN
                        && ops.get(to).connection() == first.connection()) {
                    bytes += ops.get(to).size();
                    to++;
                }
            }
            Mismatch found = first.kind() == Kind.PLAIN ? batch(ops, from, to) : alone(from, first);
            if (found != null) {
                return found;
            }
            from = to;
        }
        return compareKeyspaces(ops.size());
    }

    private Mismatch batch(List<Op> ops, int from, int to) throws IOException {
        List<byte[][]> commands = new ArrayList<>(to - from);
        for (Op op : ops.subList(from, to)) {
            commands.add(op.args());
        }
        int c = ops.get(from).connection();
        oracle[c].startPipeline(commands);
        subject[c].startPipeline(commands);
        List<Reply> expected = oracle[c].finishPipeline(commands.size());
        List<Reply> actual = subject[c].finishPipeline(commands.size());
        for (int i = 0; i < commands.size(); i++) {
            Reply e = i < expected.size() ? expected.get(i) : Reply.CLOSED;
            Reply a = i < actual.size() ? actual.get(i) : Reply.CLOSED;
            String why = rules.difference(commands.get(i), e, a);
            if (why != null) {
                return new Mismatch(
                        from + i,
                        ops.get(from + i),
                        why,
                        e.showDifference(a, 600),
                        a.showDifference(e, 600));
            }
            if (e == Reply.CLOSED || e == Reply.TIMED_OUT) {
                throw new IOException(
                        "the oracle itself gave up at " + ops.get(from + i).show(200) + ": " + e);
            }
        }
        return null;
    }

    private Mismatch alone(int index, Op op) throws IOException {
        RespClient left = oracle[op.connection()];
        RespClient right = subject[op.connection()];
        switch (op.kind()) {
            case SCAN_ALL -> {
                String e = scan(left, op.args());
                String a = scan(right, op.args());
                return e.equals(a) ? null : new Mismatch(index, op, "scanned sets differ", e, a);
            }
            case SAMPLE -> {
                return sample(index, op, left, right);
            }
            case POP -> {
                return pop(index, op, left, right);
            }
            case RANDOM_KEY -> {
                Reply e = left.call(op.args());
                Reply a = right.call(op.args());
                boolean agree =
                        e.isError() || a.isError() || e.isNull() || a.isNull()
                                ? e.equals(a)
                                : left.call(RespClient.bytes("EXISTS", a.text()))
                                                .equals(new Reply(":1\r\n".getBytes()))
                                        && right.call(RespClient.bytes("EXISTS", e.text()))
                                                .equals(new Reply(":1\r\n".getBytes()));
                return agree
                        ? null
                        : new Mismatch(
                                index, op, "not a key of the other", e.show(300), a.show(300));
            }
            case SETTLE -> {
                Reply e = left.call(op.args());
                Reply a = right.call(op.args());
                if (!e.equals(a)) {
                    return new Mismatch(index, op, "replies differ", e.show(300), a.show(300));
                }
                if (!gone(left, op) || !gone(right, op)) {
                    return new Mismatch(
                            index,
                            op,
                            "not expired in 5 s",
                            "gone",
                            left.call("DBSIZE") + " " + right.call("DBSIZE"));
                }
                return null;
            }
            default -> {
                Reply e = left.call(op.args());
                Reply a = right.call(op.args());
                connect(op.connection());
                return e.equals(a)
                        ? null
                        : new Mismatch(index, op, "replies differ", e.show(300), a.show(300));
            }
        }
    }

    /** Waits until a key with a deadline is gone; a key without one (the write was refused) stays and is fine. */
    private static boolean gone(RespClient client, Op op) {
        byte[] key = op.args()[1];
        long giveUp = System.nanoTime() + SETTLE_LIMIT_NS;
        while (true) {
            Reply left =
                    client.call(
                            RespClient.bytes("PTTL", new String(key, StandardCharsets.ISO_8859_1)));
            if (left.type() != ':' || left.integer() < 0 || left.integer() > 60_000) {
                return true;
            }
            if (System.nanoTime() > giveUp) {
                return false;
            }
        }
    }

    /** Picks at random: as many on both servers, and whatever one picks the other has. */
    private static Mismatch sample(int index, Op op, RespClient left, RespClient right) {
        Reply e = left.call(op.args());
        Reply a = right.call(op.args());
        boolean agree =
                e.isError() || a.isError() || e.isNull() || a.isNull()
                        ? e.equals(a)
                        : e.type() == a.type()
                                && e.elements().size() == a.elements().size()
                                && areMembers(left, op, a)
                                && areMembers(right, op, e);
        return agree
                ? null
                : new Mismatch(index, op, "picks do not agree", e.show(300), a.show(300));
    }

    private static boolean areMembers(RespClient client, Op op, Reply picked) {
        String question =
                switch (op.name()) {
                    case "SRANDMEMBER", "SPOP" -> "SMISMEMBER";
                    case "HRANDFIELD" -> "HMGET";
                    case "ZRANDMEMBER" -> "ZMSCORE";
                    default -> throw new IllegalStateException("no question for " + op.name());
                };
        List<byte[]> args = new ArrayList<>();
        args.add(question.getBytes(StandardCharsets.ISO_8859_1));
        args.add(op.args()[1]);
        // With values or scores: pairs in RESP3, in RESP2 each is behind its field or member.
        boolean flatPairs =
                op.args().length > 3 && picked.elements().stream().noneMatch(Reply::isAggregate);
        if (!picked.isAggregate()) {
            args.add(picked.bytes());
        }
        List<Reply> elements = picked.elements();
        for (int i = 0; i < elements.size(); i += flatPairs ? 2 : 1) {
            Reply one = elements.get(i);
            args.add((one.isAggregate() ? one.elements().getFirst() : one).bytes());
        }
        if (args.size() == 2) {
            return true;
        }
        for (Reply answer : client.call(args.toArray(byte[][]::new)).elements()) {
            if (answer.isNull() || answer.type() == ':' && answer.integer() == 0) {
                return false;
            }
        }
        return true;
    }

    /** Removes at random: as many on both servers. Then both have what is left on the oracle, made anew, as encodings depend on what was there. */
    private static Mismatch pop(int index, Op op, RespClient left, RespClient right) {
        byte[][] count = {"SCARD".getBytes(), op.args()[1]};
        Reply before = right.call(count);
        Reply e = left.call(op.args());
        Reply a = right.call(op.args());
        boolean agree =
                e.isError() || a.isError() || e.isNull() || a.isNull()
                        ? e.equals(a)
                        : e.type() == a.type() && e.elements().size() == a.elements().size();
        Set<Reply> different = new HashSet<>(a.elements());
        agree &= different.size() == a.elements().size();
        Reply after = right.call(count);
        long popped = a.isError() || a.isNull() ? 0 : a.isAggregate() ? different.size() : 1;
        if (!agree || !before.isError() && before.integer() - after.integer() != popped) {
            return new Mismatch(index, op, "pops do not agree", e.show(300), a.show(300));
        }
        if (popped > 0) {
            byte[][] all = {"SMEMBERS".getBytes(), op.args()[1]};
            List<byte[]> add = new ArrayList<>(List.of("SADD".getBytes(), op.args()[1]));
            left.call(all).elements().forEach(m -> add.add(m.bytes()));
            for (RespClient client : new RespClient[] {left, right}) {
                client.call(new byte[][] {"DEL".getBytes(), op.args()[1]});
                if (add.size() > 2) {
                    client.call(add.toArray(byte[][]::new));
                }
            }
        }
        return null;
    }

    /** What a scan lists from its begin to its end: keys, members, or fields with their values. */
    private static String scan(RespClient client, byte[][] command) {
        Set<String> found = new TreeSet<>();
        byte[][] args = command.clone();
        String name = new String(command[0], StandardCharsets.ISO_8859_1).toUpperCase(Locale.ROOT);
        int cursor = name.equals("SCAN") ? 1 : 2;
        boolean bare =
                Arrays.stream(command)
                        .map(
                                a ->
                                        new String(a, StandardCharsets.ISO_8859_1)
                                                .toUpperCase(Locale.ROOT))
                        .anyMatch(a -> a.equals("NOVALUES") || a.equals("NOSCORES"));
        int step = (name.equals("HSCAN") || name.equals("ZSCAN")) && !bare ? 2 : 1;
        for (int calls = 0; calls < 100_000; calls++) {
            Reply reply = client.call(args);
            if (reply.type() != '*' || reply.elements().size() != 2) {
                return reply.show(600);
            }
            List<Reply> listed = reply.elements().get(1).elements();
            for (int i = 0; i + step <= listed.size(); i += step) {
                StringBuilder one = new StringBuilder();
                for (Reply part : listed.subList(i, i + step)) {
                    one.append(Reply.escape(part.bytes(), 100)).append(' ');
                }
                found.add(one.toString());
            }
            args[cursor] = reply.elements().get(0).bytes();
            if (reply.elements().get(0).text().equals("0")) {
                return found.toString();
            }
        }
        return name + " does not come to an end; so far " + found;
    }

    /** Every database, key, type, encoding, value and deadline. */
    Mismatch compareKeyspaces(int index) throws IOException {
        try (RespClient left = new RespClient(oraclePort);
                RespClient right = new RespClient(subjectPort)) {
            for (int db = 0; db < CommandGen.DATABASES; db++) {
                byte[][] select = RespClient.bytes("SELECT", Integer.toString(db));
                left.call(select);
                right.call(select);
                Mismatch found = compareDatabase(index, db, left, right);
                if (found != null) {
                    return found;
                }
            }
        }
        return null;
    }

    private Mismatch compareDatabase(int index, int db, RespClient left, RespClient right) {
        Reply expectedKeys = left.call("KEYS", "*");
        Reply actualKeys = right.call("KEYS", "*");
        if (!ReplyRules.agrees("unordered", expectedKeys, actualKeys)) {
            return new Mismatch(
                    index,
                    null,
                    "keys of database " + db + " differ",
                    expectedKeys.show(2000),
                    actualKeys.show(2000));
        }
        byte[][] scan = RespClient.bytes("SCAN", "0", "COUNT", "7");
        String scanned = scan(left, scan);
        String scannedToo = scan(right, scan);
        if (!scanned.equals(scannedToo)) {
            return new Mismatch(
                    index, null, "SCAN of database " + db + " differs", scanned, scannedToo);
        }
        List<byte[][]> questions = new ArrayList<>();
        questions.add(RespClient.bytes("DBSIZE"));
        for (Reply key : expectedKeys.elements()) {
            for (String question : new String[] {"TYPE", "PEXPIRETIME", "STRLEN", "GET"}) {
                questions.add(new byte[][] {question.getBytes(), key.bytes()});
            }
            for (String question : COLLECTION_QUESTIONS) {
                // The key is the first argument.
                List<byte[]> words = new ArrayList<>();
                for (String word : question.split(" ")) {
                    words.add(word.getBytes());
                }
                words.add(1, key.bytes());
                questions.add(words.toArray(byte[][]::new));
            }
            questions.add(new byte[][] {"OBJECT".getBytes(), "ENCODING".getBytes(), key.bytes()});
            byte[][] all = RespClient.bytes("ZRANGE", "", "0", "-1", "WITHSCORES");
            all[1] = key.bytes();
            questions.add(all);
        }
        List<Reply> expected = left.pipeline(questions);
        List<Reply> actual = right.pipeline(questions);
        for (int i = 0; i < expected.size(); i++) {
            Reply a = i < actual.size() ? actual.get(i) : Reply.CLOSED;
            String why = rules.difference(questions.get(i), expected.get(i), a);
            if (why != null) {
                Op op = new Op(0, Kind.PLAIN, questions.get(i));
                return new Mismatch(
                        index,
                        op,
                        "at the end, in database " + db + ": " + why,
                        expected.get(i).show(600),
                        a.show(600));
            }
        }
        return null;
    }

    @Override
    public void close() {
        for (int i = 0; i < oracle.length; i++) {
            if (oracle[i] != null) {
                oracle[i].close();
                subject[i].close();
            }
        }
    }
}
