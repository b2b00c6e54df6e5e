package ironcache.resp;

import ironcache.engine.ShardListener;
import ironcache.ffm.Io;
import ironcache.wal.SyncPolicy;
import ironcache.wal.WalWriter;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The turn of a shard's thread: poll, run what arrived as one batch, send the replies, give the shard its slice for background work.
 *
 * <p>Life of a request: {@link #onReceive} parses in place and queues into the {@link Executor}'s batch; when poll has delivered
 * everything, {@link #turn} runs the batch and <em>finishes</em> each connection that took part: keeps its incomplete rest and sends its
 * output. A connection takes part in a batch with one stretch of bytes: if more arrive for it in the same poll, the batch runs first.
 *
 * <p>Owned by one thread, which calls everything here.
 */
final class EventLoop implements Io.SocketHandler, ShardListener, ReplyGate.Listener {
    /** Slice for sealing, compaction, expiry between two turns. */
    private static final long WORK_NANOS = 100_000;

    /** As above, where other threads may wait for the shard. */
    private static final long SHARED_WORK_NANOS = 25_000;

    /** A parked connection stops receiving when this much waits; what the client pipelines beyond stays in the kernel. */
    private static final int PARKED_INPUT_BYTES = 256 << 10;

    /** At the end, how long replies may wait for the log. */
    private static final int MOST_LOG_TURNS = 1000;

    private static final long LOG_WAIT_NANOS = 10_000_000;

    /** Reading back, a turn; and how long it waits for other shards at most. */
    private static final long LOADING_NANOS = 5_000_000;

    private static final long LOADING_WAIT_NANOS = 1_000_000;

    private final Io io;
    private final Partition own;
    private final Node node;
    private final Shards shards;
    private final ServerStats stats;
    private final TurnClock clock;
    private final ConnectionBuffers buffers;
    private final Executor executor;
    private final ReplyGate gate;
    private final ShardDurability durability;
    private final Cron cron;

    private @Nullable Connection[] connections = new Connection[1024];
    private int connectionCount;

    /** Connections whose input or output this turn touched. */
    private Connection[] turn = new Connection[1024];

    private int turnSize;

    /** What the replies of this turn wait for, as {@link ReplyGate#endTurn}. */
    private long heldFor;

    /** Waiters that may run again. */
    private int[] ready = new int[1024];

    private int readySize;
    private long nextCronNanos;

    /** CLIENT PAUSE holds connections back, or did a moment ago. */
    private boolean paused;

    private final long workNanos;
    private boolean moreWork;

    /** The server ends: what still arrives is not looked at. */
    private boolean ending;

    /** How far the shard's log was stable when others were last told. */
    private long stableSeqno;

    /** Until background work is due. */
    private long idleNanos;

    EventLoop(
            Io io,
            Partition own,
            Node node,
            TurnClock clock,
            ConnectionBuffers buffers,
            Executor executor,
            ReplyGate gate,
            ShardDurability durability) {
        this.io = io;
        this.own = own;
        this.stats = own.stats;
        this.node = node;
        this.shards = node.shards;
        this.workNanos = shards.isSingle() ? WORK_NANOS : SHARED_WORK_NANOS;
        this.clock = clock;
        this.buffers = buffers;
        this.executor = executor;
        this.gate = gate;
        gate.setListener(this);
        this.durability = durability;
        this.cron = new Cron(node, own, this, buffers);
        buffers.admission.setListener(c -> resumeLater(c.socket));
        this.nextCronNanos = clock.nanoTime();
    }

    // The turn.

    /** Runs until the node is told to stop. The turn is the thread's, before and after. */
    void run() {
        while (!node.stopping) {
            turn(-1);
        }
    }

    /**
     * One turn.
     *
     * @param mostNanos bound on the wait for something to happen; negative: as long as nothing is due
     */
    void turn(long mostNanos) {
        long wait = 0;
        if (!moreWork && readySize == 0) {
            wait = Math.min(idleNanos, Math.max(0, nextCronNanos - clock.nanoTime()));
            wait = Math.min(wait, executor.blocking().nanosLeft());
            if (mostNanos >= 0) {
                wait = Math.min(wait, mostNanos);
            }
        }
        io.poll(wait);
        clock.refresh();
        gate.release();
        executor.run();
        executor.endLate();
        for (int rounds = 0; readySize > 0 && rounds < 4; rounds++) {
            runReady();
        }
        commit();
        finishTurn();
        work();
        gate.release();
        finishTurn();
        if (clock.nanoTime() - nextCronNanos >= 0) {
            nextCronNanos = clock.nanoTime() + cron.run(clock);
            finishTurn();
        }
        stats.turns++;
    }

    /** Where replies wait for the log, its next write is submitted ahead of the replies that the last one held back: the disk works while they are sent. */
    private void commit() {
        if (node.waitsForLog) {
            own.enter(own);
            own.shard.commit();
            own.leave();
        }
    }

    /** The shard's slice. */
    private void work() {
        own.enter(own);
        long expiredNanos = own.shard.expiryNanos();
        moreWork = own.shard.work(workNanos);
        node.expiryTook(own.shard.expiryNanos() - expiredNanos, clock.currentTimeMillis());
        idleNanos = own.shard.idleNanos();
        moreWork |= durability.step(LOADING_NANOS);
        own.leave();
        if (durability.isBusy()) {
            idleNanos = Math.min(idleNanos, LOADING_WAIT_NANOS);
        }
        if (own.number == 0) {
            node.durability.step(executor);
        }
        tellStable();
    }

    /** Those who hold replies back go on where the shard's log is more stable than it was. */
    private void tellStable() {
        WalWriter log = own.log;
        if (log == null || log.stableSeqno() == stableSeqno && !log.isFailed()) {
            return;
        }
        stableSeqno = log.stableSeqno();
        for (Partition partition : shards.all) {
            if (partition != own && partition.loop.gate.isWaiting()) {
                partition.loop.io.wake();
            }
        }
    }

    @Override
    public void onReleased(Connection c) {
        joinTurn(c);
    }

    @Override
    public void onLost(Connection c) {
        c.lost = true;
        close(c);
    }

    private void finishTurn() {
        if (turnSize == 0) {
            return;
        }
        if (shards.isSingle()) {
            gate.saw(own);
            gate.left();
        }
        heldFor = gate.endTurn();
        for (int i = 0; i < turnSize; i++) {
            Connection c = turn[i];
            c.inTurn = false;
            finish(c);
        }
        turnSize = 0;
    }

    private void joinTurn(Connection c) {
        if (!c.inTurn) {
            c.inTurn = true;
            if (turnSize == turn.length) {
                turn = java.util.Arrays.copyOf(turn, turnSize * 2);
            }
            turn[turnSize++] = c;
        }
    }

    /** Keeps the rest of the connection's region, sends its output, closes it where it is due. */
    private void finish(Connection c) {
        if (c.state == Connection.State.CLOSED) {
            return;
        }
        if (c.lost && !c.isExecuting()) {
            close(c);
            return;
        }
        if (c.at != 0) {
            keepRest(c);
        }
        if (c.outputBound > c.outBytes
                && c.state != Connection.State.PARKED
                && c.state != Connection.State.AWAITING_MEMORY) {
            // Most of the big reply is sent. (One of those two may be about to write it.)
            buffers.admission.releaseOutput(c, c.outBytes);
        }
        if (c.state == Connection.State.PARKED && c.inputBytes() > c.prefetchedBytes) {
            executor.prefetchWaiting(c);
        }
        if (c.spoke) {
            c.spoke = false;
            if (heldFor != 0 && c.outHead != 0) {
                gate.hold(c, heldFor);
            }
        }
        flush(c);
        if (c.outBytes > OutputChunks.DATA_BYTES
                && node.overOutputLimit(c, clock.nanoTime() / 1_000_000)) {
            close(c);
            return;
        }
        if (c.state == Connection.State.OPEN) {
            if (c.receivePaused) {
                c.receivePaused = false;
                io.resumeReceive(c.socket);
            }
            if (c.peerClosed) {
                c.state = Connection.State.DRAINING;
            }
        }
        if (c.state == Connection.State.DRAINING && c.outInFlight == 0 && c.heldTurn == 0
                || c.state == Connection.State.BLOCKED && c.peerClosed) {
            // Nobody waits there any more.
            close(c);
        }
    }

    /** Keeps the rest of the connection's region; where that begins a big request, memory for all of it is reserved, or awaited. */
    private void keepRest(Connection c) {
        if (c.neededBytes > c.inputBound && c.state == Connection.State.OPEN) {
            reserveInput(c, c.regionEnd - c.at);
        }
        buffers.saveRest(c);
        if (c.neededBytes > c.inputBound && c.state == Connection.State.OPEN) {
            // The reservation of the request before it ended just now.
            reserveInput(c, c.inputBytes());
        }
    }

    private void reserveInput(Connection c, long restBytes) {
        // Where the request's length is not known yet, its buffer grows by doubling.
        long bytes = Math.max(c.neededBytes, 2 * restBytes);
        if (!buffers.admission.admitInput(c, bytes)) {
            c.state = Connection.State.AWAITING_MEMORY;
            c.receivePaused = true;
            io.pauseReceive(c.socket);
        }
    }

    private void flush(Connection c) {
        if (c.outInFlight == 0 && c.outHead != 0) {
            int bytes = buffers.sendable(c);
            if (bytes > 0) {
                c.outInFlight = bytes;
                io.send(c.socket, OutputChunks.data(c.outHead) + c.outStart, bytes);
            }
        }
    }

    // Waiting connections.

    /** The shard says that the command of a connection, of any thread, may go on. Called by the thread that is in the shard. */
    @Override
    public void onReady(int waiter) {
        int home = waiter % shards.count();
        int socket = waiter / shards.count();
        if (home == own.number && !own.isLent()) {
            resumeLater(socket);
        } else {
            shards.all[home].onReady(socket);
        }
    }

    /** The waiting command of a connection runs again later in this turn, or in the next. */
    void resumeLater(int socket) {
        if (readySize == ready.length) {
            ready = java.util.Arrays.copyOf(ready, readySize * 2);
        }
        ready[readySize++] = socket;
    }

    private void runReady() {
        int size = readySize;
        for (int i = 0; i < size; i++) {
            Connection c = connections[ready[i]];
            if (c != null
                    && (c.state == Connection.State.BLOCKED && executor.endBlocked(c)
                            || c.state == Connection.State.PARKED
                            || c.state == Connection.State.HELD
                            || c.state == Connection.State.AWAITING_MEMORY && !c.inLine)) {
                resume(c);
            }
        }
        // More may have become ready meanwhile: they stay at the front.
        System.arraycopy(ready, size, ready, 0, readySize - size);
        readySize -= size;
        executor.run();
    }

    /** Runs the waiting input of a connection again. */
    void resume(Connection c) {
        if (c.at != 0) {
            buffers.saveRest(c);
        }
        c.state = Connection.State.OPEN;
        joinTurn(c);
        if (c.inputBytes() > 0) {
            buffers.regionFromInput(c);
            executor.accept(c);
        }
    }

    /** Who has all turns: CLIENT PAUSE begins. Its end is noticed by {@link #endPause}. */
    void setPaused(boolean newPaused) {
        paused = newPaused;
        nextCronNanos = clock.nanoTime();
        io.wake();
        for (Connection c : connections) {
            if (c != null) {
                c.check(Connection.CHECK_PAUSE, newPaused);
            }
        }
    }

    /** Where CLIENT PAUSE is over, everyone whom it held back goes on. @return whether it is not over */
    boolean endPause() {
        if (!paused || node.isPaused()) {
            return paused;
        }
        setPaused(false);
        for (int i = 0; i < connections.length; i++) {
            Connection c = connections[i];
            if (c != null && c.state == Connection.State.PAUSED) {
                resume(c);
            }
        }
        executor.run();
        return false;
    }

    // Sockets.

    @Override
    public void onAccept(int listener, int socket) {
        Connection c =
                new Connection(
                        socket, own.number, shards.count(), node.clientIds.incrementAndGet());
        c.createdMillis = clock.currentTimeMillis();
        c.lastActiveMillis = c.createdMillis;
        if (socket >= connections.length) {
            connections =
                    java.util.Arrays.copyOf(
                            connections, Math.max(socket + 1, connections.length * 2));
        }
        c.check(Connection.CHECK_LOADING, node.loading);
        connections[socket] = c;
        connectionCount++;
        node.connections.incrementAndGet();
        stats.connectionsReceived++;
        String refusal = node.refuseConnection(c, io);
        if (refusal != null) {
            stats.rejectedConnections++;
            executor.write(c, refusal);
            c.state = Connection.State.DRAINING;
            joinTurn(c);
        }
    }

    @Override
    public void onReceive(int socket, long address, int length) {
        Connection c = connections[socket];
        if (c == null || c.state == Connection.State.CLOSED) {
            return;
        }
        if (length <= 0) {
            ended(c, length);
            return;
        }
        c.receivedBytes += length;
        stats.receivedBytes += length;
        c.lastActiveMillis = clock.currentTimeMillis();
        if (c.state == Connection.State.DRAINING || ending) {
            return;
        }
        if (c.inTurn && c.at != 0) {
            // Its earlier bytes of this poll are still in the batch.
            executor.run();
            keepRest(c);
        }
        joinTurn(c);
        if (c.input == 0 && c.state == Connection.State.OPEN) {
            c.at = address;
            c.regionEnd = address + length;
            c.regionIsInput = false;
            executor.accept(c);
            return;
        }
        if ((long) c.inputBytes() + length > node.config.clientQueryBufferLimit) {
            node.log.warn(
                    "closing client "
                            + c.id
                            + ": client-query-buffer-limit of "
                            + node.config.clientQueryBufferLimit
                            + " bytes reached");
            stats.queryBufferLimitDisconnections++;
            close(c);
            return;
        }
        buffers.append(c, address, length);
        if (c.state == Connection.State.OPEN) {
            if (executor.isParsable(c)) {
                buffers.regionFromInput(c);
                executor.accept(c);
            }
        } else if (c.inputBytes() > PARKED_INPUT_BYTES && !c.receivePaused) {
            c.receivePaused = true;
            io.pauseReceive(socket);
        }
    }

    private void ended(Connection c, int result) {
        joinTurn(c);
        c.peerClosed = true;
        if (result < 0) {
            // Reset: nobody is there to read replies.
            executor.run();
            close(c);
        }
    }

    @Override
    public void onSent(int socket, int result) {
        Connection c = connections[socket];
        if (c == null || c.state == Connection.State.CLOSED) {
            return;
        }
        if (result < 0) {
            executor.run();
            c.outInFlight = 0;
            close(c);
            return;
        }
        c.sentBytes += c.outInFlight;
        stats.sentBytes += c.outInFlight;
        buffers.sent(c);
        if (c.state == Connection.State.AWAITING_OUTPUT
                && c.outBytes <= buffers.streamBytes() / 2) {
            resume(c);
        }
        if (c.outHead != 0 || c.outputBound != 0 || c.state == Connection.State.DRAINING) {
            joinTurn(c);
        }
    }

    @Override
    public void onClosed(int socket) {
        Connection c = connections[socket];
        if (c != null) {
            buffers.release(c);
            connections[socket] = null;
        }
    }

    /** Closes at once; what is not sent is lost. The connection has no command in the batch, or the batch is running. */
    void close(Connection c) {
        if (c.state == Connection.State.CLOSED) {
            return;
        }
        if (c.isExecuting()) {
            // All of a transaction or nothing of it: it closes when that is done.
            c.peerClosed = true;
            return;
        }
        executor.forget(c);
        buffers.admission.leaveLine(c);
        c.state = Connection.State.CLOSED;
        c.at = 0;
        connectionCount--;
        node.connections.decrementAndGet();
        io.closeSocket(c.socket);
    }

    /** Closes a connection from within a command: its own after the reply, another's at once. */
    void kill(Connection c, Connection killer) {
        if (c == killer) {
            c.state = Connection.State.DRAINING;
        } else if (c.home == own.number) {
            close(c);
        } else {
            c.killed = true;
            if (c.blocked != null) {
                Blocking.stop(c.blocked);
            }
            shards.all[c.home].kill(c);
        }
    }

    /** At the end: transactions in the middle of their work end it, and what is written but not sent yet gets a moment to leave. */
    void drain() {
        ending = true;
        for (int i = 0; i < MOST_LOG_TURNS && (isExecuting() || gate.isWaiting()); i++) {
            runReady();
            finishTurn();
            settleTurn();
        }
        for (int i = 0; i < connections.length; i++) {
            Connection c = connections[i];
            if (c != null && c.state != Connection.State.CLOSED) {
                executor.forget(c);
                c.state = Connection.State.DRAINING;
                flush(c);
                if (c.outInFlight == 0) {
                    close(c);
                }
            }
        }
        for (int i = 0; i < 10 && connectionCount > 0; i++) {
            io.poll(10_000_000);
            finishTurn();
        }
        io.poll(0);
    }

    private boolean isExecuting() {
        for (Connection c : connections) {
            if (c != null && c.isExecuting()) {
                return true;
            }
        }
        return false;
    }

    /**
     * At the end, when this thread runs no more commands: what was logged becomes durable, whatever appendfsync says, and the log's witness tells of it.
     *
     * @param othersRun whether other threads may still run commands in the shard
     */
    void settleLog(BooleanSupplier othersRun) {
        for (int i = 0; i < MOST_LOG_TURNS && (othersRun.getAsBoolean() || isUnsettled()); i++) {
            settleTurn();
        }
    }

    private void settleTurn() {
        WalWriter log = own.log;
        if (log != null) {
            log.setPolicy(SyncPolicy.ALWAYS);
        }
        work();
        io.poll(LOG_WAIT_NANOS);
        gate.release();
        finishTurn();
    }

    private boolean isUnsettled() {
        WalWriter log = own.log;
        return log != null
                && !log.isFailed()
                && (log.stableSeqno() < log.appendedSeqno() || !log.isWitnessed());
    }

    /** Gives back the memory of all connections; the I/O is closed. */
    void releaseAll() {
        for (int i = 0; i < connections.length; i++) {
            Connection c = connections[i];
            if (c != null) {
                buffers.release(c);
                connections[i] = null;
            }
        }
    }

    /** Limits that parsing reads changed. */
    void configChanged() {
        executor.parser().setMaxBulkBytes(node.config.maxBulkBytes);
    }

    int connectionCount() {
        return connectionCount;
    }

    /** By socket; sparse. */
    @Nullable Connection[] connections() {
        return connections;
    }

    Io io() {
        return io;
    }

    ConnectionBuffers buffers() {
        return buffers;
    }
}
