package bascule.health;

import bascule.config.BackendConfig;
import bascule.observe.Events;
import bascule.observe.LimitedEvent;
import bascule.server.Server;
import bascule.server.ServerLink;
import bascule.server.ServerSet;
import bascule.server.ServerStatus;
import bascule.server.ServerStatus.Admin;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The thread `health`: asks servers, hears of failed exchanges and of what operators want, and is alone in writing
/// [Server#publish] and in handing out a [ServerSet]. Everybody else sends it a message. Its methods may be called from any thread,
/// and do not block but for [#start] and [#close].
public final class Health implements AutoCloseable {
    private static final long TICK_MILLIS = 100;
    private static final long CLOSE_SECONDS = 5;

    private final MultiThreadIoEventLoopGroup group;
    private final EventLoop loop;
    private final Checks checks;
    private final Orders orders;
    private final LimitedEvent failed = new LimitedEvent(Duration.ofSeconds(10));

    // The loop's own.
    private Map<String, WatchedBackend> backends = new LinkedHashMap<>();
    private Map<Server, WatchedServer> servers = new LinkedHashMap<>();
    private final Set<WatchedBackend> changed = new LinkedHashSet<>();
    private final List<CompletableFuture<@Nullable Void>> untilSeen = new ArrayList<>();
    private volatile Consumer<Order> ordered = _ -> {};
    private boolean flushing;
    private boolean started;
    private boolean closed;

    /// A backend to be watched.
    ///
    /// @param link how its servers are spoken to
    /// @param servers in the order of the configuration; maybe none
    /// @param publish told of each new set, on the health thread
    public record Group(
            BackendConfig config,
            ServerLink link,
            List<Server> servers,
            Consumer<ServerSet> publish) {
        public Group {
            servers = List.copyOf(servers);
        }
    }

    /// What came of an order.
    public sealed interface Outcome {
        /// It is in force: what the backend's balancer knows has changed.
        ///
        /// @param notKept why it would not outlive a restart; null if it will
        record Done(ServerStatus status, @Nullable String notKept) implements Outcome {}

        /// No such server is watched.
        record Unknown() implements Outcome {}

        /// The daemon ends; nothing was changed.
        record Stopped() implements Outcome {}
    }

    /// @param stateFolder where orders are kept over a restart; null: nowhere
    public static Health start(@Nullable Path stateFolder) {
        return start(stateFolder, "");
    }

    /// @param node the name of this one in its cluster, whose nodes all keep to the same orders; empty: there is no cluster
    public static Health start(@Nullable Path stateFolder, String node) {
        return start(stateFolder, node, Probe.Sockets.SYSTEM);
    }

    static Health start(@Nullable Path stateFolder, Probe.Sockets sockets) {
        return start(stateFolder, "", sockets);
    }

    private static Health start(@Nullable Path stateFolder, String node, Probe.Sockets sockets) {
        if (stateFolder == null) return new Health(null, Map.of(), node, sockets);
        var file = new OrdersFile(stateFolder.resolve("servers.json"));
        Map<Orders.Key, Orders.Wish> read = Map.of();
        try {
            read = file.read();
        } catch (IOException | RuntimeException failure) {
            // All servers are enabled then; the next order makes another file.
            Events.error(
                    "state-unreadable",
                    "file",
                    file.file(),
                    "cause",
                    text(failure),
                    "moved-to",
                    moved(file));
        }
        return new Health(file, read, node, sockets);
    }

    private static String moved(OrdersFile file) {
        try {
            return file.setAside().toString();
        } catch (IOException failure) {
            return "nowhere: " + text(failure);
        }
    }

    private static String text(Exception failure) {
        return failure.getMessage() == null ? failure.toString() : failure.getMessage();
    }

