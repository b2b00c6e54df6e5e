package ironcache.resp;

/** What a command does. Static methods of the family files; stateless. */
@FunctionalInterface
interface CommandHandler {
    /** Writes exactly one reply. Does all its reads before its first write, because a cold miss unwinds it to run again from the start. */
    void run(CommandContext c);
}
