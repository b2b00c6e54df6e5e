package ironcache.resp;

import static ironcache.resp.CommandFlag.ALLOW_BUSY;
import static ironcache.resp.CommandFlag.BRIEF;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.NO_AUTH;
import static ironcache.resp.CommandFlag.SKIP_SLOWLOG;
import static ironcache.resp.CommandFlag.STALE;

import ironcache.engine.Shard;
import org.jspecify.annotations.Nullable;

/** The connection family but for CLIENT: greeting, authentication, database. Stateless; runs on the shard's thread. */
final class ConnectionCommands {
    private static final ErrorReply PROTOCOL_NOT_A_NUMBER =
            new ErrorReply("ERR Protocol version is not an integer or out of range");
    private static final ErrorReply AUTH_WITHOUT_PASSWORD =
            new ErrorReply(
                    "ERR AUTH <password> called without any password configured for the default user."
                            + " Are you sure your configuration is correct?");
    private static final ErrorReply HELLO_UNAUTHENTICATED =
            new ErrorReply(
                    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass>"
                            + " option can be used to authenticate the client and select the RESP protocol version at the same time");
    private static final ErrorReply DB_NOT_AN_INT =
            new ErrorReply(
                    "ERR value is out of range, value must between -2147483648 and 2147483647");

    private ConnectionCommands() {}

    static void register(CommandTable t) {
        t.add("PING", ConnectionCommands::ping)
                .arity(-1)
                .flags(FAST, BRIEF)
                .group("connection")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Returns the server's liveliness response.")
                .tips("request_policy:all_shards", "response_policy:all_succeeded")
                .args(Arg.string("message").optional());
        t.add("ECHO", ConnectionCommands::echo)
                .arity(2)
                .flags(LOADING, STALE, FAST)
                .group("connection")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Returns the given string.")
                .args(Arg.string("message"));
        t.add("HELLO", ConnectionCommands::hello)
                .arity(-1)
                .flags(NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY, SKIP_SLOWLOG)
                .group("connection")
                .since("6.0.0")
                .complexity("O(1)")
                .summary("Handshakes with the server.")
                .history(
                        "6.2.0",
                        "`protover` made optional; when called without arguments the command reports the current connection's context.")
                .args(
                        Arg.block(
                                        "arguments",
                                        Arg.integer("protover"),
                                        Arg.block(
                                                        "auth",
                                                        Arg.string("username"),
                                                        Arg.string("password"))
                                                .token("AUTH")
                                                .optional(),
                                        Arg.string("clientname").token("SETNAME").optional())
                                .optional());
        t.add("AUTH", ConnectionCommands::auth)
                .arity(-2)
                .flags(NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY, SKIP_SLOWLOG)
                .group("connection")
                .since("1.0.0")
                .complexity("O(N) where N is the number of passwords defined for the user")
                .summary("Authenticates the connection.")
                .history("6.0.0", "Added ACL style (username and password).")
                .args(Arg.string("username").optional().since("6.0.0"), Arg.string("password"));
        t.add("SELECT", ConnectionCommands::select)
                .arity(2)
                .flags(LOADING, STALE, FAST, CommandFlag.ALLOW_BUSY)
                .group("connection")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Changes the selected database.")
                .args(Arg.integer("index"));
        // Nothing to choose without replicas; valkey-cli --bigkeys begins with it.
        for (String mode : new String[] {"READONLY", "READWRITE"}) {
            t.add(mode, c -> c.reply().ok())
                    .arity(1)
                    .flags(LOADING, STALE, FAST)
                    .categories(AclCategory.CONNECTION)
                    .group("cluster")
                    .since("3.0.0")
                    .complexity("O(1)")
                    .summary(
                            "Says whether the connection may read from a replica; every connection may do both here.");
        }
        t.add("QUIT", ConnectionCommands::quit)
                .arity(-1)
                .flags(NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY)
                .group("connection")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Closes the connection.")
                .neverQueued();
        t.add("RESET", ConnectionCommands::reset)
                .arity(1)
                .flags(NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY)
                .group("connection")
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Resets the connection.")
                .neverQueued();
    }

    static void ping(CommandContext c) {
        if (c.argc() > 2) {
            c.reply().error("ERR wrong number of arguments for 'ping' command");
        } else if (c.argc() == 1) {
            c.reply().pong();
        } else {
            echo(c);
        }
    }

    static void echo(CommandContext c) {
        c.reserveOutput(c.argLength(1));
        c.reply().bulk(c.arg(1), c.argLength(1));
    }

    static void quit(CommandContext c) {
        c.reply().ok();
        c.connection().state = Connection.State.DRAINING;
    }

