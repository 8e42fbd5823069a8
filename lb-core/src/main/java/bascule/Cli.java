package bascule;

import bascule.config.AdminConfig;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.EffectiveConfiguration;
import bascule.tls.TlsLibrary;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/// The command line: each command with its options and its help. A method is a command, what it returns is the exit code.
@Command(
        name = "bascule",
        header = "An HTTP load balancer for pairs of edge hosts.%n",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = Cli.FloatingIp.class,
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nCommands:%n",
        footerHeading = "%nExit codes:%n",
        footer = {
            "  0    fine",
            "  1    failed; also: a listener could not be bound, or no daemon to talk to",
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

    /// Which daemon.
    static final class SocketOption {
        @Option(
                names = "--socket",
                paramLabel = "PATH",
                description = {
                    "Where the daemon listens for commands. Default: admin.socket",
                    "of /etc/bascule/bascule.conf, else /run/bascule/admin.sock."
                })
        private @Nullable Path path;
    }

    /// Asks a daemon.
    private interface Question {
        int ask(ClientVerbs daemon) throws IOException;
    }

    /// @param command never null once picocli has set it
    private static ParameterException misuse(@Nullable CommandSpec command, String what) {
        return new ParameterException(Objects.requireNonNull(command).commandLine(), what);
    }

    /// @param socket null for the default
    private static int ask(@Nullable Path socket, Question question) {
        try {
            Path path = socket == null ? defaultSocket(Main.CONFIGURATION) : socket;
            return question.ask(new ClientVerbs(new AdminClient(path)));
        } catch (IOException e) {
            Main.complain(e.getMessage());
            return Main.FAILED;
        }
    }

    static Path defaultSocket(Path file) throws IOException {
        AdminConfig admin = ConfigurationLoader.admin(file, System.getenv());
        if (admin == null) return AdminConfig.SOCKET;
        if (admin.socket() != null) return admin.socket();
        throw new IOException(
                "cannot talk to a daemon: admin.socket is off in "
                        + file
                        + " (expected: a socket there, or --socket PATH)");
    }

    static final class ShownOptions {
        @Option(
                names = "-c",
                paramLabel = "FILE",
                description = "A file (default: /etc/bascule/bascule.conf).")
        private @Nullable Path file;

        @Option(
                names = "--socket",
                paramLabel = "PATH",
                description = "Where a daemon listens for commands.")
        private @Nullable Path socket;

        @Spec(Spec.Target.MIXEE)
        private @Nullable CommandSpec command;

        int show() {
            if (socket != null) {
                if (file != null) throw misuse(command, "-c and --socket: which of the two?");
                return ask(socket, ClientVerbs::showConfig);
            }
            Path from = file == null ? Main.CONFIGURATION : file;
            Configuration configuration =
                    Main.loaded(ConfigurationLoader.load(from, System.getenv()));
            if (configuration == null) return Main.REFUSED;
            System.out.print(EffectiveConfiguration.render(configuration));
            return Main.OK;
        }
    }

    /// One of them.
    static final class StatusForm {
        @Option(names = "--json", description = "As JSON, as /status has it.")
        private boolean json;

        @Option(
                names = "--watch",
                description =
                        "Again every second, with rates over the last ten; goes on while the daemon does not answer.")
        private boolean watch;
    }

    static final class ServerArguments {
        private static final Duration TIMEOUT = Duration.ofMinutes(5);

        @Parameters(
                paramLabel = "BACKEND/SERVER",
                converter = ServerConverter.class,
                description = "The server, as `bascule status` names it.")
        private ServerName server = new ServerName("", "");

        @Option(
                names = "--wait",
                description =
                        "Return when nothing that came by this node runs on it any more; with enable, when it is up here.")
        private boolean wait;

        @Option(
                names = "--timeout",
                paramLabel = "TIME",
                converter = TimeConverter.class,
                description = "How long to wait: s, m or h (default: 5m).")
        private @Nullable Duration timeout;

        @Spec(Spec.Target.MIXEE)
        private @Nullable CommandSpec command;

        int change(ClientVerbs.Verb verb, SocketOption socket) {
            if (timeout != null && !wait)
                throw misuse(command, "--timeout means nothing without --wait");
            Duration patience = timeout == null ? TIMEOUT : timeout;
            return ask(socket.path, daemon -> daemon.change(verb, server, wait ? patience : null));
        }
    }

    private static final class ServerConverter implements ITypeConverter<ServerName> {
        @Override
        public ServerName convert(String text) {
            ServerName name = ServerName.parse(text);
            if (name == null)
                throw new TypeConversionException(
                        text + " names no server (expected: BACKEND/SERVER)");
            return name;
        }
    }

    private static final class TimeConverter implements ITypeConverter<Duration> {
        private static final Pattern TIME = Pattern.compile("(\\d{1,9})([smh])");
        private static final Duration LONGEST = Duration.ofHours(1000);

        @Override
        public Duration convert(String text) {
            Matcher time = TIME.matcher(text);
            Duration read =
                    time.matches()
                            ? Duration.parse("PT" + time.group(1) + time.group(2))
                            : LONGEST.plusNanos(1);
            if (read.compareTo(LONGEST) <= 0) return read;
            throw new TypeConversionException(
                    text + " is no time to wait (expected: 0s to 1000h, such as 5m)");
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
                "SIGTERM and SIGINT stop it: what runs may end within shutdown.grace. A second signal ends it at once.",
                "SIGHUP reloads the file, SIGUSR1 opens the access log anew."
            })
    int run(
            @Mixin FileOption file,
            @Option(
                            names = "--node",
                            paramLabel = "NAME",
                            description = {
                                "Which node of the cluster this is. Default: the one with an",
                                "address of this host, else the one that is called as it is."
                            })
                    @Nullable String node)
            throws InterruptedException {
        return Main.run(file.path, node);
    }

    @Command(
            name = "check",
            description = {
                "Check a configuration: 'valid' on standard output, or each fault as a line on standard error.",
                "As root also by the eyes of the user bascule: what that user may not read is a warning."
            })
    int check(@Mixin FileOption file) {
        Configuration loaded = file.load();
        if (loaded == null) return Main.REFUSED;
        if (loaded.usesTls() && TlsLibrary.inUse() == TlsLibrary.JDK)
            System.err.println("note: TLS is slower than it could be: " + TlsLibrary.describe());
        for (String fault : DaemonUser.faults(file.path)) System.err.println("warning: " + fault);
        System.out.println("valid");
        return Main.OK;
    }

    @Command(
            name = "show-config",
            description = {
                "Show a configuration with every default filled in.",
                "With -c, what that file means; with --socket, what the daemon there runs on; else what the default file means."
            })
    int showConfig(@Mixin ShownOptions shown) {
        return shown.show();
    }

    @Command(
            name = "status",
            description = {
                "Show whether anything is wrong with the daemon, its listeners and its servers, and what changed lately.",
                "No colours where NO_COLOR is set or standard output is no terminal."
            })
    int status(@Mixin SocketOption socket, @ArgGroup @Nullable StatusForm form) {
        if (form == null) return ask(socket.path, daemon -> daemon.status(false));
        return ask(socket.path, daemon -> form.watch ? daemon.watch() : daemon.status(form.json));
    }

    @Command(
            name = "drain",
            description = {
                "Let a server finish what runs on it and take nothing new; its checks go on.",
                "Kept over reload and restart, until enable; holds on every node of the cluster.",
                "With --wait, ends with 0 once nothing that came by this node runs on it, with 1 on time-out; other nodes are not asked."
            })
    int drain(@Mixin ServerArguments server, @Mixin SocketOption socket) {
        return server.change(ClientVerbs.Verb.DRAIN, socket);
    }

    @Command(
            name = "enable",
            description = {
                "Let a server take work again, after drain or disable; on every node of the cluster.",
                "With --wait, ends with 0 once it is up on this node, with 1 on time-out."
            })
    int enable(@Mixin ServerArguments server, @Mixin SocketOption socket) {
        return server.change(ClientVerbs.Verb.ENABLE, socket);
    }

    @Command(
            name = "disable",
            description = {
                "As drain, and stop the server's checks.",
                "With --wait, ends with 0 once nothing that came by this node runs on it, with 1 on time-out; other nodes are not asked."
            })
    int disable(@Mixin ServerArguments server, @Mixin SocketOption socket) {
        return server.change(ClientVerbs.Verb.DISABLE, socket);
    }

    @Command(
            name = "handover",
            description = {
                "Have another node take over a floating IP, without a failed request: whoever owns it leaves last.",
                "Prints each step in milliseconds. Ends with 1 if the owner is the same as before."
            })
    int handOver(
            @Parameters(
                            arity = "0..1",
                            paramLabel = "FLOATING-IP",
                            description = "Its name (default: all that this node owns).")
                    @Nullable String floatingIp,
            @Mixin SocketOption socket) {
        return ask(socket.path, daemon -> daemon.handOver(floatingIp));
    }

    @Command(
            name = "reload",
            description = {
                "Have the daemon read its file anew and put it in force: whole, or not at all.",
                "Prints what changed. A file that is refused: each fault as a line on standard error, as check does, and 78."
            })
    int reload(@Mixin SocketOption socket) {
        return ask(socket.path, ClientVerbs::reload);
    }

    @Command(
            name = "keygen",
            description = {
                "Write a new cluster key. Whoever holds it is a node: the file has mode 0600, and goes to every node by a safe way.",
                "In a folder with the set-group-ID bit, as /etc/bascule of the package is, the group may read it: mode 0640.",
                "A file that is there is never touched."
            })
    int keygen(
            @Parameters(paramLabel = "FILE", description = "Where, as cluster.key-file names it.")
                    Path file) {
        return onHost(() -> HostVerbs.keygen(file));
    }

    @Command(
            name = "firewall",
            description = {
                "Print the nftables rules that a node needs: the port of the cluster for the other nodes only, listeners for all.",
                "Changes nothing: `bascule firewall | nft -f -` does."
            })
    int firewall(
            @Mixin FileOption file,
            @Option(
                            names = "--node",
                            paramLabel = "NAME",
                            description = "For which node (default: the one that this host is).")
                    @Nullable String node) {
        Configuration loaded = file.load();
        return loaded == null ? Main.REFUSED : HostVerbs.firewall(loaded, node);
    }

    /// A family of commands.
    @Command(
            name = "floating-ip",
            description = "Look after floating IPs on this host.",
            synopsisSubcommandLabel = "COMMAND",
            optionListHeading = "%nOptions:%n",
            commandListHeading = "%nCommands:%n")
    static final class FloatingIp {
        @Command(
                name = "release",
                description = {
                    "Take off this host the floating IPs that a daemon left on it. Needs CAP_NET_ADMIN.",
                    "Refused while a daemon runs: that would put them back. To move them, use handover."
                })
        int release(@Mixin FileOption file, @Mixin SocketOption socket) {
            return onHost(
                    () ->
                            HostVerbs.releaseAddresses(
                                    socket.path == null ? usualSocket(file.path) : socket.path));
        }

        /// Where there is no socket, nobody can be asked.
        private static Path usualSocket(Path file) {
            AdminConfig admin = ConfigurationLoader.admin(file, System.getenv());
            return admin == null || admin.socket() == null ? AdminConfig.SOCKET : admin.socket();
        }
    }

    private interface Work {
        int run() throws IOException;
    }

    private static int onHost(Work work) {
        try {
            return work.run();
        } catch (IOException e) {
            Main.complain(e.getMessage());
            return Main.FAILED;
        }
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
                                    "Port of the status page and /metrics (default: ${DEFAULT-VALUE}; 0: any).")
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
