package bascule;

import bascule.admin.AdminServer;
import bascule.admin.Commands;
import bascule.admin.Status;
import bascule.config.AdminConfig;
import bascule.config.Cidr;
import bascule.observe.Events;
import bascule.observe.Metrics;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The daemon's admin port and admin socket: opened once all else is, and what is missing where they cannot be. From any thread.
final class AdminPort implements AutoCloseable {
    private volatile @Nullable AdminServer server; // Null = not open yet.

    /// At most once. What fails here leaves open what was opened before it: for [#close].
    void open(
            AdminConfig config,
            Metrics metrics,
            Supplier<Status> status,
            BooleanSupplier ready,
            Commands commands)
            throws StartFailure {
        AdminServer opened;
        try {
            opened = AdminServer.start(config.http(), config.allow(), metrics, status, ready);
        } catch (IOException failure) {
            throw new StartFailure(Main.FAILED, "admin.http: " + failure.getMessage(), failure);
        }
        server = opened;
        if (!config.http().isEmpty())
            Events.info("admin-open", "bind", StatusView.texts(opened.addresses()));
        if (config.socket() != null) openSocket(opened, config, config.socket(), commands);
    }

    /// The default path is that of an installed daemon: where its folder is missing, or another daemon is at home, this one does
    /// without.
    private static void openSocket(
            AdminServer opened, AdminConfig config, Path path, Commands commands)
            throws StartFailure {
        try {
            opened.openSocket(path, commands);
            Events.info("admin-socket-open", "path", path);
        } catch (IOException failure) {
            if (config.socketGiven())
                throw new StartFailure(
                        Main.FAILED, "admin.socket: " + failure.getMessage(), failure);
            Events.warn(
                    "admin-socket-unavailable",
                    "path",
                    path,
                    "cause",
                    String.valueOf(failure.getMessage()));
        }
    }

    /// See [AdminServer#allow]. A port that is not open yet opens with what the configuration says.
    void allow(List<Cidr> peers) {
        AdminServer open = server;
        if (open != null) open.allow(peers);
    }

    /// Where it is bound, with real ports.
    List<InetSocketAddress> addresses() {
        AdminServer open = server;
        return open == null ? List.of() : open.addresses();
    }

    @Override
    public void close() {
        AdminServer open = server;
        if (open != null) open.close();
    }
}
