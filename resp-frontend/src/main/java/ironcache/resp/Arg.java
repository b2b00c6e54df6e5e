package ironcache.resp;

import org.jspecify.annotations.Nullable;

/**
 * One argument in a command's grammar, as COMMAND DOCS shows it; the fuzzer reads the same tree. Built once at start:
 * <pre>
 * Arg.key("key"), Arg.string("value"), Arg.oneOf("condition", Arg.token("nx", "NX"), Arg.token("xx", "XX")).optional()
 * </pre>
 */
final class Arg {
    /** Types by Valkey's names. */
    enum Type {
        STRING("string"),
        INTEGER("integer"),
        DOUBLE("double"),
        KEY("key"),
        PATTERN("pattern"),
        UNIX_TIME("unix-time"),
        PURE_TOKEN("pure-token"),
        ONEOF("oneof"),
        BLOCK("block");

        final String wireName;

        Type(String wireName) {
            this.wireName = wireName;
        }
    }

    private static final Arg[] NONE = {};

    final String name;
    final Type type;
    final Arg[] parts;
    @Nullable String token;
    @Nullable String since;
    @Nullable String summary;

    /** As shown to the user; the name unless told otherwise. */
    String display;

    int keySpec = -1;
    boolean optional;
    boolean multiple;
    boolean multipleToken;

    private Arg(Type type, String name, Arg[] parts) {
        this.type = type;
        this.name = name;
        this.parts = parts;
        this.display = name;
    }

    static Arg string(String name) {
        return new Arg(Type.STRING, name, NONE);
    }

    static Arg integer(String name) {
        return new Arg(Type.INTEGER, name, NONE);
    }

    static Arg real(String name) {
        return new Arg(Type.DOUBLE, name, NONE);
    }

    static Arg pattern(String name) {
        return new Arg(Type.PATTERN, name, NONE);
    }

    static Arg unixTime(String name) {
        return new Arg(Type.UNIX_TIME, name, NONE);
    }

    /** A key of the first key spec. */
    static Arg key(String name) {
        return key(name, 0);
    }

    static Arg key(String name, int keySpec) {
        Arg arg = new Arg(Type.KEY, name, NONE);
        arg.keySpec = keySpec;
        return arg;
    }

    /** A word that stands for itself. */
    static Arg token(String name, String token) {
        Arg arg = new Arg(Type.PURE_TOKEN, name, NONE);
        arg.token = token;
        return arg;
    }

    static Arg oneOf(String name, Arg... choices) {
        return new Arg(Type.ONEOF, name, choices);
    }

    static Arg block(String name, Arg... parts) {
        return new Arg(Type.BLOCK, name, parts);
    }

    /** The word that precedes the argument. */
    Arg token(String word) {
        token = word;
        return this;
    }

    Arg optional() {
        optional = true;
        return this;
    }

    Arg multiple() {
        multiple = true;
        return this;
    }

    /** Each repetition carries the token. */
    Arg multipleToken() {
        multiple = true;
        multipleToken = true;
        return this;
    }

    Arg since(String version) {
        since = version;
        return this;
    }

    Arg summary(String text) {
        summary = text;
        return this;
    }

    Arg display(String text) {
        display = text;
        return this;
    }
}
