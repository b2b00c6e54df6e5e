package ironcache.resp;

/** The HELP sub-commands. */
final class Help {
    private Help() {}

    /** The lines with Valkey's header and the entry for HELP itself. */
    static void reply(CommandContext c, String command, String[] lines) {
        ReplyWriter reply = c.reply();
        reply.array(lines.length + 3L);
        reply.simple(command + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
        for (String line : lines) {
            reply.simple(line);
        }
        reply.simple("HELP");
        reply.simple("    Print this help.");
    }
}
