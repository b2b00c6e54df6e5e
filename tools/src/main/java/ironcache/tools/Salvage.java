package ironcache.tools;

import ironcache.engine.ShardConfig;
import ironcache.ffm.Prng;
import ironcache.recovery.FileWorker;
import ironcache.recovery.RebuiltNode;
import ironcache.wal.Damage;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Saves what can be read of a damaged data directory into a new one. Never writes to its input. All that is loaded was verified by a checksum that covers its place; what
 * cannot be known to be right is left out and named.
 *
 * <table>
 * <caption>Decisions</caption>
 * <tr><td>A</td><td>the newest manifest verifies</td><td>it says what counts</td></tr>
 * <tr><td>B</td><td>it does not, an older one does</td><td>that one says whose files these are; what it names may be gone since, so what counts is as in C</td></tr>
 * <tr><td>C</td><td>none does</td><td>the files themselves: the newest images that all shards have finished, and all of the log, on which effects come right when all of them are applied
 * in order, however early they begin</td></tr>
 * <tr><td>D</td><td>all that the newest snapshot needs verifies</td><td>it is loaded, then the log from its begin</td></tr>
 * <tr><td>E</td><td>not so, but all that an older one needs does, and the log goes on from its begin to the end</td><td>the older one: nothing is lost</td></tr>
 * <tr><td>F</td><td>otherwise</td><td>the newest, what verifies of it</td></tr>
 * <tr><td>G</td><td>there is no snapshot</td><td>the log alone</td></tr>
 * <tr><td>H</td><td>a frame of an image does not verify</td><td>passed over: its keys are lost, and their names with them</td></tr>
 * <tr><td>I</td><td>an image refers to a record in a block, or a page, that does not verify</td><td>lost: counted by page; its name went with it. Other blocks of the page count</td></tr>
 * <tr><td>J</td><td>a note says that the record there is superseded</td><td>left out: an old value must not come back, even where the new one is lost</td></tr>
 * <tr><td>K</td><td>the log's tail is torn, nothing says that it was durable</td><td>cut there, as a start does</td></tr>
 * <tr><td>L</td><td>a frame does not verify, and others follow</td><td>passed over. From there on what a frame puts or deletes as a whole counts; a key that is only changed (a part, its
 * expiry), and was not put as a whole since, is removed and named: what it was is not known</td></tr>
 * <tr><td>M</td><td>a unit of several frames lacks one</td><td>left out as a whole, then as L: a transaction is there or it is not</td></tr>
 * <tr><td>N</td><td>a unit over several shards lacks a part behind a log's end</td><td>the logs are cut before it, as a start does</td></tr>
 * <tr><td>O</td><td>it lacks a part in a gap</td><td>left out in all shards, then as L</td></tr>
 * <tr><td>P</td><td>pages of objects may be lost (H, I), and an object lacks one</td><td>removed and named: it might have zeros where it had bytes</td></tr>
 * <tr><td>Q</td><td>an object is changed after a gap, and was not written as a whole since</td><td>removed and named</td></tr>
 * <tr><td>R</td><td>a file has parity, and blocks of it are damaged</td><td>what parity restores is copied first, and the copy is read instead</td></tr>
 * </table>
 *
 * <p>What counts (A to G): {@link SalvageChoice}. Images and pages (H to J): {@link SalvagedImage}. What is there of the logs (K, L, N, O): {@link SalvagedLogs}, and what is
 * sure of them (L, M, O, Q): {@link SalvageReplay}. P is done here, R before: {@link MendedFiles}.
 *
 * <p>One thread. Memory: 16 bytes for each reference of the shard that is being loaded, and what {@code --memory} gives the new shard.
 */
final class Salvage {
    final SalvageReport report = new SalvageReport();
    private final SalvageJob job;
    private final long memoryBytes;

    Salvage(DataDirectory from, Path to, long memoryBytes, ToolProgress progress) {
        job = new SalvageJob(from, to, report, progress, new Cancellation());
        this.memoryBytes = memoryBytes;
    }

    void cancel() {
        job.cancellation().cancel();
    }

    boolean isCancelled() {
        return job.cancellation().isCancelled();
    }

    /** All of it, as below. */
    void run(List<Damage> damage) throws IOException {
        run(damage, () -> {});
    }

    /**
     * All of it.
     *
     * @param damage what {@link Verification} found
     * @param read is called when nothing of the input is read any more
     */
    void run(List<Damage> damage, Done read) throws IOException {
        SalvageChoice choice = new SalvageChoice(job);
        SalvagedLogs logs = new SalvagedLogs(job, choice);
        try (FileWorker reader = new FileWorker()) {
            choice.choose(damage, reader);
            logs.read(reader);
        }
        NewDirectory made = NewDirectory.begin(job.to(), "recover");
        long nodeId = new Prng(Prng.freshSeed()).nextLong();
        Manifest identity = choice.identity();
        long hashSeed = identity == null ? Prng.freshSeed() : identity.hashSeed();
        RebuiltNode node = new RebuiltNode(nodeId, hashSeed);
        int segmentPages = 0;
        for (int i = 0; i < choice.shardCount(); i++) {
            job.checkCancelled();
            FileWorker writer = new FileWorker();
            ShardRebuild rebuild = null;
            try (writer) {
                Path directory = job.to().resolve("shard-" + i);
                Files.createDirectories(directory);
                rebuild =
                        new ShardRebuild(
                                writer,
                                i,
                                new ShardConfig(
                                        directory, 1, memoryBytes, 0, segmentPages, hashSeed),
                                job.cancellation()::isCancelled);
                try (ShardRebuild shard = rebuild) {
                    load(choice, logs, i, shard);
                    node.add(shard.made());
                    segmentPages = shard.segmentPages();
                }
            } finally {
                if (rebuild != null) {
                    rebuild.free();
                }
            }
        }
        report.keys = node.keys();
        read.run();
        made.publish(node.manifest());
        made.complete();
    }

    /** What is left to do. */
    interface Done {
        void run() throws IOException;
    }

    private void load(SalvageChoice choice, SalvagedLogs logs, int number, ShardRebuild shard)
            throws IOException {
        EffectBatch batch = new EffectBatch(shard);
        try (FileWorker reader = new FileWorker();
                batch) {
            SalvagedImage image = new SalvagedImage(job, choice, number, reader, batch);
            Path file = choice.imageFile(number);
            if (file != null) {
                shard.beginImage();
                image.load(file);
            }
            try (SalvageReplay replay =
                    new SalvageReplay(
                            job, logs, batch, logs.fromSeqno(number), image.lastObject())) {
                logs.forEachFrame(reader, number, replay::frame);
                batch.flush();
                shard.endReplay();
                boolean pagesLost = image.mayLackPages();
                if (pagesLost || !replay.unsureObjects.isEmpty()) {
                    shard.removeBroken(replay.unsureObjects::contains, pagesLost)
                            .forEach(report::removed);
                }
            }
        }
    }
}
