package ironcache.resp;

import ironcache.datatypes.Element;
import ironcache.datatypes.Hashes;
import ironcache.datatypes.SortBuffer;
import ironcache.datatypes.Strings;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/**
 * What SORT's BY and GET refer to: a key's string, {@code weight_*}, or a hash's field, {@code object_*->field}, with an element in the place of the star. {@link #set} the pattern, then look up element after
 * element. One per thread; owns the memory of a key's name and of a value that is not in one piece where it is.
 */
final class SortPattern implements AutoCloseable {
    private static final long NAME_BYTES = Record.MAX_KEY_BYTES;

    private final long name = Memory.allocateUnset(NAME_BYTES, MemoryTag.OTHER);

    /** A value of which pieces are gathered. */
    private final SortBuffer gathered = new SortBuffer();

    // The pattern: bytes before the star, behind it, and the field; without a field its length is
    // 0.
    private long prefix;
    private int prefixLength;
    private long postfix;
    private int postfixLength;
    private long field;
    private int fieldLength;

    /** The element itself. */
    private boolean isElement;

    private boolean hasStar;

    /** Of the last lookup that found something. */
    private long text;

    private int length;

    void set(long pattern, int patternLength) {
        isElement = patternLength == 1 && Memory.getByte(pattern) == '#';
        prefix = pattern;
        prefixLength = indexOfStar(pattern, patternLength);
        hasStar = prefixLength >= 0;
        if (!hasStar) {
            return;
        }
        postfix = pattern + prefixLength + 1;
        postfixLength = patternLength - prefixLength - 1;
        fieldLength = 0;
        for (int i = 0; i + 2 < postfixLength; i++) {
            if (Memory.getByte(postfix + i) == '-' && Memory.getByte(postfix + i + 1) == '>') {
                field = postfix + i + 2;
                fieldLength = postfixLength - i - 2;
                postfixLength = i;
                return;
            }
        }
    }

    /** Where the star of a pattern is; -1: it has none. */
    static int indexOfStar(long pattern, int patternLength) {
        for (int i = 0; i < patternLength; i++) {
            int b = Memory.getByte(pattern + i);
            if (b == '*') {
                return i;
            }
            if (b == 0) {
                return -1;
            }
        }
        return -1;
    }

    /** Asks for the key of an element, without waiting. */
    void prefetch(CommandContext c, long element, int elementLength) {
        if (!isElement && hasStar) {
            long bytes = putName(element, elementLength);
            if (bytes <= NAME_BYTES) {
                c.prefetch(name, (int) bytes);
            }
        }
    }

    /** @return bytes of the key's name; where those are too many there is no such key */
    private long putName(long element, int elementLength) {
        long bytes = (long) prefixLength + elementLength + postfixLength;
        if (bytes <= NAME_BYTES) {
            Memory.copy(prefix, name, prefixLength);
            Memory.copy(element, name + prefixLength, elementLength);
            Memory.copy(postfix, name + prefixLength + elementLength, postfixLength);
        }
        return bytes;
    }

    /** Looks up what belongs to an element. May miss. @return whether there is something: {@link #text}, {@link #length} */
    boolean find(CommandContext c, long element, int elementLength) {
        if (isElement) {
            text = element;
            length = elementLength;
            return true;
        }
        if (!hasStar) {
            return false;
        }
        long bytes = putName(element, elementLength);
        long record = bytes > NAME_BYTES ? 0 : c.read(name, (int) bytes);
        if (record == 0) {
            return false;
        }
        return fieldLength == 0 ? findString(c, record) : findField(c, record, (int) bytes);
    }

    private boolean findString(CommandContext c, long record) {
        if (!Strings.isString(record)) {
            return false;
        }
        if (!Record.isPaged(record)) {
            text = Record.value(record);
            length = Record.valueLength(record);
            return true;
        }
        gathered.clear();
        Strings.load(c.shard(), record, 0, Strings.length(record));
        length = (int) Strings.length(record);
        text = gathered.room(length);
        Strings.copyOut(c.shard(), record, 0, text, length);
        return true;
    }

    private boolean findField(CommandContext c, long record, int nameLength) {
        if (Record.type(record) != Record.TYPE_HASH) {
            return false;
        }
        Hashes hash = c.types().hashes;
        hash.open(c.shard(), c.db(), name, nameLength, c.shard().hash(name, nameLength), record);
        long value = hash.find(field, fieldLength);
        if (value == 0) {
            return false;
        }
        if (Element.isNumber(value) || Element.isSpilled(value)) {
            gathered.clear();
            gathered.add(value, c.shard(), hash.object());
            text = gathered.text(0);
            length = gathered.length(0);
        } else {
            text = Element.text(value);
            length = Element.length(value);
        }
        return true;
    }

    long text() {
        return text;
    }

    int length() {
        return length;
    }

    @Override
    public void close() {
        Memory.free(name, NAME_BYTES, MemoryTag.OTHER);
        gathered.close();
    }
}
