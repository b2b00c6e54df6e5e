package ironcache.tools;

/** What the tool ends with; docs/operations.md lists them for scripts. */
final class ExitCode {
    /** All well. */
    static final int FINE = 0;

    /** Damage was found; or, by recover, something could not be saved. */
    static final int DAMAGE = 1;

    /** The command line is wrong. */
    static final int USAGE = 2;

    /** The job could not be done: no such directory, held by a server, no permission, no space. */
    static final int FAILED = 3;

    /** Ended by Ctrl-C or SIGTERM before it was done. */
    static final int INTERRUPTED = 130;

    private ExitCode() {}
}
