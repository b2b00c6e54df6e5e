package ironcache.tools;

import java.util.ArrayList;
import java.util.List;

/**
 * What clients asked and got, and when: the input of {@link HistoryChecker}. It knows nothing of sockets, so that
 * simulated clients write the same.
 *
 * <p>Two kinds of keys make the order of writes visible. A <em>list</em> is a string that only APPEND changes, by
 * tokens that are unique and {@value #TOKEN_CHARS} characters long: its value is the order of its writes, and APPEND's
 * reply is a place in it. A <em>register</em> holds values that are never written twice: who read one has read from a
 * certain write.
 *
 * <p>Owned by one thread at a time; clients on threads of their own each have one, and these are joined afterwards.
 */
final class History {
    static final int TOKEN_CHARS = 8;

    /** Invoked but never answered. */
    static final long NEVER = Long.MAX_VALUE;

    enum Outcome {
        OK,
        /** Known not to have happened: a broken WATCH, DISCARD, EXECABORT, an error. */
        ABORTED,
        /** The connection was lost before the reply. */
        UNKNOWN
    }

    enum Kind {
        /** value: the token; place: how many tokens the list had with it, or 0 where no reply said so. */
        APPEND,
        /** value: the whole list, empty where the key was absent. */
        LIST,
        /** value: what the register became. */
        WRITE,
        /** value: what the register was, null where the key was absent. */
        READ,
        /**
         * value: by how much the register was to change, of a unit without a reply; otherwise it is a READ and a
         * WRITE.
         */
        ADD
    }

    record KeyOp(Kind kind, String key, String value, int place) {
        static KeyOp append(String key, String token, int place) {
            if (token.length() != TOKEN_CHARS) {
                throw new IllegalArgumentException("a token of another length: " + token);
            }
            return new KeyOp(Kind.APPEND, key, token, place);
        }

        static KeyOp list(String key, String value) {
            return new KeyOp(Kind.LIST, key, value == null ? "" : value, 0);
        }

        static KeyOp write(String key, String value) {
            return new KeyOp(Kind.WRITE, key, value, 0);
        }

        static KeyOp read(String key, String value) {
            return new KeyOp(Kind.READ, key, value, 0);
        }

        static KeyOp add(String key, long delta) {
            return new KeyOp(Kind.ADD, key, Long.toString(delta), 0);
        }

        boolean changes() {
            return kind != Kind.LIST && kind != Kind.READ;
        }

        @Override
        public String toString() {
            return switch (kind) {
                case APPEND -> "append " + key + " " + value + (place > 0 ? " as #" + place : "");
                case LIST -> {
                    int tokens = value.length() / TOKEN_CHARS;
                    String tail = value.substring(Math.max(0, value.length() - 3 * TOKEN_CHARS));
                    yield "list "
                            + key
                            + " = "
                            + tokens
                            + (tokens > 3 ? " tokens …" : " tokens ")
                            + tail;
                }
                case WRITE -> "write " + key + " " + value;
                case READ -> "read " + key + " = " + value;
                case ADD -> "add " + key + " " + value;
            };
        }
    }

    /**
     * What is claimed to happen at one moment between its invocation and its return: a command, or MULTI to EXEC, where
     * what was read under a WATCH that held is part of it.
     *
     * @param connection units of one connection were sent in the order in which they are in the history
     * @param how the commands in short, for the engineer
     * @param ops empty reads where the outcome is not OK
     */
    record Unit(
            int client,
            long connection,
            long invokedNs,
            long returnedNs,
            Outcome outcome,
            String how,
            List<KeyOp> ops) {
        boolean happened() {
            return outcome == Outcome.OK;
        }
    }

    private final List<Unit> units = new ArrayList<>();

    void add(Unit unit) {
        units.add(unit);
    }

    void addAll(History other) {
        units.addAll(other.units);
    }

    List<Unit> units() {
        return units;
    }

    int size() {
        return units.size();
    }
}
