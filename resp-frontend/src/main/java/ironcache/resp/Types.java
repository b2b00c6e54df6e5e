package ironcache.resp;

import ironcache.datatypes.Hashes;
import ironcache.datatypes.SetAlgebra;
import ironcache.datatypes.SetSample;
import ironcache.datatypes.SetWalk;
import ironcache.datatypes.Sets;
import ironcache.datatypes.SortBuffer;
import ironcache.datatypes.SortedSetRange;
import ironcache.datatypes.SortedSetScratch;
import ironcache.datatypes.SortedSets;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/** The working places of the types' commands. One per thread, for one command at a time. */
final class Types implements AutoCloseable {
    private static final int TEXT_BYTES = 8 << 10;

    final Hashes hashes = new Hashes();
    final Sets sets = new Sets();
    final SetWalk setWalk = new SetWalk();
    final SetAlgebra setAlgebra = new SetAlgebra();
    final SetSample setSample = new SetSample();
    final SortedSets sortedSet = new SortedSets();

    /** Where a command has two in hand. */
    final SortedSets otherSortedSet = new SortedSets();

    final SortedSetRange range = new SortedSetRange();
    final SortedSetScratch sortedSetScratch = new SortedSetScratch();
    final SortBuffer sorted = new SortBuffer();
    final SortBuffer sortResults = new SortBuffer();
    final SortPattern sortPattern = new SortPattern();
    final SortCommands.Options sortOptions = new SortCommands.Options();
    final ElementScan scan = new ElementScan();

    /** Memory for a number's text. */
    final long text = Memory.allocate(TEXT_BYTES, MemoryTag.OTHER);

    final SortedSetSources sources =
            new SortedSetSources(sortedSet, otherSortedSet, setWalk, sets, text);

    /** What is gathered for a command may take so much. */
    void limit(long bytesMax) {
        setAlgebra.limit(bytesMax);
        setSample.limit(bytesMax);
        sortedSetScratch.limit(bytesMax);
        sorted.limit(bytesMax);
        sortResults.limit(bytesMax);
    }

    /** Gives back what a command gathered that did not get to its end. */
    void clear() {
        setAlgebra.begin();
        setSample.clear();
        sortedSetScratch.clear();
        sorted.clear();
        sortResults.clear();
    }

    @Override
    public void close() {
        hashes.close();
        sets.close();
        setWalk.close();
        setAlgebra.close();
        setSample.close();
        sortedSet.close();
        otherSortedSet.close();
        sortedSetScratch.close();
        sorted.close();
        sortResults.close();
        sortPattern.close();
        Memory.free(text, TEXT_BYTES, MemoryTag.OTHER);
    }
}
