package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimFaults;
import ironcache.resp.SimulatedNode;
import ironcache.wal.Damage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damage that takes the whole end of a log is no torn tail: what is gone was acknowledged. */
final class LogEndTest {
    private static final int BLOCK = 4096;
    private static final int COMMITS = 24;
    private static final int MOST_LOST = 16;
    private static final long REST_NANOS = 500_000_000;
    private static final long LIMIT_NANOS = 60_000_000_000L;

    @TempDir private Path scratch;

    private static SimulatedNode start(SimDisk disk, int shards) throws IOException {
        return new SimulatedNode(
                shards,
                1,
                SimulatedNode.Bug.NONE,
                new SimulatedNode.Durable(
                        disk, new SimClock(), new SimFaults(), "always", 0, true, false, 1, 0));
    }

    private static void await(SimulatedNode node, BooleanSupplier condition) {
        long from = node.nanoTime();
        while (!condition.getAsBoolean()) {
            node.step();
            assertTrue(node.nanoTime() - from < LIMIT_NANOS, () -> "hangs: " + node);
        }
    }

    private static void call(SimulatedNode node, SimulatedSession session, String... words) {
        session.send(List.<byte[][]>of(RespClient.bytes(words)));
        Reply[] reply = new Reply[1];
        await(node, () -> (reply[0] = session.next()) != null);
        assertFalse(reply[0].isError(), () -> reply[0].show(200));
    }

    /** A directory whose logs are their first segments, with a commit a block. */
    private static SimDisk written(int shards) throws IOException {
        SimDisk disk = new SimDisk(256L << 20);
        SimulatedNode node = start(disk, shards);
        await(node, () -> !node.isLoading());
        SimulatedSession session = new SimulatedSession(node.connect());
        for (int i = 0; i < COMMITS; i++) {
            // In all shards, as the first of keys are.
            for (int key = 0; key < 3 * shards; key++) {
                call(node, session, "SET", "key" + key, "value" + i);
            }
        }
        long from = node.nanoTime();
        await(node, () -> node.nanoTime() - from > REST_NANOS);
        node.close();
        disk.kill(new Prng(1));
        return disk;
    }

    private static Path log(int shard) {
        return SimulatedNode.DIRECTORY.resolve("shard-" + shard + "/wal-0000000000000001.iron");
    }

    /** The first block behind all that holds something. */
    private static int end(SimDisk disk, Path file) {
        byte[] contents = disk.contents(file);
        int last = contents.length - 1;
        while (contents[last] == 0) {
            last--;
        }
        return last / BLOCK + 1;
    }

    /** @return why the start is refused; null: it is not */
    private static String refusal(SimDisk disk, int shards) throws IOException {
        SimulatedNode node = null;
        try {
            node = start(disk, shards);
            SimulatedNode started = node;
            await(node, () -> !started.isLoading());
            return null;
        } catch (ironcache.recovery.RecoveryException e) {
            return e.getMessage();
        } finally {
            if (node != null) {
                node.close();
            }
        }
    }

    private List<Damage> findings(SimDisk disk, String name) throws IOException {
        Path real = scratch.resolve(name);
        CorruptionRun.export(disk, real);
        Verification verification =
                new Verification(DataDirectory.open(real), new ToolProgress("verify", true));
        verification.run(1);
        return verification.findings();
    }

    private void checkFound(SimDisk disk, int shards, Path file, int from, String what)
            throws IOException {
        String refusal = refusal(disk.copy(), shards);
        assertNotNull(refusal, what);
        assertTrue(
                refusal.startsWith(file + ", offset " + (long) from * BLOCK + ", field "),
                what + ": " + refusal);
        assertTrue(refusal.contains(": expected ") && refusal.contains(", actual "), refusal);
        List<Damage> findings = findings(disk, what);
        assertEquals(1, findings.size(), () -> what + ": " + findings);
        assertTrue(findings.getFirst().file().endsWith(file.getFileName()), () -> "" + findings);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void anEndThatIsLostIsFound(int shards) throws IOException {
        SimDisk disk = written(shards);
        assertEquals(List.of(), findings(disk, "whole"));
        for (int shard = 0; shard < shards; shard++) {
            Path file = log(shard);
            int end = end(disk, file);
            assertTrue(end > MOST_LOST, "blocks of " + file + ": " + end);
            // The last one: no frame is left.
            for (int lost : new int[] {1, 3, 4, 8, 11, MOST_LOST, end - 2, end - 1}) {
                int from = end - lost;
                SimDisk zeroed = disk.copy();
                zeroed.zero(file, (long) from * BLOCK, lost * BLOCK);
                checkFound(zeroed, shards, file, from, "zeroed-" + shard + "-" + lost);
                SimDisk stale = disk.copy();
                for (int block = from; block < end; block++) {
                    assertTrue(stale.revertBlock(file, block));
                }
                checkFound(stale, shards, file, from, "stale-" + shard + "-" + lost);
            }
        }
    }

    /** A part of a unit is lost with the end of one log and with what its own block 0 says: then the other log's witness says so. */
    @Test
    void theOtherLogVouchesForAPart() throws IOException {
        SimDisk disk = new SimDisk(256L << 20);
        SimulatedNode node = start(disk, 2);
        await(node, () -> !node.isLoading());
        SimulatedSession session = new SimulatedSession(node.connect());
        call(node, session, "MSET", "key0", "1", "key1", "1", "key2", "1", "key3", "1");
        long from = node.nanoTime();
        await(node, () -> node.nanoTime() - from > REST_NANOS);
        node.close();
        disk.kill(new Prng(1));
        for (int shard = 0; shard < 2; shard++) {
            Path file = log(shard);
            assertEquals(2, end(disk, file), "in both shards");
            SimDisk damaged = disk.copy();
            damaged.zero(file, 512, 512);
            damaged.zero(file, BLOCK, BLOCK);
            String refusal = refusal(damaged.copy(), 2);
            assertNotNull(refusal);
            assertTrue(refusal.startsWith(file + ", "), refusal);
            assertEquals(1, findings(damaged, "part-" + shard).size());
        }
    }

    /** What the power leaves of it: no more than a witness of before, and then nothing vouches for the end. */
    @Test
    void withoutItAnEndIsTorn() throws IOException {
        SimDisk disk = written(1);
        Path file = log(0);
        int end = end(disk, file);
        disk.zero(file, 512, 512);
        assertEquals(List.of(), findings(disk, "no-witness"));
        disk.zero(file, (end - 1L) * BLOCK, BLOCK);
        assertEquals(List.of(), findings(disk, "no-witness-no-end"));
    }
}
