package ironcache.datatypes;

import ironcache.ffm.Memory;

/**
 * Glob-style patterns as KEYS, SCAN and PSUBSCRIBE take them: {@code *}, {@code ?}, {@code [a-z]}, {@code [^x]} and {@code \} to
 * escape. Works on bytes in memory, compares ranges as signed chars as Valkey does, and forgives unclosed brackets in its
 * way. At worst the product of both lengths, and no recursion.
 */
public final class Glob {
    /** A pattern with more stars than this never matches, as in Valkey. */
    private static final int MAX_STARS = 1000;

    private Glob() {}

    /** Whether the pattern is a lone star, which callers may treat as no pattern. */
    public static boolean matchesAll(long pattern, long patternLength) {
        return patternLength == 1 && Memory.getByte(pattern) == '*';
    }

    /** Whether the whole text matches the whole pattern. */
    public static boolean matches(long pattern, long patternLength, long text, long textLength) {
        return match(pattern, pattern + patternLength, text, text + textLength);
    }

    /**
     * Walks both, and where they part goes back to the last star and lets it take one byte more. Stars before that one
     * need no second look: what they could still take, the last one can. So the depth of the stack does not depend on
     * what a client sends.
     */
    private static boolean match(long patternFrom, long patternEnd, long textFrom, long textEnd) {
        long pattern = patternFrom;
        long text = textFrom;
        long afterStar = -1;
        long starTakesUpTo = 0;
        int stars = 0;
        while (true) {
            if (pattern < patternEnd && text < textEnd) {
                if (Memory.getByte(pattern) == '*') {
                    pattern = skipStars(pattern, patternEnd);
                    if (pattern == patternEnd) {
                        return true;
                    }
                    if (++stars > MAX_STARS) {
                        return false;
                    }
                    afterStar = pattern;
                    starTakesUpTo = text;
                    continue;
                }
                long next = matchOne(pattern, patternEnd, Memory.getByte(text));
                if (next >= 0) {
                    text++;
                    pattern = text == textEnd ? skipStars(next, patternEnd) : next;
                    continue;
                }
            } else if (pattern == patternEnd && text == textEnd) {
                return true;
            }
            if (afterStar < 0 || ++starTakesUpTo >= textEnd) {
                return false;
            }
            pattern = afterStar;
            text = starTakesUpTo;
        }
    }

    private static long skipStars(long from, long patternEnd) {
        long pattern = from;
        while (pattern < patternEnd && Memory.getByte(pattern) == '*') {
            pattern++;
        }
        return pattern;
    }

    /** One byte against what stands at {@code pattern}; returns where the pattern goes on, or -1 where it does not fit. */
    private static long matchOne(long pattern, long patternEnd, int actual) {
        int wanted = Memory.getByte(pattern);
        return switch (wanted) {
            case '?' -> pattern + 1;
            case '[' -> matchSet(pattern, patternEnd, actual);
            case '\\' -> {
                long escaped = patternEnd - pattern >= 2 ? pattern + 1 : pattern;
                yield Memory.getByte(escaped) == actual ? escaped + 1 : -1;
            }
            default -> wanted == actual ? pattern + 1 : -1;
        };
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
                found |=
                        wanted <= last
                                ? wanted <= actual && actual <= last
                                : last <= actual && actual <= wanted;
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
