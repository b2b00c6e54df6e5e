package ironcache.parity;

import ironcache.ffm.Memory;
import java.util.Arrays;
import org.apache.ozone.erasurecode.rawcoder.util.GF256;
import org.apache.ozone.erasurecode.rawcoder.util.RSUtil;

/**
 * The erasure code of one stripe: a Cauchy matrix over GF(2^8), with {@value ParityLayout#STRIPE_BLOCKS} rows of data, of which the last may be absent and then count as zeros.
 * Of data and m parity blocks any {@value ParityLayout#STRIPE_BLOCKS} determine the rest. One thread; half a MiB of arrays.
 *
 * <pre>
 * parity[p] = Σ row A[p][row] · data[row]                     any square part of A can be inverted
 *
 * lost rows L, as many parity blocks P that are there:
 * syndrome[p] = parity[p] - Σ row ∉ L A[p][row] · data[row] = Σ row ∈ L A[p][row] · data[row],    p ∈ P
 * data[L] = (A[P][L])⁻¹ · syndrome[P]
 * </pre>
 */
final class StripeCode {
    private static final int ROWS = ParityLayout.STRIPE_BLOCKS;
    private static final int BYTES = ParityLayout.BLOCK_BYTES;

    /** The library keeps the products of a coefficient with 16 low and 16 high halves of a byte. */
    private static final int TABLE_BYTES = 32;

    private final int parityBlocks;

    /** A, row by row. */
    private final byte[] coefficients;

    private final byte[] tables;
    private final byte[][] data = new byte[ROWS][BYTES];
    private final byte[][] parity;
    private final boolean[] isData = new boolean[ROWS];
    private final boolean[] isParity;

    StripeCode(int parityBlocks) {
        this.parityBlocks = parityBlocks;
        byte[] matrix = new byte[(ROWS + parityBlocks) * ROWS];
        RSUtil.genCauchyMatrix(matrix, ROWS + parityBlocks, ROWS);
        coefficients = Arrays.copyOfRange(matrix, ROWS * ROWS, matrix.length);
        tables = new byte[ROWS * parityBlocks * TABLE_BYTES];
        RSUtil.initTables(ROWS, parityBlocks, coefficients, 0, tables);
        parity = new byte[parityBlocks][BYTES];
        isParity = new boolean[parityBlocks];
    }

    /** Another stripe begins, of which nothing is there. */
    void begin() {
        for (byte[] row : data) {
            Arrays.fill(row, (byte) 0);
        }
        for (byte[] block : parity) {
            Arrays.fill(block, (byte) 0);
        }
        Arrays.fill(isData, false);
        Arrays.fill(isParity, false);
    }

    void data(int row, long block) {
        Memory.copyOut(block, data[row], 0, BYTES);
        isData[row] = true;
    }

    /** The row is of no block of the file. */
    void noData(int row) {
        isData[row] = true;
    }

    void parity(int index, long block) {
        Memory.copyOut(block, parity[index], 0, BYTES);
        isParity[index] = true;
    }

    /** Of a stripe whose data are all there: computes its parity. */
    void encode() {
        multiply(tables, data, parity);
    }

    void copyParity(int index, long block) {
        Memory.copyIn(parity[index], 0, block, BYTES);
    }

    void copyData(int row, long block) {
        Memory.copyIn(data[row], 0, block, BYTES);
    }

    /** Computes the rows that are not there. @return false: too little is there, nothing was done */
    boolean decode() {
        int[] lost = indexes(isData, false, ROWS);
        int[] used = indexes(isParity, true, lost.length);
        if (used.length < lost.length) {
            return false;
        }
        if (lost.length == 0) {
            return true;
        }
        int count = lost.length;
        byte[] rows = new byte[count * ROWS];
        byte[] square = new byte[count * count];
        byte[][] syndromes = new byte[count][];
        for (int i = 0; i < count; i++) {
            System.arraycopy(coefficients, used[i] * ROWS, rows, i * ROWS, ROWS);
            for (int j = 0; j < count; j++) {
                square[i * count + j] = coefficients[used[i] * ROWS + lost[j]];
            }
            syndromes[i] = parity[used[i]].clone();
        }
        // Lost rows are zeros, and add nothing; minus is plus here.
        byte[] rowTables = new byte[ROWS * count * TABLE_BYTES];
        RSUtil.initTables(ROWS, count, rows, 0, rowTables);
        multiply(rowTables, data, syndromes);
        byte[] inverse = new byte[count * count];
        GF256.gfInvertMatrix(square, inverse, count);
        byte[] inverseTables = new byte[count * count * TABLE_BYTES];
        RSUtil.initTables(count, count, inverse, 0, inverseTables);
        byte[][] found = new byte[count][];
        for (int i = 0; i < count; i++) {
            found[i] = data[lost[i]];
        }
        multiply(inverseTables, syndromes, found);
        return true;
    }

    /** Adds the products to what is in {@code to}. */
    private static void multiply(byte[] tables, byte[][] from, byte[][] to) {
        RSUtil.encodeData(tables, BYTES, from, new int[from.length], to, new int[to.length]);
    }

    private static int[] indexes(boolean[] flags, boolean wanted, int most) {
        int[] found = new int[flags.length];
        int count = 0;
        for (int i = 0; i < flags.length && count < most; i++) {
            if (flags[i] == wanted) {
                found[count++] = i;
            }
        }
        return Arrays.copyOf(found, count);
    }

    int parityBlocks() {
        return parityBlocks;
    }
}
