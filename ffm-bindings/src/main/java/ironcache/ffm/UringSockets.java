package ironcache.ffm;

import java.io.IOException;
import java.util.Arrays;

/**
 * The connected sockets of a {@link UringIo}: receiving, sending, and closing once nothing is in
 * flight.
 *
 * <p>Receiving: each socket has one multishot receive armed, which takes {@link ReceiveBuffers}. Where
 * they run out, the kernel ends the multishot receive with ENOBUFS and it is armed again in the next
 * turn, when buffers are back: back-pressure without losing a byte.
 *
 * <p>Owned by the thread of its {@link UringIo}. Memory owned: none; what is sent stays the sender's,
 * who leaves it alone until the completion.
 */
final class UringSockets {
    private static final int MSG_WAITALL = 0x100;
    private static final int MSG_NOSIGNAL = 0x4000;

    // Bits of a state.
    private static final int OPEN = 1;

    /** A multishot receive is in flight. */
    private static final int RECEIVING = 2;

    private static final int SENDING = 4;
    private static final int PAUSED = 8;
    private static final int CLOSING = 16;

    /** The close entry itself is in flight. */
    private static final int CLOSE_QUEUED = 32;

    /** A cancel of the receive is in flight. */
    private static final int CANCELLING = 64;

    /** End of stream or an error was told: never receive again. */
    private static final int ENDED = 128;

    /** Waits in the re-arm list. */
    private static final int REARM_LISTED = 256;

    /** Waits in the list of sockets to look after: it received since the last look. */
    private static final int SUSPECT = 512;

    /** A send of up to this many bytes is expected to complete while it is submitted. */
    private static final int PROMPT_SEND_BYTES_MAX = 16 << 10;

    private final UringSubmissions submissions;
    private final ReceiveBuffers buffers;
    private final Crowd crowd;

    /** Room for arguments of system calls; {@link UringIo}'s. */
    private final long scratch;

    private Io.SocketHandler handler = NoHandlers.INSTANCE;

    // By number.
    private int[] descriptor = new int[64];
    private int[] states = new int[64];

    /** Operations in flight, cancels included. */
    private int[] inFlight = new int[64];

    private long[] sendAddress = new long[64];
    private int[] sendLeft = new int[64];
    private final IntStack freeSockets = new IntStack();
    private int count;

    /** Sockets to receive from again once buffers are back. */
    private final IntStack rearm = new IntStack();

    /** Sockets that received since they were looked after; see {@link #endLostStreams}. */
    private final IntStack suspects = new IntStack();

    private int promptSendsQueued;

    UringSockets(UringSubmissions submissions, ReceiveBuffers buffers, Crowd crowd, long scratch) {
        this.submissions = submissions;
        this.buffers = buffers;
        this.crowd = crowd;
        this.scratch = scratch;
    }

    void setHandler(Io.SocketHandler newHandler) {
        handler = newHandler;
    }

    /** A new connection, of which the handler is told; receiving begins. */
    void accepted(int listener, int fd) {
        int socket = newSocket(fd);
        armReceive(socket, true);
        handler.onAccept(listener, socket);
    }

    private int newSocket(int fd) {
        int socket = freeSockets.isEmpty() ? count++ : freeSockets.pop();
        if (socket >= descriptor.length) {
            int length = socket * 2;
            descriptor = Arrays.copyOf(descriptor, length);
            states = Arrays.copyOf(states, length);
            inFlight = Arrays.copyOf(inFlight, length);
            sendAddress = Arrays.copyOf(sendAddress, length);
            sendLeft = Arrays.copyOf(sendLeft, length);
        }
        descriptor[socket] = fd;
        states[socket] = OPEN;
        inFlight[socket] = 0;
        return socket;
    }

    private void add(
            int opcode,
            int flags,
            int ioprio,
            int socket,
            long addr,
            int len,
            int opFlags,
            int kind) {
        submissions.add(
                opcode,
                flags,
                ioprio,
                descriptor[socket],
                0,
                addr,
                len,
                opFlags,
                UserData.of(kind, socket),
                ReceiveBuffers.GROUP);
        inFlight[socket]++;
    }

    // Receiving.

    /** @param pollFirst true where nothing is expected to be there yet: saves the first, vain attempt */
    private void armReceive(int socket, boolean pollFirst) {
        states[socket] |= RECEIVING;
        add(
                Ring.OP_RECV,
                Ring.BUFFER_SELECT,
                pollFirst ? Ring.RECV_MULTISHOT | Ring.RECVSEND_POLL_FIRST : Ring.RECV_MULTISHOT,
                socket,
                0,
                0,
                0,
                UserData.RECEIVE);
    }

