package ironcache.resp;

import ironcache.datatypes.Element;
import ironcache.datatypes.Glob;
import ironcache.datatypes.LongText;
import ironcache.datatypes.Spill;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/** The arguments of HSCAN, SSCAN and ZSCAN. One per thread. */
final class ElementScan {
    private static final int DEFAULT_COUNT = 10;

    /** COUNT is a hint; beyond this many elements a call would read too much from the SSD at once. */
    private static final int MAX_COUNT = 10_000;

    long cursor;
    int count;
    private long pattern;
    private int patternLength;

    /** NOVALUES or NOSCORES was given. */
    boolean bare;

    /**
     * Reads the key and parses what follows it. May miss.
     *
     * @param bareWord the option that leaves the values away, or ""
     * @return the record, of this type; 0: the reply was written
     */
    long begin(CommandContext c, int type, String bareWord) {
        cursor = ScanCommands.parseCursor(c.arg(2), c.argLength(2));
        if (cursor == ScanCommands.BAD_CURSOR && !ScanCommands.isLargestCursor(c, 2)) {
            c.reply().error(Errors.INVALID_CURSOR);
            return 0;
        }
        long record = c.read(1);
        if (record == 0) {
            // Whatever the options are.
            c.reply().array(2);
            ScanCommands.replyCursor(c.reply(), 0);
            c.reply().array(0);
            return 0;
        }
        if (Record.type(record) != type) {
            c.reply().error(Errors.WRONG_TYPE);
            return 0;
        }
        return parseOptions(c, bareWord) ? record : 0;
    }

    private boolean parseOptions(CommandContext c, String bareWord) {
        count = DEFAULT_COUNT;
        patternLength = -1;
        bare = false;
        for (int i = 3; i < c.argc(); i++) {
            boolean hasValue = i + 1 < c.argc();
            if (c.argIs(i, "COUNT") && hasValue) {
                if (!c.parseLong(++i)) {
                    return false;
                }
                if (c.longValue() < 1) {
                    c.reply().error(Errors.SYNTAX);
                    return false;
                }
                count = (int) Math.min(c.longValue(), MAX_COUNT);
            } else if (c.argIs(i, "MATCH") && hasValue) {
                pattern = c.arg(++i);
                patternLength = ScanCommands.patternLength(c, i);
            } else if (!bareWord.isEmpty() && c.argIs(i, bareWord)) {
                bare = true;
            } else {
                c.reply().error(ScanCommands.unknownOption(c, i));
                return false;
            }
        }
        return true;
    }

    /** Whether an element of these bytes is wanted. */
    boolean matches(long text, int length) {
        return patternLength < 0 || Glob.matches(pattern, patternLength, text, length);
    }

    /**
     * Whether an element is wanted. May miss where it is spilled.
     *
     * @param object whose pages it is on then
     */
    boolean matches(CommandContext c, long element, Shard shard, long object) {
        if (patternLength < 0) {
            return true;
        }
        if (Element.isNumber(element)) {
            int length = LongText.format(Element.number(element), c.types().text);
            return Glob.matches(pattern, patternLength, c.types().text, length);
        }
        if (Element.isSpilled(element)) {
            return matchesSpilled(element, shard, object);
        }
        return Glob.matches(pattern, patternLength, Element.text(element), Element.length(element));
    }

    private boolean matchesSpilled(long element, Shard shard, long object) {
        Spill.load(shard, object, element);
        long bytes = Element.spilledLength(element);
        long text = Memory.allocate(bytes, MemoryTag.OTHER);
        long at = text;
        for (long i = 0; i < Spill.pieces(element); i++) {
            int piece = Spill.pieceBytes(element, i);
            Memory.copy(Spill.piece(shard, object, element, i), at, piece);
            at += piece;
        }
        boolean matches = Glob.matches(pattern, patternLength, text, bytes);
        Memory.free(text, bytes, MemoryTag.OTHER);
        return matches;
    }
}
