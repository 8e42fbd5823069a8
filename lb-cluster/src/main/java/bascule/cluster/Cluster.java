package bascule.cluster;

import bascule.cluster.group.Membership;
import bascule.cluster.ownership.Beat;
import bascule.cluster.ownership.Elector;
import bascule.cluster.ownership.Event;
import bascule.cluster.ownership.Rules;
import bascule.cluster.ownership.Timings;
import bascule.cluster.port.OwnerPort;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One node of a cluster: its membership, its owner port, its ownership loop. All methods may be called from any thread.
public final class Cluster implements AutoCloseable {
    /// A hand-over ends by itself long before; this is for a node that never answers.
    private static final long HAND_OVER_SECONDS = 15;

    private static final long LEAVE_STEP_MILLIS = 5;

    /// What was on its way to this host when the address left it has come by then.
    private static final long LEAD_MILLIS = 100;

    /// Turns of the loop from one status to the next, if nothing happens.
    private static final int STATUS_TURNS = 10;

    private final ClusterSettings settings;
    private final ClusterHost host;
    private final Rules rules;
    private final Elector elector;
    private final OwnershipLoop loop;
    private final OwnershipDriver driver;
    private final Epochs epochs;
    private final @Nullable CommandHook[] hooks;
    private final Lan lan;
    private final OwnerPort port;
    private final Membership membership;
    private final String version;

    private final @Nullable String[] configHashes; // The loop's.
    private Set<Integer> present = Set.of(); // The loop's.
    private int turns; // The loop's.
    private final AtomicLong turned = new AtomicLong(); // The loop's; any thread reads it.
    private long lostTold; // The loop's.
    private final Limited lostNews = new Limited(System.nanoTime());
    private final Limited bugNews = new Limited(System.nanoTime());
    private final OwnershipLoop.Slot<ViewNews> views;
    private final OwnershipLoop.Slot<List<Fitness>> fitnesses;
    private final OwnershipLoop.Slot<String> configurations;
    private final List<OwnershipLoop.Slot<Integer>> drains = new ArrayList<>();
    private final List<OwnershipLoop.Slot<String>> strangers = new ArrayList<>();
    private final AtomicLong orders = new AtomicLong();
    private final Map<Long, CompletableFuture<HandOver>> orderedElsewhere =
            new ConcurrentHashMap<>();
    private volatile ClusterStatus status;

    /// Opens the ports, and begins to look for the others. Owns nothing before [#fitness] was told.
    ///
    /// @param version of the daemon, for the others
    /// @throws IOException if a port cannot be opened, with value and place; nothing is left open
    public static Cluster start(ClusterSettings settings, String version, ClusterHost host)
            throws IOException {
        var opened = new ArrayList<AutoCloseable>();
        try {
            return new Cluster(settings, version, host, opened);
        } catch (IOException | RuntimeException | Error failure) {
            for (AutoCloseable each : opened.reversed()) closeQuietly(each);
            throw failure;
        }
    }

    private static void closeQuietly(AutoCloseable each) {
        try {
            each.close();
        } catch (Exception _) {
            // What made it fail is told.
        }
    }