    /** @return whether the handler was called */
    boolean received(int socket, int result, int flags) {
        int state = states[socket];
        boolean told = false;
        if ((flags & Ring.CQE_F_MORE) == 0) {
            state &= ~(RECEIVING | CANCELLING);
            states[socket] = state;
            inFlight[socket]--;
        }
        int buffer = flags >>> Ring.CQE_BUFFER_SHIFT;
        if ((flags & Ring.CQE_F_BUFFER) != 0) {
            buffers.lend(buffer);
        }
        if ((state & CLOSING) == 0) {
            if (result > 0) {
                crowd.arrived();
                if ((state & SUSPECT) == 0) {
                    states[socket] = state | SUSPECT;
                    suspects.push(socket);
                }
                handler.onReceive(socket, buffers.address(buffer), result);
                told = true;
            } else if (result != -Errno.ENOBUFS && result != -Errno.ECANCELED) {
                states[socket] = state | ENDED;
                handler.onReceive(socket, 0, result);
                told = true;
            }
        }
        if ((flags & Ring.CQE_F_MORE) == 0) {
            receiveEnded(socket);
        }
        return told;
    }

    /** The multishot receive is over; the handler may have paused or closed the socket meanwhile. */
    private void receiveEnded(int socket) {
        int state = states[socket];
        if ((state & CLOSING) != 0) {
            closeIfQuiet(socket);
        } else if ((state & (PAUSED | ENDED | RECEIVING | REARM_LISTED)) == 0) {
            states[socket] = state | REARM_LISTED;
            rearm.push(socket);
        }
    }

    /** Whether {@link #rearmReceives} has something to do. */
    boolean wantRearming() {
        return !rearm.isEmpty();
    }

    void rearmReceives() {
        while (!rearm.isEmpty()) {
            int socket = rearm.pop();
            int state = states[socket] & ~REARM_LISTED;
            states[socket] = state;
            if ((state & (OPEN | CLOSING | PAUSED | ENDED | RECEIVING)) == OPEN) {
                armReceive(socket, false);
            }
        }
    }

    void pauseReceive(int socket) {
        int state = states[socket];
        if ((state & OPEN) == 0 || (state & (PAUSED | CLOSING)) != 0) {
            return;
        }
        states[socket] = state | PAUSED;
        cancelReceive(socket);
    }

    private void cancelReceive(int socket) {
        if ((states[socket] & (RECEIVING | CANCELLING)) == RECEIVING) {
            states[socket] |= CANCELLING;
            add(
                    Ring.OP_ASYNC_CANCEL,
                    0,
                    0,
                    socket,
                    UserData.of(UserData.RECEIVE, socket),
                    0,
                    0,
                    UserData.CANCEL);
        }
    }

    void resumeReceive(int socket) {
        int state = states[socket];
        if ((state & PAUSED) == 0 || (state & CLOSING) != 0) {
            return;
        }
        state &= ~PAUSED;
        states[socket] = state;
        // Where the cancelled receive has not ended yet, its end arms the new one.
        if ((state & (RECEIVING | ENDED | REARM_LISTED)) == 0) {
            armReceive(socket, false);
        }
    }

    int lastBytes(int socket) {
        return (states[socket] & (OPEN | CLOSING)) == OPEN
                ? Libc.lastBytes(descriptor[socket], scratch)
                : -1;
    }

    /** How many sockets received since {@link #endLostStreams}. */
    int suspects() {
        return suspects.size();
    }

    /**
     * Linux (seen on 6.18) may lose the end of a stream that comes close behind data: the multishot
     * receive hands the data up, takes the two wake-ups for one, and waits for another. On a busy
     * machine that was one client of a thousand that sent and reset at once, one of ten thousand that
     * sent and shut down; each would keep its connection for ever. So each socket that received is
     * asked once afterwards whether its peer has gone; where it has, its receive is cancelled, and the
     * next one gets the end. At most one short system call per socket and half second.
     */
    void endLostStreams() {
        while (!suspects.isEmpty()) {
            int socket = suspects.pop();
            int state = states[socket] & ~SUSPECT;
            states[socket] = state;
            if ((state & (OPEN | RECEIVING | CLOSING | PAUSED | CANCELLING))
                    == (OPEN | RECEIVING)) {
                if (Libc.isHungUp(descriptor[socket], scratch)) {
                    cancelReceive(socket);
                }
            }
        }
    }

    // Sending.

