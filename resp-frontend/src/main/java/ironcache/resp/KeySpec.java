package ironcache.resp;

import org.jspecify.annotations.Nullable;

/**
 * Where a command's keys are among its arguments.
 *
 * @param begin index of the first key, or of the number of keys; 0: nobody can tell
 * @param last range: index of the last key counted from the first one (negative: from the end of the arguments); ignored for counted keys
 * @param step distance between keys
 * @param counted the argument at {@code begin} tells how many keys follow
 * @param notes as in COMMAND INFO; null for none
 */
record KeySpec(
        int begin, int last, int step, boolean counted, KeyFlag[] flags, @Nullable String notes) {
    boolean isUnknown() {
        return begin == 0;
    }
}
