package ironcache.resp;

import static ironcache.resp.CommandFlag.ADMIN;
import static ironcache.resp.CommandFlag.ALLOW_BUSY;
import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.NO_MULTI;
import static ironcache.resp.CommandFlag.STALE;

import org.jspecify.annotations.Nullable;

/** CLIENT and its sub-commands. Stateless; runs on the shard's thread. */
final class ClientCommands {
    static final ErrorReply INVALID_NAME =
            new ErrorReply(
                    "ERR Client names cannot contain spaces, newlines or special characters.");
    private static final ErrorReply NOT_TRACKING =
            new ErrorReply(
                    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled");
    private static final ErrorReply NO_SUCH_CLIENT = new ErrorReply("ERR No such client");
    private static final ErrorReply NO_TRACKING =
            new ErrorReply("ERR client tracking is not available in this version");

    private ClientCommands() {}

    static void register(CommandTable t) {
        CommandRow client =
                t.container("CLIENT")
                        .group("connection")
                        .since("2.4.0")
                        .complexity("Depends on subcommand.")
                        .summary("A container for client connection commands.");
        t.sub(client, "ID", ClientCommands::id)
                .arity(2)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Returns the unique client ID of the connection.");
        t.sub(client, "INFO", ClientCommands::info)
                .arity(2)
                .flags(NOSCRIPT, LOADING, STALE)
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Returns information about the connection.")
                .tips("nondeterministic_output");
        t.sub(client, "LIST", ClientCommands::list)
                .arity(-2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.4.0")
                .complexity("O(N) where N is the number of client connections")
                .summary("Lists open connections.")
                .tips("nondeterministic_output");
        t.sub(client, "KILL", ClientCommands::kill)
                .arity(-3)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.4.0")
                .complexity("O(N) where N is the number of client connections")
                .summary("Terminates open connections.");
        t.sub(client, "GETNAME", ClientCommands::getName)
                .arity(2)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("2.6.9")
                .complexity("O(1)")
                .summary("Returns the name of the connection.");
        t.sub(client, "SETNAME", ClientCommands::setName)
                .arity(3)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("2.6.9")
                .complexity("O(1)")
                .summary("Sets the connection name.")
                .tips("request_policy:all_nodes", "response_policy:all_succeeded")
                .args(Arg.string("connection-name"));
        t.sub(client, "SETINFO", ClientCommands::setInfo)
                .arity(4)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("7.2.0")
                .complexity("O(1)")
                .summary("Sets information specific to the client or connection.")
                .tips("request_policy:all_nodes", "response_policy:all_succeeded")
                .args(
                        Arg.oneOf(
                                "attr",
                                Arg.string("libname").token("LIB-NAME"),
                                Arg.string("libver").token("LIB-VER")));
        t.sub(client, "NO-EVICT", ClientCommands::noEvict)
                .arity(3)
                .flags(ADMIN, NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Sets the client eviction mode of the connection.")
                .args(Arg.oneOf("enabled", Arg.token("on", "ON"), Arg.token("off", "OFF")));
        t.sub(client, "NO-TOUCH", ClientCommands::noTouch)
                .arity(3)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("7.2.0")
                .complexity("O(1)")
                .summary(
                        "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.")
                .args(Arg.oneOf("enabled", Arg.token("on", "ON"), Arg.token("off", "OFF")));
        t.sub(client, "REPLY", ClientCommands::reply)
                .arity(3)
                .flags(NOSCRIPT, LOADING, STALE, NO_MULTI, ALLOW_BUSY)
                .since("3.2.0")
                .complexity("O(1)")
                .summary("Instructs the server whether to reply to commands.")
                .args(
                        Arg.oneOf(
                                "action",
                                Arg.token("on", "ON"),
                                Arg.token("off", "OFF"),
                                Arg.token("skip", "SKIP")));
        t.sub(client, "PAUSE", ClientCommands::pause)
                .arity(-3)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Suspends commands processing.")
                .history("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")
                .args(
                        Arg.integer("timeout"),
                        Arg.oneOf("mode", Arg.token("write", "WRITE"), Arg.token("all", "ALL"))
                                .since("6.2.0")
                                .optional());
        t.sub(client, "UNPAUSE", ClientCommands::unpause)
                .arity(2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("6.2.0")
                .complexity("O(N) Where N is the number of paused clients")
                .summary("Resumes processing commands from paused clients.");
        t.sub(client, "UNBLOCK", ClientCommands::unblock)
                .arity(-3)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("5.0.0")
                .complexity("O(log N) where N is the number of client connections")
                .summary(
                        "Unblocks a client blocked by a blocking command from a different connection.")
                .args(
                        Arg.integer("client-id"),
                        Arg.oneOf(
                                        "unblock-type",
                                        Arg.token("timeout", "TIMEOUT"),
                                        Arg.token("error", "ERROR"))
                                .optional());
        t.sub(client, "GETREDIR", ClientCommands::getRedirection)
                .arity(2)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("6.0.0")
                .complexity("O(1)")
                .summary(
                        "Returns the client ID to which the connection's tracking notifications are redirected.");
        t.sub(client, "TRACKINGINFO", ClientCommands::trackingInfo)
                .arity(2)
                .flags(NOSCRIPT, LOADING, STALE)
                .since("6.2.0")
                .complexity("O(1)")
                .summary(
                        "Returns information about server-assisted client-side caching for the connection.");
        t.sub(client, "TRACKING", ClientCommands::tracking)
                .arity(-3)
                .flags(NOSCRIPT, LOADING, STALE)
                .since("6.0.0")
                .complexity("O(1). Some options may introduce additional complexity.")
                .summary("Controls server-assisted client-side caching for the connection.");
        t.sub(client, "CACHING", ClientCommands::caching)
                .arity(3)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("6.0.0")
                .complexity("O(1)")
                .summary("Instructs the server whether to track the keys in the next request.")
                .args(Arg.oneOf("mode", Arg.token("yes", "YES"), Arg.token("no", "NO")));
        t.sub(client, "CAPA", ClientCommands::capabilities)
                .arity(-3)
                .flags(NOSCRIPT, LOADING, STALE, ALLOW_BUSY)
                .since("8.0.0")
                .complexity("O(1)")
                .summary("A client claims its capability.")
                .args(Arg.string("capability").multiple());
        t.sub(client, "IMPORT-SOURCE", ClientCommands::importSource)
                .arity(3)
                .flags(NOSCRIPT, LOADING, STALE)
                .since("8.1.0")
                .complexity("O(1)")
                .summary("Mark this client as an import source when server is in import mode.")
                .args(Arg.oneOf("enabled", Arg.token("on", "ON"), Arg.token("off", "OFF")));
        t.sub(client, "HELP", ClientCommands::help)
                .arity(2)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Returns helpful text about the different subcommands.");
    }

    static void id(CommandContext c) {
        c.reply().integer(c.connection().id);
    }

    static void info(CommandContext c) {
        StringBuilder text = new StringBuilder(512);
        describe(text, c.connection(), c);
        c.reply().verbatim(text.append('\n').toString());
    }

    static void list(CommandContext c) {
        ClientFilter filter = new ClientFilter(false);
        if (!filter.parse(c, 2)) {
            return;
        }
        StringBuilder text = new StringBuilder(4096);
        for (Connection client : c.node().clients()) {
            if (!client.killed
                    && client.state != Connection.State.CLOSED
                    && filter.matches(client, c.connection(), c.node())) {
                describe(text, client, c);
                text.append('\n');
            }
        }
        c.reply().verbatim(text.toString());
    }

    static String flags(Connection client) {
        StringBuilder flags = new StringBuilder(8);
        if (client.isWaiting()) {
            flags.append('b');
        }
        if (client.state == Connection.State.DRAINING) {
            flags.append('c');
        }
        if (client.noEvict) {
            flags.append('e');
        }
        if (client.noTouch) {
            flags.append('T');
        }
        if (client.transaction != null) {
            flags.append('x');
        }
        if (client.watched != null && client.watched.isBroken()) {
            flags.append('d');
        }
        return flags.isEmpty() ? "N" : flags.toString();
    }

    private static void describe(StringBuilder to, Connection client, CommandContext c) {
        Node node = c.node();
        long now = node.clock.currentTimeMillis();
        ConnectionBuffers buffers = node.loop(client).buffers();
        // Valkey's qbuf counts what was read and not yet run; of its fixed reply buffer we have
        // none.
        int outChunks = buffers.outputChunkCount(client);
        to.append("id=")
                .append(client.id)
                .append(" addr=")
                .append(node.peer(client))
                .append(" laddr=")
                .append(node.local(client))
                .append(" fd=")
                .append(client.socket)
                .append(" name=")
                .append(client.name == null ? "" : client.name)
                .append(" age=")
                .append((now - client.createdMillis) / 1000)
                .append(" idle=")
                .append((now - client.lastActiveMillis) / 1000)
                .append(" flags=")
                .append(flags(client))
                .append(client.redirectCapable ? " capa=r db=" : " capa= db=")
                .append(client.db)
                .append(" sub=0 psub=0 ssub=0 multi=")
                .append(client.transaction == null ? -1 : client.transaction.count())
                .append(" watch=")
                .append(client.watched == null ? 0 : client.watched.count())
                .append(" qbuf=")
                .append(client.inputBytes())
                .append(" qbuf-free=")
                .append(client.inputCapacity - client.inputBytes())
                .append(" argv-mem=0 multi-mem=")
                .append(client.transaction == null ? 0 : client.transaction.bytes())
                .append(" rbs=0 rbp=0 obl=0 oll=")
                .append(client == c.connection() ? 0 : outChunks)
                .append(" omem=")
                .append(client == c.connection() ? 0 : client.outBytes)
                .append(" tot-mem=")
                .append(client.inputCapacity + client.outBytes)
                .append(" events=")
                .append(client.outInFlight > 0 ? "rw" : "r")
                .append(" cmd=")
                .append(commandName(client, c))
                .append(" user=")
                .append(client.user)
                .append(" redir=-1 resp=")
                .append(client.protocol)
                .append(" lib-name=")
                .append(client.libName == null ? "" : client.libName)
                .append(" lib-ver=")
                .append(client.libVersion == null ? "" : client.libVersion)
                .append(" tot-net-in=")
                .append(client.receivedBytes)
                .append(" tot-net-out=")
                .append(client.sentBytes)
                .append(" tot-cmds=")
                .append(client.commands);
    }

    private static String commandName(Connection client, CommandContext c) {
        if (client == c.connection()) {
            return c.row().fullName;
        }
        return client.lastCommand < 0 ? "NULL" : c.node().commands.row(client.lastCommand).fullName;
    }

    static void kill(CommandContext c) {
        Node node = c.node();
        if (c.argc() == 3) {
            String address = c.argLatin1(2);
            Connection victim = find(node, address);
            if (victim == null) {
                c.reply().error(NO_SUCH_CLIENT);
            } else {
                c.reply().ok();
                node.loop(c.connection()).kill(victim, c.connection());
            }
            return;
        }
        ClientFilter filter = new ClientFilter(true);
        if (!filter.parse(c, 2)) {
            return;
        }
        int killed = 0;
        for (Connection client : node.clients()) {
            // One that drains is closing already.
            boolean closing =
                    client.killed
                            || client.state == Connection.State.CLOSED
                            || client.state == Connection.State.DRAINING
                                    && client != c.connection();
            if (!closing && filter.matches(client, c.connection(), node)) {
                node.loop(c.connection()).kill(client, c.connection());
                killed++;
            }
        }
        c.reply().integer(killed);
    }

    private static @Nullable Connection find(Node node, String address) {
        for (Connection client : node.clients()) {
            if (!client.killed
                    && client.state != Connection.State.CLOSED
                    && node.peer(client).equals(address)) {
                return client;
            }
        }
        return null;
    }

    static void getName(CommandContext c) {
        c.reply().bulkOrNull(c.connection().name);
    }

    /** Printable ASCII without space. */
    static boolean isValidName(CommandContext c, int i) {
        byte[] bytes = c.argBytes(i);
        for (byte b : bytes) {
            if (b < '!' || b > '~') {
                return false;
            }
        }
        return true;
    }

    /** As a name, but Valkey looks no further than a zero byte. */
    private static boolean isValidAttribute(CommandContext c, int i) {
        for (byte b : c.argBytes(i)) {
            if (b == 0) {
                return true;
            }
            if (b < '!' || b > '~') {
                return false;
            }
        }
        return true;
    }

    static void setName(CommandContext c) {
        if (!isValidName(c, 2)) {
            c.reply().error(INVALID_NAME);
            return;
        }
        c.connection().name = ConnectionCommands.emptyToNull(c.argLatin1(2));
        c.reply().ok();
    }

    static void setInfo(CommandContext c) {
        boolean isName = c.argIs(2, "LIB-NAME");
        if (!isName && !c.argIs(2, "LIB-VER")) {
            c.reply().error("ERR Unrecognized option '" + c.argUpToZero(2) + "'");
            return;
        }
        if (!isValidAttribute(c, 3)) {
            c.reply()
                    .error(
                            "ERR "
                                    + c.argUpToZero(2)
                                    + " cannot contain spaces, newlines or special characters.");
            return;
        }
        String value = ConnectionCommands.emptyToNull(c.argLatin1(3));
        if (isName) {
            c.connection().libName = value;
        } else {
            c.connection().libVersion = value;
        }
        c.reply().ok();
    }

    static void noEvict(CommandContext c) {
        if (onOrOff(c, 2)) {
            c.connection().noEvict = c.argIs(2, "ON");
        }
    }

    static void noTouch(CommandContext c) {
        if (onOrOff(c, 2)) {
            c.connection().noTouch = c.argIs(2, "ON");
        }
    }

    /** Answers OK, or a syntax error. */
    private static boolean onOrOff(CommandContext c, int i) {
        if (!c.argIs(i, "ON") && !c.argIs(i, "OFF")) {
            c.reply().error(Errors.SYNTAX);
            return false;
        }
        c.reply().ok();
        return true;
    }

    static void reply(CommandContext c) {
        Connection connection = c.connection();
        if (c.argIs(2, "ON")) {
            connection.replyOff = false;
            connection.replySkip = false;
            connection.check(Connection.CHECK_REPLY_MODE, false);
            c.reply().ok();
        } else if (c.argIs(2, "OFF")) {
            connection.replyOff = true;
            connection.check(Connection.CHECK_REPLY_MODE, true);
        } else if (c.argIs(2, "SKIP")) {
            if (!connection.replyOff) {
                connection.replySkipNext = true;
                connection.check(Connection.CHECK_REPLY_MODE, true);
            }
        } else {
            c.reply().error(Errors.SYNTAX);
        }
    }

    static void pause(CommandContext c) {
        boolean writesOnly = false;
        if (c.argc() > 4) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        if (c.argc() == 4) {
            writesOnly = c.argIs(3, "WRITE");
            if (!writesOnly && !c.argIs(3, "ALL")) {
                c.reply().error("ERR CLIENT PAUSE mode must be WRITE or ALL");
                return;
            }
        }
        if (!c.isLong(2)) {
            c.reply().error("ERR timeout is not an integer or out of range");
            return;
        }
        if (c.longValue() < 0) {
            c.reply().error("ERR timeout is negative");
            return;
        }
        if (c.longValue() > Long.MAX_VALUE - c.now()) {
            c.reply().error("ERR timeout is out of range");
            return;
        }
        c.node().pause(c.now() + c.longValue(), writesOnly);
        c.reply().ok();
    }

    static void unpause(CommandContext c) {
        c.node().unpause();
        c.reply().ok();
    }

    static void unblock(CommandContext c) {
        if (c.argc() == 4 && !c.argIs(3, "TIMEOUT") && !c.argIs(3, "ERROR")) {
            c.reply().error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            return;
        }
        if (!c.parseLong(2)) {
            return;
        }
        long id = c.longValue();
        BlockedCommand blocked = null;
        for (Connection client : c.node().clients()) {
            if (client.id == id) {
                blocked = client.blocked;
            }
        }
        boolean withError = c.argc() == 4 && c.argIs(3, "ERROR");
        boolean done = blocked != null && c.blocking().unblock(blocked, withError);
        c.reply().integer(done ? 1 : 0);
    }

    static void getRedirection(CommandContext c) {
        c.reply().integer(-1);
    }

    static void trackingInfo(CommandContext c) {
        c.reply().map(3);
        c.reply().bulk("flags");
        c.reply().set(1);
        c.reply().bulk("off");
        c.reply().bulk("redirect");
        c.reply().integer(-1);
        c.reply().bulk("prefixes");
        c.reply().array(0);
    }

    static void tracking(CommandContext c) {
        if (c.argIs(2, "OFF")) {
            c.reply().ok();
        } else if (c.argIs(2, "ON")) {
            c.reply().error(NO_TRACKING);
        } else {
            c.reply().error(Errors.SYNTAX);
        }
    }

    static void caching(CommandContext c) {
        c.reply().error(NOT_TRACKING);
    }

    static void capabilities(CommandContext c) {
        for (int i = 2; i < c.argc(); i++) {
            if (c.argIs(i, "REDIRECT")) {
                c.connection().redirectCapable = true;
            }
        }
        c.reply().ok();
    }

    static void importSource(CommandContext c) {
        c.reply().error("ERR Server is not in import mode");
    }

    static void help(CommandContext c) {
        Help.reply(c, "CLIENT", HELP);
    }

    private static final String[] HELP = {
        "CACHING (YES|NO)",
        "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
        "CAPA <option> [options...]",
        "    The client claims its some capability options. Options are:",
        "    * REDIRECT",
        "      The client can handle redirection during primary and replica failover in standalone mode.",
        "GETREDIR",
        "    Return the client ID we are redirecting to when tracking is enabled.",
        "GETNAME",
        "    Return the name of the current connection.",
        "ID",
        "    Return the ID of the current connection.",
        "INFO",
        "    Return information about the current client connection.",
        "KILL <ip:port>",
        "    Kill connection made from <ip:port>.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Kill connections. Options are:",
        "    * ADDR (<ip:port>|<unixsocket>:0)",
        "      Kill connections made from the specified address.",
        "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      Kill connections made to the specified local address.",
        "    * TYPE (NORMAL|PRIMARY|REPLICA|PUBSUB)",
        "      Kill connections by type.",
        "    * USER <username>",
        "      Kill connections authenticated by <username>.",
        "    * SKIPME (YES|NO)",
        "      Skip killing current connection (default: yes).",
        "    * ID <client-id> [<client-id>...]",
        "      Kill connections by client IDs.",
        "    * MAXAGE <maxage>",
        "      Kill connections older than the specified age.",
        "    * FLAGS <flags>",
        "      Kill connections that include the specified flags.",
        "    * NAME <client-name>",
        "      Kill connections with the specified name.",
        "    * IDLE <idle>",
        "      Kill connections with idle time greater than or equal to <idle> seconds.",
        "    * LIB-NAME <library-name>",
        "      Kill connections with the specified library name.",
        "    * LIB-VER <library-version>",
        "      Kill connections with the specified library version.",
        "    * DB <db-id>",
        "      Kill connections currently operating on the specified database ID.",
        "    * CAPA <capa>",
        "      Kill connections currently with the specified capa.",
        "    * IP <ip>",
        "      Kill connections made from the specified ip.",
        "LIST [options ...]",
        "    Return information about client connections. Options:",
        "    * TYPE (NORMAL|PRIMARY|REPLICA|PUBSUB)",
        "      Return clients of specified type.",
        "    * USER <username>",
        "      Return clients authenticated by <username>.",
        "    * ADDR <ip:port>",
        "      Return clients connected from the specified address.",
        "    * LADDR <ip:port>",
        "      Return clients connected to the specified local address.",
        "    * ID <client-id> [<client-id>...]",
        "      Return clients with the specified IDs.",
        "    * SKIPME (YES|NO)",
        "      Exclude the current client from the list (default: no).",
        "    * MAXAGE <maxage>",
        "      List connections older than the specified age.",
        "    * FLAGS <flags>",
        "      Return clients with the specified flags.",
        "    * NAME <client-name>",
        "      Return clients with the specified name.",
        "    * IDLE <idle>",
        "      Return clients with idle time greater than or equal to <idle> seconds.",
        "    * LIB-NAME <lib-name>",
        "      Return clients with the specified lib name.",
        "    * LIB-VER <lib-version>",
        "      Return clients with the specified lib version.",
        "    * DB <db-id>",
        "      Return clients currently operating on the specified database ID.",
        "    * CAPA <capa>",
        "      Return connections currently with the specified capa.",
        "    * IP <ip>",
        "      Return connections made from the specified ip.",
        "UNPAUSE",
        "    Stop the current client pause, resuming traffic.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Suspend all, or just write, clients for <timeout> milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Control the replies sent to the current connection.",
        "SETNAME <name>",
        "    Assign the name <name> to the current connection.",
        "SETINFO <option> <value>",
        "    Set client meta attr. Options are:",
        "    * LIB-NAME: the client lib name.",
        "    * LIB-VER: the client lib version.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Unblock the specified blocked client.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Control server assisted client side caching.",
        "TRACKINGINFO",
        "    Report tracking status for the current connection.",
        "NO-EVICT (ON|OFF)",
        "    Protect current client connection from eviction.",
        "NO-TOUCH (ON|OFF)",
        "    Will not touch LRU/LFU stats when this mode is on.",
        "IMPORT-SOURCE (ON|OFF)",
        "    Mark this connection as an import source if import-mode is enabled.",
        "    Sync tools can set their connections into 'import-source' state to visit",
        "    expired keys.",
    };
}
