package ironcache.resp;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The server's command line: an optional TOML file, then settings as {@code --name value} or {@code --name=value}. */
final class Options {
    @Nullable String file;
    boolean help;
    boolean version;

    /** By name, in order; a setting with several words has them joined by spaces, as {@code --bind A B}. */
    final Map<String, String> settings = new LinkedHashMap<>();

    /** @throws ConfigException with a message for the operator */
    static Options parse(String[] args) throws ConfigException {
        Options options = new Options();
        int i = 0;
        while (i < args.length) {
            String arg = args[i++];
            if (arg.equals("--help") || arg.equals("-h")) {
                options.help = true;
            } else if (arg.equals("--version") || arg.equals("-v")) {
                options.version = true;
            } else if (!arg.startsWith("--")) {
                if (options.file != null) {
                    throw new ConfigException(
                            arg
                                    + ": one configuration file at most ("
                                    + options.file
                                    + " was given)");
                }
                options.file = arg;
            } else {
                i = setting(options, args, i, arg.substring(2));
            }
        }
        return options;
    }

    private static int setting(Options options, String[] args, int next, String word)
            throws ConfigException {
        int equals = word.indexOf('=');
        if (equals >= 0) {
            options.settings.put(word.substring(0, equals), word.substring(equals + 1));
            return next;
        }
        int i = next;
        StringBuilder value = new StringBuilder();
        while (i < args.length && !args[i].startsWith("--")) {
            value.append(i == next ? "" : " ").append(args[i++]);
        }
        if (i == next) {
            throw new ConfigException("--" + word + ": a value is missing");
        }
        options.settings.put(word, value.toString());
        return i;
    }
}
