package ironcache.resp;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The filters of CLIENT LIST and CLIENT KILL, parsed once. For the control path: allocates. */
final class ClientFilter {
    private final List<Long> ids = new ArrayList<>();
    private @Nullable String type;
    private @Nullable String user;
    private @Nullable String addr;
    private @Nullable String laddr;
    private @Nullable String ip;
    private @Nullable String flags;
    private @Nullable String name;
    private @Nullable String libName;
    private @Nullable String libVersion;
    private @Nullable String capabilities;
    private long maxAgeSeconds;
    private long idleSeconds;
    private int db = -1;
    private boolean skipMe;

    /** @param skipMe whether the asking connection is left out unless SKIPME says otherwise */
    ClientFilter(boolean skipMe) {
        this.skipMe = skipMe;
    }

    /** Parses the options from argument {@code i} on. @return false: an error was written */
    boolean parse(CommandContext c, int i) {
        int at = i;
        while (at < c.argc()) {
            if (at + 1 >= c.argc()) {
                c.reply().error(Errors.SYNTAX);
                return false;
            }
            if (c.argIs(at, "ID")) {
                int next = ids(c, at + 1);
                if (next < 0) {
                    return false;
                }
                at = next;
                continue;
            }
            if (!option(c, at)) {
                return false;
            }
            at += 2;
        }
        return true;
    }

    private int ids(CommandContext c, int i) {
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
        return at;
    }

    private boolean option(CommandContext c, int at) {
        int value = at + 1;
        String text = c.argLatin1(value);
        if (c.argIs(at, "TYPE")) {
            return type(c, text);
        } else if (c.argIs(at, "USER")) {
            if (!text.equals("default")) {
                c.reply().error("ERR No such user '" + text + "'");
                return false;
            }
            user = text;
        } else if (c.argIs(at, "ADDR")) {
            addr = text;
        } else if (c.argIs(at, "LADDR")) {
            laddr = text;
        } else if (c.argIs(at, "IP")) {
            ip = text;
        } else if (c.argIs(at, "NAME")) {
            name = text;
        } else if (c.argIs(at, "LIB-NAME")) {
            libName = text;
        } else if (c.argIs(at, "LIB-VER")) {
            libVersion = text;
        } else if (c.argIs(at, "FLAGS")) {
            flags = text;
        } else if (c.argIs(at, "CAPA")) {
            capabilities = text;
        } else if (c.argIs(at, "SKIPME")) {
            if (!c.argIs(value, "YES") && !c.argIs(value, "NO")) {
                c.reply().error(Errors.SYNTAX);
                return false;
            }
            skipMe = c.argIs(value, "YES");
        } else if (c.argIs(at, "MAXAGE")) {
            if (!c.isLong(value)) {
                c.reply().error("ERR maxage is not an integer or out of range");
                return false;
            }
            if (c.longValue() <= 0) {
                c.reply().error("ERR maxage should be greater than 0");
                return false;
            }
            maxAgeSeconds = c.longValue();
        } else if (c.argIs(at, "IDLE")) {
            if (!c.isLong(value)) {
                c.reply().error("ERR idle is not an integer or out of range");
                return false;
            }
            if (c.longValue() <= 0) {
                c.reply().error("ERR idle should be greater than 0");
                return false;
            }
            idleSeconds = c.longValue();
        } else if (c.argIs(at, "DB")) {
            if (!c.isLong(value) || c.longValue() < 0 || c.longValue() >= c.node().config.number("databases")) {
                c.reply().error("ERR DB number should be between 0 and " + (c.node().config.number("databases") - 1));
                return false;
            }
            db = (int) c.longValue();
        } else {
            c.reply().error(Errors.SYNTAX);
            return false;
        }
        return true;
    }

    private boolean type(CommandContext c, String text) {
        String lower = text.toLowerCase(java.util.Locale.ROOT);
        switch (lower) {
            case "normal", "slave", "replica", "pubsub", "master", "primary" -> type = lower;
            default -> {
                c.reply().error("ERR Unknown client type '" + text + "'");
                return false;
            }
        }
        return true;
    }

    boolean matches(Connection client, Connection asking, Node node) {
        if (client == asking && skipMe) {
            return false;
        }
        if (!ids.isEmpty() && !ids.contains(client.id)) {
            return false;
        }
        if (type != null && !type.equals("normal") || capabilities != null && !capabilities.isEmpty()) {
            return false;
        }
        String peer = node.peer(client);
        if (addr != null && !addr.equals(peer)
                || laddr != null && !laddr.equals(node.local(client))
                || ip != null && !peer.startsWith(ip + ":")) {
            return false;
        }
        if (user != null && !user.equals(client.user)
                || name != null && !name.equals(orEmpty(client.name))
                || libName != null && !libName.equals(orEmpty(client.libName))
                || libVersion != null && !libVersion.equals(orEmpty(client.libVersion))) {
            return false;
        }
        long now = node.clock.currentTimeMillis();
        if (maxAgeSeconds != 0 && (now - client.createdMillis) / 1000 < maxAgeSeconds
                || idleSeconds != 0 && (now - client.lastActiveMillis) / 1000 < idleSeconds
                || db >= 0 && client.db != db) {
            return false;
        }
        return flags == null || ClientCommands.flags(client).equals(flags);
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
