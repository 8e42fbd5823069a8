package bascule.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The servers behind what is tried: one nginx. `/` is answered at once, [#SLOW] takes half a second.
public final class Nginx {
    public static final String SLOW = "/slow";

    private static final int START_MILLIS = 10_000;

    private final Process process;
    private final Path log;

    private Nginx(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /// Waits until it listens.
    ///
    /// @param folder  its own
    /// @param groups  control groups for it; empty: none of its own
    /// @param servers `ADDRESS:PORT`
    public static Nginx start(Host host, Path folder, List<Path> groups, List<String> servers)
            throws IOException, InterruptedException, Unavailable {
        Path pages = Files.createDirectories(folder.resolve("pages"));
        // With its head more than is sent at once, which is what is allowed in half a second.
        Files.writeString(pages.resolve(SLOW.substring(1)), "slow ".repeat(104));
        var blocks = new StringBuilder();
        for (String server : servers)
            blocks.append(
                    """
                        server {
                            listen %s backlog=4096;
                            location / { default_type text/plain; return 200 "%s\\n"; }
                            location = %s { root %s; limit_rate 1000; sendfile_max_chunk 500; }
                        }
                    """
                            .formatted(server, server, SLOW, pages));
        Path file =
                Files.writeString(
                        folder.resolve("nginx.conf"),
                        """
                        user root;
                        daemon off;
                        worker_processes 1;
                        pid %1$s/pid;
                        error_log %1$s/error.log;
                        events { worker_connections 4096; }
                        http {
                            access_log off;
                            client_body_temp_path %1$s/body;
                            proxy_temp_path %1$s/proxy;
                            fastcgi_temp_path %1$s/fastcgi;
                            uwsgi_temp_path %1$s/uwsgi;
                            scgi_temp_path %1$s/scgi;
                            keepalive_requests 1000000000;
                            keepalive_timeout 1h;
                        %2$s
                        }
                        """
                                .formatted(folder, blocks));
        Path errors = folder.resolve("error.log");
        List<String> command =
                List.of("nginx", "-p", folder.toString(), "-e", errors + "", "-c", file + "");
        Path log = folder.resolve("nginx.log");
        Process process =
                new ProcessBuilder(Cgroups.within(groups, host.command(command)))
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        Nginx nginx = new Nginx(process, log);
        Wait.until(
                START_MILLIS,
                () -> !process.isAlive() || Files.exists(folder.resolve("pid")),
                () -> "nginx does not start: " + Files.readString(log));
        nginx.check();
        return nginx;
    }

    /// @throws Unavailable if it has ended
    public void check() throws IOException, Unavailable {
        if (!process.isAlive()) throw new Unavailable("nginx ended: " + Files.readString(log));
    }
}
