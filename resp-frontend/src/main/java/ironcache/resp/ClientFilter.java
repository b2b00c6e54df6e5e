package ironcache.resp;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The filters of CLIENT LIST and CLIENT KILL, parsed once; each may be given in the negative ({@code NOT-ID}). For the control path: allocates. */
final class ClientFilter {
    /** All letters that CLIENT LIST may show as flags; here most never occur. */
    private static final String FLAGS = "ABEIMNOPRSTUbcdeirtux";

    private static final String CAPABILITIES = "r";

    private enum Kind {
        ID,
        TYPE,
        USER,
        ADDR,
        LADDR,
        IP,
        FLAGS,
        NAME,
        LIB_NAME,
        LIB_VER,
        DB,
        CAPA,
        MAXAGE,
        IDLE;

        final String word = name().replace('_', '-');

        boolean mayBeNegated() {
            return this != MAXAGE && this != IDLE;
        }
    }

    private record Criterion(Kind kind, boolean negated, String text, long number, Set<Long> ids) {}

    private final List<Criterion> criteria = new ArrayList<>();
    private boolean skipMe;

    /** @param skipMe whether the asking connection is left out unless SKIPME says otherwise */
    ClientFilter(boolean skipMe) {
        this.skipMe = skipMe;
    }

    /** Parses the options from argument {@code i} on. @return false: an error was written */
    boolean parse(CommandContext c, int i) {
        int at = i;
        while (at < c.argc()) {
            String word = c.argLatin1(at).toUpperCase(Locale.ROOT);
            boolean negated = word.startsWith("NOT-");
            Kind kind = kindOf(negated ? word.substring(4) : word);
            if (at + 1 >= c.argc()) {
                return refuse(c, Errors.SYNTAX.text);
            }
            if (word.equals("SKIPME")) {
                if (!c.argIs(at + 1, "YES") && !c.argIs(at + 1, "NO")) {
                    return refuse(c, Errors.SYNTAX.text);
                }
                skipMe = c.argIs(at + 1, "YES");
                at += 2;
            } else if (kind == null || negated && !kind.mayBeNegated()) {
                return refuse(c, Errors.SYNTAX.text);
            } else if (kind == Kind.ID) {
                at = ids(c, at + 1, negated);
                if (at < 0) {
                    return false;
                }
            } else {
                if (!value(c, at + 1, kind, negated, word)) {
                    return false;
                }
                at += 2;
            }
        }
        return true;
    }

    private static @Nullable Kind kindOf(String word) {
        for (Kind kind : Kind.values()) {
            if (kind.word.equals(word)) {
                return kind;
            }
        }
        return null;
    }

    private static boolean refuse(CommandContext c, String text) {
        c.reply().error(text);
        return false;
    }

    /** The last of equal filters counts, as in Valkey; identifiers add up. */
    private void add(Criterion criterion) {
        criteria.removeIf(old -> old.kind == criterion.kind && old.negated == criterion.negated);
        criteria.add(criterion);
    }

    private int ids(CommandContext c, int i, boolean negated) {
        Set<Long> ids = new HashSet<>();
        for (Criterion old : criteria) {
            if (old.kind == Kind.ID && old.negated == negated) {
                ids.addAll(old.ids);
            }
        }
        int at = i;
        while (at < c.argc() && c.isLong(at)) {
            if (c.longValue() < 1) {
                c.reply().error("ERR client-id should be greater than 0");
                return -1;
            }
            ids.add(c.longValue());
            at++;
        }
        if (at == i) {
            c.reply().error(Errors.SYNTAX);
            return -1;
        }
        add(new Criterion(Kind.ID, negated, "", 0, ids));
        return at;
    }

    private boolean value(CommandContext c, int i, Kind kind, boolean negated, String word) {
        String text = c.argLatin1(i);
        long number = 0;
        switch (kind) {
            case TYPE -> {
                text = text.toLowerCase(Locale.ROOT);
                if (!Set.of("normal", "slave", "replica", "pubsub", "master", "primary")
                        .contains(text)) {
                    return refuse(c, "ERR Unknown client type '" + c.argLatin1(i) + "'");
                }
            }
            case USER -> {
                if (!text.equals("default")) {
                    return refuse(c, "ERR No such user '" + text + "'");
                }
            }
            case FLAGS -> {
                if (!consistsOf(text, FLAGS)) {
                    return refuse(
                            c,
                            "ERR Unknown flags found in the "
                                    + (negated ? "NOT-FLAGS" : "provided")
                                    + " filter: "
                                    + text);
                }
            }
            case CAPA -> {
                if (!consistsOf(text, CAPABILITIES)) {
                    return refuse(
                            c,
                            "ERR Unknown capa found in the "
                                    + (negated ? "NOT-CAPA" : "provided")
                                    + " filter: "
                                    + text);
                }
            }
            case DB -> {
                if (!c.isLong(i)) {
                    return refuse(c, "ERR " + word + " is not an integer or out of range");
                }
                number = c.longValue();
                if (number < 0 || number >= c.node().config.number("databases")) {
                    return refuse(
                            c,
                            "ERR "
                                    + word
                                    + " number should be between 0 and "
                                    + (c.node().config.number("databases") - 1));
                }
            }
            case MAXAGE, IDLE -> {
                String name = kind.word.toLowerCase(Locale.ROOT);
                if (!c.isLong(i)) {
                    return refuse(c, "ERR " + name + " is not an integer or out of range");
                }
                number = c.longValue();
                if (number <= 0) {
                    return refuse(c, "ERR " + name + " should be greater than 0");
                }
            }
            default -> {}
        }
        add(new Criterion(kind, negated, text, number, Set.of()));
        return true;
    }

    private static boolean consistsOf(String text, String letters) {
        for (int i = 0; i < text.length(); i++) {
            if (letters.indexOf(text.charAt(i)) < 0) {
                return false;
            }
        }
        return true;
    }

    boolean matches(Connection client, Connection asking, Node node) {
        if (client == asking && skipMe) {
            return false;
        }
        for (Criterion criterion : criteria) {
            if (holds(criterion, client, node) == criterion.negated) {
                return false;
            }
        }
        return true;
    }

    private static boolean holds(Criterion criterion, Connection client, Node node) {
        String text = criterion.text;
        long now = node.clock.currentTimeMillis();
        return switch (criterion.kind) {
            case ID -> criterion.ids.contains(client.id);
            case TYPE -> text.equals("normal");
            case USER -> text.equals(client.user);
            case ADDR -> text.equals(node.peer(client));
            case LADDR -> text.equals(node.local(client));
            case IP -> node.peer(client).startsWith(text + ":");
            case FLAGS -> consistsOf(text, ClientCommands.flags(client));
            case NAME -> text.equals(orEmpty(client.name));
            case LIB_NAME -> text.equals(orEmpty(client.libName));
            case LIB_VER -> text.equals(orEmpty(client.libVersion));
            case DB -> client.db == criterion.number;
            case CAPA -> consistsOf(text, client.redirectCapable ? "r" : "");
            case MAXAGE -> (now - client.createdMillis) / 1000 >= criterion.number;
            case IDLE -> (now - client.lastActiveMillis) / 1000 >= criterion.number;
        };
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
