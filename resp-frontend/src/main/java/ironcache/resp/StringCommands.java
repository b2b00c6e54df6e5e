package ironcache.resp;

/** The strings family: rows and handlers. */
final class StringCommands {
    private StringCommands() {}

    static void register(CommandTable t) {}
}
