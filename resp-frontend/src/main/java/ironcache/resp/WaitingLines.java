package ironcache.resp;

import ironcache.ffm.Memory;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for which key of a shard: a chained hash table from key to the line of blocked commands, in the order in which they came. Whoever changes a key asks {@link #isEmpty}
 * first, so that a change costs one comparison while nobody waits. One table per shard, guarded by its lock.
 */
final class WaitingLines {
    /** A blocked command's place in one line. */
    static final class Place {
        final BlockedCommand command;
        private final Line line;
        private @Nullable Place previous;
        private @Nullable Place next;
        private final @Nullable Place nextOfCommand;

        private Place(BlockedCommand command, Line line) {
            this.command = command;
            this.line = line;
            nextOfCommand = command.first;
            command.first = this;
        }

        /** Who comes after it. */
        @Nullable Place next() {
            return next;
        }
    }

    /** Those who wait for one key. */
    static final class Line {
        private final WaitingLines table;
        final int db;
        final byte[] key;
        final long hash;

        private @Nullable Place first;
        private @Nullable Place last;
        private @Nullable Line nextInBucket;

        /** All shards that commands of this line were over, since it began. */
        private long over;

        /** Some command of it made other keys ready, if it ran. */
        private boolean moves;

        /** It is to be served when the running command is over. */
        boolean ready;

        private Line(WaitingLines table, int db, byte[] key, long hash) {
            this.table = table;
            this.db = db;
            this.key = key;
            this.hash = hash;
        }

        /** Who has waited longest. */
        @Nullable Place first() {
            return first;
        }

        /** Whether the key is there; a cold candidate counts. */
        boolean hasKey() {
            return table.partition.exists(db, key, hash);
        }

        private boolean isOf(long otherHash, long otherKey, int length) {
            if (hash != otherHash || key.length != length) {
                return false;
            }
            for (int i = 0; i < length; i++) {
                if (key[i] != Memory.getByte(otherKey + i)) {
                    return false;
                }
            }
            return true;
        }

        private void append(Place place) {
            Place before = last;
            place.previous = before;
            last = place;
            if (before == null) {
                first = place;
            } else {
                before.next = place;
            }
        }

        private void remove(Place place) {
            Place before = place.previous;
            Place after = place.next;
            if (before == null) {
                first = after;
            } else {
                before.next = after;
            }
            if (after == null) {
                last = before;
            } else {
                after.previous = before;
            }
        }
    }

    /** What is done to a line. */
    interface Visitor {
        void visit(Line line);
    }

    /** As an answer of {@link #reach}. */
    static final long NOT_KNOWN = -1;

    private final Partition partition;
    private @Nullable Line[] buckets = new Line[16];
    private int size;

    /** All shards that waiting commands were over, since there are any. */
    private long over;

    WaitingLines(Partition partition) {
        this.partition = partition;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Keys that somebody waits for. */
    int size() {
        return size;
    }

    /** All shards that waiting commands are over, and maybe more. */
    long over() {
        return over;
    }

    /** The line of a key, or null. */
    @Nullable Line find(int db, long key, int keyLength, long hash) {
        Line line = buckets[bucket(hash)];
        while (line != null && !(line.db == db && line.isOf(hash, key, keyLength))) {
            line = line.nextInBucket;
        }
        return line;
    }

    /** All shards that serving a key may need, this one's apart, whatever its database; NOT_KNOWN where only {@link #over} of several tables tells. */
    long reach(long key, int keyLength, long hash) {
        long reach = 0;
        for (Line line = buckets[bucket(hash)]; line != null; line = line.nextInBucket) {
            if (line.isOf(hash, key, keyLength)) {
                if (line.moves) {
                    return NOT_KNOWN;
                }
                reach |= line.over;
            }
        }
        return reach;
    }

    /** Puts a command at the end of a key's line, unless it is there already. */
    void join(BlockedCommand command, int db, long key, int keyLength, long hash) {
        Line line = find(db, key, keyLength, hash);
        if (line == null) {
            byte[] copy = new byte[keyLength];
            Memory.copyOut(key, copy, 0, keyLength);
            line = new Line(this, db, copy, hash);
            if (++size > buckets.length) {
                grow();
            }
            link(line);
        }
        Place last = line.last;
        if (last == null || last.command != command) {
            line.append(new Place(command, line));
            line.over |= command.over;
            line.moves |= command.moves;
            over |= command.over;
        }
    }

    private int bucket(long hash) {
        return (int) hash & buckets.length - 1;
    }

    private void link(Line line) {
        int bucket = bucket(line.hash);
        line.nextInBucket = buckets[bucket];
        buckets[bucket] = line;
    }

    private void grow() {
        @Nullable Line[] old = buckets;
        buckets = new Line[old.length * 2];
        for (Line first : old) {
            Line line = first;
            while (line != null) {
                Line next = line.nextInBucket;
                link(line);
                line = next;
            }
        }
    }

    /** The command leaves all its lines. The caller has all its shards. */
    static void leave(BlockedCommand command) {
        for (Place p = command.first; p != null; p = p.nextOfCommand) {
            Line line = p.line;
            line.remove(p);
            if (line.first == null) {
                line.table.unlink(line);
            }
        }
        command.first = null;
    }

    private void unlink(Line line) {
        int bucket = bucket(line.hash);
        Line before = null;
        Line at = buckets[bucket];
        while (at != line && at != null) {
            before = at;
            at = at.nextInBucket;
        }
        if (before == null) {
            buckets[bucket] = line.nextInBucket;
        } else {
            before.nextInBucket = line.nextInBucket;
        }
        if (--size == 0) {
            over = 0;
        }
    }

    /** Visits the lines of a database's keys. */
    void ofDatabase(int db, Visitor visitor) {
        for (Line first : buckets) {
            for (Line line = first; line != null; line = line.nextInBucket) {
                if (line.db == db) {
                    visitor.visit(line);
                }
            }
        }
    }
}
