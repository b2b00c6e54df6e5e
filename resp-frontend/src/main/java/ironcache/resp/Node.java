package ironcache.resp;

/** What all of a server shares: configuration, command table, statistics. With one shard, owned by its thread. */
final class Node {
    final CommandTable commands;
    final ServerStats stats = new ServerStats();
    final ErrorStats errorStats = new ErrorStats();

    Node(CommandTable commands) {
        this.commands = commands;
    }
}