    private Cluster(
            ClusterSettings settings, String version, ClusterHost host, List<AutoCloseable> opened)
            throws IOException {
        this.settings = settings;
        this.host = host;
        this.version = version;
        rules = rules(settings);
        List<String> broken = rules.timings().broken();
        if (!broken.isEmpty()) throw new IllegalStateException(broken.toString());
        configHashes = new String[settings.nodes().size()];
        configHashes[settings.self()] = settings.configHash();
        loop = new OwnershipLoop(rules.timings().tick(), this::turn, this::bug);
        opened.add(loop);
        views = loop.slot(ViewNews::then, this::viewChanged);
        fitnesses = loop.slot((_, next) -> next, all -> driver().fitness(all));
        configurations = loop.slot((_, next) -> next, this::configured);
        for (int i = 0; i < settings.floatingIps().size(); i++)
            drains.add(
                    loop.slot(
                            (_, next) -> next, index -> driver().handle(new Event.Drained(index))));
        for (int i = 0; i < settings.nodes().size(); i++) {
            int node = i;
            strangers.add(
                    loop.slot(
                            (_, next) -> next,
                            why -> driver().handle(new Event.Stranger(node, why))));
        }
        epochs = new Epochs(settings.state(), tells("epochs-not-kept"));
        opened.add(epochs);
        lan =
                new Lan(
                        settings.floatingIps(),
                        settings.witness(),
                        event -> driver().handle(event),
                        loop::post,
                        (event, about) -> host.told(true, event, about));
        opened.add(lan);
        hooks = hooks(opened);
        elector = elector();
        port = OwnerPort.open(portSettings(), new FromPort());
        opened.add(port);
        membership = Membership.start(membershipSettings(), new FromMembership());
        opened.add(membership);
        driver =
                new OwnershipDriver(
                        settings,
                        rules,
                        elector,
                        lan,
                        new AllWays(),
                        epochs,
                        hooks,
                        new ReleaseOnDeath(settings.run(), tells("release-on-death-not-written")),
                        host);
        if (!lan.missing().isEmpty())
            host.told(
                    true,
                    "floating-ips-not-possible",
                    "missing",
                    lan.missing(),
                    "expected",
                    "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW in the unit, or root");
        status = driver.status(configHashes);
        loop.post(lan::look);
        loop.start();
    }

    /// For what the constructor hands out before there is a driver: nobody calls that before the loop runs.
    private OwnershipDriver driver() {
        return driver;
    }

    private Consumer<IOException> tells(String event) {
        return failure -> host.told(true, event, "cause", String.valueOf(failure.getMessage()));
    }

    private void bug(Throwable bug) {
        if (bugNews.isDue(System.nanoTime()))
            host.told(true, "ownership-bug", bugNews.with("cause", bug));
    }

    /// Views that wait, as one.
    ///
    /// @param left who was not there in one of them
    private record ViewNews(Set<Integer> nodes, Set<Integer> left) {
        ViewNews then(ViewNews next) {
            var gone = new TreeSet<>(left);
            gone.addAll(next.left);
            for (int node : nodes) if (!next.nodes.contains(node)) gone.add(node);
            return new ViewNews(next.nodes, Set.copyOf(gone));
        }
    }

    private static Rules rules(ClusterSettings settings) {
        return new Rules(
                settings.nodes().stream()
                        .map(node -> new Rules.Node(node.name(), node.priority(), node.witness()))
                        .toList(),
                settings.self(),
                settings.floatingIps().stream()
                        .map(each -> new Rules.FloatingIp(each.name(), each.preempt()))
                        .toList(),
                settings.calm() ? Timings.CALM : Timings.FAST);
    }

    private Elector elector() {
        int count = settings.floatingIps().size();
        var known = new long[count];
        var keep = new ArrayList<Integer>();
        for (int i = 0; i < count; i++) {
            known[i] = epochs.of(settings.floatingIps().get(i).name());
            if (known[i] > 0) keep.add(i);
        }
        var held = new HeldAddresses(settings.state(), tells("held-addresses-not-kept"));
        boolean[] leftover = lan.sweep(keep, held.earlier());
        held.keep(
                settings.floatingIps().stream().map(ClusterSettings.FloatingIp::address).toList());
        return new Elector(
                rules, prefix(settings.configHash()), known, leftover, System.nanoTime());
    }

    /// The first 8 bytes of a hash.
    private static long prefix(String hash) {
        return Long.parseUnsignedLong(hash.substring(0, 16), 16);
    }

    private @Nullable CommandHook[] hooks(List<AutoCloseable> opened) {
        var made = new CommandHook[settings.floatingIps().size()];
        for (int i = 0; i < made.length; i++) {
            ClusterSettings.FloatingIp each = settings.floatingIps().get(i);
            if (each.command() == null) continue;
            made[i] =
                    new CommandHook(
                            each.name(),
                            each.address(),
                            each.command(),
                            cause ->
                                    host.told(
                                            true,
                                            "floating-ip-command-failed",
                                            "name",
                                            each.name(),
                                            "cause",
                                            cause));
            opened.add(made[i]);
        }
        return made;
    }

