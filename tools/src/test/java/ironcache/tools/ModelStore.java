package ironcache.tools;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * The canary of the history checker: a store of N shards in memory that borrows all shards of a unit in ascending
 * order, works one key a step, and gives them back. Correct, unless told to have a bug. Knows the commands of the
 * workloads and no others. Owned by one thread.
 */
final class ModelStore implements SteppedStore {
    enum Bug {
        NONE,
        /** Of several writes of a unit, the last happens when its shards are given back already. */
        RELEASE_BEFORE_LAST_WRITE,
        /** EXEC does not ask whether a watched key has changed. */
        DEAF_WATCH,
        /** SET is answered, and its shard given back, before it is done. */
        EARLY_REPLY
    }

    private static final int LATE_STEPS = 8;

    private record Pending(byte[][] args, Session session) {}

    /** One connection. */
    private static final class Session {
        final int client;
        boolean cut;
        boolean multi;
        boolean refused;
        final List<byte[][]> queued = new ArrayList<>();

        /** Watched keys with their versions. */
        final Map<String, Long> watched = new HashMap<>();

        Session(int client) {
            this.client = client;
        }
    }

    /** A unit at work: a row of accesses to one key each, between the borrowing and the giving back. */
    private static final class Task {
        final Session session;
        final boolean block;
        final List<byte[][]> commands;
        final List<List<Reply>> results = new ArrayList<>();
        final TreeSet<Integer> shards = new TreeSet<>();
        final Deque<Integer> toBorrow = new ArrayDeque<>();
        boolean released;
        boolean answered;
        int command;
        int part;

        Task(Session session, boolean block, List<byte[][]> commands) {
            this.session = session;
            this.block = block;
            this.commands = commands;
        }
    }

    private final int shards;
    private final Bug bug;
    private final SplittableRandom random;
    private final Map<String, String> values = new HashMap<>();
    private final Map<String, Long> versions = new HashMap<>();
    private final Task[] owners;
    private final Map<Integer, Session> sessions = new HashMap<>();
    private final Map<Integer, Deque<Reply>> replies = new HashMap<>();
    private final Map<Session, Deque<Pending>> waiting = new HashMap<>();

    /** Sessions with something to do, in an order that the seed alone decides. */
    private final List<Session> busy = new ArrayList<>();

    private final Map<Session, Task> tasks = new HashMap<>();

    ModelStore(int shards, long seed, Bug bug) {
        this.shards = shards;
        this.bug = bug;
        random = new SplittableRandom(seed);
        owners = new Task[shards];
    }

    @Override
    public void send(int client, List<byte[][]> commands) {
        Session session = sessions.computeIfAbsent(client, Session::new);
        Deque<Pending> queue = waiting.computeIfAbsent(session, s -> new ArrayDeque<>());
        commands.forEach(args -> queue.add(new Pending(args, session)));
        if (!busy.contains(session)) {
            busy.add(session);
        }
    }

    @Override
    public Reply receive(int client) {
        Deque<Reply> queue = replies.get(client);
        return queue == null ? null : queue.poll();
    }

    @Override
    public void cut(int client) {
        Session session = sessions.remove(client);
        replies.remove(client);
        session.cut = true;
        // Some of what it sent is received before the end of the connection is.
        Deque<Pending> queue = waiting.get(session);
        int kept = random.nextInt(queue.size() + 1);
        while (queue.size() > kept) {
            queue.removeLast();
        }
    }

    @Override
    public boolean step() {
        if (busy.isEmpty()) {
            return false;
        }
        Session session = busy.get(random.nextInt(busy.size()));
        Task task = tasks.get(session);
        if (task == null) {
            task = take(session);
            if (task == null) {
                return true;
            }
            tasks.put(session, task);
        }
        if (!task.toBorrow.isEmpty()) {
            int shard = task.toBorrow.element();
            if (owners[shard] == null) {
                owners[shard] = task;
                task.toBorrow.remove();
            }
            return true;
        }
        if (work(task)) {
            tasks.remove(session);
        }
        return true;
    }

