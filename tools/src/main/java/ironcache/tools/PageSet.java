package ironcache.tools;

import ironcache.hybridlog.Address;
import ironcache.tiering.PageCheck;
import java.util.BitSet;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Pages of one shard's SSD tier that images refer to, and what the images say of their segments. Guarded by itself. */
final class PageSet {
    /** What an image says of a segment file. */
    record Segment(int number, int pages, long generation) {}

    private final BitSet pages = new BitSet();
    private final NavigableMap<Integer, Segment> segments = new TreeMap<>();

    /** @return what another image said of the same segment, where it differs */
    synchronized @Nullable Segment segment(Segment segment) {
        Segment before = segments.putIfAbsent(segment.number, segment);
        return before == null || before.equals(segment) ? null : before;
    }

    synchronized void add(BitSet more) {
        pages.or(more);
    }

    synchronized NavigableMap<Integer, Segment> segments() {
        return new TreeMap<>(segments);
    }

    /** Which pages of a segment, by their place in its file. */
    synchronized BitSet pagesOf(Segment segment) {
        int first = PageCheck.firstPage(segment.number, segment.pages) - Address.FIRST_SSD_PAGE;
        return pages.get(first, first + segment.pages);
    }
}
