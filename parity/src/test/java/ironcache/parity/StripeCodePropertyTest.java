package ironcache.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever m blocks of a stripe are lost, they come back as they were; of one more nothing is said. A failure prints the seed. */
final class StripeCodePropertyTest {
    private static final int ROWS = ParityLayout.STRIPE_BLOCKS;
    private static final int BYTES = ParityLayout.BLOCK_BYTES;
    private static final int ALL = ROWS + ParityLayout.PARITY_BLOCKS_MAX;

    private final long seed = Long.getLong("ironcache.seed", Prng.freshSeed());
    private final Prng prng = new Prng(seed);
    private final long blocks = Memory.allocate((long) ALL * BYTES, MemoryTag.OTHER);
    private final long found = Memory.allocate(BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(blocks, (long) ALL * BYTES, MemoryTag.OTHER);
        Memory.free(found, BYTES, MemoryTag.OTHER);
    }

    private long block(int index) {
        return blocks + (long) index * BYTES;
    }

    /** Rows of random bytes, and their parity behind them. */
    private void fill(StripeCode code, int rows) {
        code.begin();
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < BYTES; i += Long.BYTES) {
                Memory.putLong(block(row) + i, prng.nextLong());
            }
            code.data(row, block(row));
        }
        code.encode();
        for (int p = 0; p < code.parityBlocks(); p++) {
            code.copyParity(p, block(ROWS + p));
        }
    }

    /** @return which of data and parity are lost: so many */
    private boolean[] lose(int rows, int parity, int count) {
        boolean[] lost = new boolean[ROWS + parity];
        for (int i = 0; i < count; ) {
            int one = prng.nextInt(rows + parity);
            one = one < rows ? one : ROWS + one - rows;
            if (!lost[one]) {
                lost[one] = true;
                i++;
            }
        }
        return lost;
    }

    private static void give(StripeCode code, boolean[] lost, int rows, long blocks) {
        code.begin();
        for (int i = 0; i < lost.length; i++) {
            long block = blocks + (long) i * BYTES;
            if (i >= rows && i < ROWS) {
                code.noData(i);
            } else if (!lost[i] && i < ROWS) {
                code.data(i, block);
            } else if (!lost[i]) {
                code.parity(i - ROWS, block);
            }
        }
    }

    @Test
    void anyMBlocksComeBack() {
        for (int parity : new int[] {1, 2, 3, 7, 12, 31, ParityLayout.PARITY_BLOCKS_MAX}) {
            StripeCode code = new StripeCode(parity);
            for (int trial = 0; trial < 20; trial++) {
                int rows = trial == 0 ? 1 : trial < 10 ? ROWS : 1 + prng.nextInt(ROWS);
                fill(code, rows);
                boolean[] lost = lose(rows, parity, parity);
                give(code, lost, rows, blocks);
                String what = "seed " + seed + ", m " + parity + ", trial " + trial;
                assertTrue(code.decode(), what);
                for (int row = 0; row < rows; row++) {
                    code.copyData(row, found);
                    assertTrue(Memory.equal(found, block(row), BYTES), what + ", row " + row);
                }
            }
        }
    }

    @Test
    void oneMoreIsRefused() {
        for (int parity : new int[] {1, 3, 12}) {
            StripeCode code = new StripeCode(parity);
            for (int trial = 0; trial < 10; trial++) {
                fill(code, ROWS);
                boolean[] lost = lose(ROWS, parity, parity + 1);
                boolean anyData = false;
                for (int row = 0; row < ROWS; row++) {
                    anyData |= lost[row];
                }
                give(code, lost, ROWS, blocks);
                String what = "seed " + seed + ", m " + parity;
                // Where only parity is lost, there is nothing to restore.
                assertEquals(!anyData, code.decode(), what);
                if (anyData) {
                    code.copyData(firstLost(lost), found);
                    assertFalse(Memory.equal(found, block(firstLost(lost)), BYTES), what);
                }
            }
        }
    }

    private static int firstLost(boolean[] lost) {
        int row = 0;
        while (!lost[row]) {
            row++;
        }
        return row;
    }
}
