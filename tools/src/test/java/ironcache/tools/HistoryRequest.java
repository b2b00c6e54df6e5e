package ironcache.tools;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One atomic unit as it is asked for: a command, or several between MULTI and EXEC. Knows its bytes, and what its
 * replies mean. Immutable but for the lists it is given.
 *
 * @param end how the block of commands ends; NONE: it is a single command
 * @param read under a WATCH, and part of the unit where EXEC goes through
 */
record HistoryRequest(End end, List<Command> commands, List<KeyOp> read) {
    enum End {
        NONE,
        EXEC,
        DISCARD,
        /** EXEC after a command that cannot be queued. */
        REFUSED_EXEC
    }

    enum Verb {
        APPEND,
        /** GET or MGET of lists. */
        LISTS,
        /** GET or MGET of registers. */
        READS,
        /** SET or MSET. */
        WRITES,
        GETSET,
        SET_GET,
        INCRBY,
        DECRBY,
        /** Not a unit. */
        WATCH,
        UNWATCH
    }

    /** @param values one for each key, where the verb has any */
    record Command(Verb verb, List<String> keys, List<String> values) {
        static Command of(Verb verb, String key, String value) {
            return new Command(verb, List.of(key), List.of(value));
        }

        static Command of(Verb verb, List<String> keys) {
            return new Command(verb, keys, List.of());
        }

        byte[][] args() {
            List<String> args = new ArrayList<>();
            boolean several = keys.size() > 1;
            switch (verb) {
                case LISTS, READS -> args.add(several ? "MGET" : "GET");
                case WRITES -> args.add(several ? "MSET" : "SET");
                case SET_GET -> args.add("SET");
                default -> args.add(verb.name());
            }
            for (int i = 0; i < keys.size(); i++) {
                args.add(keys.get(i));
                if (i < values.size()) {
                    args.add(values.get(i));
                }
            }
            if (verb == Verb.SET_GET) {
                args.add("GET");
            }
            return RespClient.bytes(args.toArray(String[]::new));
        }

        /** Adds what a reply without error says; throws IllegalStateException where it is of the wrong shape. */
        void understand(Reply reply, List<KeyOp> ops) {
            switch (verb) {
                case APPEND -> {
                    long bytes = reply.integer();
                    check(bytes % History.TOKEN_CHARS == 0 && bytes > 0, reply);
                    ops.add(
                            KeyOp.append(
                                    keys.getFirst(),
                                    values.getFirst(),
                                    (int) (bytes / History.TOKEN_CHARS)));
                }
                case LISTS, READS -> {
                    List<Reply> found = keys.size() > 1 ? reply.elements() : List.of(reply);
                    check(found.size() == keys.size(), reply);
                    for (int i = 0; i < found.size(); i++) {
                        check(found.get(i).type() == '$' || found.get(i).type() == '_', reply);
                        ops.add(
                                verb == Verb.LISTS
                                        ? KeyOp.list(keys.get(i), found.get(i).text())
                                        : KeyOp.read(keys.get(i), found.get(i).text()));
                    }
                }
                case WRITES -> {
                    check("OK".equals(reply.text()), reply);
                    lost(ops);
                }
                case GETSET, SET_GET -> {
                    check(reply.type() == '$' || reply.type() == '_', reply);
                    ops.add(KeyOp.read(keys.getFirst(), reply.text()));
                    lost(ops);
                }
                case INCRBY, DECRBY -> {
                    long now = reply.integer();
                    ops.add(KeyOp.read(keys.getFirst(), Long.toString(now - delta())));
                    ops.add(KeyOp.write(keys.getFirst(), Long.toString(now)));
                }
                case WATCH, UNWATCH -> check("OK".equals(reply.text()), reply);
            }
        }

        /** What the command changes where it happens, as far as that is known without a reply. */
        void lost(List<KeyOp> ops) {
            switch (verb) {
                case APPEND -> ops.add(KeyOp.append(keys.getFirst(), values.getFirst(), 0));
                case WRITES, GETSET, SET_GET -> {
                    for (int i = 0; i < keys.size(); i++) {
                        ops.add(KeyOp.write(keys.get(i), values.get(i)));
                    }
                }
                case INCRBY, DECRBY -> ops.add(KeyOp.add(keys.getFirst(), delta()));
                case LISTS, READS, WATCH, UNWATCH -> {}
            }
        }

