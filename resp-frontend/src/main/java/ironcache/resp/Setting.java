package ironcache.resp;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One setting: its name, what it allows, and its value as the operator sees it. Parsing tells errors with Valkey's words. */
final class Setting {
    enum Kind {
        INTEGER,
        /** Bytes; takes 512mb, 4g. */
        SIZE,
        YES_NO,
        CHOICE,
        TEXT
    }

    /** When and by whom it may be changed. */
    enum Change {
        ANY_TIME,
        /** Only at start. */
        START_ONLY,
        /** At run time only with enable-protected-configs. */
        PROTECTED
    }

    final String name;
    final Kind kind;
    final Change change;
    final String[] choices;
    final long least;
    final long most;
    private final String initial;
    private String text;
    private long number;

    private Setting(
            String name,
            Kind kind,
            Change change,
            String initial,
            long least,
            long most,
            String... choices) {
        this.name = name;
        this.kind = kind;
        this.change = change;
        this.choices = choices;
        this.least = least;
        this.most = most;
        this.initial = initial;
        this.text = initial;
        set(initial);
    }

    static Setting integer(String name, long initial, long least, long most, Change change) {
        return new Setting(name, Kind.INTEGER, change, Long.toString(initial), least, most);
    }

    static Setting size(String name, long initial, long least, long most, Change change) {
        return new Setting(name, Kind.SIZE, change, Long.toString(initial), least, most);
    }

    static Setting yesNo(String name, boolean initial, Change change) {
        return new Setting(name, Kind.YES_NO, change, initial ? "yes" : "no", 0, 1);
    }

    static Setting choice(String name, Change change, String... choices) {
        return new Setting(name, Kind.CHOICE, change, choices[0], 0, 0, choices);
    }

    /** Where the choices are listed in an order that does not begin with the initial one. */
    static Setting choiceInitially(String initial, String name, Change change, String... choices) {
        return new Setting(name, Kind.CHOICE, change, initial, 0, 0, choices);
    }

    static Setting text(String name, String initial, Change change) {
        return new Setting(name, Kind.TEXT, change, initial, 0, 0);
    }

    /** As CONFIG GET shows it. */
    String value() {
        return text;
    }

    long number() {
        return number;
    }

    boolean isYes() {
        return number != 0;
    }

    String initialValue() {
        return initial;
    }

    boolean isInitial() {
        return text.equals(initial);
    }

    /** Takes a value. @return null, or what is wrong with it, in Valkey's words; then nothing is changed */
    @Nullable String set(String value) {
        switch (kind) {
            case INTEGER -> {
                Long parsed = parseLong(value);
                if (parsed == null) {
                    return "argument couldn't be parsed into an integer";
                }
                return setNumber(parsed);
            }
            case SIZE -> {
                long parsed = parseSize(value);
                if (parsed < 0) {
                    return "argument must be a memory value";
                }
                return setNumber(parsed);
            }
            case YES_NO -> {
                if (!value.equalsIgnoreCase("yes") && !value.equalsIgnoreCase("no")) {
                    return "argument must be 'yes' or 'no'";
                }
                number = value.equalsIgnoreCase("yes") ? 1 : 0;
                text = number == 1 ? "yes" : "no";
            }
            case CHOICE -> {
                for (int i = 0; i < choices.length; i++) {
                    if (choices[i].equalsIgnoreCase(value)) {
                        number = i;
                        text = choices[i];
                        return null;
                    }
                }
                return "argument(s) must be one of the following: " + String.join(", ", choices);
            }
            case TEXT -> text = value;
        }
        return null;
    }

    private @Nullable String setNumber(long value) {
        if (value < least || value > most) {
            return "argument must be between " + least + " and " + most + " inclusive";
        }
        number = value;
        text = Long.toString(value);
        return null;
    }

    /** What is allowed, for the operator. */
    String allowed() {
        return switch (kind) {
            case INTEGER -> "a whole number from " + least + " to " + most;
            case SIZE -> "a size such as 512mb or 4g, from " + least + " to " + most + " bytes";
            case YES_NO -> "yes or no";
            case CHOICE -> "one of " + String.join(", ", choices);
            case TEXT -> "a text";
        };
    }

    private static @Nullable Long parseLong(String value) {
        try {
            return value.startsWith("+") ? null : Long.valueOf(value);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Bytes of {@code 100}, {@code 100b}, {@code 1k} (1000), {@code 1kb} (1024), {@code m}, {@code mb}, {@code g}, {@code gb}, {@code t}, {@code tb}; -1 where it is none. */
    static long parseSize(String value) {
        int digits = 0;
        while (digits < value.length()
                && value.charAt(digits) >= '0'
                && value.charAt(digits) <= '9') {
            digits++;
        }
        if (digits == 0 || digits > 18) {
            return -1;
        }
        long unit =
                switch (value.substring(digits).toLowerCase(Locale.ROOT)) {
                    case "", "b" -> 1;
                    case "k" -> 1000;
                    case "kb" -> 1L << 10;
                    case "m" -> 1000_000;
                    case "mb" -> 1L << 20;
                    case "g" -> 1000_000_000;
                    case "gb" -> 1L << 30;
                    case "t" -> 1000_000_000_000L;
                    case "tb" -> 1L << 40;
                    default -> -1;
                };
        long number = Long.parseLong(value.substring(0, digits));
        return unit < 0 || number > Long.MAX_VALUE / unit ? -1 : number * unit;
    }
}
