package ironcache.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Sends commands to a server without waiting for each reply, while another thread reads the replies and compares notes. Owned by the thread that sends. */
final class ServerLoad implements LoadCommand.Target {
    /** So many commands may be without their reply. */
    private static final int IN_FLIGHT = 10_000;

    private static final int BUFFER_BYTES = 64 << 10;
    private static final int REFUSED_MAX = 100;
    private static final int WAIT_MILLIS = 200;

    /** Sent, and where in the file it is. */
    private record Sent(long offset, String what) {}

    /** Ends the queue. */
    private static final Sent LAST = new Sent(-1, "");

    private final RespConnection connection;
    private final ServerAddress address;
    private final Path file;
    private final Cancellation cancellation;
    private final ArrayBlockingQueue<Sent> sent = new ArrayBlockingQueue<>(IN_FLIGHT);
    private final List<String> refused = new ArrayList<>();
    private final Thread reader = new Thread(this::read, "replies");
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int buffered;
    private final AtomicLong replies = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private volatile @Nullable IOException failure;

    ServerLoad(LoginOptions login, ServerAddress address, Path file, Cancellation cancellation) {
        this.address = address;
        this.file = file;
        this.cancellation = cancellation;
        try {
            connection = login.connect(address);
        } catch (IOException e) {
            throw new ToolException("no server at " + address + ": " + e.getMessage());
        }
        // A write to a server that reads no more ends then, too.
        cancellation.tell(connection::close);
        reader.setDaemon(true);
        reader.start();
    }

    @Override
    public void bytes(byte[] from, int offset, int length) throws IOException {
        int at = offset;
        int end = offset + length;
        while (at < end) {
            int count = Math.min(end - at, BUFFER_BYTES - buffered);
            System.arraycopy(from, at, buffer, buffered, count);
            buffered += count;
            at += count;
            if (buffered == BUFFER_BYTES) {
                flush();
            }
        }
    }

    private void flush() throws IOException {
        try {
            connection.write(buffer, buffered);
            buffered = 0;
        } catch (IOException e) {
            throw lost(e);
        }
    }

    @Override
    public void command(DumpReader command) throws IOException {
        put(new Sent(command.offset(), command.describe()));
    }

    private void put(Sent one) throws IOException {
        try {
            if (sent.offer(one)) {
                return;
            }
            // Its reply may be waiting for what is still in our buffer.
            flush();
            while (!sent.offer(one, WAIT_MILLIS, TimeUnit.MILLISECONDS)) {
                check();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedToolException("interrupted");
        }
    }

    private void check() {
        cancellation.check();
        IOException cause = failure;
        if (cause != null) {
            throw lost(cause);
        }
    }

    private RuntimeException lost(IOException cause) {
        return cancellation.isCancelled()
                ? new InterruptedToolException("interrupted")
                : new ToolException(
                        address
                                + ": the connection ended after "
                                + replies
                                + " replies: "
                                + cause.getMessage()
                                + (refused().isEmpty()
                                        ? ""
                                        : "; refused: " + refused().getFirst()));
    }

    private void read() {
        try {
            for (Sent one = sent.take(); one.offset >= 0; one = sent.take()) {
                RespConnection.Reply reply = connection.read();
                replies.incrementAndGet();
                if (reply.isError()) {
                    errors.incrementAndGet();
                    note(file + ", offset " + one.offset + ", " + one.what + ": " + reply.text());
                }
            }
        } catch (IOException e) {
            failure = e;
            sent.clear();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void note(String line) {
        synchronized (refused) {
            if (refused.size() < REFUSED_MAX) {
                refused.add(line);
            }
        }
    }

    @Override
    public void finish() throws IOException {
        put(LAST);
        flush();
        try {
            while (reader.isAlive()) {
                reader.join(WAIT_MILLIS);
                cancellation.check();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        check();
    }

    @Override
    public Map<String, Object> report() {
        return Map.of("replies", replies.get(), "errors", errors.get());
    }

    @Override
    public List<String> refused() {
        synchronized (refused) {
            return List.copyOf(refused);
        }
    }

    @Override
    public void close() {
        connection.close();
    }
}
