package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.nio.charset.StandardCharsets;

/** A key, and values as arrays, for tests: the shard's calls with off-heap arguments wrapped. Each call is one command. */
final class TestKey implements AutoCloseable {
    static final int DB = 0;

    private final TestShard owner;
    final Shard shard;
    final long address;
    final int length;
    final long hash;

    TestKey(TestShard owner, String name) {
        this.owner = owner;
        this.shard = owner.shard();
        byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
        length = bytes.length;
        address = Memory.allocate(Math.max(1, length), MemoryTag.OTHER);
        Memory.copyIn(bytes, 0, address, length);
        hash = shard.hash(address, length);
    }

    long record() {
        return shard.read(DB, address, length, hash);
    }

    void set(byte[] value, long expiryMillis) {
        withBytes(
                value,
                at ->
                        Strings.set(
                                shard, DB, address, length, hash, at, value.length, expiryMillis));
    }

    long setRange(long offset, byte[] value) {
        long[] result = new long[1];
        withBytes(
                value,
                at ->
                        result[0] =
                                Strings.setRange(
                                        shard,
                                        DB,
                                        address,
                                        length,
                                        hash,
                                        record(),
                                        offset,
                                        at,
                                        value.length));
        return result[0];
    }

    long append(byte[] value) {
        long[] result = new long[1];
        withBytes(
                value,
                at ->
                        result[0] =
                                Strings.append(
                                        shard,
                                        DB,
                                        address,
                                        length,
                                        hash,
                                        record(),
                                        at,
                                        value.length));
        return result[0];
    }

    boolean equal(byte[] value) {
        boolean[] result = new boolean[1];
        withBytes(value, at -> result[0] = Strings.equal(shard, record(), at, value.length));
        return result[0];
    }

    byte[] range(long offset, int bytes) {
        byte[] result = new byte[bytes];
        command(
                () -> {
                    long to = Memory.allocate(Math.max(1, bytes), MemoryTag.OTHER);
                    try {
                        Strings.copyOut(shard, record(), offset, to, bytes);
                        Memory.copyOut(to, result, 0, bytes);
                    } finally {
                        Memory.free(to, Math.max(1, bytes), MemoryTag.OTHER);
                    }
                });
        return result;
    }

    /** The range as StringPieces gives it. */
    byte[] pieces(long offset, int bytes) {
        byte[] result = new byte[bytes];
        command(
                () -> {
                    long record = record();
                    Strings.load(shard, record, offset, bytes);
                    StringPieces pieces = new StringPieces(shard, record, offset, bytes);
                    int done = 0;
                    while (pieces.next()) {
                        Memory.copyOut(pieces.address(), result, done, pieces.length());
                        done += pieces.length();
                    }
                    if (done != bytes) {
                        throw new AssertionError(done + " of " + bytes);
                    }
                });
        return result;
    }

    long stringLength() {
        long[] result = new long[1];
        command(() -> result[0] = Strings.length(record()));
        return result[0];
    }

    interface Command {
        void run();
    }

    interface WithBytes {
        void run(long address);
    }

    void command(Command body) {
        owner.run(
                () -> {
                    body.run();
                    return 0;
                });
    }

    private void withBytes(byte[] value, WithBytes body) {
        long at = Memory.allocate(value.length + 1, MemoryTag.OTHER);
        try {
            Memory.copyIn(value, 0, at, value.length);
            command(() -> body.run(at));
        } finally {
            Memory.free(at, value.length + 1, MemoryTag.OTHER);
        }
    }

    @Override
    public void close() {
        Memory.free(address, Math.max(1, length), MemoryTag.OTHER);
    }
}
