package ironcache.tools;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bad input from many connections: random and mutated frames, half of them cut off. The server has to stay alive, answer a
 * healthy client all along, send nothing that is not RESP, and give back what the bad clients took.
 *
 * <pre>tools/conformance fuzz --frames 10000000 --seed 42</pre>
 */
public final class ProtocolFuzz {
    /** A client that is well behaved must not wait longer, whatever the others send. Generous, as machines are shared. */
    private static final long LATENCY_LIMIT_MS = 2_000;

    /** No reply within this is a hang. */
    private static final int HANG_MS = 20_000;

    private static final int IDLE_HALF_FRAMES = 100;
    private static final long RSS_SLACK_KIB = 64 << 10;

    record Figures(
            long frames,
            long cutFrames,
            long connections,
            long replies,
            long errors,
            long controlCalls,
            double p99Ms,
            double maxMs,
            long rssBeforeKib,
            long rssAfterKib,
            int filesBefore,
            int filesAfter,
            double seconds) {}

    private final ServerProcess server;
    private final long seed;
    private final long frames;
    private final int workers;
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong cut = new AtomicLong();
    private final AtomicLong connections = new AtomicLong();
    private final AtomicLong replies = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    private volatile boolean done;
    private RespClient inspector;
    private long[] latenciesNs = new long[1 << 16];
    private int calls;

    ProtocolFuzz(ServerProcess server, long seed, long frames, int workers) {
        this.server = server;
        this.seed = seed;
        this.frames = frames;
        this.workers = workers;
    }

    public static void main(String[] argv) throws Exception {
        long frames = 10_000_000;
        long seed = System.nanoTime();
        int workers = 24;
        String subject = "ironcache";
        for (int i = 0; i + 1 < argv.length; i += 2) {
            switch (argv[i]) {
                case "--frames" -> frames = Long.parseLong(argv[i + 1]);
                case "--seed" -> seed = Long.parseLong(argv[i + 1]);
                case "--connections" -> workers = Integer.parseInt(argv[i + 1]);
                case "--subject" -> subject = argv[i + 1];
                default ->
                        throw new IllegalArgumentException(
                                argv[i] + ": allowed are --frames --seed --connections --subject");
            }
        }
        Path dir = Files.createTempDirectory("ironcache-fuzz");
        System.out.printf(
                "protocol fuzz: %,d frames, seed %d, %d connections at a time%n",
                frames, seed, workers);
        boolean good;
        try (ServerProcess server = ServerProcess.start(subject, dir)) {
            ProtocolFuzz fuzz = new ProtocolFuzz(server, seed, frames, workers);
            Thread progress = Thread.startVirtualThread(fuzz::printProgress);
            Figures figures = fuzz.run();
            progress.join();
            System.out.println(figures);
            good = fuzz.failures().isEmpty();
            fuzz.failures().forEach(failure -> System.out.println("FAILED: " + failure));
            if (!good) {
                System.out.println("server's log:\n" + server.logTail());
            }
        } finally {
            DifferentialRun.deleteTree(dir);
        }
        System.exit(good ? 0 : 1);
    }

    List<String> failures() {
        return List.copyOf(failures);
    }

    private void fail(String what) {
        if (failures.size() < 20) {
            failures.add(what + " (-Dironcache.seed=" + seed + ")");
        }
    }

