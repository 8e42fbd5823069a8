package bascule;

import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// `bascule demo`: a whole installation in one process, for a first look. The daemon in it is the real one, and reads its
/// configuration as it would from a file; only the servers are toys.
final class Demo {
    private static final String SOCKET = "admin.sock";
    private static final List<String> SERVERS = List.of("server-1", "server-2", "server-3");

    private Demo() {}

    /// Returns only if it could not start: a signal ends the process.
    ///
    /// @param port of the listener, on 127.0.0.1; 0 = any
    /// @param adminPort the same for the admin port
    /// @return exit code
    static int run(int port, int adminPort) throws InterruptedException {
        Path folder;
        try {
            folder = Files.createTempDirectory("bascule-demo-"); // Mode 0700.
        } catch (IOException e) {
            Main.complain("no folder for the demo's admin socket: " + e);
            return Main.FAILED;
        }
        var servers = new DemoServers(SERVERS);
        String text = configuration(port, adminPort, folder, servers.addresses());
        Configuration configuration =
                Main.loaded(ConfigurationLoader.parse(text, Path.of("demo.conf"), Map.of()));
        Runnable end =
                () -> {
                    servers.close();
                    delete(folder);
                };
        int exitCode =
                configuration == null
                        ? Main.REFUSED
                        : Main.serve(
                                configuration,
                                null,
                                null,
                                daemon -> System.out.print(guide(daemon, folder, text)),
                                end);
        end.run();
        if (exitCode == Main.FAILED)
            Main.complain("any free ports will do: bascule demo --port 0 --admin-port 0");
        return exitCode;
    }

    /// With what the daemon keeps there.
    private static void delete(Path folder) {
        try (Stream<Path> kept = Files.list(folder)) {
            for (Path each : kept.toList()) Files.deleteIfExists(each);
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            Main.complain(folder + " is left behind: " + e);
        }
    }

    /// Few connections, so that it starts where few descriptors are allowed; and no events, so that the access log is seen.
    private static String configuration(
            int port, int adminPort, Path folder, List<InetSocketAddress> addresses) {
        var servers = new StringBuilder();
        for (int i = 0; i < SERVERS.size(); i++) {
            servers.append(
                    "    { name = %s, address = \"127.0.0.1:%d\" }\n"
                            .formatted(SERVERS.get(i), addresses.get(i).getPort()));
        }
        return """
                listeners.http {
                    bind = "127.0.0.1:%d"
                    backend = hello
                    limits.connections = 1000
                }
                backends.hello.servers = [
                %s]
                admin { http = "127.0.0.1:%d", socket = "%s/%s" }
                state = "%4$s"
                logging.level = warn
                """
                .formatted(port, servers, adminPort, folder, SOCKET);
    }

    private static String guide(Daemon daemon, Path folder, String configuration) {
        String site = "http://127.0.0.1:" + daemon.addresses("http").getFirst().getPort();
        String admin = "http://127.0.0.1:" + daemon.adminAddresses().getFirst().getPort();
        return """
                Bascule %s: three small web servers behind one listener, all in this process.

                Try, in another terminal:
                  curl %2$s/                    again and again: the servers take turns
                  curl %2$s/slow                takes 3 s, and arrives even if you press Ctrl-C here meanwhile
                  curl -i '%2$s/status?code=404'
                  curl -o /dev/null '%2$s/bytes?n=1000000000'
                  bascule drain hello/server-1 --socket %5$s
                                              and curl again: the others go on. enable undoes it
                Look at:
                  %3$s/                         in a browser: listeners and servers, live
                  %3$s/status                   the same as JSON
                  %3$s/metrics                  what Prometheus reads

                The configuration that it runs on:
                %4$s
                Ctrl-C ends it. From here on: the access log.
                """
                .formatted(
                        Version.current(),
                        site,
                        admin,
                        configuration.indent(2),
                        folder.resolve(SOCKET));
    }
}
