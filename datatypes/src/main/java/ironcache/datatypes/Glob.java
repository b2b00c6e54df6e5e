package ironcache.datatypes;

import ironcache.ffm.Memory;

/**
 * Glob-style patterns as KEYS, SCAN and PSUBSCRIBE take them: {@code *}, {@code ?}, {@code [a-z]}, {@code [^x]} and {@code \} to
 * escape. Works on bytes in memory, compares ranges as signed chars as Valkey does, and forgives unclosed brackets in its
 * way. Linear in practice: a star that cannot be satisfied ends the search for all stars before it.
 */
public final class Glob {
    /** Nested stars beyond this never match: bounds the stack for abusive patterns. */
    private static final int MAX_NESTING = 1000;

    private static final int NO_MATCH = 0;
    private static final int MATCH = 1;

    /** No match, and none for any longer text taken by an earlier star either. */
    private static final int HOPELESS = 2;

    private Glob() {}

    /** Whether the pattern is a lone star, which callers may treat as no pattern. */
    public static boolean matchesAll(long pattern, long patternLength) {
        return patternLength == 1 && Memory.getByte(pattern) == '*';
    }

    /** Whether the whole text matches the whole pattern. */
    public static boolean matches(long pattern, long patternLength, long text, long textLength) {
        return match(pattern, pattern + patternLength, text, text + textLength, 0) == MATCH;
    }

    private static int match(long patternFrom, long patternEnd, long textFrom, long textEnd, int nesting) {
        if (nesting > MAX_NESTING) {
            return NO_MATCH;
        }
        long pattern = patternFrom;
        long text = textFrom;
        while (pattern < patternEnd && text < textEnd) {
            int wanted = Memory.getByte(pattern);
            if (wanted == '*') {
                return matchStar(pattern, patternEnd, text, textEnd, nesting);
            }
            int actual = Memory.getByte(text);
            if (wanted == '[') {
                long afterSet = matchSet(pattern, patternEnd, actual);
                if (afterSet < 0) {
                    return NO_MATCH;
                }
                pattern = afterSet;
            } else {
                if (wanted == '\\' && patternEnd - pattern >= 2) {
                    pattern++;
                    wanted = Memory.getByte(pattern);
                } else if (wanted == '?') {
                    wanted = actual;
                }
                if (wanted != actual) {
                    return NO_MATCH;
                }
                pattern++;
            }
            text++;
            if (text == textEnd) {
                while (pattern < patternEnd && Memory.getByte(pattern) == '*') {
                    pattern++;
                }
                break;
            }
        }
        return pattern == patternEnd && text == textEnd ? MATCH : NO_MATCH;
    }

    private static int matchStar(long star, long patternEnd, long textFrom, long textEnd, int nesting) {
        long pattern = star + 1;
        while (pattern < patternEnd && Memory.getByte(pattern) == '*') {
            pattern++;
        }
        if (pattern == patternEnd) {
            return MATCH;
        }
        for (long text = textFrom; text < textEnd; text++) {
            int result = match(pattern, patternEnd, text, textEnd, nesting + 1);
            if (result != NO_MATCH) {
                return result;
            }
        }
        return HOPELESS;
    }

    /**
     * One byte against the set that opens at {@code open}.
     *
     * @return where the pattern goes on, or -1 where the byte is not in the set
     */
    private static long matchSet(long open, long patternEnd, int actual) {
        long pattern = open + 1;
        boolean negated = byteAt(pattern, patternEnd) == '^';
        if (negated) {
            pattern++;
        }
        boolean found = false;
        while (true) {
            int wanted = byteAt(pattern, patternEnd);
            if (wanted == '\\' && patternEnd - pattern >= 2) {
                pattern++;
                found |= Memory.getByte(pattern) == actual;
            } else if (wanted == ']' && pattern < patternEnd) {
                pattern++;
                break;
            } else if (pattern >= patternEnd) {
                // Never closed: the set ends with the pattern.
                break;
            } else if (patternEnd - pattern >= 3 && Memory.getByte(pattern + 1) == '-') {
                int last = Memory.getByte(pattern + 2);
                found |= wanted <= last ? wanted <= actual && actual <= last : last <= actual && actual <= wanted;
                pattern += 2;
            } else {
                found |= wanted == actual;
            }
            pattern++;
        }
        return found == negated ? -1 : pattern;
    }

    /** 0 past the end, where Valkey reads the terminating zero. */
    private static int byteAt(long pattern, long patternEnd) {
        return pattern < patternEnd ? Memory.getByte(pattern) : 0;
    }
}
