package ironcache.resp;

import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.SystemClock;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** A server on a thread of its own, through NIO, for tests that look inside. */
final class RunningServer implements AutoCloseable {
    private final CompletableFuture<Server> started = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    private RunningServer() {}

    static RunningServer start(Path directory, long shardBytes) {
        return start(directory, 1, shardBytes);
    }

    /** @param shardBytes memory of each shard */
    static RunningServer start(Path directory, int shards, long shardBytes) {
        return start(directory, shards, shardBytes, Commands::table);
    }

    /** @param tables a command table for each shard */
    static RunningServer start(
            Path directory, int shards, long shardBytes, Supplier<CommandTable> tables) {
        RunningServer running = new RunningServer();
        Thread thread =
                new Thread(() -> running.serve(directory, shards, shardBytes, tables), "shard-0");
        thread.setDaemon(true);
        thread.start();
        running.started.join();
        return running;
    }

    private void serve(Path directory, int shards, long shardBytes, Supplier<CommandTable> tables) {
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
            List<Io> ios = new ArrayList<>();
            for (int i = 0; i < shards; i++) {
                ios.add(Ios.open(io.withOwners(shards)));
            }
            try (Server opened =
                    new Server(
                            config,
                            ios,
                            ThreadMutex::new,
                            SystemClock.INSTANCE,
                            log,
                            directory,
                            shards * shardBytes,
                            16L << 20,
                            7,
                            null,
                            tables,
                            LogSizes.DEFAULT)) {
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
