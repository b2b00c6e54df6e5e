package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.hybridlog.Record;
import java.util.Arrays;

/**
 * Looks at all pages of a paged collection, one a step, whether each is there that another one or the root speaks of, and whether they have as many elements as the root says. For who has reason to doubt it: it
 * reads nothing of a page that is not there. Each step is a command of its own, so a collection of any size takes the memory of one page. The collection stays as it is meanwhile.
 *
 * <p>What is still to be read is a stack of words: what a page is, and its number.
 *
 * <pre>
 * LEAF, INNER + level   a page of a {@link Tree}            TIMES + level   a node of {@link FieldTimes}
 * SPILLED               the next page of a long string; the word below is how many there are
 * </pre>
 */
public final class CollectionCheck {
    private static final int SPILLED = 0;
    private static final int TREE = 1 << 8;
    private static final int TIMES = 2 << 8;

    private static final int WORDS = 3;

    // Set by begin, before anything else.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private int type;
    private long object;
    private long expected;
    private long buckets;
    private boolean scored;
    private long bucket;

    /** In buckets; a field and its value are two. */
    private long inBuckets;

    private long inLeaves;
    private boolean isWhole;

    /** Of each page: what it is, its number, and of a long string how many pages. */
    private long[] stack = new long[64 * WORDS];

    private int size;

    /** @param record of a collection that is paged */
    public void begin(Shard of, long record) {
        shard = of;
        type = Record.type(record);
        long root = Record.value(record);
        object = CollectionRoot.object(root);
        expected = CollectionRoot.count(root);
        buckets = 0;
        bucket = 0;
        inBuckets = 0;
        inLeaves = 0;
        size = 0;
        isWhole = false;
        scored = type == Record.TYPE_ZSET;
        switch (type) {
            case Record.TYPE_LIST -> {
                pushTree(root + ListLayout.TREE);
                pushLeaf(ListLayout.page(root, true));
                pushLeaf(ListLayout.page(root, false));
            }
            case Record.TYPE_ZSET -> {
                pushTree(root + PagedSortedSet.TREE);
                buckets = BucketsLayout.buckets(root + PagedSortedSet.BUCKETS);
            }
            case Record.TYPE_HASH -> {
                buckets = BucketsLayout.buckets(root + CollectionRoot.BYTES);
                long times = root + Hashes.TIMES;
                if (FieldTimesLayout.top(times) != 0) {
                    push(
                            TIMES + FieldTimesLayout.levels(times) - 1,
                            FieldTimesLayout.top(times),
                            0);
                }
            }
            default -> buckets = BucketsLayout.buckets(root + SetPages.PART);
        }
    }

    private void pushTree(long part) {
        if (TreeLayout.height(part) > 0) {
            push(TREE + TreeLayout.height(part) - 1, TreeLayout.top(part), 0);
        }
    }

    private void pushLeaf(long page) {
        if (page != 0) {
            push(TREE, page, 0);
        }
    }

    private void push(int what, long page, long pages) {
        if (size + WORDS > stack.length) {
            stack = Arrays.copyOf(stack, 2 * stack.length);
        }
        stack[size] = what;
        stack[size + 1] = page;
        stack[size + 2] = pages;
        size += WORDS;
    }

    /** Looks at the next page. May miss. @return false: that was all */
    public boolean step() {
        if (bucket < buckets) {
            long record = shard.readPage(object, Buckets.page(bucket));
            bucket++;
            if (record != 0) {
                bucket(Buckets.first(record), Buckets.end(record));
            }
            return true;
        }
        if (size == 0) {
            isWhole = inBuckets == expectedInBuckets() && inLeaves == expectedInLeaves();
            return false;
        }
        long record = shard.readPage(object, stack[size - 2]);
        if (record == 0) {
            return false;
        }
        size -= WORDS;
        int what = (int) stack[size];
        if (what == SPILLED) {
            if (stack[size + 2] > 1) {
                push(SPILLED, stack[size + 1] + 2, stack[size + 2] - 1);
            }
        } else if (what >= TIMES) {
            times(what - TIMES, Record.value(record), Record.valueLength(record));
        } else {
            tree(what - TREE, record);
        }
        return true;
    }

    /** After the last step. */
    public boolean isWhole() {
        return isWhole;
    }

    private long expectedInBuckets() {
        return switch (type) {
            case Record.TYPE_LIST -> 0;
            case Record.TYPE_HASH -> 2 * expected;
            default -> expected;
        };
    }

    private long expectedInLeaves() {
        return type == Record.TYPE_LIST || scored ? expected : 0;
    }

    private void bucket(long from, long end) {
        if (scored) {
            inBuckets += (end - from) / ScoreEntry.BYTES;
            return;
        }
        for (long at = from; at < end; at += Element.bytes(at)) {
            if (!Element.isTime(at)) {
                inBuckets++;
                spilled(at);
            }
        }
    }

    private void spilled(long element) {
        if (Element.isSpilled(element)) {
            push(SPILLED, Element.spilledPage(element), Spill.pieces(element));
        }
    }

    private void times(int level, long node, int length) {
        for (int i = 0; level > 0 && i * FieldTimesLayout.entryBytes(level) < length; i++) {
            long child = FieldTimesLayout.child(node, length, level, i);
            if (child != 0) {
                push(TIMES + level - 1, child, 0);
            }
        }
    }

    private void tree(int level, long record) {
        int scoreBytes = scored ? TreeLayout.SCORE_BYTES : 0;
        long end = Record.value(record) + Record.valueLength(record);
        for (long at = Record.value(record) + TreeLayout.ENTRIES; at < end; ) {
            if (level > 0) {
                push(TREE + level - 1, TreeLayout.child(at), 0);
                at += TreeLayout.innerEntryBytes(at, scoreBytes);
            } else {
                inLeaves++;
                spilled(at + scoreBytes);
                at += TreeLayout.leafEntryBytes(at, scoreBytes);
            }
        }
    }
}
