package ironcache.tools;

import ironcache.ffm.SimIo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** A client's end of a connection to a {@link ironcache.resp.SimulatedNode}. Owned by the simulation's thread. */
final class SimulatedSession {
    private final SimIo.Peer peer;
    private byte[] buffer = new byte[4 << 10];
    private byte[] unsent = new byte[0];
    private int start;
    private int end;
    private int owed;
    private boolean closed;

    SimulatedSession(SimIo.Peer peer) {
        this.peer = peer;
    }

    /** Replies to commands that were sent, not taken with {@link #next} yet. */
    int owed() {
        return owed;
    }

    /** The server has ended the connection, and all that it said has been taken. */
    boolean isClosed() {
        fill();
        return closed;
    }

    void send(List<byte[][]> commands) {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        commands.forEach(command -> RespClient.encode(request, command));
        if (unsent.length > 0) {
            throw new IllegalStateException("the send before is not over");
        }
        unsent = request.toByteArray();
        owed += commands.size();
        flush();
    }

    /** What the network has no room for goes out later, as replies are asked for. */
    private void flush() {
        if (unsent.length > 0) {
            try {
                int written = peer.write(unsent, 0, unsent.length);
                unsent = Arrays.copyOfRange(unsent, written, unsent.length);
            } catch (IOException e) {
                // The server has closed the connection, which is seen when it is read from.
                unsent = new byte[0];
            }
        }
    }

    /** The next reply; null where it has not arrived. */
    Reply next() {
        flush();
        fill();
        int replyEnd = RespClient.endOfReply(buffer, start, end);
        if (replyEnd < 0) {
            return null;
        }
        Reply reply = new Reply(Arrays.copyOfRange(buffer, start, replyEnd));
        start = replyEnd;
        owed--;
        return reply;
    }

    /** Whether the network still owes it a reply. */
    boolean waits() {
        fill();
        int arrived = 0;
        for (int at = start; (at = RespClient.endOfReply(buffer, at, end)) >= 0; ) {
            arrived++;
        }
        return arrived < owed && !closed;
    }

    /** Takes all that has arrived. */
    private void fill() {
        int read = 1;
        while (read > 0) {
            if (end == buffer.length) {
                byte[] from = buffer;
                if (start < from.length / 2) {
                    buffer = new byte[2 * from.length];
                }
                end -= start;
                System.arraycopy(from, start, buffer, 0, end);
                start = 0;
            }
            read = peer.read(buffer, end, buffer.length - end);
            end += Math.max(read, 0);
        }
        closed = read < 0;
    }

    /** @param orderly what is under way still arrives */
    void close(boolean orderly) {
        if (orderly) {
            peer.close();
        } else {
            peer.reset();
        }
    }
}
