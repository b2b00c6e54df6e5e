package ironcache.resp;

import ironcache.ffm.Memory;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The commands by name: an open-addressed table from the bytes of a name, case ignored, to its row. Filled once at start; owned by the
 * shard's thread. Lookup of a name of up to 8 letters is one hash and one compare of words; longer ones are compared in full.
 */
final class CommandTable {
    /** Clears the bit that tells lower from upper case; of the bytes in names only letters have it set. */
    private static final long UPPER = 0xdfdf_dfdf_dfdf_dfdfL;

    private static final int LONGEST_NAME = 32;

    private CommandRow[] rows = new CommandRow[256];
    private int rowCount;
    private CommandRow[] slots = new CommandRow[1024];
    private long[] slotWords = new long[1024];
    private int topLevelCount;

    /** A new command; describe it with the returned row's setters. */
    CommandRow add(String name, @Nullable CommandHandler handler) {
        CommandRow row = register(null, name, handler);
        put(row);
        topLevelCount++;
        return row;
    }

    /** A command that only has sub-commands. */
    CommandRow container(String name) {
        return add(name, null).arity(-2);
    }

    /** A sub-command, such as {@code sub(client, "ID", ConnectionCommands::clientId)}. */
    CommandRow sub(CommandRow container, String name, CommandHandler handler) {
        CommandRow row = register(container, name, handler);
        row.group = container.group;
        container.addSubcommand(row);
        return row;
    }

    private CommandRow register(
            @Nullable CommandRow parent, String name, @Nullable CommandHandler handler) {
        if (!name.equals(name.toUpperCase(Locale.ROOT)) || name.length() > LONGEST_NAME) {
            throw new IllegalArgumentException("command name " + name);
        }
        CommandRow row = new CommandRow(parent, name, handler);
        row.id = rowCount;
        if (rowCount == rows.length) {
            rows = java.util.Arrays.copyOf(rows, rowCount * 2);
        }
        rows[rowCount++] = row;
        return row;
    }

    private void put(CommandRow row) {
        if (topLevelCount * 2 > slots.length) {
            throw new IllegalStateException("command table is full");
        }
        long word = word(row.name);
        int slot = slot(word, row.name.length());
        while (slots[slot] != null) {
            if (slots[slot].name.equals(row.name)) {
                throw new IllegalArgumentException("command " + row.name + " is there twice");
            }
            slot = slot + 1 & slots.length - 1;
        }
        slots[slot] = row;
        slotWords[slot] = word;
    }

    /** All rows are there: derives what follows from them. */
    void complete() {
        for (int i = 0; i < rowCount; i++) {
            rows[i].deriveCategories();
        }
    }

    int size() {
        return rowCount;
    }

    /** Commands without sub-commands counted. */
    int topLevelCount() {
        return topLevelCount;
    }

    CommandRow row(int id) {
        return rows[id];
    }

    /** The row of a top-level name, or null. The bytes are followed by at least one more readable byte (CR). Allocates nothing. */
    @Nullable CommandRow find(long name, int length) {
        if (length < 3 || length > LONGEST_NAME) {
            return null;
        }
        long word;
        if (length <= 4) {
            word = Memory.getInt(name) & 0xffff_ffffL >>> (4 - length << 3);
        } else if (length < 8) {
            word =
                    Memory.getInt(name) & 0xffff_ffffL
                            | (Memory.getInt(name + length - 4) & 0xffff_ffffL)
                                    << (length - 4 << 3);
        } else {
            word = Memory.getLong(name);
        }
        word &= UPPER;
        int slot = slot(word, length);
        CommandRow row;
        while ((row = slots[slot]) != null) {
            if (slotWords[slot] == word
                    && row.name.length() == length
                    && (length <= 8 || CommandContext.equalsIgnoreCase(name, length, row.name))) {
                return row;
            }
            slot = slot + 1 & slots.length - 1;
        }
        return null;
    }

    /** As {@link #find(long, int)}, with {@code container|sub} for a sub-command; null where unknown. For the control path. */
    @Nullable CommandRow find(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        int bar = upper.indexOf('|');
        String first = bar < 0 ? upper : upper.substring(0, bar);
        for (int i = 0; i < rowCount; i++) {
            if (rows[i].parent == null && rows[i].name.equals(first)) {
                return bar < 0 ? rows[i] : findSub(rows[i], upper.substring(bar + 1));
            }
        }
        return null;
    }

    private static @Nullable CommandRow findSub(CommandRow container, String name) {
        for (CommandRow row : container.subcommands) {
            if (row.name.equals(name)) {
                return row;
            }
        }
        return null;
    }

    /** The sub-command of a container, or null. */
    @Nullable CommandRow findSub(CommandRow container, long name, int length) {
        for (CommandRow row : container.subcommands) {
            if (CommandContext.equalsIgnoreCase(name, length, row.name)) {
                return row;
            }
        }
        return null;
    }

    private static long word(String name) {
        long word = 0;
        for (int i = 0; i < Math.min(8, name.length()); i++) {
            word |= (long) name.charAt(i) << (i << 3);
        }
        return word & UPPER;
    }

    private int slot(long word, int length) {
        return (int) ((word ^ length) * 0x9E3779B97F4A7C15L >>> 54);
    }
}
