package ironcache.resp;

/** Counters for INFO, and rates sampled from them; plain fields of one shard's thread, or the sum of all threads'. */
final class ServerStats {
    private static final int SAMPLES = 16;

    long keyspaceHits;
    long keyspaceMisses;

    /** Changes since the last save. */
    long dirty;

    /** Transactions that had to wait in the middle of their work, while everyone else waited for them. */
    long transactionHolds;

    long commands;
    long connectionsReceived;
    long rejectedConnections;
    long protocolErrors;
    long queryBufferLimitDisconnections;
    long stalledDisconnections;
    long outputLimitDisconnections;
    long receivedBytes;
    long sentBytes;
    long turns;

    /** Commands that had to wait for the SSD or for space. */
    long parks;

    long authenticationFailures;

    /** Gauge. */
    long networkBytes;

    private final Rate commandRate = new Rate();
    private final Rate receiveRate = new Rate();
    private final Rate sendRate = new Rate();
    private final Rate turnRate = new Rate();

    /** Takes a sample of the rates; every 100 ms. */
    void sample(long nowNanos) {
        commandRate.sample(commands, nowNanos);
        receiveRate.sample(receivedBytes, nowNanos);
        sendRate.sample(sentBytes, nowNanos);
        turnRate.sample(turns, nowNanos);
    }

    /** Adds another thread's counters and rates; the caller has its shard. */
    void add(ServerStats other) {
        keyspaceHits += other.keyspaceHits;
        keyspaceMisses += other.keyspaceMisses;
        dirty += other.dirty;
        transactionHolds += other.transactionHolds;
        commands += other.commands;
        connectionsReceived += other.connectionsReceived;
        rejectedConnections += other.rejectedConnections;
        protocolErrors += other.protocolErrors;
        queryBufferLimitDisconnections += other.queryBufferLimitDisconnections;
        stalledDisconnections += other.stalledDisconnections;
        outputLimitDisconnections += other.outputLimitDisconnections;
        receivedBytes += other.receivedBytes;
        sentBytes += other.sentBytes;
        turns += other.turns;
        parks += other.parks;
        authenticationFailures += other.authenticationFailures;
        networkBytes += other.networkBytes;
        commandRate.add(other.commandRate);
        receiveRate.add(other.receiveRate);
        sendRate.add(other.sendRate);
        turnRate.add(other.turnRate);
    }

    long commandsPerSecond() {
        return commandRate.perSecond();
    }

    long receivedBytesPerSecond() {
        return receiveRate.perSecond();
    }

    long sentBytesPerSecond() {
        return sendRate.perSecond();
    }

    long turnsPerSecond() {
        return turnRate.perSecond();
    }

    /** CONFIG RESETSTAT. */
    void reset() {
        keyspaceHits = 0;
        keyspaceMisses = 0;
        commands = 0;
        connectionsReceived = 0;
        rejectedConnections = 0;
        protocolErrors = 0;
        queryBufferLimitDisconnections = 0;
        stalledDisconnections = 0;
        outputLimitDisconnections = 0;
        receivedBytes = 0;
        sentBytes = 0;
        turns = 0;
        parks = 0;
        transactionHolds = 0;
        authenticationFailures = 0;
        commandRate.reset();
        receiveRate.reset();
        sendRate.reset();
        turnRate.reset();
    }

    /** Mean of the last samples of a counter's growth. */
    private static final class Rate {
        private final long[] perSecond = new long[SAMPLES];
        private int next;
        private long lastValue;
        private long lastNanos;

        void sample(long value, long nowNanos) {
            long elapsed = nowNanos - lastNanos;
            if (elapsed > 0) {
                perSecond[next++ % SAMPLES] = (long) ((value - lastValue) * 1e9 / elapsed);
            }
            lastValue = value;
            lastNanos = nowNanos;
        }

        long perSecond() {
            long sum = 0;
            for (long one : perSecond) {
                sum += one;
            }
            return sum / SAMPLES;
        }

        void add(Rate other) {
            for (int i = 0; i < SAMPLES; i++) {
                perSecond[i] += other.perSecond[i];
            }
        }

        void reset() {
            java.util.Arrays.fill(perSecond, 0);
            lastValue = 0;
        }
    }
}
