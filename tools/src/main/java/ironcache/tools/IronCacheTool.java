package ironcache.tools;

import java.lang.module.ModuleDescriptor;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * The operator's command line. Each job is a subcommand in a class of its own; this one only names them.
 *
 * <p>Exit codes: 0 all well, 1 the job found or met a fault, 2 wrong usage.
 */
@Command(
        name = "ironcache-tool",
        description = "Looks after the data files of an IronCache server.",
        mixinStandardHelpOptions = true,
        versionProvider = IronCacheTool.Version.class)
public final class IronCacheTool implements Runnable {
    @Spec private CommandSpec spec;

    private IronCacheTool() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new IronCacheTool()).execute(arguments));
    }

    /** Without a subcommand there is nothing to do. */
    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "Which job? Name a command.");
    }

    /** The version that the compiler wrote into the module descriptor. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            ModuleDescriptor module = IronCacheTool.class.getModule().getDescriptor();
            String version =
                    module == null ? "unpackaged" : module.rawVersion().orElse("unversioned");
            return new String[] {"ironcache-tool " + version};
        }
    }
}