    void send(int socket, long address, int length) {
        int state = states[socket];
        if ((state & (OPEN | SENDING | CLOSING)) != OPEN) {
            throw new IllegalStateException(
                    "send on socket "
                            + socket
                            + ((state & SENDING) != 0 ? ": one is in flight" : ": closed"));
        }
        states[socket] = state | SENDING;
        sendAddress[socket] = address;
        sendLeft[socket] = length;
        queueSend(socket);
    }

    private void queueSend(int socket) {
        if (sendLeft[socket] <= PROMPT_SEND_BYTES_MAX) {
            promptSendsQueued++;
        }
        add(
                Ring.OP_SEND,
                0,
                0,
                socket,
                sendAddress[socket],
                sendLeft[socket],
                MSG_WAITALL | MSG_NOSIGNAL,
                UserData.SEND);
    }

    /** Sends queued since the last call that will most likely complete while they are submitted. */
    int takePromptSends() {
        int sends = promptSendsQueued;
        promptSendsQueued = 0;
        return sends;
    }

    /** @return whether the handler was called */
    boolean sent(int socket, int result) {
        inFlight[socket]--;
        int state = states[socket];
        if ((state & CLOSING) != 0) {
            states[socket] = state & ~SENDING;
            closeIfQuiet(socket);
            return false;
        }
        if (result > 0 && result < sendLeft[socket]) {
            // MSG_WAITALL makes this rare: the kernel was interrupted half way.
            sendAddress[socket] += result;
            sendLeft[socket] -= result;
            queueSend(socket);
            return false;
        }
        if (result == -Errno.EINTR || result == -Errno.EAGAIN) {
            queueSend(socket);
            return false;
        }
        states[socket] = state & ~SENDING;
        handler.onSent(socket, Math.min(result, 0));
        return true;
    }

    // Closing.

    void close(int socket) {
        int state = states[socket];
        if ((state & OPEN) == 0 || (state & CLOSING) != 0) {
            return;
        }
        states[socket] = state | CLOSING;
        cancelReceive(socket);
        if ((state & SENDING) != 0) {
            add(
                    Ring.OP_ASYNC_CANCEL,
                    0,
                    0,
                    socket,
                    UserData.of(UserData.SEND, socket),
                    0,
                    0,
                    UserData.CANCEL);
        }
        closeIfQuiet(socket);
    }

    /** The last completion of a closing socket queues the close itself. */
    private void closeIfQuiet(int socket) {
        if (inFlight[socket] == 0 && (states[socket] & (CLOSING | CLOSE_QUEUED)) == CLOSING) {
            states[socket] |= CLOSE_QUEUED;
            add(Ring.OP_CLOSE, 0, 0, socket, 0, 0, 0, UserData.CLOSE);
        }
    }

    void cancelled(int socket, int result) {
        inFlight[socket]--;
        int state = states[socket];
        if (result == -Errno.EALREADY
                && (state & RECEIVING) != 0
                && (state & (PAUSED | CLOSING)) != 0) {
            // The receive was just being served and may go on: ask again.
            states[socket] = state & ~CANCELLING;
            cancelReceive(socket);
        } else if (result < 0) {
            // It ends by itself; or, where it does not, may be cancelled another time.
            states[socket] = states[socket] & ~CANCELLING;
        }
        closeIfQuiet(socket);
    }

    /** @return whether the handler was called */
    boolean closed(int socket) {
        inFlight[socket]--;
        states[socket] &= REARM_LISTED | SUSPECT;
        descriptor[socket] = -1;
        handler.onClosed(socket);
        freeSockets.push(socket);
        return true;
    }

    /** Closed while everything is cancelled: nobody is told any more. */
    void closedUntold(int socket) {
        descriptor[socket] = -1;
    }

    // Addresses.

    String peerAddress(int socket) {
        Memory.putInt(scratch + 32, SocketAddresses.BYTES_MAX);
        return formatAddress(Libc.getpeername(descriptor[socket], scratch, scratch + 32));
    }

    String localAddress(int socket) {
        Memory.putInt(scratch + 32, SocketAddresses.BYTES_MAX);
        return formatAddress(Libc.getsockname(descriptor[socket], scratch, scratch + 32));
    }

    /** Of what a call just wrote to the scratch memory; a peer that is gone has no address. */
    private String formatAddress(int result) {
        try {
            return result < 0 ? "?:0" : SocketAddresses.format(SocketAddresses.read(scratch));
        } catch (IOException e) {
            return "?:0";
        }
    }

    /** After the ring is closed. */
    void closeDescriptors() {
        for (int socket = 0; socket < count; socket++) {
            if ((states[socket] & OPEN) != 0 && descriptor[socket] >= 0) {
                Libc.close(descriptor[socket]);
            }
        }
    }
}
