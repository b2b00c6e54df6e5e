package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.datatypes.TestTree.Entry;
import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A command that found its places before its first write finds them again after it, without a miss, whatever the write did to the pages: one test for each thing that a page's change must have
 * read, or leave be, among members of one score that are spilled and cold.
 *
 * <p>The trees are planted page by page. A change that is left be where spilled strings are cold is made where all is in RAM, too, which shows that it is what the test is about.
 */
final class TreeColdTest {
    private static final int SHORT_BYTES = 100;
    private static final int LONG_BYTES = Spill.SPILL_BYTES + 8;

    /** A page: of entries, or of others. All of its tree's scores are 0. */
    private record Node(byte @Nullable [] bound, List<byte[]> members, List<Node> children) {
        long count() {
            return children.isEmpty()
                    ? members.size()
                    : children.stream().mapToLong(Node::count).sum();
        }
    }

    @SuppressWarnings("NullAway.Init")
    private TestTree on;

    @SuppressWarnings("NullAway.Init")
    private Tree tree;

    @BeforeEach
    void open() throws Exception {
        on = new TestTree("among planted pages");
        tree = on.tree;
    }

    @AfterEach
    void close() throws Exception {
        on.close();
    }

    // Members.

    /** Of this length, with this begin. */
    private static byte[] text(String begin, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < begin.length(); i++) {
            bytes[i] = (byte) begin.charAt(i);
        }
        return bytes;
    }

    private static byte[] text(String begin) {
        return text(begin, SHORT_BYTES);
    }

    private static byte[] spilled(String begin) {
        return text(begin, LONG_BYTES);
    }

    private static byte[] bound(String text) {
        return text(text, text.length());
    }

    /** A leaf has three, which only a long bound tells from one another. */
    private static byte[] alike(int number) {
        byte[] bytes = text("b", 600);
        bytes[bytes.length - 1] = (byte) number;
        return bytes;
    }

    private static Entry entry(byte[] member) {
        return new Entry(0, member);
    }

    // Trees.

    private static Node leaf(byte @Nullable [] bound, byte[]... members) {
        return new Node(bound, List.of(members), List.of());
    }

    private static Node inner(byte @Nullable [] bound, Node... children) {
        return new Node(bound, List.of(), List.of(children));
    }

    /** So many entries that one less makes the leaf small. */
    private static Node nearlySmallLeaf(byte @Nullable [] bound, String begin) {
        return leaf(
                bound,
                text(begin + 0),
                text(begin + 1),
                text(begin + 2),
                text(begin + 3),
                text(begin + 4));
    }

    private void plant(Node top, int height) {
        on.begin(true);
        on.command(
                () -> {
                    CollectionRoot.probe(on.shard, on.root, 1000);
                    on.write(
                            () -> {
                                long part = on.root + TestTree.PART;
                                TreeLayout.putTop(part, plantPage(top), height);
                                TreeLayout.addTreeCount(part, top.count());
                            });
                });
    }

    private long plantPage(Node node) {
        List<byte[]> entries = new ArrayList<>();
        for (byte[] member : node.members) {
            entries.add(coded(0, member));
        }
        for (Node child : node.children) {
            byte[] bytes =
                    coded(TreeLayout.CHILD_BYTES, child.bound == null ? new byte[0] : child.bound);
            long page = plantPage(child);
            Memory.copyIn(bytes, 0, on.entry, bytes.length);
            TreeLayout.putChild(on.entry, page, child.count());
            Memory.copyOut(on.entry, bytes, 0, bytes.length);
            entries.add(bytes);
        }
        long page = CollectionRoot.takePage(on.root);
        int bytes = TreeLayout.ENTRIES + entries.stream().mapToInt(e -> e.length).sum();
        long value = on.shard.upsertPage(on.object(), page, bytes);
        SplicedLayout.putVersion(value, 0);
        long to = value + TreeLayout.ENTRIES;
        for (byte[] entry : entries) {
            Memory.copyIn(entry, 0, to, entry.length);
            to += entry.length;
        }
        return page;
    }

    /** Score and member, behind room for so many bytes. */
    private byte[] coded(int room, byte[] member) {
        byte[] bytes = new byte[room + on.code(entry(member))];
        on.spill(entry(member));
        Memory.copyOut(on.entry, bytes, room, bytes.length - room);
        return bytes;
    }

    // What is in RAM.

    private void pushOut() {
        // What was used stays once.
        on.owner.pushOut();
        on.owner.pushOut();
    }

    /** All pages of the tree, but for those of its strings. */
    private void readTree() {
        long part = on.root + TestTree.PART;
        on.command(() -> readBelow(TreeLayout.top(part), TreeLayout.height(part) - 1));
    }

    private void readBelow(long page, int level) {
        int room = level == 0 ? 0 : TreeLayout.CHILD_BYTES;
        int at = TreeLayout.ENTRIES;
        while (true) {
            long record = on.shard.readPage(on.object(), page);
            if (at == Record.valueLength(record)) {
                return;
            }
            long entry = Record.value(record) + at;
            long element = entry + room + TreeLayout.SCORE_BYTES;
            at = (int) (element + Element.bytes(element) - Record.value(record));
            if (level > 0) {
                readBelow(TreeLayout.child(entry), level - 1);
            }
        }
    }

    private int pages() {
        int[] pages = new int[1];
        on.command(
                () -> {
                    pages[0] = 0;
                    for (long page = 1; page < CollectionRoot.nextPage(on.root); page += 2) {
                        pages[0] += on.shard.readPage(on.object(), page) == 0 ? 0 : 1;
                    }
                });
        return pages[0];
    }

    // Changes.

    private void find(byte[] member) {
        on.seek(entry(member));
    }

    /** @return bytes of the entry, which is at {@code on.entry} and at its place */
    private int loadInsert(Entry entry) {
        int length = on.code(entry);
        on.seek(entry);
        tree.loadInsert(on.entry, length);
        CollectionRoot.probe(on.shard, on.root, tree.pagesOfInsert());
        return length;
    }

    /** Removes the entry at a position, by which no bound is compared with, beside the search for another one. */
    private void removeAndFind(long position, byte[] sought) {
        on.command(
                () -> {
                    on.open();
                    find(sought);
                    tree.seek(position, 0);
                    int bytes = tree.entryBytes();
                    tree.loadRemove();
                    on.write(
                            () -> {
                                tree.remove(1, bytes);
                                find(sought);
                            });
                });
    }

    /** A removal joins two pages where all is in RAM, and leaves them be where strings are cold. */
    private void joinsIfRead(Node top, int height, long position, byte[] sought) {
        plant(top, height);
        removeAndFind(position, sought);
        int joined = pages();
        plant(top, height);
        pushOut();
        readTree();
        removeAndFind(position, sought);
        assertTrue(joined < pages(), "nothing is joined where all is in RAM");
    }

    @Test
    void leavesAreNotJoinedBeforeABoundThatIsCold() {
        joinsIfRead(
                inner(
                        null,
                        nearlySmallLeaf(null, "a"),
                        leaf(bound("c"), text("c")),
                        leaf(spilled("d"), spilled("d"))),
                2,
                4,
                text("a0"));
    }

    @Test
    void aLeafIsNotJoinedWithColdEntriesBehindIt() {
        joinsIfRead(
                inner(null, nearlySmallLeaf(null, "a"), leaf(bound("c"), spilled("c"))),
                2,
                4,
                text("b"));
    }

    @Test
    void aLeafIsNotJoinedWithColdEntriesBeforeIt() {
        joinsIfRead(
                inner(null, leaf(null, spilled("a")), nearlySmallLeaf(bound("c"), "c")),
                2,
                5,
                text("c0"));
    }

    @Test
    void anInnerPageIsNotJoinedWithColdBoundsBeforeIt() {
        joinsIfRead(
                inner(
                        null,
                        inner(null, leaf(null, text("a")), leaf(spilled("b"), spilled("b"))),
                        inner(bound("c"), leaf(null, text("c")), leaf(bound("d"), text("d")))),
                3,
                2,
                text("d"));
    }

    @Test
    void anInnerPageIsCutWhereTheBoundIsRead() {
        List<Node> children = new ArrayList<>();
        children.add(leaf(null, text("a")));
        children.add(leaf(bound("b"), alike(0), alike(1), alike(3)));
        for (char i = 0; i < 20; i++) {
            children.add(leaf(spilled("c" + i), spilled("c" + i)));
        }
        Node top = inner(null, children.toArray(new Node[0]));
        for (boolean cold : new boolean[] {false, true}) {
            plant(top, 2);
            if (cold) {
                pushOut();
                readTree();
            }
            Entry split = entry(alike(2));
            on.command(
                    () -> {
                        on.open();
                        find(text("a"));
                        int length = loadInsert(split);
                        on.write(
                                () -> {
                                    tree.insert(on.entry, length);
                                    find(text("a"));
                                });
                    });
            assertEquals(cold ? 2 : 3, TreeLayout.height(on.root + TestTree.PART));
        }
    }

    @Test
    void theBoundBehindALeafThatGoesIsRead() {
        plant(
                inner(
                        null,
                        leaf(null, text("a")),
                        leaf(bound("c"), text("c")),
                        leaf(spilled("d"), spilled("d"))),
                2);
        pushOut();
        removeAndFind(1, text("b"));
    }

    @Test
    void theEntryBehindOneThatIsTakenIsRead() {
        plant(leaf(null, text("a"), text("c"), spilled("d")), 1);
        pushOut();
        on.command(
                () -> {
                    on.open();
                    find(text("b"));
                    find(text("c"));
                    int bytes = tree.entryBytes();
                    tree.loadTake();
                    on.write(
                            () -> {
                                tree.take(bytes);
                                find(text("b"));
                            });
                });
    }

    /** The new leaf takes its bound over from the one that it stands before. */
    @Test
    void theBoundOfALeafThatAnInsertionMadeIsReadWhereItsEntryIsTakenAgain() {
        List<byte[]> members = new ArrayList<>();
        for (char i = 0; i < 20; i++) {
            members.add(text("d" + (char) ('a' + i)));
        }
        plant(
                inner(
                        null,
                        leaf(spilled("b"), members.toArray(new byte[0][])),
                        leaf(bound("e"), text("e"))),
                2);
        pushOut();
        int before = pages();
        pushOut();
        Entry twice = entry(text("c"));
        on.command(
                () -> {
                    on.open();
                    int length = loadInsert(twice);
                    on.write(
                            () -> {
                                tree.insert(on.entry, length);
                                on.seek(twice);
                                assertTrue(tree.take(length), "no leaf of its own was made");
                                tree.tidy(on.key);
                            });
                });
        assertEquals(before - Spill.pagesOf(LONG_BYTES), pages());
    }
}
