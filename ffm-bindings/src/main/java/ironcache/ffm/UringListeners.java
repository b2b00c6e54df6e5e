package ironcache.ffm;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The listeners of a {@link UringIo}: each has one multishot accept armed, and hands what it accepts to
 * {@link UringSockets}. Where descriptors run out, the accept ends; it is armed again when a socket
 * closed, or a moment later.
 *
 * <p>Owned by the thread of its {@link UringIo}. Memory owned: none.
 */
final class UringListeners {
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_REUSEPORT = 15;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;
    private static final int IPPROTO_IPV6 = 41;
    private static final int IPV6_V6ONLY = 26;

    /** After running out of descriptors, accepting is tried again when a socket closed or this long after. */
    private static final long ACCEPT_RETRY_NANOS = 100_000_000L;

    private final UringSubmissions submissions;
    private final UringSockets sockets;
    private final boolean reusePort;
    private final Consumer<String> log;

    /** Room for arguments of system calls; {@link UringIo}'s. */
    private final long scratch;

    // By number.
    private int[] descriptor = new int[4];
    private boolean[] open = new boolean[4];
    private int count;

    /** Listeners whose accept ended for want of descriptors. */
    private final IntStack stalled = new IntStack();

    private long acceptRetryNanos;

    UringListeners(
            UringSubmissions submissions, UringSockets sockets, IoConfig config, long scratch) {
        this.submissions = submissions;
        this.sockets = sockets;
        this.reusePort = config.owners() > 1;
        this.log = config.log();
        this.scratch = scratch;
    }

    int listen(InetSocketAddress address, int backlog) throws IOException {
        int fd = Libc.socket(SocketAddresses.family(address), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw new IOException("socket: " + Errno.name(fd));
        }
        Libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1, scratch);
        if (reusePort) {
            Libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1, scratch);
        }
        if (SocketAddresses.family(address) == SocketAddresses.AF_INET6) {
            Libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, scratch);
        }
        // Accepted sockets inherit it, which saves a system call for each.
        Libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1, scratch);
        int result = Libc.bind(fd, scratch, SocketAddresses.write(address, scratch));
        if (result >= 0) {
            result = Libc.listen(fd, backlog);
        }
        if (result < 0) {
            Libc.close(fd);
            throw new java.net.BindException(
                    "cannot listen on "
                            + SocketAddresses.format(address)
                            + ": "
                            + Errno.name(result)
                            + (result == -Errno.EADDRINUSE
                                    ? " (another process has this port)"
                                    : ""));
        }
        int listener = count++;
        if (listener == descriptor.length) {
            descriptor = Arrays.copyOf(descriptor, listener * 2);
            open = Arrays.copyOf(open, listener * 2);
        }
        descriptor[listener] = fd;
        open[listener] = true;
        armAccept(listener);
        return listener;
    }

    private void armAccept(int listener) {
        submissions.add(
                Ring.OP_ACCEPT,
                0,
                Ring.ACCEPT_MULTISHOT,
                descriptor[listener],
                0,
                0,
                0,
                SOCK_CLOEXEC,
                UserData.of(UserData.ACCEPT, listener),
                0);
    }

    InetSocketAddress listenAddress(int listener) {
        try {
            Memory.putInt(scratch + 32, SocketAddresses.BYTES_MAX);
            Libc.getsockname(descriptor[listener], scratch, scratch + 32);
            return SocketAddresses.read(scratch);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    void close(int listener) {
        if (!open[listener]) {
            return;
        }
        open[listener] = false;
        submissions.add(
                Ring.OP_ASYNC_CANCEL,
                0,
                0,
                -1,
                0,
                UserData.of(UserData.ACCEPT, listener),
                0,
                0,
                UserData.of(UserData.CANCEL_LISTENER, listener),
                0);
    }

    /** The cancel of a listener's accept is done. */
    void cancelled(int listener) {
        Libc.close(descriptor[listener]);
    }

    /** @return whether the handler was called */
    boolean accepted(int listener, int result, int flags) {
        boolean told = false;
        if (result >= 0) {
            if (open[listener]) {
                sockets.accepted(listener, result);
                told = true;
            } else {
                Libc.close(result);
            }
        }
        if ((flags & Ring.CQE_F_MORE) == 0 && open[listener]) {
            if (result == -Errno.EMFILE || result == -Errno.ENFILE || result == -Errno.ENOMEM) {
                log.accept(
                        "cannot accept connections ("
                                + Errno.name(result)
                                + "): raise the limit of open files (ulimit -n) or lower maxclients");
                stalled.push(listener);
                acceptRetryNanos = System.nanoTime() + ACCEPT_RETRY_NANOS;
            } else {
                armAccept(listener);
            }
        }
        return told;
    }

    /** Whether a listener waits for descriptors: then {@link #retry}. */
    boolean stalled() {
        return !stalled.isEmpty();
    }

    /** Accepts again when the time has come. @return the timeout, shortened so that it will */
    long retry(long timeoutNanos) {
        long left = acceptRetryNanos - System.nanoTime();
        if (left > 0) {
            return timeoutNanos < 0 ? left : Math.min(timeoutNanos, left);
        }
        while (!stalled.isEmpty()) {
            int listener = stalled.pop();
            if (open[listener]) {
                armAccept(listener);
            }
        }
        return timeoutNanos;
    }

    /** A descriptor is free again. */
    void descriptorFreed() {
        if (!stalled.isEmpty()) {
            acceptRetryNanos = System.nanoTime();
        }
    }

    /** After the ring is closed. */
    void closeDescriptors() {
        for (int listener = 0; listener < count; listener++) {
            if (open[listener]) {
                Libc.close(descriptor[listener]);
            }
        }
    }
}