    private Health(
            @Nullable OrdersFile file,
            Map<Orders.Key, Orders.Wish> read,
            String node,
            Probe.Sockets sockets) {
        group =
                new MultiThreadIoEventLoopGroup(
                        1,
                        new DefaultThreadFactory("health", true) {
                            @Override
                            public Thread newThread(Runnable work) {
                                Thread thread = super.newThread(work);
                                thread.setName("health");
                                return thread;
                            }
                        },
                        NioIoHandler.newFactory());
        loop = group.next();
        checks = new Checks(loop, sockets);
        orders = new Orders(loop, file, read, node, System::currentTimeMillis);
        loop.scheduleWithFixedDelay(
                guarded(this::tick), TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /// The thread's own loop, for what else may be done on it without blocking it.
    public EventLoop loop() {
        return loop;
    }

    /// From now on these, and no others: at the start, after a reload, and when names resolve to other addresses. What is known of a
    /// server that was watched before is kept; another check keeps the verdict and counts anew.
    ///
    /// @return complete once every group's set is published
    public CompletableFuture<@Nullable Void> watch(List<Group> groups) {
        List<Group> wanted = List.copyOf(groups);
        return ask(
                done -> {
                    watchNow(wanted);
                    done.complete(null);
                },
                Health::failStopped);
    }

    /// @return complete once every check of what is watched has ended once, so that whoever opens a listener then finds the servers
    ///     that are there. Takes as long as the slowest server, usually at most its timeout; but longer with more
    ///     servers than may be asked at a time, or where some cannot be asked: so wait with a limit
    public CompletableFuture<@Nullable Void> seen() {
        return ask(
                done -> {
                    untilSeen.add(done);
                    tellSeen();
                },
                Health::failStopped);
    }

    /// An operator wants it so. Kept over reloads and restarts, under the names of backend and server.
    ///
    /// @return complete once it is in force, and on the disk if that can be
    public CompletableFuture<Outcome> admin(String backend, String server, Admin wanted) {
        return ask(
                outcome -> order(backend, server, wanted, outcome),
                outcome -> outcome.complete(new Outcome.Stopped()));
    }

    /// All orders that hold, to be told to another node; from any thread, and without a wait.
    public List<Order> orders() {
        return orders.all();
    }

    /// @param told of each order that is given here, on the health thread; must not block
    public void onOrder(Consumer<Order> told) {
        ordered = told;
    }

    /// Another node's orders: those that are later than what is known here hold here, too.
    ///
    /// @param from whose they are, for the log
    public void merge(List<Order> theirs, String from) {
        var _ =
                this.<@Nullable Void>ask(
                        done -> {
                            mergeNow(theirs, from);
                            done.complete(null);
                        },
                        done -> done.complete(null));
    }

    private void mergeNow(List<Order> theirs, String from) {
        for (Order each : orders.merge(theirs, this::isWatched)) {
            WatchedBackend backend = backends.get(each.backend());
            WatchedServer server = backend == null ? null : backend.find(each.server());
            if (backend == null || server == null) continue; // It may come with a reload.
            server.order(each.admin(), "by " + from);
            if (changed.remove(backend)) publish(backend);
        }
    }

    private static void failStopped(CompletableFuture<@Nullable Void> done) {
        done.completeExceptionally(new IllegalStateException("stopped"));
    }

    private <T extends @Nullable Object> CompletableFuture<T> ask(
            Consumer<CompletableFuture<T>> work, Consumer<CompletableFuture<T>> ifStopped) {
        var done = new CompletableFuture<T>();
        try {
            loop.execute(
                    () -> {
                        try {
                            (closed ? ifStopped : work).accept(done);
                        } catch (RuntimeException | Error bug) {
                            failed.bug("health-failed", bug);
                            done.completeExceptionally(bug);
                        }
                    });
        } catch (RejectedExecutionException ended) {
            ifStopped.accept(done);
        }
        return done;
    }

    private void watchNow(List<Group> groups) {
        Map<String, WatchedBackend> backendsBefore = backends;
        Map<Server, WatchedServer> serversBefore = servers;
        backends = new LinkedHashMap<>();
        servers = new LinkedHashMap<>();
        changed.clear();
        for (Group each : groups) {
            String name = each.config().name();
            var backend = new WatchedBackend(each, backendsBefore.get(name), this::changed);
            backends.put(name, backend);
            watch(backend, serversBefore);
        }
        serversBefore.values().forEach(WatchedServer::forget); // Those that are left.
        started = true;
        for (WatchedBackend backend : backends.values()) publish(backend);
        changed.clear();
        tellSeen();
    }

    private void watch(WatchedBackend backend, Map<Server, WatchedServer> before) {
        List<Server> added = new ArrayList<>();
        for (Server server : backend.group.servers()) {
            WatchedServer known = before.remove(server);
            if (known == null) {
                added.add(server);
                continue;
            }
            backend.add(known);
            servers.put(server, known);
        }
        List<WatchedServer> kept = List.copyOf(backend.servers());
        for (WatchedServer each : kept) each.moveTo(backend);
        // In a backend that is new as a whole, all begin together.
        boolean cold = started && !kept.isEmpty();
        List<WatchedServer> born = new ArrayList<>();
        for (Server server : added) {
            Admin admin = orders.of(new Orders.Key(server.backend(), server.name()));
            var watched = new WatchedServer(server, backend, checks, admin, cold);
            backend.add(watched);
            servers.put(server, watched);
            born.add(watched);
        }
        born.forEach(WatchedServer::begin); // Once all are counted.
    }

    private void order(
            String backendName,
            String serverName,
            Admin wanted,
            CompletableFuture<Outcome> outcome) {
        WatchedBackend backend = backends.get(backendName);
        WatchedServer server = backend == null ? null : backend.find(serverName);
        if (backend == null || server == null) {
            outcome.complete(new Outcome.Unknown());
            return;
        }
        server.order(wanted, "asked");
        if (changed.remove(backend)) publish(backend);
        Orders.Key key = new Orders.Key(backendName, serverName);
        CompletableFuture<Orders.Kept> put = orders.put(key, wanted, this::isWatched);
        Order last = orders.last(key);
        if (last != null) ordered.accept(last);
        put.thenAccept(
                kept ->
                        outcome.complete(
                                new Outcome.Done(server.server().status(), kept.notKept())));
    }

    private boolean isWatched(Orders.Key key) {
        WatchedBackend backend = backends.get(key.backend());
        return backend != null && backend.find(key.server()) != null;
    }

    private void changed(WatchedBackend backend) {
        changed.add(backend);
        if (flushing) return;
        flushing = true; // What else changes in this turn of the loop goes with it.
        loop.execute(guarded(this::flush));
    }

    private void flush() {
        flushing = false;
        for (WatchedBackend each : List.copyOf(changed)) {
            if (!each.mayPublish(System.nanoTime())) continue; // With the next tick.
            changed.remove(each);
            publish(each);
        }
        tellSeen();
    }

    private void publish(WatchedBackend backend) {
        try {
            backend.publish(System.nanoTime());
        } catch (RuntimeException | Error bug) { // The other backends go on.
            failed.bug("health-failed", bug, "backend", backend.group.config().name());
        }
    }

    private void tellSeen() {
        if (untilSeen.isEmpty()) return;
        for (WatchedBackend each : backends.values()) if (!each.isSeen()) return;
        if (!changed.isEmpty()) return; // What was seen is not public yet.
        untilSeen.forEach(seen -> seen.complete(null));
        untilSeen.clear();
    }

    private void tick() {
        for (WatchedServer each : servers.values()) each.tick();
        flush();
    }

    /// A bug in one turn must not end the ticks.
    Runnable guarded(Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException | Error bug) {
                failed.bug("health-failed", bug);
            }
        };
    }

    /// Ends all checks, waits for orders that are being written, and ends the thread.
    @Override
    public void close() {
        var idle = new CompletableFuture<@Nullable Void>();
        try {
            loop.execute(() -> end(idle));
            idle.get(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } catch (RejectedExecutionException | ExecutionException | TimeoutException _) {
            // Ended before; or a disk that hangs, where the old file stays whole.
        }
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private void end(CompletableFuture<@Nullable Void> idle) {
        closed = true;
        servers.values().forEach(WatchedServer::forget);
        servers = Map.of();
        backends = Map.of();
        changed.clear();
        untilSeen.forEach(Health::failStopped);
        untilSeen.clear();
        orders.idle().thenRun(() -> idle.complete(null));
    }
}