    /** Warms up with a twentieth of the frames, notes what the server holds, sends the rest, and compares. */
    Figures run() throws Exception {
        long startedNs = System.nanoTime();
        try (RespClient control = server.connect();
                RespClient other = server.connect()) {
            inspector = other;
            Thread healthy = Thread.ofPlatform().name("control").start(this::controlLoop);
            send(frames / 20, 1);
            int clients = settledClients(control, 3);
            int filesBefore = server.openFiles();
            long rssBefore = server.rssKib();
            List<Socket> idle = leaveHalfFrames();
            send(frames - frames / 20, 2);
            for (Socket socket : idle) {
                socket.close();
            }
            int clientsAfter = settledClients(control, clients);
            done = true;
            healthy.join();
            int filesAfter = server.openFiles();
            long rssAfter = server.rssKib();
            if (!server.isAlive()) {
                fail("the server has ended");
            }
            if (clientsAfter > clients) {
                fail(
                        "connected_clients was "
                                + clients
                                + " and is "
                                + clientsAfter
                                + ":\n"
                                + control.call("CLIENT", "LIST").text());
            }
            if (filesAfter > filesBefore + 8) {
                fail("open files were " + filesBefore + " and are " + filesAfter);
            }
            if (rssAfter > rssBefore * 5 / 4 + RSS_SLACK_KIB) {
                fail("resident memory was " + rssBefore + " KiB and is " + rssAfter + " KiB");
            }
            long[] sorted = Arrays.copyOf(latenciesNs, calls);
            Arrays.sort(sorted);
            double p99 = sorted.length == 0 ? 0 : sorted[(int) (sorted.length * 0.99)] / 1e6;
            double max = sorted.length == 0 ? 0 : sorted[sorted.length - 1] / 1e6;
            if (max > LATENCY_LIMIT_MS) {
                fail("the healthy client waited " + max + " ms");
            }
            return new Figures(
                    sent.get(),
                    cut.get(),
                    connections.get(),
                    replies.get(),
                    errors.get(),
                    calls,
                    p99,
                    max,
                    rssBefore,
                    rssAfter,
                    filesBefore,
                    filesAfter,
                    (System.nanoTime() - startedNs) / 1e9);
        } finally {
            done = true;
        }
    }

    private void send(long count, int phase) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (int w = 0; w < workers; w++) {
            long share = count / workers + (w < count % workers ? 1 : 0);
            long workerSeed = seed * 1_000_003 + phase * 1_009L + w;
            threads.add(
                    Thread.ofPlatform()
                            .name("bad client " + w)
                            .start(() -> badClient(workerSeed, share)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void badClient(long workerSeed, long share) {
        FrameGen gen = new FrameGen(workerSeed);
        SplittableRandom random = gen.random();
        ByteArrayOutputStream burst = new ByteArrayOutputStream();
        for (long left = share; left > 0 && failures.isEmpty(); ) {
            burst.reset();
            boolean more = true;
            while (more && left > 0) {
                byte[] frame = gen.next();
                boolean broken = random.nextBoolean();
                burst.writeBytes(broken ? gen.cut(frame) : frame);
                if (broken) {
                    cut.incrementAndGet();
                }
                left--;
                sent.incrementAndGet();
                // Half of the broken frames end the connection, the others run into the next frame.
                more = broken ? random.nextBoolean() : random.nextInt(8) != 0;
            }
            exchange(burst.toByteArray(), random.nextInt(10));
        }
    }

    /** One connection: sends the bytes, then leaves in one of the ways clients leave. */
    private void exchange(byte[] bytes, int manner) {
        connections.incrementAndGet();
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(HANG_MS);
            socket.connect(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()),
                    HANG_MS);
            socket.getOutputStream().write(bytes);
            if (manner < 4) {
                socket.setSoLinger(true, 0);
                return;
            }
            if (manner < 5) {
                return;
            }
            socket.shutdownOutput();
            byte[] replies = readToEnd(socket);
            if (replies == null) {
                fail(
                        "no end of the connection within "
                                + HANG_MS
                                + " ms; "
                                + whatTheServerKnows(socket.getLocalPort())
                                + "; after: "
                                + Reply.escape(bytes, 400));
                return;
            }
            checkReplies(replies);
        } catch (SocketTimeoutException e) {
            fail("cannot connect within " + HANG_MS + " ms");
        } catch (IOException e) {
            // Reset by the server while we were writing: it had closed after a protocol error.
            if (!server.isAlive()) {
                fail("the server has ended after: " + Reply.escape(bytes, 400));
            }
        }
    }

    /** @return null where the stream does not end in time */
    private static byte[] readToEnd(Socket socket) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        InputStream in = socket.getInputStream();
        byte[] chunk = new byte[8 << 10];
        try {
            for (int got; (got = in.read(chunk)) >= 0; ) {
                all.write(chunk, 0, got);
            }
        } catch (SocketTimeoutException e) {
            return null;
        }
        return all.toByteArray();
    }

