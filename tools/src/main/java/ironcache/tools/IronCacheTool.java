package ironcache.tools;

import java.lang.module.ModuleDescriptor;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/**
 * The operator's command line. Each job is a subcommand in a class of its own; this one only names them.
 *
 * <p>Exit codes are those of {@link ExitCode}.
 */
@Command(
        name = "ironcache-tool",
        description = "Looks after the data files of an IronCache server.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            VerifyCommand.class,
            RecoverCommand.class,
            InspectCommand.class,
            SnapshotsCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all well",
            "1:damage was found",
            "2:wrong usage",
            "3:the job could not be done",
            "130:interrupted"
        },
        versionProvider = IronCacheTool.Version.class)
public final class IronCacheTool implements Runnable {
    @Spec private CommandSpec spec;

    private IronCacheTool() {}

    public static void main(String[] arguments) {
        System.exit(execute(arguments));
    }

    /** @return the exit code */
    static int execute(String... arguments) {
        return new CommandLine(new IronCacheTool())
                .setExecutionExceptionHandler(IronCacheTool::failed)
                .execute(arguments);
    }

    private static int failed(Exception failure, CommandLine command, ParseResult parsed) {
        if (failure instanceof ToolException) {
            command.getErr().println("ironcache-tool: " + failure.getMessage());
        } else {
            failure.printStackTrace(command.getErr());
        }
        command.getErr().flush();
        return ExitCode.FAILED;
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