    private void reply(Session session, Reply reply) {
        if (!session.cut) {
            replies.computeIfAbsent(session.client, c -> new ArrayDeque<>()).add(reply);
        }
    }

    /** The next command of a session: answered at once, or a task. */
    private Task take(Session session) {
        Pending pending = waiting.get(session).poll();
        if (pending == null) {
            busy.remove(session);
            return null;
        }
        byte[][] args = pending.args;
        switch (name(args)) {
            case "MULTI" -> {
                session.multi = true;
                reply(session, simple("OK"));
                return null;
            }
            case "DISCARD" -> {
                leave(session);
                reply(session, simple("OK"));
                return null;
            }
            case "UNWATCH" -> {
                session.watched.clear();
                reply(session, simple("OK"));
                return null;
            }
            case "WATCH" -> {
                // Each key by itself, as shards do it: what counts is that it is before the reads
                // that follow.
                for (int i = 1; i < args.length; i++) {
                    session.watched.putIfAbsent(
                            text(args[i]), versions.getOrDefault(text(args[i]), 0L));
                }
                reply(session, simple("OK"));
                return null;
            }
            case "EXEC" -> {
                if (session.refused) {
                    leave(session);
                    reply(session, new Reply("-EXECABORT discarded\r\n".getBytes()));
                    return null;
                }
                return borrow(new Task(session, true, List.copyOf(session.queued)));
            }
            default -> {}
        }
        boolean wrong = name(args).equals("APPEND") && args.length != 3;
        if (session.multi) {
            session.refused |= wrong;
            if (!wrong) {
                session.queued.add(args);
            }
        }
        if (wrong || session.multi) {
            reply(session, wrong ? new Reply("-ERR arguments\r\n".getBytes()) : simple("QUEUED"));
            return null;
        }
        return borrow(new Task(session, false, List.<byte[][]>of(args)));
    }

    private static void leave(Session session) {
        session.multi = false;
        session.refused = false;
        session.queued.clear();
        session.watched.clear();
    }

    private Task borrow(Task task) {
        for (byte[][] command : task.commands) {
            for (int part = 0; part < parts(command); part++) {
                task.shards.add(shardOf(key(command, part)));
            }
        }
        if (task.block) {
            task.session.watched.keySet().forEach(key -> task.shards.add(shardOf(key)));
        }
        task.toBorrow.addAll(task.shards);
        return task;
    }

    private int shardOf(String key) {
        return Math.floorMod(key.hashCode() * 0x9e3779b9 >>> 16, shards);
    }

    private void release(Task task) {
        task.shards.forEach(shard -> owners[shard] = owners[shard] == task ? null : owners[shard]);
        task.released = true;
    }

    /** One access of a task that has its shards; true where it was the last. */
    private boolean work(Task task) {
        boolean first = task.command == 0 && task.part == 0 && task.results.isEmpty();
        if (first && task.block && bug != Bug.DEAF_WATCH && watchBroken(task.session)) {
            release(task);
            leave(task.session);
            reply(task.session, new Reply("*-1\r\n".getBytes()));
            return true;
        }
        byte[][] args = task.commands.get(task.command);
        if (bug == Bug.RELEASE_BEFORE_LAST_WRITE && !task.released && isLastWrite(task)) {
            release(task);
            return false;
        }
        if (bug == Bug.EARLY_REPLY
                && !task.block
                && !task.answered
                && name(args).equals("SET")
                && args.length == 3) {
            task.answered = true;
            release(task);
            reply(task.session, simple("OK"));
            return false;
        }
        if (task.answered && random.nextInt(LATE_STEPS) > 0) {
            return false;
        }
        if (task.part == 0) {
            task.results.add(new ArrayList<>());
        }
        task.results.getLast().add(access(args, task.part));
        if (++task.part < parts(args)) {
            return false;
        }
        task.part = 0;
        if (++task.command < task.commands.size()) {
            return false;
        }
        release(task);
        if (task.block) {
            leave(task.session);
        }
        List<Reply> done = new ArrayList<>();
        for (int i = 0; i < task.results.size(); i++) {
            done.add(joined(task.commands.get(i), task.results.get(i)));
        }
        if (!task.answered) {
            reply(task.session, task.block ? array(done) : done.getFirst());
        }
        return true;
    }

