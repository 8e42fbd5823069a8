package bascule;

import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.EffectiveConfiguration;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/// The command line: each command with its options and its help. A method is a command, what it returns is the exit code.
@Command(
        name = "bascule",
        header = "An HTTP load balancer for pairs of edge hosts.%n",
        synopsisSubcommandLabel = "COMMAND",
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nCommands:%n",
        footerHeading = "%nExit codes:%n",
        footer = {
            "  0    fine",
            "  1    failed; also: a listener could not be bound",
            "  2    wrong usage",
            "  78   configuration refused or unreadable",
            "  130  ended by SIGINT",
            "  143  ended by SIGTERM"
        })
final class Cli {
    private static final int WIDTH = 110;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this.")
    boolean help;

    private Cli() {}

    /// @return exit code
    static int execute(String... arguments) {
        CommandLine program =
                new CommandLine(new Cli())
                        .setUsageHelpWidth(WIDTH)
                        .setParameterExceptionHandler(Cli::refuse);
        return program.execute(arguments);
    }

    private static int refuse(ParameterException e, String[] arguments) {
        CommandLine command = e.getCommandLine();
        PrintWriter to = command.getErr();
        to.println("bascule: " + message(e));
        UnmatchedArgumentException.printSuggestions(e, to);
        to.println();
        command.usage(to);
        return Main.USAGE;
    }

    /// Without the "unmatched argument at index 0" of picocli, which says nothing to those who did not write it.
    private static @Nullable String message(ParameterException e) {
        if (!(e instanceof UnmatchedArgumentException unmatched) || unmatched.isUnknownOption())
            return e.getMessage();
        boolean isCommand = e.getCommandLine().getParent() == null;
        return (isCommand ? "no such command: '" : "unexpected argument: '")
                + unmatched.getUnmatched().getFirst()
                + "'";
    }

    static final class FileOption {
        @Option(
                names = "-c",
                paramLabel = "FILE",
                description = "The configuration (default: ${DEFAULT-VALUE}).")
        private Path path = Main.CONFIGURATION;

        @Nullable Configuration load() {
            return Main.loaded(ConfigurationLoader.load(path, System.getenv()));
        }
    }

    private static final class Port implements ITypeConverter<Integer> {
        private static final int HIGHEST = 65535;

        @Override
        public Integer convert(String text) {
            try {
                int port = Integer.parseInt(text);
                if (port >= 0 && port <= HIGHEST) return port;
            } catch (NumberFormatException _) {
                // The same answer as for a number that is no port.
            }
            throw new TypeConversionException(
                    text + " is no port (expected: 0 to " + HIGHEST + ")");
        }
    }

    @Command(
            name = "run",
            description = {
                "Run the daemon in the foreground.",
                "SIGTERM and SIGINT stop it: what runs may end within shutdown.grace. A second signal ends it at once."
            })
    int run(
            @Mixin FileOption file,
            @Option(
                            names = "--node",
                            paramLabel = "NAME",
                            description = "Which node of the cluster this is.")
                    @Nullable String node)
            throws InterruptedException {
        return Main.run(file.path, node);
    }

    @Command(
            name = "check",
            description =
                    "Check a configuration: 'valid' on standard output, or each fault as a line on standard error.")
    int check(@Mixin FileOption file) {
        if (file.load() == null) return Main.REFUSED;
        System.out.println("valid");
        return Main.OK;
    }

    @Command(
            name = "show-config",
            description = "Show the configuration that a file means, with every default filled in.")
    int showConfig(@Mixin FileOption file) {
        Configuration configuration = file.load();
        if (configuration == null) return Main.REFUSED;
        System.out.print(EffectiveConfiguration.render(configuration));
        return Main.OK;
    }

    @Command(
            name = "demo",
            description = {
                "Three small web servers and a load balancer in front of them, all in one process.",
                "Needs no file and no root; prints what to try."
            })
    int demo(
            @Option(
                            names = "--port",
                            paramLabel = "N",
                            defaultValue = "8080",
                            converter = Port.class,
                            description = "Port on 127.0.0.1 (default: ${DEFAULT-VALUE}; 0: any).")
                    int port,
            @Option(
                            names = "--admin-port",
                            paramLabel = "N",
                            defaultValue = "9180",
                            converter = Port.class,
                            description =
                                    "Port of /status and /metrics (default: ${DEFAULT-VALUE}; 0: any).")
                    int adminPort)
            throws InterruptedException {
        return Demo.run(port, adminPort);
    }

    @Command(name = "version", description = "Show the version.")
    int version() {
        System.out.println("bascule " + Version.current());
        return Main.OK;
    }
}
