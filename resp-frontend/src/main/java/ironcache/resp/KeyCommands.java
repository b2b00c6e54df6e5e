package ironcache.resp;

/** The generic keyspace family: rows and handlers. */
final class KeyCommands {
    private KeyCommands() {}

    static void register(CommandTable t) {}
}
