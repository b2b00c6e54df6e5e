package ironcache.bench;

import picocli.CommandLine.Option;

/** What a load run does. Filled by picocli in the load generator and by assignment in the side-by-side scenarios. */
final class LoadOptions {
    /** When a connection sends its next requests. */
    enum Window {
        /** All of the pipeline when all replies to the last one have come: what valkey-benchmark does. */
        BATCH,
        /** One for each reply, so that the pipeline stays full. */
        SLIDING
    }

    @Option(
            names = "--host",
            defaultValue = "127.0.0.1",
            description = "server address (${DEFAULT-VALUE})")
    String host = "127.0.0.1";

    @Option(names = "--port", defaultValue = "6379", description = "server port (${DEFAULT-VALUE})")
    int port = 6379;

    @Option(
            names = "--connections",
            defaultValue = "50",
            description = "connections (${DEFAULT-VALUE})")
    int connections = 50;

    @Option(
            names = "--pipeline",
            defaultValue = "1",
            description = "requests in flight on each connection, at most (${DEFAULT-VALUE})")
    int pipeline = 1;

    @Option(
            names = "--window",
            defaultValue = "BATCH",
            description =
                    "batch: the next pipeline when the last one is answered; sliding: one per reply")
    Window window = Window.BATCH;

    @Option(
            names = "--requests",
            defaultValue = "0",
            description = "measured requests; 0: by --duration")
    long requests;

    @Option(
            names = "--duration",
            defaultValue = "0",
            description = "measured seconds (10 where --requests is absent)")
    double durationSeconds;

    @Option(
            names = "--warmup",
            defaultValue = "0",
            description = "seconds of the same load before it is measured")
    double warmupSeconds;

    @Option(
            names = "--keys",
            defaultValue = "1000000",
            description = "size of the key space (${DEFAULT-VALUE})")
    long keys = 1_000_000;

    @Option(
            names = "--spread-shards",
            defaultValue = "0",
            description =
                    "keys of one command or sequence fall to this many equal ranges of hash slots in turn; 0: as drawn")
    int spreadShards;

    @Option(
            names = "--first-key",
            defaultValue = "0",
            description = "number of the key space's first key")
    long firstKey;

    @Option(
            names = "--key-size",
            defaultValue = "16",
            description = "bytes per key (${DEFAULT-VALUE})")
    int keySize = 16;

    @Option(
            names = "--value-size",
            defaultValue = "64",
            description =
                    "bytes per value, or MIN-MAX: each key has its own length in between (${DEFAULT-VALUE})")
    String valueSize = "64";

    @Option(
            names = "--value-kind",
            defaultValue = "RANDOM",
            description = "random (incompressible), text (compresses 8 to 1 at best) or zero")
    ValueFunction.Kind valueKind = ValueFunction.Kind.RANDOM;

    @Option(
            names = "--generation",
            defaultValue = "0",
            description =
                    "which content the values have; overwrite with another one to see that reads are not stale")
    long generation;

    @Option(
            names = "--key-dist",
            defaultValue = "uniform",
            description =
                    "uniform, zipf:THETA, sequential or shuffled (each key once, in random order)")
    String keyDistribution = "uniform";

    @Option(
            names = "--op",
            defaultValue = "get",
            description =
                    "get, set, del, exists, ttl, incr, ping, mget, mset (of 4 keys), get:95,set:5 or multi+set+set+exec")
    String operations = "get";

    @Option(
            names = "--read-percent",
            defaultValue = "-1",
            description = "short for --op get:N,set:100-N")
    int readPercent = -1;

    @Option(
            names = "--rate",
            defaultValue = "0",
            description = "open loop: requests per second in all, each timed from when it was due")
    double rate;

    @Option(
            names = "--load",
            description = "write every key once (in order, or --key-dist shuffled) and stop")
    boolean load;

    @Option(
            names = "--verify",
            description = "compare every value that is read with what it must be")
    boolean verify;

    @Option(names = "--require-hits", description = "a key that is not there is an error")
    boolean requireHits;

    @Option(
            names = "--seed",
            defaultValue = "42",
            description = "of the choice of keys and operations (${DEFAULT-VALUE})")
    long seed = 42;

    @Option(
            names = "--label",
            defaultValue = "load",
            description = "name of the run in progress and results")
    String label = "load";

    @Option(names = "--quiet", description = "no progress")
    boolean quiet;

    /** The operations after the shorthands are resolved. */
    String operationSpec() {
        if (load) {
            return "set";
        }
        return readPercent < 0 ? operations : "get:" + readPercent + ",set:" + (100 - readPercent);
    }

    String keyDistributionSpec() {
        return load && !keyDistribution.equals("shuffled") ? "sequential" : keyDistribution;
    }

    /** Requests to measure; {@link Long#MAX_VALUE} where the duration decides. */
    long requestLimit() {
        return load ? keys : requests > 0 ? requests : Long.MAX_VALUE;
    }

    long durationNs() {
        double seconds =
                durationSeconds > 0 ? durationSeconds : requestLimit() == Long.MAX_VALUE ? 10 : 0;
        return seconds > 0 ? (long) (seconds * 1e9) : Long.MAX_VALUE;
    }

    ValueFunction values() {
        String[] sizes = valueSize.split("-", 2);
        int lengthMin = Integer.parseInt(sizes[0].trim());
        int lengthMax = sizes.length == 2 ? Integer.parseInt(sizes[1].trim()) : lengthMin;
        // The run's seed chooses keys; content must agree between the runs that load and those that
        // verify.
        return new ValueFunction(valueKind, 0, generation, lengthMin, lengthMax);
    }
}
