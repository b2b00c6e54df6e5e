package ironcache.ffm;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The names of the simulated disk's files: as everybody sees them, and as they are durable. A name that is made, changed or removed is in doubt until
 * its directory is synced; a rename between two directories until both are. Nothing is granted about what is in a file whose name is durable.
 *
 * <p>Directories are durable at once, see {@link Io#openDirectory}. Owned by the simulation's thread.
 */
final class SimNames {
    private enum Kind {
        CREATE,
        RENAME,
        DELETE
    }

    /** A change of names that is not durable yet. */
    private static final class Change {
        final long sequence;
        final Kind kind;
        final String from;
        final String to;
        final SimFile file;

        /** Of the two, those whose sync this still waits for. */
        final Set<String> directories = new TreeSet<>();

        Change(long sequence, Kind kind, String from, String to, SimFile file) {
            this.sequence = sequence;
            this.kind = kind;
            this.from = from;
            this.to = to;
            this.file = file;
            directories.add(directoryOf(from));
            directories.add(directoryOf(to));
        }
    }

    private Map<String, SimFile> current = new TreeMap<>();
    private final Map<String, SimFile> durable = new TreeMap<>();
    private final Set<String> directories = new TreeSet<>();

    /** In order of {@link #sequence}. */
    private final Deque<Change> unsynced = new ArrayDeque<>();

    /** A file whose rename came first. */
    private record Overtaken(String directory, SimFile file, long upTo) {}

    private final List<Overtaken> overtaken = new ArrayList<>();

    /** Counts changes. */
    private long sequence;

    private static String directoryOf(String name) {
        Path parent = Path.of(name).getParent();
        return parent == null ? "" : parent.toString();
    }

    void makeDirectory(String name) {
        directories.add(name);
    }

    boolean hasDirectory(String name) {
        return directories.contains(name);
    }

    @Nullable SimFile find(String name) {
        return current.get(name);
    }

    /** The names of all files, in order. */
    List<String> all() {
        return List.copyOf(current.keySet());
    }

    Iterable<SimFile> files() {
        return current.values();
    }

    int size() {
        return current.size();
    }

    /** Of the last change; what a sync covers that is called now. */
    long sequence() {
        return sequence;
    }

    // Changes.

    SimFile create(String name) {
        SimFile file = new SimFile();
        makeDirectory(directoryOf(name));
        current.put(name, file);
        unsynced.add(new Change(++sequence, Kind.CREATE, name, name, file));
        return file;
    }

    void rename(String from, String to, SimFile file) {
        current.remove(from);
        makeDirectory(directoryOf(to));
        current.put(to, file);
        unsynced.add(new Change(++sequence, Kind.RENAME, from, to, file));
    }

    void delete(String name) {
        SimFile file = current.remove(name);
        if (file != null) {
            unsynced.add(new Change(++sequence, Kind.DELETE, name, name, file));
        }
    }

    /** The medium's own doing: durable at once. */
    void put(String name, SimFile file) {
        makeDirectory(directoryOf(name));
        current.put(name, file);
        durable.put(name, file);
    }

    void remove(String name) {
        current.remove(name);
        durable.remove(name);
    }

    // Durability.

    private void makeDurable(Change change) {
        switch (change.kind) {
            case CREATE -> durable.put(change.to, change.file);
            case RENAME -> {
                // Only if it still is that file's: of the changes before this one, some may not
                // have happened.
                durable.remove(change.from, change.file);
                durable.put(change.to, change.file);
            }
            case DELETE -> durable.remove(change.from, change.file);
        }
    }

    /** Changes in a directory up to a {@link #sequence} are durable. */
    void sync(String directory, long upTo) {
        Iterator<Change> changes = unsynced.iterator();
        while (changes.hasNext()) {
            Change change = changes.next();
            if (change.sequence <= upTo
                    && change.directories.remove(directory)
                    && change.directories.isEmpty()) {
                makeDurable(change);
                changes.remove();
            }
        }
        overtaken.removeIf(file -> caughtUp(file, directory));
    }

    /** A sync failed, and changes up to a {@link #sequence} will not be made durable by any later one. */
    void drop(String directory, long upTo) {
        unsynced.removeIf(
                change -> change.sequence <= upTo && change.directories.contains(directory));
    }

    /** The last change, a rename, is durable before what is in the file, which the next sync of the directory makes good. */
    void overtake() {
        Change rename = unsynced.removeLast();
        makeDurable(rename);
        rename.file.doubtEverything();
        overtaken.add(new Overtaken(directoryOf(rename.to), rename.file, rename.file.sequence()));
    }

    private boolean caughtUp(Overtaken file, String directory) {
        boolean now = file.directory.equals(directory);
        if (now) {
            file.file.sync(file.upTo);
        }
        return now;
    }

    /**
     * Of what is not durable, something has reached the medium: nothing, all, what came first as with a journal, or any part. Then the same for the
     * contents of each file.
     */
    void crash(Prng prng) {
        for (SimFile file : reachable()) {
            file.crash(prng);
        }
        int prefix =
                switch (prng.nextInt(8)) {
                    case 0 -> 0;
                    case 1 -> unsynced.size();
                    case 2, 3, 4 -> prng.nextInt(unsynced.size() + 1);
                    default -> -1;
                };
        int number = 0;
        for (Change change : unsynced) {
            if (prefix < 0 ? prng.chance(0.5) : number++ < prefix) {
                makeDurable(change);
            }
        }
        unsynced.clear();
        overtaken.clear();
        current = new TreeMap<>(durable);
    }

    /** The processes have ended, and nothing else. */
    void settleAll(Prng prng) {
        reachable().forEach(file -> file.settleAll(prng));
    }

    /** All files that have a name now or may have one after a crash, each once, always in the same order. */
    private Set<SimFile> reachable() {
        Set<SimFile> files = new LinkedHashSet<>(current.values());
        files.addAll(durable.values());
        unsynced.forEach(change -> files.add(change.file));
        return files;
    }

    SimNames copy() {
        IdentityHashMap<SimFile, SimFile> copies = new IdentityHashMap<>();
        SimNames copy = new SimNames();
        current.forEach((name, file) -> copy.current.put(name, same(copies, file)));
        durable.forEach((name, file) -> copy.durable.put(name, same(copies, file)));
        copy.directories.addAll(directories);
        for (Change change : unsynced) {
            Change again =
                    new Change(
                            change.sequence,
                            change.kind,
                            change.from,
                            change.to,
                            same(copies, change.file));
            again.directories.retainAll(change.directories);
            copy.unsynced.add(again);
        }
        for (Overtaken file : overtaken) {
            SimFile same = same(copies, file.file);
            copy.overtaken.add(new Overtaken(file.directory, same, file.upTo));
        }
        copy.sequence = sequence;
        return copy;
    }

    private static SimFile same(IdentityHashMap<SimFile, SimFile> copies, SimFile file) {
        return copies.computeIfAbsent(file, SimFile::copy);
    }
}
