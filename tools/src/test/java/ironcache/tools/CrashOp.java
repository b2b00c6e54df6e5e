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
        MULTI
    }

    /** Of {@link #ackedNs}: no reply came. */
    static final long NEVER = Long.MAX_VALUE;

    final int client;
    final How how;
    final List<CrashStep> steps;
    long sentNs;
    long sentMs;
    long ackedNs = NEVER;
    long ackedMs;
    Reply reply;

    CrashOp(int client, How how, List<CrashStep> steps) {
        this.client = client;
        this.how = how;
        this.steps = steps;
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
        String text = reply.text();
        return text.startsWith("OOM ")
                || text.startsWith("MISCONF ")
                || text.startsWith("EXECABORT ");
    }

    /** The reply to one step; null where the form of the whole is wrong. */
    Reply replyTo(int step) {
        switch (how) {
            case COMMAND -> {
                return reply;
            }
            case MSET -> {
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
        switch (how) {
            case COMMAND -> commands.add(steps.getFirst().command());
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
        return how == How.MULTI ? steps.size() + 2 : 1;
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