    static void select(CommandContext c) {
        if (!c.parseLong(1)) {
            return;
        }
        long db = c.longValue();
        if (db != (int) db) {
            c.reply().error(DB_NOT_AN_INT);
        } else if (db < 0 || db >= c.node().config.number("databases") || db >= Shard.DATABASES) {
            c.reply().error(Errors.DB_OUT_OF_RANGE);
        } else {
            c.connection().db = (int) db;
            c.reply().ok();
        }
    }

    static void auth(CommandContext c) {
        if (c.argc() > 3) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        Node node = c.node();
        if (c.argc() == 2 && node.config.password.isEmpty()) {
            c.reply().error(AUTH_WITHOUT_PASSWORD);
            return;
        }
        String user = c.argc() == 3 ? c.argLatin1(1) : "default";
        if (authenticate(c, user, c.argc() - 1)) {
            c.reply().ok();
        } else {
            c.reply().error(Errors.WRONG_PASS);
        }
    }

    /** The one user is {@code default}; without requirepass it takes any password. */
    private static boolean authenticate(CommandContext c, String user, int passwordArg) {
        String password = c.node().config.password;
        boolean right =
                user.equals("default")
                        && (password.isEmpty()
                                || equalsConstantTime(password, c.argBytes(passwordArg)));
        Connection connection = c.connection();
        if (right) {
            connection.authenticated = true;
            connection.check(Connection.CHECK_AUTH, false);
        } else {
            c.stats().authenticationFailures++;
        }
        return right;
    }

    private static boolean equalsConstantTime(String password, byte[] given) {
        byte[] wanted = password.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        int difference = wanted.length ^ given.length;
        for (int i = 0; i < given.length; i++) {
            difference |= given[i] ^ (wanted.length == 0 ? 1 : wanted[i % wanted.length]);
        }
        return difference == 0;
    }

    static void hello(CommandContext c) {
        Connection connection = c.connection();
        int version = 0;
        int next = 1;
        if (c.argc() >= 2) {
            if (!c.parseLong(next++, PROTOCOL_NOT_A_NUMBER)) {
                return;
            }
            if (c.longValue() < 2 || c.longValue() > 3) {
                c.reply().error(Errors.NO_PROTO);
                return;
            }
            version = (int) c.longValue();
        }
        int user = 0;
        int name = 0;
        while (next < c.argc()) {
            int more = c.argc() - 1 - next;
            if (c.argIs(next, "AUTH") && more >= 2) {
                user = next + 1;
                next += 3;
            } else if (c.argIs(next, "SETNAME") && more >= 1) {
                name = next + 1;
                if (!ClientCommands.isValidName(c, name)) {
                    c.reply().error(ClientCommands.INVALID_NAME);
                    return;
                }
                next += 2;
            } else {
                c.reply().error("ERR Syntax error in HELLO option '" + c.argUpToZero(next) + "'");
                return;
            }
        }
        if (user != 0 && !authenticate(c, c.argLatin1(user), user + 1)) {
            c.reply().error(Errors.WRONG_PASS);
            return;
        }
        if ((connection.checks & Connection.CHECK_AUTH) != 0) {
            c.reply().error(HELLO_UNAUTHENTICATED);
            return;
        }
        if (name != 0) {
            connection.name = emptyToNull(c.argLatin1(name));
        }
        if (version != 0) {
            connection.protocol = version;
            c.reply().setProtocol(version);
        }
        greet(c);
    }

    static @Nullable String emptyToNull(String text) {
        return text.isEmpty() ? null : text;
    }

    private static void greet(CommandContext c) {
        ReplyWriter reply = c.reply();
        reply.map(7);
        reply.bulk("server");
        reply.bulk("valkey");
        reply.bulk("version");
        reply.bulk(Node.VALKEY_VERSION);
        reply.bulk("proto");
        reply.integer(c.connection().protocol);
        reply.bulk("id");
        reply.integer(c.connection().id);
        reply.bulk("mode");
        reply.bulk("standalone");
        reply.bulk("role");
        reply.bulk("master");
        reply.bulk("modules");
        reply.array(0);
    }

    static void reset(CommandContext c) {
        Connection connection = c.connection();
        c.transactions().end(connection);
        connection.db = 0;
        connection.protocol = 2;
        connection.name = null;
        connection.replyOff = false;
        connection.replySkip = false;
        connection.replySkipNext = false;
        connection.noEvict = false;
        connection.noTouch = false;
        connection.check(Connection.CHECK_REPLY_MODE, false);
        boolean open = c.node().config.password.isEmpty();
        connection.authenticated = open;
        connection.check(Connection.CHECK_AUTH, !open);
        c.reply().setProtocol(2);
        c.reply().simple("RESET");
    }
}