        private long delta() {
            long amount = Long.parseLong(values.getFirst());
            return verb == Verb.DECRBY ? -amount : amount;
        }

        private static void check(boolean right, Reply reply) {
            if (!right) {
                throw new IllegalStateException(
                        "not the reply of such a command: " + reply.show(200));
            }
        }

        String shortly() {
            return new String(args()[0]);
        }
    }

    /** @param unexpected null, or what is wrong with the replies in themselves */
    record Answer(Outcome outcome, List<KeyOp> ops, String unexpected) {}

    static HistoryRequest single(Command command) {
        return new HistoryRequest(End.NONE, List.of(command), List.of());
    }

    static HistoryRequest block(List<Command> commands) {
        return new HistoryRequest(End.EXEC, commands, List.of());
    }

    int size() {
        return switch (end) {
            case NONE -> 1;
            case EXEC, DISCARD -> commands.size() + 2;
            case REFUSED_EXEC -> commands.size() + 3;
        };
    }

    void encode(List<byte[][]> out) {
        if (end != End.NONE) {
            out.add(RespClient.bytes("MULTI"));
        }
        for (Command command : commands) {
            out.add(command.args());
        }
        switch (end) {
            case NONE -> {}
            case EXEC -> out.add(RespClient.bytes("EXEC"));
            case DISCARD -> out.add(RespClient.bytes("DISCARD"));
            case REFUSED_EXEC -> {
                out.add(RespClient.bytes("APPEND", "arguments-are-missing"));
                out.add(RespClient.bytes("EXEC"));
            }
        }
    }

    boolean changes() {
        List<KeyOp> ops = new ArrayList<>();
        commands.forEach(command -> command.lost(ops));
        return !ops.isEmpty();
    }

    /** @param replies of all its commands, or fewer where the connection was lost */
    Answer understand(List<Reply> replies) {
        List<KeyOp> ops = new ArrayList<>();
        if (replies.size() < size()) {
            if (end == End.DISCARD || end == End.REFUSED_EXEC) {
                return unchanged(null);
            }
            commands.forEach(command -> command.lost(ops));
            return new Answer(Outcome.UNKNOWN, ops, null);
        }
        Reply last = replies.getLast();
        switch (end) {
            case NONE -> {}
            case DISCARD -> {
                return unchanged("OK".equals(last.text()) ? null : "DISCARD got " + last.show(200));
            }
            case REFUSED_EXEC -> {
                boolean refused = last.isError() && last.text().startsWith("EXECABORT");
                return unchanged(refused ? null : "an EXEC to be refused got " + last.show(200));
            }
            case EXEC -> {
                if (last.isNull()) {
                    return unchanged(null);
                }
            }
        }
        if (last.isError()) {
            return unchanged(how() + " got " + last.show(200));
        }
        ops.addAll(read);
        List<Reply> each = end == End.NONE ? replies : last.elements();
        if (each.size() != commands.size()) {
            return unchanged(how() + " got " + each.size() + " results: " + last.show(200));
        }
        String unexpected = null;
        for (int i = 0; i < each.size(); i++) {
            // An error inside of EXEC is that command's alone: it had no effect, the others did.
            try {
                commands.get(i).understand(each.get(i), ops);
            } catch (IllegalStateException e) {
                unexpected = commands.get(i).verb() + " in " + how() + ": " + e.getMessage();
            }
        }
        return new Answer(Outcome.OK, ops, unexpected);
    }

    private Answer unchanged(String unexpected) {
        List<KeyOp> ops = new ArrayList<>();
        commands.forEach(command -> command.lost(ops));
        return new Answer(Outcome.ABORTED, ops, unexpected);
    }

    String how() {
        String inside = commands.stream().map(Command::shortly).collect(Collectors.joining(" "));
        String begin = read.isEmpty() ? "MULTI " : "after WATCH: MULTI ";
        return switch (end) {
            case NONE -> inside;
            case EXEC -> begin + inside + " EXEC";
            case DISCARD -> begin + inside + " DISCARD";
            case REFUSED_EXEC -> begin + inside + " and a wrong command, EXEC";
        };
    }
}
