package ironcache.engine;

import ironcache.hybridlog.Record;
import org.jspecify.annotations.Nullable;

/**
 * The open views of a shard's values ({@link PageView}), and the versions of paged objects that they are of (docs/adr/0018-page-snapshots.md). Whoever is about to change a page says so first
 * ({@link #beforeWrite}). One owner thread.
 *
 * <p>Invariants: of a viewed object, {@code oldest} has a view; a page is kept in a version only where some view of the object may still read it, and at most once in each. A page as of a version is the one that is kept in the first version from it
 * on that has it, else the one that is there.
 *
 * <p>Memory is bounded: where the copies for one object, or for all, would take more, the views of the object that is written are broken.
 */
final class PageViews implements AutoCloseable {
    private static final int HEADS = 64;

    /** A paged object with open views. */
    static final class Viewed {
        final long object;
        PageVersion oldest;
        PageVersion newest;
        long bytes;

        /** The one that was opened last. */
        @Nullable PageView views;

        @Nullable Viewed next;

        Viewed(long object, PageVersion version, @Nullable Viewed next) {
            this.object = object;
            this.next = next;
            oldest = version;
            newest = version;
            bytes = version.bytes;
        }
    }

    private final Store store;

    /** By object. */
    private final @Nullable Viewed[] heads = new @Nullable Viewed[HEADS];

    /** Viewed objects. */
    int count;

    private long bytes;
    private long bytesMax = Long.MAX_VALUE;

    /** What the command that runs reads. */
    @Nullable PageView current;

    PageViews(Store store) {
        this.store = store;
    }

    void setLimit(long newBytesMax) {
        bytesMax = newBytesMax;
    }

    private static int head(long object) {
        return (int) (object * 0x9E3779B97F4A7C15L >>> 58);
    }

    private @Nullable Viewed find(long object) {
        Viewed viewed = heads[head(object)];
        while (viewed != null && viewed.object != object) {
            viewed = viewed.next;
        }
        return viewed;
    }

    boolean isViewed(long object) {
        return count != 0 && find(object) != null;
    }

    /** An object of this keyspace that is viewed; 0: none is. */
    long anyViewed(int keyspace) {
        for (int i = 0; i < HEADS && count > 0; i++) {
            for (Viewed viewed = heads[i]; viewed != null; viewed = viewed.next) {
                if (PagedObjects.keyspace(viewed.object) == keyspace) {
                    return viewed.object;
                }
            }
        }
        return 0;
    }

    // Views.

    /** As {@link Shard#openView}. */
    PageView open(long record) {
        if (!Record.isPaged(record)) {
            return new PageView(this, null, new PageVersion(record, 0), store.nowMillis);
        }
        long object = RootLayout.object(Record.value(record));
        Viewed viewed = find(object);
        if (viewed == null) {
            PageVersion version = new PageVersion(record, 0);
            int head = head(object);
            viewed = new Viewed(object, version, heads[head]);
            heads[head] = viewed;
            count++;
            bytes += version.bytes;
        } else if (!viewed.newest.isOf(record)) {
            PageVersion version = new PageVersion(record, viewed.newest.pages);
            viewed.newest.newer = version;
            viewed.newest = version;
            viewed.bytes += version.bytes;
            bytes += version.bytes;
        }
        PageView view = new PageView(this, viewed, viewed.newest, store.nowMillis);
        viewed.newest.views++;
        view.next = viewed.views;
        viewed.views = view;
        return view;
    }

    /** As {@link Shard#enterView}. */
    long enter(PageView view) {
        if (view.broken) {
            throw new IllegalStateException("the view is broken");
        }
        view.enter();
        store.nowMillis = view.nowMillis;
        current = view;
        return view.version.record;
    }

    /** The run of a command ends. */
    void leave() {
        current = null;
    }

    void close(PageView view) {
        if (current == view) {
            current = null;
        }
        Viewed viewed = view.viewed;
        if (viewed == null) {
            view.version.free();
        } else if (!view.broken) {
            unlink(viewed, view);
            view.version.views--;
            trim(viewed);
        }
    }

    private static void unlink(Viewed viewed, PageView view) {
        if (viewed.views == view) {
            viewed.views = view.next;
            return;
        }
        PageView before = viewed.views;
        while (before != null && before.next != view) {
            before = before.next;
        }
        if (before != null) {
            before.next = view.next;
        }
    }

    /** Drops the oldest versions, as far as no view has them. */
    private void trim(Viewed viewed) {
        PageVersion oldest = viewed.oldest;
        while (oldest.views == 0) {
            PageVersion newer = oldest.newer;
            drop(viewed, oldest);
            if (newer == null) {
                remove(viewed);
                return;
            }
            oldest = newer;
            viewed.oldest = newer;
        }
    }

    private void drop(Viewed viewed, PageVersion version) {
        bytes -= version.bytes;
        viewed.bytes -= version.bytes;
        version.free();
    }

    private void remove(Viewed viewed) {
        int head = head(viewed.object);
        if (heads[head] == viewed) {
            heads[head] = viewed.next;
        } else {
            Viewed before = heads[head];
            while (before != null && before.next != viewed) {
                before = before.next;
            }
            if (before != null) {
                before.next = viewed.next;
            }
        }
        count--;
        store.reaper.release(viewed.object);
    }

    /** Gives up all views of an object. */
    void breakUp(long object) {
        Viewed viewed = find(object);
        if (viewed == null) {
            return;
        }
        for (PageView view = viewed.views; view != null; view = view.next) {
            view.broken = true;
        }
        for (PageVersion version = viewed.oldest; version != null; version = version.newer) {
            drop(viewed, version);
        }
        store.stats.brokenViews++;
        remove(viewed);
    }

    /** Gives up all views. */
    void breakAll() {
        for (int i = 0; i < HEADS; i++) {
            for (Viewed viewed = heads[i]; viewed != null; viewed = heads[i]) {
                breakUp(viewed.object);
            }
        }
    }

    // Pages.

    /**
     * The page as the command that runs has to see it.
     *
     * @return record, 0: there was none; {@link PageVersion#UNCHANGED}: as it is
     */
    long page(long object, long page) {
        PageView view = current;
        if (view == null || !view.isOf(object)) {
            return PageVersion.UNCHANGED;
        }
        for (PageVersion version = view.version; version != null; version = version.newer) {
            long kept = version.page(page);
            if (kept != PageVersion.UNCHANGED) {
                return kept;
            }
        }
        return PageVersion.UNCHANGED;
    }

    /**
     * A page is about to be changed, made or deleted.
     *
     * @param record of it, 0: there is none
     */
    void beforeWrite(long object, long page, long record) {
        Viewed viewed = find(object);
        if (viewed == null) {
            return;
        }
        PageVersion newest = viewed.newest;
        if (page >= newest.pages
                || newest.page(page) != PageVersion.UNCHANGED
                || !isWanted(viewed, page)) {
            return;
        }
        long before = newest.bytes;
        newest.keep(page, record);
        long more = newest.bytes - before;
        bytes += more;
        viewed.bytes += more;
        if (more > 0 && (bytes > bytesMax || viewed.bytes > bytesMax / 2)) {
            breakUp(object);
        }
    }

    private static boolean isWanted(Viewed viewed, long page) {
        for (PageView view = viewed.views; view != null; view = view.next) {
            if (view.wants(page)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() {
        breakAll();
    }
}
