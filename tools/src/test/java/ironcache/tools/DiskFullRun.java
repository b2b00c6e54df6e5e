package ironcache.tools;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;

/**
 * Fills the disk under a server and gives space back: reads have to go on, writes have to get one error, every value that
 * was acknowledged has to be right all along, and writes have to be taken again by themselves.
 *
 * <pre>tools/conformance disk-full --disk 900 --ballast 400</pre>
 */
public final class DiskFullRun {
    private static final int VALUE_BYTES = 4096;
    private static final int BATCH = 64;
    private static final int REFUSALS_WANTED = 2_000;
    private static final long RESUME_LIMIT_NS = 60_000_000_000L;

    record Figures(
            String disk,
            int writtenBeforeFull,
            Set<String> errors,
            double resumedAfterS,
            int writtenAfter,
            long peakRssKib) {}

    private final ServerProcess server;
    private final BitSet acknowledged = new BitSet();
    private final Set<String> errors = new TreeSet<>();
    private final List<String> failures = new ArrayList<>();
    private int next;

    private DiskFullRun(ServerProcess server) {
        this.server = server;
    }

    public static void main(String[] argv) throws Exception {
        int disk = 900;
        int ballast = 400;
        String subject = "ironcache";
        for (int i = 0; i + 1 < argv.length; i += 2) {
            switch (argv[i]) {
                case "--disk" -> disk = Integer.parseInt(argv[i + 1]);
                case "--ballast" -> ballast = Integer.parseInt(argv[i + 1]);
                case "--subject" -> subject = argv[i + 1];
                default ->
                        throw new IllegalArgumentException(
                                argv[i] + ": allowed are --disk --ballast --subject");
            }
        }
        Path folder = Files.createTempDirectory("ironcache-disk-full");
        List<String> failures = new ArrayList<>();
        try (SmallDisk small = SmallDisk.mount(folder, disk)) {
            if (small == null) {
                System.out.println("SKIPPED: this machine lets nobody mount a small disk");
                return;
            }
            System.out.println(run(small, ballast, subject, failures));
        } finally {
            DifferentialRun.deleteTree(folder);
        }
        failures.forEach(failure -> System.out.println("FAILED: " + failure));
        System.exit(failures.isEmpty() ? 0 : 1);
    }

    /** Runs on an empty small disk; what goes wrong is added to the failures. */
    static Figures run(SmallDisk disk, int ballastMib, String subject, List<String> failures)
            throws Exception {
        Path ballast = disk.root().resolve("ballast");
        writeBallast(ballast, ballastMib);
        Path dir = Files.createDirectory(disk.root().resolve("data"));
        // An oracle keeps its data set in memory; its append-only file is what fills the disk.
        String[] settings =
                subject.equals("valkey")
                        ? new String[] {"--appendonly", "yes", "--appendfsync", "everysec"}
                        : new String[] {"--maxmemory", "192mb"};
        try (ServerProcess server = ServerProcess.start(subject, dir, settings)) {
            DiskFullRun run = new DiskFullRun(server);
            Figures figures = run.play(disk, ballast);
            failures.addAll(run.failures);
            if (!run.failures.isEmpty()) {
                failures.add("server's log:\n" + server.logTail());
            }
            return figures;
        }
    }

    private Figures play(SmallDisk disk, Path ballast) throws IOException {
        long limit = disk.freeBytes() / VALUE_BYTES * 4 + 200_000;
        try (RespClient client = new RespClient(server.port(), 60_000)) {
            while (errors.isEmpty() && next < limit && failures.isEmpty()) {
                write(client, null);
            }
            int before = acknowledged.cardinality();
            if (errors.isEmpty()) {
                failures.add("no error after " + before + " values of " + VALUE_BYTES + " bytes");
            }
            BitSet refused = new BitSet();
            while (refused.cardinality() < REFUSALS_WANTED
                    && next < limit * 2
                    && failures.isEmpty()) {
                write(client, refused);
            }
            check(client, "while the disk is full", refused);
            Reply ping = client.call("PING");
            // Valkey refuses PING too while it refuses writes.
            if (ping.type() != '+' && !errors.contains(ping.text())) {
                failures.add("PING gets " + ping + " while the disk is full");
            }
            Files.delete(ballast);
            double resumed = awaitResumption(client);
            int from = acknowledged.cardinality();
            int wanted = before / 4;
            while (acknowledged.cardinality() - from < wanted && failures.isEmpty()) {
                if (write(client, null) == 0) {
                    failures.add(
                            "writes were refused again with "
                                    + disk.freeBytes()
                                    + " bytes free: "
                                    + errors);
                }
            }
            check(client, "after space came back", refused);
            if (errors.size() > 1) {
                failures.add("more than one error: " + errors);
            }
            return new Figures(
                    disk.kind(),
                    before,
                    errors,
                    resumed,
                    acknowledged.cardinality() - from,
                    server.peakRssKib());
        }
    }

