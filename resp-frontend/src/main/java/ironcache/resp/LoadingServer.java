package ironcache.resp;

import ironcache.engine.ShardConfig;
import ironcache.ffm.Io;
import ironcache.ffm.Prng;
import ironcache.ffm.SystemClock;
import ironcache.recovery.Recovery;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Answers clients while their data are not in shards that could be read back: a server that is loading until it is closed, over one shard that stays empty, on a thread of its own. Its connections
 * end with it. Where a client or a signal ends the process meanwhile, it ends at once, as in a crash: what goes on has to stand that anyway.
 */
final class LoadingServer implements AutoCloseable {
    private static final long NETWORK_BYTES = 16L << 20;

    private final Log log;
    private final CompletableFuture<Server> opened = new CompletableFuture<>();
    private final Thread thread;
    private final Thread atSignal;
    private final Server server;
    private final Recovery progress;
    private volatile boolean closing;

    /**
     * Listens when it returns.
     *
     * @param scratch a directory for it
     */
    LoadingServer(Config config, Io io, Log log, Path scratch, @Nullable ConfigFile file)
            throws IOException {
        this.log = log;
        thread = new Thread(() -> run(config, io, scratch, file), "loading");
        atSignal = new Thread(() -> Runtime.getRuntime().halt(0), "shutdown");
        thread.start();
        try {
            server = opened.get();
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            throw new IOException(cause.getMessage(), cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        progress = server.node().durability.recovery();
        Runtime.getRuntime().addShutdownHook(atSignal);
        log.notice("loading: listens on port " + server.port());
    }

    private void run(Config config, Io io, Path scratch, @Nullable ConfigFile file) {
        try (Server made =
                new Server(
                        config,
                        List.of(io),
                        SystemClock.INSTANCE,
                        log,
                        scratch,
                        ShardConfig.LEAST_MEMORY_BYTES,
                        NETWORK_BYTES,
                        Prng.freshSeed(),
                        file,
                        null)) {
            made.node().durability.keepLoading();
            opened.complete(made);
            made.run();
        } catch (IOException | RuntimeException e) {
            if (!opened.completeExceptionally(e)) {
                log.warn("loading: clients are not answered any more: " + e);
            }
            return;
        }
        if (!closing) {
            log.notice("bye");
            Runtime.getRuntime().halt(0);
        }
    }

    /** For INFO. */
    Recovery progress() {
        return progress;
    }

    /** Listens no more when it returns. */
    @Override
    public void close() {
        closing = true;
        Runtime.getRuntime().removeShutdownHook(atSignal);
        server.stop();
        Server.join(thread);
    }
}
