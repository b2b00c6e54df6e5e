package ironcache.resp;

import ironcache.datatypes.ElementPages;
import ironcache.engine.Shard;
import java.util.Arrays;
import java.util.Objects;

/**
 * Parsed requests, of many connections, that are run together: all their keys are hashed and their buckets loaded, then all their records, then each runs. So the cache misses
 * of independent commands overlap instead of queueing, also for clients that do not pipeline. A single command skips that.
 *
 * <p>The requests of one connection are next to each other and in their order. One per shard thread; allocates nothing.
 */
final class Batch implements AutoCloseable {
    /** With one shard. Three lines of each command's record then fit into the first-level cache. */
    private static final int MOST_FOR_ONE_SHARD = 128;

    /** With several: what is loaded at once is a part of it, and each visit has more to do. */
    static final int MOST_COMMANDS = 256;

    private static final int MOST_ARGUMENTS = 2048;
    private static final int MOST_TOUCHES = 512;

    private final CommandTable commands;
    private final CommandRow scan;
    private final Shards shards;

    private final ArgumentTable table = new ArgumentTable();
    private final RequestParser parser = new RequestParser(table);
    private final BatchEntry[] entries = new BatchEntry[MOST_COMMANDS];
    private final int mostCommands;
    private int size;
    private int keyedCommands;
    private final long[] touched = new long[MOST_TOUCHES];
    private final int[] touchedDb = new int[MOST_TOUCHES];

    // Of the touched keys: the element that the command will look for; 0: none.
    private final long[] element = new long[MOST_TOUCHES];
    private final int[] elementLength = new int[MOST_TOUCHES];
    private final long[] touchedObject = new long[MOST_TOUCHES];
    private final long[] touchedPage = new long[MOST_TOUCHES];

    // With several shards, for each the commands over it alone that have keys: a list of indices,
    // NONE at its end.
    private static final int NONE = -1;
    private final int[] firstOfShard = new int[Shards.MOST];
    private final int[] nextOfShard = new int[MOST_COMMANDS];

    Batch(CommandTable commands, Shards shards) {
        this.commands = commands;
        this.shards = shards;
        mostCommands = shards.isSingle() ? MOST_FOR_ONE_SHARD : MOST_COMMANDS;
        scan = Objects.requireNonNull(commands.find("SCAN"));
        for (int i = 0; i < entries.length; i++) {
            entries[i] = new BatchEntry();
        }
    }

    int size() {
        return size;
    }

    BatchEntry entry(int i) {
        return entries[i];
    }

    ArgumentTable table() {
        return table;
    }

    RequestParser parser() {
        return parser;
    }

    /**
     * Parses requests of the connection's region. What remains of the region is for the caller to keep.
     *
     * @return false: the batch is to be run before more of it is parsed
     */
    boolean parse(Connection c) {
        while (c.at < c.regionEnd && c.state == Connection.State.OPEN && c.protocolError == null) {
            if (size == mostCommands || table.size() >= MOST_ARGUMENTS) {
                return false;
            }
            int first = table.size();
            boolean trusted = (c.checks & Connection.CHECK_AUTH) == 0;
            int status = parser.parse(c.at, c.regionEnd, trusted);
            if (status == RequestParser.COMPLETE) {
                add(c, first);
                c.at = parser.next();
                if (!trusted) {
                    // AUTH may come next, and other limits hold after it.
                    return false;
                }
            } else if (status == RequestParser.INCOMPLETE) {
                c.neededBytes = parser.neededBytes();
                c.wholeBytes = parser.wholeBytes();
                return true;
            } else if (status == RequestParser.EMPTY) {
                c.at = parser.next();
            } else if (status == RequestParser.FULL) {
                return false;
            } else {
                addProtocolError(c);
                return true;
            }
        }
        c.neededBytes = 0;
        return true;
    }

    /** Whether the connection's input is worth parsing again: a request may be complete, or is broken. */
    boolean isParsable(Connection c) {
        if (c.inputBytes() >= c.neededBytes) {
            return true;
        }
        long from = c.input + c.inputStart;
        long whole =
                parser.skipBulks(
                        from + c.wholeBytes,
                        c.input + c.inputEnd,
                        (c.checks & Connection.CHECK_AUTH) == 0);
        if (whole == 0) {
            return true;
        }
        c.wholeBytes = whole - from;
        return false;
    }

    private void add(Connection c, int first) {
        BatchEntry e = entries[size++];
        int argc = parser.argc();
        long args = table.entry(first);
        long name = ArgumentTable.address(args, 0);
        int nameLength = ArgumentTable.length(args, 0);
        CommandRow row = commands.find(name, nameLength);
        e.problem = BatchEntry.Problem.NONE;
        if (row != null) {
            if (row.firstKey != 0) {
                keyedCommands++;
            } else if (argc > 1 && row.isContainer()) {
                CommandRow sub =
                        commands.findSub(
                                row, ArgumentTable.address(args, 1), ArgumentTable.length(args, 1));
                if (sub == null) {
                    e.problem = BatchEntry.Problem.UNKNOWN_SUBCOMMAND;
                } else {
                    row = sub;
                }
            }
        }
        e.connection = c;
        e.row = row;
        e.firstArgument = first;
        e.argc = argc;
        e.start = c.at;
        e.end = parser.next();
        e.lengthBits = parser.lengthBits();
    }