    /** One batch of new keys; returns how many were acknowledged. */
    private int write(RespClient client, BitSet refused) {
        List<byte[][]> batch = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
            batch.add(new byte[][] {"SET".getBytes(), key(next + i), value(next + i)});
        }
        List<Reply> replies = client.pipeline(batch);
        int good = 0;
        for (int i = 0; i < replies.size(); i++) {
            Reply reply = replies.get(i);
            if (reply.type() == '+') {
                acknowledged.set(next + i);
                good++;
            } else if (reply.type() == '-') {
                errors.add(reply.text());
                if (refused != null) {
                    refused.set(next + i);
                }
            } else {
                failures.add("SET got " + reply);
            }
        }
        next += BATCH;
        return good;
    }

    private double awaitResumption(RespClient client) {
        long from = System.nanoTime();
        while (System.nanoTime() - from < RESUME_LIMIT_NS && failures.isEmpty()) {
            if (write(client, null) == BATCH) {
                return (System.nanoTime() - from) / 1e9;
            }
            LockSupport.parkNanos(10_000_000);
        }
        failures.add(
                "writes did not resume within "
                        + RESUME_LIMIT_NS / 1_000_000_000L
                        + " s after space came back");
        return -1;
    }

    /** Every acknowledged value is right, and none of the refused ones is there. */
    private void check(RespClient client, String when, BitSet refused) {
        List<Integer> indexes = new ArrayList<>();
        for (int i = acknowledged.nextSetBit(0);
                i >= 0 && failures.isEmpty();
                i = acknowledged.nextSetBit(i + 1)) {
            indexes.add(i);
            if (indexes.size() == BATCH) {
                checkBatch(client, when, indexes);
                indexes.clear();
            }
        }
        checkBatch(client, when, indexes);
        for (int i = refused.nextSetBit(0);
                i >= 0 && failures.isEmpty();
                i = refused.nextSetBit(i + 1)) {
            if (!client.call(new byte[][] {"GET".getBytes(), key(i)}).isNull()) {
                failures.add(when + ": key " + i + ", whose SET was refused, has a value");
            }
        }
        Reply size = client.call("DBSIZE");
        if (size.type() != ':' || size.integer() != acknowledged.cardinality()) {
            failures.add(
                    when
                            + ": DBSIZE is "
                            + size
                            + ", acknowledged were "
                            + acknowledged.cardinality());
        }
    }

    private void checkBatch(RespClient client, String when, List<Integer> indexes) {
        List<byte[][]> gets = new ArrayList<>();
        for (int i : indexes) {
            gets.add(new byte[][] {"GET".getBytes(), key(i)});
        }
        List<Reply> replies = client.pipeline(gets);
        for (int n = 0; n < indexes.size(); n++) {
            Reply reply = n < replies.size() ? replies.get(n) : Reply.CLOSED;
            if (reply.type() != '$' || !Arrays.equals(reply.bytes(), value(indexes.get(n)))) {
                failures.add(when + ": key " + indexes.get(n) + " reads " + reply.show(80));
                return;
            }
        }
    }

    private static byte[] key(int i) {
        return ("disk:" + i).getBytes();
    }

    /** Random bytes, so that no compression makes room. */
    private static byte[] value(int i) {
        byte[] value = new byte[VALUE_BYTES];
        new SplittableRandom(i).nextBytes(value);
        return value;
    }

    private static void writeBallast(Path file, int mebibytes) throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            byte[] chunk = new byte[1 << 20];
            for (int i = 0; i < mebibytes; i++) {
                out.write(chunk);
            }
        }
    }
}
