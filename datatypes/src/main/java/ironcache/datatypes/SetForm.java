package ironcache.datatypes;

import ironcache.hybridlog.Record;

/**
 * What OBJECT ENCODING says of a set: Valkey's representation, which depends on what was ever added and not on what is there now. A form is one of {@link Record}'s
 * FORM constants. Static methods; nothing is allocated.
 */
final class SetForm {
    private SetForm() {}

    /** Of a new set whose maker knows what will be added first, and how many elements at most. */
    static int ofNew(boolean number, long expected, SetLimits limits) {
        if (number && expected <= limits.intsetEntriesMax) {
            return Record.FORM_INTSET;
        }
        return expected <= limits.listpackEntriesMax ? Record.FORM_LISTPACK : Record.FORM_LARGE;
    }

    /** Of a set to which so many elements are about to be added, before the first is. */
    static int beforeAdding(int form, long expected, SetLimits limits) {
        boolean many =
                switch (form) {
                    case Record.FORM_INTSET -> expected > limits.intsetEntriesMax;
                    case Record.FORM_LISTPACK -> expected > limits.listpackEntriesMax;
                    default -> false;
                };
        return many ? Record.FORM_LARGE : form;
    }

    /**
     * After an element was added.
     *
     * @param count elements before
     * @param length bytes of the element's text
     * @param longestNumber bytes of the longest number that an intset has; asked only where {@link #asksForNumbers}
     */
    static int afterAdding(
            int form,
            long count,
            boolean number,
            long length,
            long longestNumber,
            SetLimits limits) {
        switch (form) {
            case Record.FORM_INTSET -> {
                if (number) {
                    return count < limits.intsetEntriesMax ? form : Record.FORM_LARGE;
                }
                return count < limits.listpackEntriesMax
                                && length <= limits.listpackValueBytesMax
                                && longestNumber <= limits.listpackValueBytesMax
                        ? Record.FORM_LISTPACK
                        : Record.FORM_LARGE;
            }
            case Record.FORM_LISTPACK -> {
                return count < limits.listpackEntriesMax && length <= limits.listpackValueBytesMax
                        ? form
                        : Record.FORM_LARGE;
            }
            default -> {
                return form;
            }
        }
    }

    /** Whether the limits are so low that a number may be too long. */
    static boolean asksForNumbers(SetLimits limits) {
        return limits.listpackValueBytesMax < LongText.MAX_BYTES;
    }
}
