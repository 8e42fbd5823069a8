package bascule.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/// A real nginx with one process, that serves what [Load] asks for. Keeps its port over its deaths.
public final class Nginx implements AutoCloseable {
    private static final String USUAL =
            """
            listen ADDRESS;
            root FOLDER/www;
            add_header X-Server NAME;
            add_header X-Number $http_x_number;
            location = /health { return 200; }
            location = /small { return 200 "$http_x_number$http_x_number"; }
            location = /large { }
            location = /post { return 200 "$request_method$http_x_number"; }
            """;

    private final String name;
    private final Path folder;
    private final InetSocketAddress address;
    private Process process;

    /// Starts it at 127.0.0.1.
    ///
    /// @param name what it calls itself in `X-Server`
    /// @param parent where its files may lie
    public Nginx(String name, Path parent) throws IOException {
        this(name, parent, free("127.0.0.1"));
    }

    public Nginx(String name, Path parent, InetSocketAddress address) throws IOException {
        this(name, parent, address, USUAL);
    }

    /// Starts it at 127.0.0.1.
    ///
    /// @param directives of its server block, in which ADDRESS, FOLDER and NAME stand for its own
    public Nginx(String name, Path parent, String directives) throws IOException {
        this(name, parent, free("127.0.0.1"), directives);
    }

    private Nginx(String name, Path parent, InetSocketAddress address, String directives)
            throws IOException {
        this.name = name;
        this.address = address;
        folder = Files.createDirectories(parent.resolve(name));
        Files.createDirectories(folder.resolve("www"));
        Files.write(folder.resolve("www/large"), Load.LARGE);
        Files.writeString(
                folder.resolve("nginx.conf"),
                """
                daemon off;
                master_process off;
                pid %1$s/nginx.pid;
                error_log %1$s/error.log;
                worker_rlimit_nofile 4096;
                events { worker_connections 2048; }
                http {
                  access_log off;
                  client_body_temp_path %1$s/body;
                  proxy_temp_path %1$s/proxy;
                  fastcgi_temp_path %1$s/fastcgi;
                  uwsgi_temp_path %1$s/uwsgi;
                  scgi_temp_path %1$s/scgi;
                  keepalive_requests 100;
                  server {
                    %2$s
                  }
                }
                """
                        .formatted(
                                folder,
                                directives
                                        .replace("ADDRESS", address())
                                        .replace("FOLDER", folder.toString())
                                        .replace("NAME", name)));
        start();
    }

    /// A port that is free now.
    public static InetSocketAddress free(String address) throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral(address))) {
            return new InetSocketAddress(socket.getInetAddress(), socket.getLocalPort());
        }
    }

    /// What its `X-Server` says.
    public String name() {
        return name;
    }

    /// Host and port, as a configuration names a server.
    public String address() {
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    /// Starts it again, and waits until it accepts.
    public void start() throws IOException {
        process =
                new ProcessBuilder(
                                "nginx",
                                "-c",
                                folder.resolve("nginx.conf").toString(),
                                "-p",
                                folder.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("nginx.out").toFile())
                        .start();
        Awaitility.await("nginx " + name).atMost(RunningDaemon.PATIENCE).until(this::accepts);
    }

    private boolean accepts() {
        if (!process.isAlive()) throw new AssertionError(toString());
        try (var socket = new Socket()) {
            socket.connect(address);
            return true;
        } catch (IOException refused) {
            return false;
        }
    }

    /// SIGKILL; after this returns it is gone, and so are its sockets.
    public void kill() {
        process.destroyForcibly();
        try {
            if (!process.waitFor(RunningDaemon.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                throw new AssertionError("survives SIGKILL: " + this);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        kill();
    }

    @Override
    public String toString() {
        try {
            return "nginx "
                    + name
                    + " at "
                    + address()
                    + (process.isAlive() ? ", running: " : ", ended: ")
                    + Files.readString(folder.resolve("nginx.out"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