    private List<InetSocketAddress> addresses() {
        return settings.nodes().stream()
                .map(node -> new InetSocketAddress(node.address(), settings.port()))
                .toList();
    }

    private OwnerPort.Settings portSettings() {
        return new OwnerPort.Settings(
                settings.name(),
                settings.nodes().stream().map(ClusterSettings.Node::name).toList(),
                addresses(),
                settings.self(),
                settings.floatingIps().stream().map(ClusterSettings.FloatingIp::name).toList(),
                settings.key());
    }

    private Membership.Settings membershipSettings() {
        return new Membership.Settings(
                settings.name(),
                addresses(),
                settings.nodes().stream().map(ClusterSettings.Node::name).toList(),
                settings.self(),
                settings.multicast(),
                settings.calm(),
                settings.key());
    }

    private final class AllWays implements OwnershipDriver.Ways {
        @Override
        public void send(int to, Beat beat) {
            port.send(to, beat);
        }

        @Override
        public void send(int to, Beat beat, int floatingIp) {
            port.send(
                    to,
                    beat,
                    new InetSocketAddress(
                            settings.floatingIps().get(floatingIp).address(), settings.port()));
        }

        @Override
        public void sendByMembership(int to, Beat beat) {
            membership.sendNow(to, new Message.Datagram(port.seal(to, beat)).bytes());
        }

        @Override
        public void answer(int to, Beat beat, int via) {
            if (via == OwnerPort.BY_OTHER_TRANSPORT) sendByMembership(to, beat);
            else port.answer(to, beat, via);
        }
    }

    private final class FromPort implements OwnerPort.Listener {
        @Override
        public void heard(int from, Beat beat, long provenNanos, int via) {
            loop.post(() -> driver().heard(from, beat, provenNanos, via));
        }

        @Override
        public void unreachable(int node) {
            loop.post(() -> driver().handle(new Event.Unreachable(node)));
        }
    }

    private final class FromMembership implements Membership.Listener {
        @Override
        public void view(Set<Integer> nodes) {
            var absent = new TreeSet<Integer>();
            for (int i = 0; i < settings.nodes().size(); i++) if (!nodes.contains(i)) absent.add(i);
            views.post(new ViewNews(Set.copyOf(nodes), Set.copyOf(absent)));
        }

        @Override
        public void received(int from, byte[] message) {
            switch (Message.of(message)) {
                case Message.Datagram(byte[] sealed) -> port.received(sealed);
                case Message.Shared(String topic, byte[] state) ->
                        host.received(topic, name(from), state);
                case Message.Introduction(String theirs, String hash) ->
                        loop.post(() -> introduced(from, theirs, hash));
                case Message.HandOverOrder(long id, String floatingIp) ->
                        loop.post(() -> ordered(from, id, floatingIp));
                case Message.HandOverResult result -> resulted(result);
                case null -> {} // Of a newer version.
            }
        }

        @Override
        public void stranger(int node, String why) {
            strangers.get(node).post(why);
        }

        @Override
        public void told(boolean worse, String event, Object... keyValues) {
            host.told(worse, event, keyValues);
        }
    }

    private String name(int node) {
        return settings.nodes().get(node).name();
    }

    // ---- on the loop

    private void turn(long nowNanos) {
        driver.turn(nowNanos);
        tellLost(nowNanos);
        if (driver.hasNews() || ++turns % STATUS_TURNS == 0) status = driver.status(configHashes);
        turned.lazySet(turned.getPlain() + 1);
    }

    private void tellLost(long nowNanos) {
        long lost = loop.lost();
        if (lost == lostTold || !lostNews.isDue(nowNanos)) return;
        host.told(true, "ownership-events-lost", "events", lost - lostTold);
        lostTold = lost;
    }

    /// Who left and came back while this waited was away, all the same.
    private void viewChanged(ViewNews news) {
        var stayed = new TreeSet<>(news.nodes());
        stayed.removeAll(news.left());
        if (!stayed.equals(news.nodes()) && !present.equals(stayed))
            viewChanged(Set.copyOf(stayed));
        viewChanged(news.nodes());
    }