    private void addProtocolError(Connection c) {
        BatchEntry e = entries[size++];
        e.connection = c;
        e.row = null;
        e.start = c.at;
        e.problem = BatchEntry.Problem.PROTOCOL_ERROR;
        c.protocolError = parser.error();
        c.at = c.regionEnd;
    }

    /** It was run. */
    void clear() {
        size = 0;
        keyedCommands = 0;
        table.clear();
        parser.reset();
    }

    // Shards and keys.

    /** Finds out which shards the commands are over by their arguments; those without keys are over {@code home}, their thread's own. */
    void findShards(long home) {
        Arrays.fill(firstOfShard, 0, shards.count(), NONE);
        for (int i = size - 1; i >= 0; i--) {
            BatchEntry e = entries[i];
            long set = e.isRunnable() ? shardsOf(e) : 0;
            e.over = set == 0 ? home : set;
            e.wider = 0;
            if (e.isKeyed() && (set & set - 1) == 0) {
                int shard = Long.numberOfTrailingZeros(e.over);
                nextOfShard[i] = firstOfShard[shard];
                firstOfShard[shard] = i;
            }
        }
    }

    private long shardsOf(BatchEntry e) {
        CommandRow row = Objects.requireNonNull(e.row);
        long args = table.entry(e.firstArgument);
        if (row.everyShard) {
            return shards.everyShard();
        }
        if (row.keySpecs.length == 0) {
            return row == scan ? ScanCommands.shardOf(args, e.argc, shards) : 0;
        }
        if (row.firstKey == 0 || row.countsKeys) {
            // Where the keys are is told by other arguments; what is between may be no keys, which
            // costs little.
            return shardsOf(args, 1, e.argc - 1, 1);
        }
        return shardsOf(args, row.firstKey, row.lastKey(e.argc), row.keyStep);
    }

    private long shardsOf(long args, int first, int last, int step) {
        long set = 0;
        for (int k = first; k <= last; k += step) {
            set |= 1L << shards.of(ArgumentTable.address(args, k), ArgumentTable.length(args, k));
        }
        return set;
    }

    /** Has the only shard load what the commands will look at. */
    void touch(Shard shard) {
        if (keyedCommands < 2) {
            return;
        }
        int count = 0;
        for (int i = 0; i < size; i++) {
            BatchEntry e = entries[i];
            CommandRow row = e.row;
            if (row == null || row.firstKey == 0) {
                continue;
            }
            long args = table.entry(e.firstArgument);
            int db = e.connection.db;
            int last = row.lastKey(e.argc);
            for (int k = row.firstKey; k <= last && count < MOST_TOUCHES; k += row.keyStep) {
                long hash =
                        shard.hash(ArgumentTable.address(args, k), ArgumentTable.length(args, k));
                ArgumentTable.putHash(args, k, hash);
                putElement(count, k == row.firstKey ? row.element : 0, args, e.argc);
                touched[count] = hash;
                touchedDb[count++] = db;
            }
        }
        shard.touch(touchedDb, touched, count);
        touchElements(shard, count);
    }

    private void putElement(int at, int argument, long args, int argc) {
        boolean there = argument != 0 && argument < argc;
        element[at] = there ? ArgumentTable.address(args, argument) : 0;
        elementLength[at] = there ? ArgumentTable.length(args, argument) : 0;
    }

    /** The keys' records are there now: where they are roots of large collections, the pages that the elements are looked for on are loaded. */
    private void touchElements(Shard shard, int count) {
        int pages = 0;
        for (int i = 0; i < count; i++) {
            long record = touched[i];
            if (element[i] == 0 || record == 0) {
                continue;
            }
            long page = ElementPages.of(record, element[i], elementLength[i]);
            if (page != ElementPages.NONE) {
                touchedObject[pages] = ElementPages.object(record);
                touchedPage[pages++] = page;
            }
        }
        if (pages > 1) {
            shard.touchPages(touchedObject, touchedPage, pages);
        }
    }

    /** Has one of several shards load what the commands over it alone will look at. The caller is in it. */
    void touch(Partition partition) {
        int count = 0;
        for (int i = firstOfShard[partition.number]; i != NONE; i = nextOfShard[i]) {
            BatchEntry e = entries[i];
            CommandRow row = Objects.requireNonNull(e.row);
            int k = row.firstKey;
            long args = table.entry(e.firstArgument);
            long hash =
                    partition.shard.hash(
                            ArgumentTable.address(args, k), ArgumentTable.length(args, k));
            ArgumentTable.putHash(args, k, hash);
            putElement(count, row.element, args, e.argc);
            touched[count] = hash;
            touchedDb[count++] = e.connection.db;
        }
        if (count > 1) {
            partition.shard.touch(touchedDb, touched, count);
            touchElements(partition.shard, count);
        }
    }

    @Override
    public void close() {
        parser.close();
        table.close();
    }
}
