package ironcache.resp;

import ironcache.datatypes.Arguments;
import ironcache.datatypes.Lists;
import ironcache.engine.PageView;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * What a handler sees of its command: arguments, connection, shards, time, reply. One per shard thread, reused for every command. Argument 0 is
 * the command's name (1 its sub-command's); arguments are bytes at absolute addresses that stay valid until the command ends.
 *
 * <p>Where the command is over several shards, the thread has them all, and each key is looked up in its own.
 */
final class CommandContext implements Arguments, AutoCloseable {
    private final ReplyWriter reply;
    private final Partition own;
    private final Node node;
    private final Shards shards;
    private final ConnectionBuffers buffers;
    private final Transactions transactions;
    private final Blocking blocking;
    private final Types types;

    private final Lists lists = new Lists();
    private final Lists otherLists = new Lists();

    // The command that runs.
    private long args;
    private int argc;

    // Set before any handler sees the context.
    @SuppressWarnings("NullAway.Init")
    private Connection connection;

    @SuppressWarnings("NullAway.Init")
    private CommandRow row;

    /** All keys of the command are in this shard; null: each is where it belongs. */
    private @Nullable Partition only;

    /** Where the last key was looked up. */
    private Shard shard;

    private long longValue;
    private double doubleValue;

    CommandContext(
            Node node,
            Partition own,
            ConnectionBuffers buffers,
            ReplyWriter reply,
            Transactions transactions,
            Blocking blocking,
            Types types) {
        this.node = node;
        this.own = own;
        this.shards = node.shards;
        this.buffers = buffers;
        this.only = own;
        this.shard = own.shard;
        this.reply = reply;
        this.transactions = transactions;
        this.blocking = blocking;
        this.types = types;
    }

    /** @param args address of the command's first entry in the argument table */
    void set(Connection connection, CommandRow row, long args, int argc) {
        this.connection = connection;
        this.row = row;
        setArguments(args, argc);
    }

    /**
     * Where the command's keys are.
     *
     * @param first one of its shards
     * @param several whether there are more
     */
    void setShards(Partition first, boolean several) {
        only = several ? null : first;
        shard = first.shard;
    }

    /** For what is no command: its arguments alone, to be quoted in the error. */
    void setArguments(long args, int argc) {
        this.args = args;
        this.argc = argc;
    }

    // The surroundings.

    /** The shard that has this argument as a key. */
    Shard shard(int i) {
        return partition(i).shard;
    }

    private Partition partition(int i) {
        Partition one = only;
        return one != null ? one : shards.partition(arg(i), argLength(i));
    }

    /** The shard of the key that was looked up last. */
    Shard shard() {
        return shard;
    }

    private Shard lookUp(int i) {
        Partition one = only;
        if (one == null) {
            shard = shards.partition(arg(i), argLength(i)).shard;
        }
        return shard;
    }

    ReplyWriter reply() {
        return reply;
    }

    Connection connection() {
        return connection;
    }

    CommandRow row() {
        return row;
    }

    /** Everything of the server beyond this shard: configuration, command table, logs. */
    Node node() {
        return node;
    }

    /** Counters of this thread. */
    ServerStats stats() {
        return own.stats;
    }

    /** Of this thread's connections. */
    ConnectionBuffers buffers() {
        return buffers;
    }

    Transactions transactions() {
        return transactions;
    }

    Types types() {
        return types;
    }

    int db() {
        return connection.db;
    }

    /** Milliseconds since the epoch, fixed for the command. */
    long now() {
        return shard.nowMillis();
    }

    boolean isResp3() {
        return connection.protocol == 3;
    }

    // Arguments.

    int argc() {
        return argc;
    }

    /** Address of an argument's first byte. */
    @Override
    public long arg(int i) {
        return ArgumentTable.address(args, i);
    }

    @Override
    public int argLength(int i) {
        return ArgumentTable.length(args, i);
    }

    /** The hash of an argument as a key; computed once. */
    long hash(int i) {
        if (!ArgumentTable.hashed(args, i)) {
            ArgumentTable.putHash(args, i, own.shard.hash(arg(i), argLength(i)));
        }
        return ArgumentTable.hash(args, i);
    }

    /** Whether an argument is this word (given in upper case), case ignored. */
    boolean argIs(int i, String word) {
        return equalsIgnoreCase(arg(i), argLength(i), word);
    }

