package bascule.listen;

import bascule.backend.Backend;
import bascule.config.ListenerConfig;
import bascule.proxy.Exchanges;
import bascule.proxy.ListenerRules;
import bascule.proxy.Worker;
import bascule.route.RouteTable;
import bascule.server.Server;
import bascule.tls.ServerTls;
import io.netty.channel.Channel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A place where Bascule accepts connections: its doors, one per loop, and the addresses that lead there. Lives as long as
/// configurations name it. Changed by the daemon's thread; what it says may be asked by any.
public final class Listener {
    private final String name;
    private final List<Doorway> doorways = new ArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();
    private int turn; // The daemon's thread's.
    private ListenerRules rules;
    private @Nullable ServerTls tls;
    volatile List<Bind> binds = List.of();

    /// @param workers one per loop, in the loops' order
    /// @param backends known to the workers
    Listener(
            ListenerConfig config,
            List<Worker> workers,
            RouteTable routes,
            List<Backend> backends,
            @Nullable ServerTls tls,
            @Nullable OwnPorts ownPorts,
            Drains drains) {
        name = config.name();
        this.tls = tls;
        rules = new ListenerRules(config, routes, tls, null);
        var door = new DoorRules(config, rules.trust(), tls);
        var clients = new ClientCounts();
        for (Worker worker : workers) {
            doorways.add(
                    new Doorway(
                            door,
                            connections,
                            clients,
                            worker,
                            new Exchanges(worker, rules, backends),
                            ownPorts,
                            drains));
        }
    }

    /// A reload: what comes is treated so from now on, what is under way ends as it began.
    ///
    /// @param tls made of this configuration, or the one that is in force; null = none
    void reconfigure(
            ListenerConfig config,
            RouteTable routes,
            List<Backend> backends,
            @Nullable ServerTls tls) {
        ListenerRules next = new ListenerRules(config, routes, tls, rules);
        rules = next;
        var door = new DoorRules(config, next.trust(), tls);
        onLoops(doorway -> doorway.install(door, next, backends));
        ServerTls before = this.tls;
        this.tls = tls;
        if (before != null && before != tls) before.close(); // No loop asks it any more.
    }

    /// What is in force; null = none. The daemon's thread only.
    @Nullable ServerTls tls() {
        return tls;
    }

    /// These addresses lead here from now on.
    void lead(List<Bind> from) {
        binds = List.copyOf(from);
        for (Bind bind : from) bind.lead(doorways);
    }

    void forget(Server server) {
        onLoops(doorway -> doorway.forget(server));
    }

    public String name() {
        return name;
    }

    /// Open client connections, over all loops.
    public int connections() {
        return connections.get();
    }

    /// How many clients the doors have taken off their sockets since the start, let in or not: as long as it rises, the listener works.
    public long came() {
        long all = 0;
        for (Doorway doorway : doorways) all += doorway.came();
        return all;
    }

    /// The addresses as bound: with the real port where 0 was asked for.
    public List<InetSocketAddress> addresses() {
        return binds.stream().map(Bind::address).toList();
    }

    /// Is every socket open?
    public boolean open() {
        return !binds.isEmpty() && binds.stream().allMatch(Bind::open);
    }

    /// How many doors there are.
    int doors() {
        return doorways.size();
    }

    /// Clients who came by an address leave, and [AddressDrain#lessOld] hears of each door that has told them.
    void drain(AddressDrain drain) {
        for (Doorway doorway : doorways)
            doorway.loop().executor().execute(() -> doorway.drain(drain));
    }

    void undrain(AddressDrain drain) {
        for (Doorway doorway : doorways)
            doorway.loop().executor().execute(() -> doorway.undrain(drain));
    }

    /// @param patient count those, too, who have sent nothing of one, and those who were there and have not left in time?
    /// @param sum more by those who have one that runs
    List<CompletableFuture<Void>> inFlight(
            InetAddress address, boolean patient, AtomicInteger sum) {
        List<CompletableFuture<Void>> counted = new ArrayList<>();
        for (Doorway doorway : doorways)
            counted.add(
                    CompletableFuture.runAsync(
                            () -> sum.addAndGet(doorway.inFlight(address, patient)),
                            doorway.loop().executor()));
        return counted;
    }

    /// One who has come, in whatever way; the loops take turns.
    void letIn(Channel client) {
        Doorway doorway = doorways.get(turn++ % doorways.size());
        doorway.loop().executor().execute(() -> doorway.letIn(client));
    }

    /// Those who are here leave, and who comes leaves, too.
    ///
    /// @param sum more by those who are left of those who were here the first time
    List<CompletableFuture<Void>> drainPresent(AtomicInteger sum) {
        List<CompletableFuture<Void>> counted = new ArrayList<>();
        for (Doorway doorway : doorways)
            counted.add(
                    CompletableFuture.runAsync(
                            () -> sum.addAndGet(doorway.drainPresent()),
                            doorway.loop().executor()));
        return counted;
    }

    /// Nobody comes any more; running exchanges go on, each the last on its connection.
    void drain() {
        for (Doorway doorway : doorways) doorway.loop().executor().execute(doorway::drain);
    }

    /// Ends what is left.
    void stop() {
        onLoops(Doorway::stop);
        ServerTls last = tls;
        tls = null;
        if (last != null) last.close();
    }

    private void onLoops(Consumer<Doorway> action) {
        List<CompletableFuture<Void>> done = new ArrayList<>(doorways.size());
        for (Doorway doorway : doorways) {
            done.add(
                    CompletableFuture.runAsync(
                            () -> action.accept(doorway), doorway.loop().executor()));
        }
        done.forEach(CompletableFuture::join);
    }
}
