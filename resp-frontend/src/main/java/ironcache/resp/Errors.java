package ironcache.resp;

/** The errors that commands answer with, byte for byte as Valkey writes them. Dynamic ones: {@link ReplyWriter#error(String)}. */
final class Errors {
    static final ErrorReply SYNTAX = new ErrorReply("ERR syntax error");
    static final ErrorReply WRONG_TYPE =
            new ErrorReply("WRONGTYPE Operation against a key holding the wrong kind of value");
    static final ErrorReply NOT_AN_INTEGER =
            new ErrorReply("ERR value is not an integer or out of range");
    static final ErrorReply NOT_A_FLOAT = new ErrorReply("ERR value is not a valid float");
    static final ErrorReply OUT_OF_RANGE = new ErrorReply("ERR value is out of range");
    static final ErrorReply COUNT_OUT_OF_RANGE =
            new ErrorReply(
                    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    static final ErrorReply NO_SUCH_KEY = new ErrorReply("ERR no such key");
    static final ErrorReply SAME_OBJECT =
            new ErrorReply("ERR source and destination objects are the same");
    static final ErrorReply INDEX_OUT_OF_RANGE = new ErrorReply("ERR index out of range");
    static final ErrorReply OFFSET_OUT_OF_RANGE = new ErrorReply("ERR offset is out of range");
    static final ErrorReply DB_OUT_OF_RANGE = new ErrorReply("ERR DB index is out of range");
    static final ErrorReply OVERFLOW = new ErrorReply("ERR increment or decrement would overflow");
    static final ErrorReply INVALID_CURSOR = new ErrorReply("ERR invalid cursor");
    static final ErrorReply STRING_TOO_LONG =
            new ErrorReply("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    static final ErrorReply KEY_TOO_LONG = new ErrorReply("ERR key is longer than 65535 bytes");
    static final ErrorReply NO_AUTH = new ErrorReply("NOAUTH Authentication required.");
    static final ErrorReply WRONG_PASS =
            new ErrorReply("WRONGPASS invalid username-password pair or user is disabled.");
    static final ErrorReply NO_PROTO = new ErrorReply("NOPROTO unsupported protocol version");
    static final ErrorReply LOADING =
            new ErrorReply("LOADING Valkey is loading the dataset in memory");
    static final ErrorReply OOM =
            new ErrorReply("OOM command not allowed when used memory > 'maxmemory'.");

    static final ErrorReply DEBUG_PROTECTED = protectedCommand("DEBUG", "enable-debug-command");
    static final ErrorReply MODULE_PROTECTED = protectedCommand("MODULE", "enable-module-command");

    private static ErrorReply protectedCommand(String name, String setting) {
        return new ErrorReply(
                "ERR "
                        + name
                        + " command not allowed. If the "
                        + setting
                        + " option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in"
                        + " the configuration file, and then restart the server.");
    }

    private Errors() {}
}