    /** Whether these bytes are the word (given in upper case), case ignored. */
    static boolean equalsIgnoreCase(long address, int length, String word) {
        if (length != word.length()) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            int b = Memory.getByte(address + i);
            if (b >= 'a' && b <= 'z') {
                b -= 'a' - 'A';
            }
            if (b != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    boolean argsEqual(int i, int j) {
        return argLength(i) == argLength(j) && Memory.equal(arg(i), arg(j), argLength(i));
    }

    /** An argument as text, UTF-8. Allocates; not for hot paths. */
    String argString(int i) {
        return new String(argBytes(i), StandardCharsets.UTF_8);
    }

    /** An argument as C's {@code %s} shows it in Valkey's error messages. Allocates; for errors. */
    String argUpToZero(int i) {
        String text = argLatin1(i);
        int zero = text.indexOf(0);
        return zero < 0 ? text : text.substring(0, zero);
    }

    /** An argument as Latin-1 text: each byte one character, so that error replies quote it unchanged. Allocates. */
    String argLatin1(int i) {
        return new String(argBytes(i), StandardCharsets.ISO_8859_1);
    }

    /** A copy of an argument. Allocates. */
    byte[] argBytes(int i) {
        byte[] bytes = new byte[argLength(i)];
        Memory.copyOut(arg(i), bytes, 0, bytes.length);
        return bytes;
    }

    // Numbers. The pattern: if (!c.parseLong(i)) return; then c.longValue(). The error is already
    // written on false.

    /** Redis's string2ll; on failure writes {@code ERR value is not an integer or out of range}. */
    boolean parseLong(int i) {
        return parseLong(i, Errors.NOT_AN_INTEGER);
    }

    boolean parseLong(int i, ErrorReply otherwise) {
        if (isLong(i)) {
            return true;
        }
        reply.error(otherwise);
        return false;
    }

    /** Whether an argument is a long; nothing is written. The value is then {@link #longValue}. */
    boolean isLong(int i) {
        long address = arg(i);
        int length = argLength(i);
        if (!Digits.isLong(address, length)) {
            return false;
        }
        longValue = Digits.parse(address, length);
        return true;
    }

    long longValue() {
        return longValue;
    }

    /** As {@link #parseLong}, and in the range of both bounds, else {@code ERR value is out of range...} as Redis's getRangeLong. */
    boolean parseLongInRange(int i, long least, long most, ErrorReply otherwise) {
        if (!isLong(i) || longValue < least || longValue > most) {
            reply.error(otherwise);
            return false;
        }
        return true;
    }

    /** A double as Redis's getDoubleFromObject takes it; on failure writes {@code ERR value is not a valid float}. Allocates where it is not a short integer. */
    boolean parseDouble(int i) {
        return parseDouble(i, Errors.NOT_A_FLOAT);
    }

    boolean parseDouble(int i, ErrorReply otherwise) {
        if (isDouble(i)) {
            return true;
        }
        reply.error(otherwise);
        return false;
    }

    boolean isDouble(int i) {
        double value = DoubleParser.parse(arg(i), argLength(i), false);
        if (Double.isNaN(value)) {
            return false;
        }
        doubleValue = value;
        return true;
    }

    double doubleValue() {
        return doubleValue;
    }

    // Keys.

    /** {@link Shard#read} of an argument as key in the connection's database; counts keyspace hits and misses. May miss. */
    long read(int i) {
        long record = lookUp(i).read(connection.db, arg(i), argLength(i), hash(i));
        if (record == 0) {
            own.stats.keyspaceMisses++;
        } else {
            own.stats.keyspaceHits++;
        }
        return record;
    }

    /** As {@link #read(int)}, of a key that is no argument. May miss. */
    long read(long key, int keyLength) {
        Partition one = only;
        shard = (one != null ? one : shards.partition(key, keyLength)).shard;
        long record = shard.read(connection.db, key, keyLength, shard.hash(key, keyLength));
        if (record == 0) {
            own.stats.keyspaceMisses++;
        } else {
            own.stats.keyspaceHits++;
        }
        return record;
    }

    /** As {@link #prefetch(int)}, of a key that is no argument. */
    void prefetch(long key, int keyLength) {
        Partition one = only;
        Shard of = (one != null ? one : shards.partition(key, keyLength)).shard;
        of.prefetch(connection.db, key, keyLength, of.hash(key, keyLength));
    }

    /** {@link Shard#read} before a write: hits and misses are not counted. May miss. */
    long readForWrite(int i) {
        return lookUp(i).read(connection.db, arg(i), argLength(i), hash(i));
    }

    /** {@link Shard#peek} of an argument as key. May miss. */
    long peek(int i) {
        return lookUp(i).peek(connection.db, arg(i), argLength(i), hash(i));
    }

    /** {@link Shard#prefetch} of an argument as key. */
    void prefetch(int i) {
        lookUp(i).prefetch(connection.db, arg(i), argLength(i), hash(i));
    }

    /** {@link Shard#upsert} of an argument as key. */
    long upsert(int i, int kind, int valueLength, long expiryMillis) {
        return lookUp(i)
                .upsert(
                        connection.db,
                        arg(i),
                        argLength(i),
                        hash(i),
                        kind,
                        valueLength,
                        expiryMillis);
    }

    /** {@link Shard#expectUpsert} of an argument as key. May miss. */
    int expectUpsert(int i, int noted) {
        return lookUp(i).expectUpsert(connection.db, arg(i), argLength(i), hash(i), noted);
    }

    /** {@link Shard#modify} of an argument as key. May miss. */
    long modify(int i, int kind, int newValueLength) {
        return lookUp(i).modify(connection.db, arg(i), argLength(i), hash(i), kind, newValueLength);
    }

    /** {@link Shard#delete} of an argument as key. May miss. */
    boolean delete(int i) {
        return lookUp(i).delete(connection.db, arg(i), argLength(i), hash(i));
    }

    /**
     * Every change of a key goes through here, after it was made: counts it for INFO and breaks watches; keyspace events and tracking
     * will hang here too (later issues).
     *
     * @param event lower-case name as in keyspace notifications: set, del, expire ...
     */
    void changed(int key, String event) {
        changed(connection.db, arg(key), argLength(key), event);
    }

    /** As {@link #changed(int, String)} where the key is not an argument, or in another database. */
    void changed(int db, long key, int keyLength, String event) {
        own.stats.dirty++;
        Partition one = only;
        (one != null ? one : shards.partition(key, keyLength)).changed(db, key, keyLength);
    }

    // Collections.

    /** The list that a key is, or will be, and that the command has read; until another one is asked for. Each call ends the walks of the one before. */
    Lists list(int i, long record) {
        return open(lists, i, record);
    }

    /** A second list, at the same time. */
    Lists otherList(int i, long record) {
        return open(otherLists, i, record);
    }

    private Lists open(Lists to, int i, long record) {
        int size = node.config.listMaxListpackSize;
        to.open(shard(i), connection.db, arg(i), argLength(i), hash(i), record, size);
        return to;
    }

    // Blocking.

    /**
     * None of these arguments is there as a key with something for the command, which has written nothing: unwinds the handler, to be run again when somebody has made
     * one of them {@link #ready}. Returns where nothing may wait, within EXEC; then the handler replies that it found nothing.
     *
     * @param timeoutMillis after so long the reply is a null array; 0: never
     */
    void block(int firstKey, int lastKey, long timeoutMillis) {
        if (!connection.isExecuting()) {
            blocking.block(firstKey, lastKey, timeoutMillis);
        }
    }

    /**
     * Of these keys one is there, but nothing that the command is for, and no other is: a command that waited and was run in vain waits on. Returns where it has not waited; then the handler
     * replies its error.
     */
    void blockAgain(int firstKey, int lastKey, long timeoutMillis) {
        if (isServed()) {
            blocking.block(firstKey, lastKey, timeoutMillis);
        }
    }

    /** Whether the command waited, and runs again because one of its keys is ready. */
    boolean isServed() {
        return connection.isStandIn();
    }

    /** After the command wrote a key, which has something now for those who wait for it. */
    void ready(int key) {
        ready(connection.db, arg(key), argLength(key));
    }

    /** As {@link #ready(int)} where the key is not an argument, or in another database. */
    void ready(int db, long key, int keyLength) {
        Partition one = only;
        Partition partition = one != null ? one : shards.partition(key, keyLength);
        if (!partition.lines.isEmpty()) {
            blocking.ready(partition, db, key, keyLength);
        }
    }

    /** After the keys of a database were replaced by others, in a shard. */
    void ready(Partition partition, int db) {
        if (!partition.lines.isEmpty()) {
            blocking.ready(partition, db);
        }
    }

    Blocking blocking() {
        return blocking;
    }

    // Long replies.

    /**
     * The reply so far stays, and may be sent, although the handler is not done: a later cold miss or {@link #awaitOutput} runs it again with
     * {@link #progress} returning {@code state}, and it continues where it left off. What others change meanwhile: {@link LongReplies}.
     *
     * @param state not 0
     */
    void checkpoint(long state) {
        reply.checkpoint();
        connection.progress = state;
    }

    /** State of the last {@link #checkpoint} of this command; 0 at its first run. */
    long progress() {
        return connection.progress;
    }

    /** Keeps the key's value as it is now for the rest of the command, which has read it in this run and written nothing. May miss. */
    void openView(int key) {
        long record = peek(key);
        connection.view = shard.openView(record);
    }

    /** The record of the key, 0: there is none; of the view, where the command has one. May miss. */
    long resume(int key) {
        PageView view = connection.view;
        return view == null ? peek(key) : lookUp(key).enterView(view);
    }

    /**
     * After a checkpoint: unwinds the handler while much output waits for the socket, to run again when most of it is sent. So a
     * reply of any length takes a bounded amount of memory; but not within EXEC, which waits for no client.
     *
     * @param most that may wait, where there is memory for it
     */
    void awaitOutput(int most) {
        if (connection.outBytes > Math.min(most, buffers.streamBytes())
                && !connection.isExecuting()) {
            throw OutputFull.SIGNAL;
        }
    }

    /**
     * Before a big reply that is made in one go: unwinds the handler while there is no memory for it, to run again when there is. Before the
     * first write of the command. Not within EXEC: those who hold the memory may wait for it to end.
     *
     * @param replyBytes length of the reply, as far as it is known: a later call may ask for more
     */
    void reserveOutput(long replyBytes) {
        long wanted = connection.outBytes + replyBytes;
        if (replyBytes > Admission.SMALL_BYTES
                && wanted > connection.outputBound
                && !connection.isExecuting()
                && !buffers.admission.admitOutput(connection, wanted)) {
            throw OutputFull.SIGNAL;
        }
    }

    @Override
    public void close() {
        lists.close();
        otherLists.close();
    }
}
