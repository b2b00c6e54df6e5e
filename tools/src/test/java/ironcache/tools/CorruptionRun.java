package ironcache.tools;

import ironcache.ffm.Prng;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Damages a small data directory of all kinds of files, one place at a time, and judges what {@code verify} says: each damage is found, or harmless. Harmless is proven: the
 * directory is started again by the server, and all values are those of the model.
 *
 * <p>{@code tools/conformance corruption --cases N --seed S}.
 */
final class CorruptionRun {
    private static final int BLOCK = 4096;

    /** What the damage is. */
    private enum Kind {
        FLIP,
        TRUNCATE,
        ZERO,
        SWAP,
        STALE
    }

    private final Path root;
    private final Prng prng;
    private final Map<String, String> model = new HashMap<>();
    private final List<Path> files = new ArrayList<>();

    int found;
    int harmless;
    final List<String> failures = new ArrayList<>();

    CorruptionRun(Path root, long seed) {
        this.root = root;
        prng = new Prng(seed);
    }

    private Path data() {
        return root.resolve("data");
    }

    /** Makes the directory: cold data, two snapshots' worth of changes, a log behind them. */
    void generate() throws IOException {
        Files.createDirectories(data());
        try (ServerProcess server = start(data());
                RespClient client = server.connect()) {
            fill(client, 0, 24_000, 9_000);
            client.call("BGSAVE");
            awaitSave(client);
            fill(client, 0, 2_000, 300);
            for (int i = 0; i < 500; i++) {
                client.call("DEL", "k" + (3_000 + i));
                model.remove("k" + (3_000 + i));
            }
            for (int i = 0; i < 500; i++) {
                client.call("APPEND", "k" + (4_000 + i), "tail");
                model.merge("k" + (4_000 + i), "tail", String::concat);
            }
        }
        try (Stream<Path> all = Files.walk(data())) {
            all.filter(Files::isRegularFile)
                    .filter(file -> !file.endsWith("ironcache.lock"))
                    .sorted()
                    .forEach(files::add);
        }
    }

    private static ServerProcess start(Path dir) throws IOException {
        return ServerProcess.start(
                "ironcache",
                dir,
                "--maxmemory",
                "192mb",
                "--shards",
                "1",
                "--appendonly",
                "yes",
                "--save",
                "");
    }

    private void fill(RespClient client, int from, int count, int bytes) {
        List<byte[][]> batch = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            String value = "v" + prng.nextLong() + "x".repeat(bytes);
            model.put("k" + i, value);
            batch.add(new byte[][] {"SET".getBytes(), ("k" + i).getBytes(), value.getBytes()});
            if (batch.size() == 16 || i == from + count - 1) {
                client.pipeline(batch);
                batch.clear();
            }
        }
    }

    private static void awaitSave(RespClient client) {
        while (client.call("INFO", "persistence").toString().contains("bgsave_in_progress:1")) {
            Thread.onSpinWait();
        }
    }

    /** One damage, judged, and taken back. */
    void damageOne(int number) throws IOException {
        Path file = files.get(prng.nextInt(files.size()));
        Kind kind = Kind.values()[prng.nextInt(Kind.values().length)];
        long length = Files.size(file);
        long block = prng.nextInt((int) Math.max(1, length / BLOCK)) * (long) BLOCK;
        long from = kind == Kind.TRUNCATE ? block : Math.min(block, Math.max(0, length - BLOCK));
        String what = number + ": " + kind + " of " + data().relativize(file) + " at " + from;
        byte[] before;
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            // What a truncation takes is kept whole; these files are small.
            int kept = (int) (kind == Kind.TRUNCATE ? length - from : Math.min(BLOCK, length));
            before = new byte[kept];
            open.seek(from);
            open.readFully(before);
            damage(open, kind, from, before, length);
        }
        try {
            judge(what);
        } finally {
            try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
                open.seek(from);
                open.write(before);
            }
        }
    }

    private void damage(RandomAccessFile open, Kind kind, long from, byte[] before, long length)
            throws IOException {
        switch (kind) {
            case TRUNCATE -> open.setLength(from);
            case FLIP -> {
                int at = prng.nextInt(before.length);
                open.seek(from + at);
                open.write(before[at] ^ 1 << prng.nextInt(8));
            }
            case ZERO -> {
                open.seek(from);
                open.write(new byte[before.length]);
            }
            case SWAP, STALE -> {
                // A block of another place of the file, or of another file of its kind.
                byte[] other = new byte[before.length];
                Path donor = kind == Kind.SWAP ? null : files.get(prng.nextInt(files.size()));
                if (donor == null) {
                    long place = prng.nextInt((int) Math.max(1, length / BLOCK)) * (long) BLOCK;
                    open.seek(Math.min(place, length - other.length));
                    open.readFully(other);
                } else {
                    try (RandomAccessFile source = new RandomAccessFile(donor.toFile(), "r")) {
                        source.read(other);
                    }
                }
                open.seek(from);
                open.write(other);
            }
        }
    }

    private void judge(String what) throws IOException {
        Verification verification =
                new Verification(DataDirectory.open(data()), new ToolProgress("verify", true));
        verification.run(2);
        if (verification.findingCount() > 0) {
            found++;
            return;
        }
        Path out = root.resolve("out");
        delete(out);
        Salvage salvage =
                new Salvage(
                        DataDirectory.open(data()),
                        out,
                        64 << 20,
                        new ToolProgress("recover", true));
        salvage.run(List.of());
        String wrong = compare(out);
        delete(out);
        if (wrong.isEmpty()) {
            harmless++;
        } else {
            failures.add(what + ": not found by verify, and " + wrong);
        }
    }

    /** What a server on this directory says that the model does not; empty: nothing. */
    private String compare(Path dir) throws IOException {
        try (ServerProcess server = start(dir);
                RespClient client = server.connect()) {
            String size = client.call("DBSIZE").toString();
            Set<String> wrong = new HashSet<>();
            for (Map.Entry<String, String> entry : model.entrySet()) {
                String actual = client.call("GET", entry.getKey()).toString();
                if (!actual.contains(entry.getValue())) {
                    wrong.add(entry.getKey());
                }
            }
            return wrong.isEmpty() && size.contains("" + model.size())
                    ? ""
                    : wrong.size() + " of " + model.size() + " keys differ, DBSIZE " + size;
        }
    }

    static void delete(Path directory) throws IOException {
        if (Files.exists(directory)) {
            try (Stream<Path> all = Files.walk(directory)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        int cases = 1000;
        long seed = 1;
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            switch (arguments[i]) {
                case "--cases" -> cases = Integer.parseInt(arguments[i + 1]);
                case "--seed" -> seed = Long.parseLong(arguments[i + 1]);
                default -> throw new IllegalArgumentException(arguments[i]);
            }
        }
        Path root = Files.createTempDirectory("corruption");
        try {
            CorruptionRun run = new CorruptionRun(root, seed);
            run.generate();
            for (int i = 0; i < cases; i++) {
                run.damageOne(i);
                if (i % 100 == 99) {
                    System.out.println(run.summary(i + 1, seed));
                }
            }
            run.failures.forEach(System.out::println);
            System.out.println(run.summary(cases, seed));
            System.exit(run.failures.isEmpty() ? 0 : 1);
        } finally {
            delete(root);
        }
    }

    private String summary(int cases, long seed) {
        return "seed "
                + seed
                + ": "
                + cases
                + " cases, "
                + found
                + " found, "
                + harmless
                + " harmless, "
                + failures.size()
                + " failures";
    }
}
