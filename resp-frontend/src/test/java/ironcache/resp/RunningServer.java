package ironcache.resp;

import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.SystemClock;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** A server on a thread of its own, through NIO, for tests that look inside. */
final class RunningServer implements AutoCloseable {
    private final CompletableFuture<Server> started = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    private RunningServer() {}

    static RunningServer start(Path directory, long shardBytes) {
        RunningServer running = new RunningServer();
        Thread thread = new Thread(() -> running.serve(directory, shardBytes), "shard");
        thread.setDaemon(true);
        thread.start();
        running.started.join();
        return running;
    }

    private void serve(Path directory, long shardBytes) {
        try {
            Config config = new Config();
            config.set(config.get("port"), "0");
            config.set(config.get("bind"), "127.0.0.1");
            config.set(config.get("enable-debug-command"), "yes");
            Log log =
                    new Log(
                            new PrintStream(OutputStream.nullOutputStream()),
                            SystemClock.INSTANCE,
                            1);
            IoConfig io = IoConfig.defaults().withKind(IoConfig.Kind.NIO).withLog(line -> {});
            try (Server opened =
                    new Server(
                            config,
                            Ios.open(io),
                            SystemClock.INSTANCE,
                            log,
                            directory,
                            shardBytes,
                            16L << 20,
                            7,
                            null)) {
                started.complete(opened);
                opened.run();
            }
            ended.complete(null);
        } catch (Throwable t) {
            started.completeExceptionally(t);
            ended.completeExceptionally(t);
        }
    }

    Server server() {
        return started.join();
    }

    /** Waits until all is closed; fails where the server did. */
    @Override
    public void close() {
        server().stop();
        ended.join();
    }
}