    private void viewChanged(Set<Integer> nodes) {
        Set<Integer> before = present;
        present = Set.copyOf(nodes);
        driver.view(new Event.View(nodes));
        status = driver.status(configHashes);
        for (int node : nodes) if (node != settings.self() && !before.contains(node)) greet(node);
        host.viewChanged(status);
    }

    private void greet(int node) {
        String hash = String.valueOf(configHashes[settings.self()]);
        membership.send(node, new Message.Introduction(version, hash).bytes());
        host.greeting()
                .forEach(
                        (topic, state) ->
                                membership.send(node, new Message.Shared(topic, state).bytes()));
    }

    private void introduced(int from, String theirs, String hash) {
        configHashes[from] = hash;
        if (!theirs.equals(version))
            host.told(false, "node-version-differs", "node", name(from), "version", theirs);
        status = driver.status(configHashes);
        host.viewChanged(status);
    }

    private void ordered(int from, long id, String floatingIp) {
        int index = indexOf(floatingIp);
        if (index < 0) return;
        driver.handOver(index)
                .thenAccept(
                        outcome -> {
                            double[] millis =
                                    outcome.steps().stream()
                                            .mapToDouble(HandOver.Step::millis)
                                            .toArray();
                            membership.send(
                                    from,
                                    new Message.HandOverResult(
                                                    id,
                                                    floatingIp,
                                                    text(outcome.from()),
                                                    text(outcome.to()),
                                                    millis,
                                                    text(outcome.failure()))
                                            .bytes());
                        });
    }

    private static String text(@Nullable String text) {
        return text == null ? "" : text;
    }

    private int indexOf(String floatingIp) {
        for (int i = 0; i < settings.floatingIps().size(); i++)
            if (settings.floatingIps().get(i).name().equals(floatingIp)) return i;
        return -1;
    }

    // ---- from any thread

    private void resulted(Message.HandOverResult result) {
        CompletableFuture<HandOver> asked = orderedElsewhere.remove(result.id());
        if (asked == null) return;
        var steps = new ArrayList<HandOver.Step>();
        for (int i = 0; i < Math.min(result.millis().length, HandOver.STEPS.size()); i++)
            steps.add(new HandOver.Step(HandOver.STEPS.get(i), result.millis()[i]));
        asked.complete(
                new HandOver(
                        result.floatingIp(),
                        result.from().isEmpty() ? null : result.from(),
                        result.to().isEmpty() ? null : result.to(),
                        steps,
                        result.failure().isEmpty() ? null : result.failure()));
    }

    /// Has to be told of every floating IP at least every 150 ms: what is older than 300 ms counts as "may not own".
    public void fitness(List<Fitness> all) {
        List<Fitness> told = List.copyOf(all);
        fitnesses.post(told);
    }

    /// See [ClusterHost#drain].
    public void drained(String floatingIp) {
        int index = indexOf(floatingIp);
        if (index >= 0) drains.get(index).post(index);
    }

    /// Keeps what asks for connections to a floating IP while it changes hands, and sends it on to the new owner, for a client who
    /// was refused in that moment would not ask again. To be called while it is drained, before this host keeps silent to newcomers; the
    /// next is [#drained]. By itself it ends with the hand-over, whatever comes of that.
    ///
    /// @return once it does so, on the cluster's thread; exceptionally, with an [IOException], if it cannot: no one may be left unanswered then
    public CompletableFuture<Void> holdNewcomers(String floatingIp) {
        var holds = new CompletableFuture<Void>();
        int index = indexOf(floatingIp);
        boolean posted =
                index >= 0
                        && loop.post(
                                () -> {
                                    try {
                                        driver.holdNewcomers(index);
                                        holds.complete(null);
                                    } catch (IOException failure) {
                                        holds.completeExceptionally(failure);
                                    }
                                });
        if (!posted) holds.completeExceptionally(new IOException("the cluster is busy or closed"));
        return holds;
    }

