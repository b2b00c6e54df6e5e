package ironcache.resp;

/** All families, in one table. */
final class Commands {
    private Commands() {}

    static CommandTable table() {
        CommandTable t = new CommandTable();
        StringCommands.register(t);
        HashCommands.register(t);
        SetCommands.register(t);
        ListCommands.register(t);
        SortedSetCommands.register(t);
        KeyCommands.register(t);
        ConnectionCommands.register(t);
        TransactionCommands.register(t);
        ClientCommands.register(t);
        ServerCommands.register(t);
        PersistenceCommands.register(t);
        ConfigCommands.register(t);
        CommandCommands.register(t);
        MemoryCommands.register(t);
        LatencyCommands.register(t);
        DebugCommands.register(t);
        t.complete();
        return t;
    }
}
