package ironcache.resp;

import java.util.ArrayList;
import java.util.List;

/** Where the keys of a command are among its arguments, by its key specs. For the control path: allocates. */
final class KeyArguments {
    private final List<Integer> arguments = new ArrayList<>();
    private final List<KeyFlag[]> flags = new ArrayList<>();
    private boolean invalid;

    /** @param offset where the command's name is among the context's arguments */
    KeyArguments(CommandContext c, int offset, CommandRow row) {
        int argc = c.argc() - offset;
        for (KeySpec spec : row.keySpecs) {
            if (spec.isUnknown()) {
                if (spec.flags()[0] == KeyFlag.OW) {
                    stored(c, offset, argc, spec.flags());
                }
                continue;
            }
            KeyFlag[] specFlags = variableFlags(c, offset, row, spec);
            if (spec.counted()) {
                counted(c, offset, argc, spec, specFlags);
                continue;
            }
            int last = spec.last() < 0 ? argc + spec.last() : spec.begin() + spec.last();
            for (int i = spec.begin(); i <= last; i += spec.step()) {
                if (i >= argc) {
                    invalid = true;
                    return;
                }
                add(offset + i, specFlags);
            }
        }
    }

    private void counted(
            CommandContext c, int offset, int argc, KeySpec spec, KeyFlag[] specFlags) {
        int at = spec.begin();
        if (at >= argc || !c.isLong(offset + at)) {
            invalid = true;
            return;
        }
        long count = c.longValue();
        if (count < 1 || at + 1 + (count - 1) * spec.step() >= argc) {
            invalid = true;
            return;
        }
        for (int i = 0; i < count; i++) {
            add(offset + at + 1 + i * spec.step(), specFlags);
        }
    }

    /** Of SORT: the last key behind a STORE that is no option's argument. */
    private void stored(CommandContext c, int offset, int argc, KeyFlag[] specFlags) {
        int last = 0;
        for (int i = 2; i < argc; i++) {
            int at = offset + i;
            if (c.argIs(at, "LIMIT")) {
                i += 2;
            } else if (c.argIs(at, "GET") || c.argIs(at, "BY")) {
                i++;
            } else if (c.argIs(at, "STORE") && i + 1 < argc) {
                last = at + 1;
            }
        }
        if (last != 0) {
            add(last, specFlags);
        }
    }

    private void add(int argument, KeyFlag[] keyFlags) {
        arguments.add(argument);
        flags.add(keyFlags);
    }

    /** SET and BITFIELD tell by their options whether they read the key. */
    private static KeyFlag[] variableFlags(
            CommandContext c, int offset, CommandRow row, KeySpec spec) {
        if (row.name.equals("SET") && row.parent == null) {
            for (int i = offset + 3; i < c.argc(); i++) {
                if (c.argIs(i, "GET") || c.argIs(i, "IFEQ")) {
                    return new KeyFlag[] {KeyFlag.RW, KeyFlag.ACCESS, KeyFlag.UPDATE};
                }
            }
            return new KeyFlag[] {KeyFlag.OW, KeyFlag.UPDATE};
        }
        return spec.flags();
    }

    /** -1 where the arguments don't fit the specs. */
    int count() {
        return invalid ? -1 : arguments.size();
    }

    int argument(int i) {
        return arguments.get(i);
    }

    KeyFlag[] flags(int i) {
        return flags.get(i);
    }
}