    /// Tells every other node that is there.
    public void tell(String topic, byte[] message) {
        byte[] bytes = new Message.Shared(topic, message).bytes();
        loop.post(
                () -> {
                    for (int node : present)
                        if (node != settings.self()) membership.send(node, bytes);
                });
    }

    /// Asks the owner to let another node have it, whichever node that is.
    ///
    /// @param floatingIp null = all that this node owns
    /// @return one for each; never exceptionally
    public CompletableFuture<List<HandOver>> handOver(@Nullable String floatingIp) {
        var all = new ArrayList<CompletableFuture<HandOver>>();
        var outcome = new CompletableFuture<List<HandOver>>();
        boolean posted =
                loop.post(
                        () -> {
                            for (int i = 0; i < settings.floatingIps().size(); i++) {
                                int owner = elector.standing(i).owner();
                                String name = settings.floatingIps().get(i).name();
                                if (floatingIp == null
                                        ? owner == settings.self()
                                        : name.equals(floatingIp)) all.add(handOver(i, owner));
                            }
                            CompletableFuture.allOf(all.toArray(CompletableFuture[]::new))
                                    .thenRun(
                                            () ->
                                                    outcome.complete(
                                                            all.stream()
                                                                    .map(CompletableFuture::join)
                                                                    .toList()));
                        });
        if (!posted) outcome.complete(List.of());
        return outcome;
    }

    private CompletableFuture<HandOver> handOver(int index, int owner) {
        String name = settings.floatingIps().get(index).name();
        CompletableFuture<HandOver> asked;
        if (owner < 0) {
            asked =
                    CompletableFuture.completedFuture(
                            new HandOver(name, null, null, List.of(), "nobody owns it"));
        } else if (owner == settings.self()) {
            asked = driver.handOver(index);
        } else {
            long id = orders.incrementAndGet();
            asked = new CompletableFuture<>();
            orderedElsewhere.put(id, asked);
            membership.send(owner, new Message.HandOverOrder(id, name).bytes());
            asked.whenComplete((_, _) -> orderedElsewhere.remove(id));
        }
        String from = owner < 0 ? null : name(owner);
        return asked.thenApply(
                        told -> new HandOver(name, from, told.to(), told.steps(), told.failure()))
                .completeOnTimeout(
                        new HandOver(
                                name,
                                from,
                                from,
                                List.of(),
                                "no answer after " + HAND_OVER_SECONDS + " s"),
                        HAND_OVER_SECONDS,
                        TimeUnit.SECONDS);
    }

    /// Half a second old at most; what this node is to an address, a turn of the loop.
    public ClusterStatus status() {
        return status;
    }

    /// How many turns the ownership loop has done to their end: twenty a second at least while it runs.
    public long turned() {
        return turned.get();
    }

    /// What datagrams of the owner port were dropped, since the start.
    public OwnerPort.Dropped dropped() {
        return port.dropped();
    }

    /// The configuration has changed in what is not the cluster's: its hash only.
    public void configuration(String hash) {
        configurations.post(hash);
    }

    private void configured(String hash) {
        configHashes[settings.self()] = hash;
        elector.configuration(prefix(hash));
        byte[] introduction = new Message.Introduction(version, hash).bytes();
        for (int node : present) if (node != settings.self()) membership.send(node, introduction);
    }

    /// Hands over all that this node owns to nodes that are fit, and blocks until that is done, or cannot be.
    public void leave() {
        long most = rules.timings().drain() + 2 * rules.timings().invite();
        long end = System.nanoTime() + most;
        if (!loop.post(driver::leave)) return;
        try {
            while (!driver.settled() && System.nanoTime() - end < 0)
                Thread.sleep(LEAVE_STEP_MILLIS);
            if (lan.leads()) Thread.sleep(LEAD_MILLIS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Ends everything. An address that no other node could take stays until its lease ends, for this node's next run.
    @Override
    public void close() {
        membership.close();
        loop.close();
        port.close();
        for (CommandHook hook : hooks) if (hook != null) hook.close();
        lan.close();
        epochs.close();
    }
}
