package ironcache.tools;

import ironcache.recovery.CannotWriteException;
import ironcache.recovery.RecoveryException;
import ironcache.tiering.DamagedBlockException;
import java.lang.module.ModuleDescriptor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
            SnapshotsCommand.class,
            StatCommand.class,
            DumpCommand.class,
            LoadCommand.class,
            RestartCommand.class
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
        CommonOptions.exit(execute(arguments));
    }

    /** @return the exit code */
    static int execute(String... arguments) {
        return new CommandLine(new IronCacheTool())
                .setExecutionExceptionHandler(IronCacheTool::failed)
                .execute(arguments);
    }

    private static int failed(Exception failure, CommandLine command, ParseResult parsed) {
        CommonOptions.done();
        int code =
                switch (failure) {
                    case DamageException e -> ExitCode.DAMAGE;
                    case RecoveryException e -> ExitCode.DAMAGE;
                    case DamagedBlockException e -> ExitCode.DAMAGE;
                    case InterruptedToolException e -> ExitCode.INTERRUPTED;
                    default -> ExitCode.FAILED;
                };
        if (code == ExitCode.DAMAGE) {
            command.getErr().println("ironcache-tool: DAMAGED: " + failure.getMessage());
        } else if (failure instanceof ToolException
                || failure instanceof InterruptedToolException
                || failure instanceof CannotWriteException) {
            command.getErr().println("ironcache-tool: " + failure.getMessage());
        } else {
            failure.printStackTrace(command.getErr());
        }
        command.getErr().flush();
        if (wantsJson(parsed)) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("ok", false);
            result.put("interrupted", code == ExitCode.INTERRUPTED);
            result.put("error", String.valueOf(failure.getMessage()));
            if (failure instanceof DamageException damaged) {
                result.put("findings", List.of(VerifyCommand.json(damaged.damage())));
            }
            System.out.println(Json.of(result));
        }
        return code;
    }

    /** Whether the command, or the one below it, was told so. */
    private static boolean wantsJson(ParseResult parsed) {
        ParseResult at = parsed;
        while (at.hasSubcommand()) {
            at = at.subcommand();
        }
        return at.hasMatchedOption("--json");
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
