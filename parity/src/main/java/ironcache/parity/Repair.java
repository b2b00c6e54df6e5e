package ironcache.parity;

import java.nio.file.Path;
import java.util.BitSet;

/**
 * What parity says of a file, and what it has restored of it.
 *
 * @param file that was looked at
 * @param outcome whether there is parity of it
 * @param problem where there is none: why
 * @param damaged blocks of the file that are not what they were, by their place in it
 * @param lost those of them that cannot be restored
 * @param parityDamaged blocks of the parity file itself that are damaged
 */
public record Repair(
        Path file,
        Outcome outcome,
        String problem,
        BitSet damaged,
        BitSet lost,
        int parityDamaged) {
    /** Whether a file has parity. */
    public enum Outcome {
        /** There is none. */
        ABSENT,
        /** What is there is of another file, or of an earlier use of this one. */
        FOREIGN,
        /** What is there is too damaged to say anything. */
        UNREADABLE,
        /** The file was compared with it. */
        COMPARED
    }

    static Repair without(Path file, Outcome outcome, String problem) {
        return new Repair(file, outcome, problem, new BitSet(), new BitSet(), 0);
    }

    /** How many blocks were restored, or could be. */
    public int restored() {
        return damaged.cardinality() - lost.cardinality();
    }

    /** Whether the file is, or can be, as it was. */
    public boolean isWhole() {
        return outcome == Outcome.COMPARED && lost.isEmpty();
    }

    /** Whether something was restored, or can be. */
    public boolean helps() {
        return restored() > 0;
    }

    /** For the operator. */
    @Override
    public String toString() {
        if (outcome != Outcome.COMPARED) {
            return file + ": " + problem;
        }
        if (damaged.isEmpty()) {
            return file + ": its blocks are as their parity says";
        }
        int first = damaged.nextSetBit(0);
        return file
                + ": "
                + damaged.cardinality()
                + " damaged blocks, the first at offset "
                + ((long) first << ParityLayout.BLOCK_SHIFT)
                + (lost.isEmpty()
                        ? ", all of them within what parity restores"
                        : ", "
                                + restored()
                                + " of them within what parity restores; beyond it the one at offset "
                                + ((long) lost.nextSetBit(0) << ParityLayout.BLOCK_SHIFT));
    }
}
