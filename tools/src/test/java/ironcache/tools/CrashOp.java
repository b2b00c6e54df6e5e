package ironcache.tools;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One unit that a client sent: a command, an MSET, or MULTI to EXEC; whole or absent after a crash. Filled in by its
 * client's thread, read by others when that has ended.
 */
final class CrashOp {
    enum How {
        COMMAND,
        MSET,
        MULTI,
        /** All keys of its database that the run knows. */
        FLUSHDB,
        /** The keys of the two databases that have others than the first. */
        SWAPDB
    }

    /** Of {@link #ackedNs}: no reply came. */
    static final long NEVER = Long.MAX_VALUE;

    final int client;
    final How how;
    final List<CrashStep> steps;

    /** Which the client selects before, or 0. Its keys are then named <i>database/name</i>. */
    final int database;

    long sentNs;
    long sentMs;
    long ackedNs = NEVER;
    long ackedMs;
    Reply reply;

    /** The disk may have lost what it reads. */
    boolean mayFindDamage;

    CrashOp(int client, How how, List<CrashStep> steps) {
        this(client, how, steps, 0);
    }

    CrashOp(int client, How how, List<CrashStep> steps, int database) {
        this.client = client;
        this.how = how;
        this.steps = steps;
        this.database = database;
    }

    static CrashOp command(int client, CrashStep step) {
        return new CrashOp(client, How.COMMAND, List.of(step));
    }

    boolean isAcknowledged() {
        return ackedNs != NEVER;
    }

    /** The server said that it did not do it, for want of memory or disk. */
    boolean isRefused() {
        if (reply == null || !reply.isError()) {
            return false;
        }
        return isRefusal(reply) || reply.text().startsWith("EXECABORT ");
    }

    /** Within a transaction, it is about one step. */
    boolean isRefusal(Reply reply) {
        return reply != null
                && reply.isError()
                && (reply.text().startsWith("OOM ")
                        || reply.text().startsWith("MISCONF ")
                        || mayFindDamage && isDamage(reply));
    }

    static boolean isDamage(Reply reply) {
        return reply.isError() && reply.text().startsWith("ERR IronCache read a damaged block: ");
    }

    /** Whether it, or a step of it, was refused for a block that the disk has lost. */
    boolean foundDamage() {
        return reply != null
                && (isDamage(reply)
                        || how == How.MULTI
                                && reply.type() == '*'
                                && reply.elements().stream().anyMatch(CrashOp::isDamage));
    }

    /** The reply to one step; null where the form of the whole is wrong. */
    Reply replyTo(int step) {
        switch (how) {
            case COMMAND -> {
                return reply;
            }
            case MSET, FLUSHDB, SWAPDB -> {
                return reply;
            }
            default -> {
                List<Reply> all = reply.elements();
                return all.size() == steps.size() ? all.get(step) : null;
            }
        }
    }

    List<String> keys() {
        List<String> keys = new ArrayList<>();
        steps.forEach(step -> keys.addAll(step.keys()));
        return keys;
    }

    void encode(List<byte[][]> commands) {
        if (database > 0) {
            commands.add(RespClient.bytes("SELECT", Integer.toString(database)));
        }
        switch (how) {
            case COMMAND -> {
                byte[][] command = steps.getFirst().command();
                command[1] = RespClient.bytes(nameInDatabase(steps.getFirst().key()))[0];
                commands.add(command);
            }
            case FLUSHDB -> commands.add(RespClient.bytes("FLUSHDB"));
            case SWAPDB -> commands.add(RespClient.bytes("SWAPDB", "1", "2"));
            case MSET -> {
                List<byte[]> args = new ArrayList<>();
                args.add("MSET".getBytes(StandardCharsets.ISO_8859_1));
                for (CrashStep step : steps) {
                    args.add(step.key().getBytes(StandardCharsets.ISO_8859_1));
                    args.add(step.value());
                }
                commands.add(args.toArray(byte[][]::new));
            }
            case MULTI -> {
                commands.add(RespClient.bytes("MULTI"));
                steps.forEach(step -> commands.add(step.command()));
                commands.add(RespClient.bytes("EXEC"));
            }
        }
    }

    /** How many replies it gets; the last one is the acknowledgement. */
    int replies() {
        return (how == How.MULTI ? steps.size() + 2 : 1) + (database > 0 ? 1 : 0);
    }

    private String nameInDatabase(String key) {
        return database > 0 ? key.substring(key.indexOf('/') + 1) : key;
    }

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        if (how != How.COMMAND) {
            out.append(how).append(' ');
        }
        for (int i = 0; i < steps.size(); i++) {
            out.append(i == 0 ? "" : "; ").append(steps.get(i));
        }
        return out.toString();
    }
}
