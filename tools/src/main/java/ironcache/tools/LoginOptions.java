package ironcache.tools;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a command that talks to a server makes itself known to it. */
final class LoginOptions {
    /** As valkey-cli and redis-cli read it. */
    private static final String VARIABLE = "REDISCLI_AUTH";

    @Option(names = "--user", paramLabel = "NAME", description = "The user to authenticate as.")
    private @Nullable String user;

    @Option(
            names = "--password",
            arity = "0..1",
            interactive = true,
            paramLabel = "PASSWORD",
            description =
                    "Asks for the password. Without it, the environment's "
                            + VARIABLE
                            + " is used, as valkey-cli does.")
    private char @Nullable [] password;

    private @Nullable String secret() {
        return password != null ? new String(password) : System.getenv(VARIABLE);
    }

    /** Connects and authenticates. */
    RespConnection connect(ServerAddress address) throws IOException {
        RespConnection connection = new RespConnection(address);
        String secret = secret();
        if (secret == null) {
            return connection;
        }
        RespConnection.Reply reply =
                user == null
                        ? connection.call("AUTH", secret)
                        : connection.call("AUTH", user, secret);
        if (reply.isError()) {
            connection.close();
            throw new ToolException(address + ": " + reply.text());
        }
        return connection;
    }
}