    /** For the report of a hang: the connection as CLIENT LIST shows it, asked on one that works. */
    private synchronized String whatTheServerKnows(int localPort) {
        String list = String.valueOf(inspector.call("CLIENT", "LIST").text());
        for (String line : list.split("\n")) {
            if (line.contains("addr=127.0.0.1:" + localPort + " ")) {
                return "the server shows " + line;
            }
        }
        return "the server has not accepted it";
    }

    private void checkReplies(byte[] bytes) {
        int at = 0;
        try {
            while (at < bytes.length) {
                int end = RespClient.endOfReply(bytes, at, bytes.length);
                if (end < 0) {
                    fail(
                            "a reply is cut off: "
                                    + Reply.escape(
                                            Arrays.copyOfRange(bytes, at, bytes.length), 300));
                    return;
                }
                replies.incrementAndGet();
                if (bytes[at] == '-') {
                    errors.incrementAndGet();
                }
                at = end;
            }
        } catch (RuntimeException e) {
            fail(
                    "the server sent what is not RESP: "
                            + Reply.escape(bytes, 300)
                            + ": "
                            + e.getMessage());
        }
    }

    /** A hundred connections that stop in mid-frame and stay. */
    private List<Socket> leaveHalfFrames() throws IOException {
        FrameGen gen = new FrameGen(seed);
        List<Socket> idle = new ArrayList<>();
        for (int i = 0; i < IDLE_HALF_FRAMES; i++) {
            Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
            socket.getOutputStream()
                    .write(
                            gen.cut(
                                    ("*2\r\n$4\r\nECHO\r\n$" + (1 + i * 997) + "\r\nabc")
                                            .getBytes()));
            idle.add(socket);
        }
        return idle;
    }

    /** The healthy client: writes and reads its own keys, and wants each reply right and soon. */
    private void controlLoop() {
        SplittableRandom random = new SplittableRandom(seed ^ 0x5eed);
        try (RespClient client = new RespClient(server.port(), HANG_MS)) {
            for (long i = 0; !done && failures.isEmpty(); i++) {
                String key = "control:" + random.nextInt(100);
                String value = "value-" + i + "-" + "x".repeat(random.nextInt(2000));
                timed(client, "+OK\r\n", "SET", key, value);
                timed(client, "$" + value.length() + "\r\n" + value + "\r\n", "GET", key);
                timed(client, "+PONG\r\n", "PING");
                // Two hundred rounds a second are enough to notice, and leave the machine to the
                // bad clients.
                java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
            }
        } catch (IOException e) {
            fail("the healthy client cannot connect: " + e);
        }
    }

    private void timed(RespClient client, String expected, String... command) {
        long from = System.nanoTime();
        Reply reply = client.call(command);
        long tookNs = System.nanoTime() - from;
        if (calls == latenciesNs.length) {
            latenciesNs = Arrays.copyOf(latenciesNs, calls * 2);
        }
        latenciesNs[calls++] = tookNs;
        if (!Arrays.equals(reply.raw(), RespClient.bytes(expected)[0])) {
            fail(
                    "the healthy client sent "
                            + Arrays.toString(command).substring(0, 20)
                            + " and got "
                            + reply.show(200));
        }
    }

    /** connected_clients when it has come down to the wanted number, or where it stays after ten seconds. */
    static int settledClients(RespClient control, int wanted) {
        long giveUp = System.nanoTime() + 10_000_000_000L;
        while (true) {
            String info = control.call("INFO", "clients").text();
            int clients = -1;
            for (String line : String.valueOf(info).split("\r\n")) {
                if (line.startsWith("connected_clients:")) {
                    clients = Integer.parseInt(line.substring(line.indexOf(':') + 1));
                }
            }
            if ((clients >= 0 && clients <= wanted) || System.nanoTime() > giveUp) {
                return clients;
            }
        }
    }

    private void printProgress() {
        long next = frames / 20;
        long started = System.nanoTime();
        while (!done) {
            if (sent.get() >= next) {
                System.out.printf(
                        "%,12d of %,d frames, %,.0f/s%n",
                        sent.get(), frames, sent.get() / ((System.nanoTime() - started) / 1e9));
                next += frames / 20;
            }
            java.util.concurrent.locks.LockSupport.parkNanos(200_000_000);
        }
    }
}