    private boolean watchBroken(Session session) {
        return session.watched.entrySet().stream()
                .anyMatch(e -> !e.getValue().equals(versions.getOrDefault(e.getKey(), 0L)));
    }

    /** Whether the task is at its last write and has written before. */
    private static boolean isLastWrite(Task task) {
        int before = 0;
        int after = 0;
        for (int c = 0; c < task.commands.size(); c++) {
            byte[][] command = task.commands.get(c);
            if (reads(command)) {
                continue;
            }
            for (int part = 0; part < parts(command); part++) {
                boolean passed = c < task.command || (c == task.command && part < task.part);
                before += passed ? 1 : 0;
                after += passed ? 0 : 1;
            }
        }
        return !reads(task.commands.get(task.command)) && before > 0 && after == 1;
    }

    private static boolean reads(byte[][] command) {
        return name(command).equals("GET") || name(command).equals("MGET");
    }

    private static int parts(byte[][] command) {
        return switch (name(command)) {
            case "MGET" -> command.length - 1;
            case "MSET" -> (command.length - 1) / 2;
            default -> 1;
        };
    }

    private static String key(byte[][] command, int part) {
        return text(command[1 + (name(command).equals("MSET") ? 2 * part : part)]);
    }

    private Reply access(byte[][] args, int part) {
        String key = key(args, part);
        String old = values.get(key);
        switch (name(args)) {
            case "GET", "MGET" -> {
                return bulk(old);
            }
            case "SET" -> {
                write(key, text(args[2]));
                return args.length > 3 ? bulk(old) : simple("OK");
            }
            case "MSET" -> {
                write(key, text(args[2 + 2 * part]));
                return simple("OK");
            }
            case "GETSET" -> {
                write(key, text(args[2]));
                return bulk(old);
            }
            case "APPEND" -> {
                String value = (old == null ? "" : old) + text(args[2]);
                write(key, value);
                return integer(value.length());
            }
            case "INCRBY", "DECRBY" -> {
                long by = Long.parseLong(text(args[2]));
                long value =
                        (old == null ? 0 : Long.parseLong(old))
                                + (name(args).equals("INCRBY") ? by : -by);
                write(key, Long.toString(value));
                return integer(value);
            }
            default -> throw new IllegalArgumentException("the model does not know " + name(args));
        }
    }

    private void write(String key, String value) {
        values.put(key, value);
        versions.merge(key, 1L, Long::sum);
    }

    private static Reply joined(byte[][] command, List<Reply> parts) {
        return name(command).equals("MGET") ? array(parts) : parts.getLast();
    }

    private static String name(byte[][] args) {
        return text(args[0]).toUpperCase(Locale.ROOT);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static Reply simple(String text) {
        return new Reply(("+" + text + "\r\n").getBytes());
    }

    private static Reply integer(long value) {
        return new Reply((":" + value + "\r\n").getBytes());
    }

    private static Reply bulk(String value) {
        return new Reply(
                (value == null ? "$-1\r\n" : "$" + value.length() + "\r\n" + value + "\r\n")
                        .getBytes());
    }

    private static Reply array(List<Reply> elements) {
        StringBuilder out = new StringBuilder("*" + elements.size() + "\r\n");
        elements.forEach(e -> out.append(text(e.raw())));
        return new Reply(out.toString().getBytes(StandardCharsets.ISO_8859_1));
    }
}
