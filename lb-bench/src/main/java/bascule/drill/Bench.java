package bascule.drill;

import bascule.harness.Client;
import bascule.harness.Host;
import bascule.harness.Nginx;
import bascule.harness.Recording;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One bed with its servers, its client, its observer and the pair that is under test there.
final class Bench implements AutoCloseable {
    static final int HTTP = 80;

    /// The patient client's.
    private static final long PATIENT_NANOS = 3_000_000_000L;

    private static final int PATIENCE_MILLIS = 30_000;

    /// Looks in a row that find the same.
    private static final int CALM_LOOKS = 5;

    private static final int STEADY_REQUESTS = 20;

    /// Longer than what the first fault costs.
    private static final long HELD_DOWN_NANOS = 1_500_000_000;

    private final Bed bed;
    private final boolean bascule;
    private final Path checkout;
    private final Client client;
    private final Client patientClient;
    private final Nginx servers;
    private final ReentrantLock turn;
    private @Nullable Path common;
    private @Nullable Pair pair;
    private @Nullable Observer observer;

    private Bench(
            Bed bed,
            boolean bascule,
            Path checkout,
            ReentrantLock turn,
            Client client,
            Client patientClient,
            Nginx servers) {
        this.turn = turn;
        this.bed = bed;
        this.bascule = bascule;
        this.checkout = checkout;
        this.client = client;
        this.patientClient = patientClient;
        this.servers = servers;
    }

    /// @param bascule or else keepalived with HAProxy
    /// @param turn    whose turn it is: where trials of several benches take turns; each holds it while it measures
    static Bench start(boolean bascule, Path checkout, ReentrantLock turn)
            throws IOException, InterruptedException, Unavailable {
        Bed bed = Bed.make();
        try {
            int first = Bed.number("servers");
            List<String> addresses =
                    List.of(
                            Bed.address("srv", first) + ":80",
                            Bed.address("srv", first + 1) + ":80");
            Nginx servers =
                    Nginx.start(bed.host("servers"), bed.folder("servers"), List.of(), addresses);
            return new Bench(
                    bed,
                    bascule,
                    checkout,
                    turn,
                    Client.start(bed.host("client")),
                    Client.start(bed.host("client"), PATIENT_NANOS),
                    servers);
        } catch (IOException | InterruptedException | Unavailable | RuntimeException e) {
            bed.close();
            throw e;
        }
    }

    Bed bed() {
        return bed;
    }

    ReentrantLock turn() {
        return turn;
    }

    Client client() {
        return client;
    }

    /// One that gives a request three seconds.
    Client patientClient() {
        return patientClient;
    }

    Pair pair() {
        if (pair == null) throw new IllegalStateException("no pair");
        return pair;
    }

    BasculePair bascule() {
        return (BasculePair) pair();
    }

    boolean isBascule() {
        return bascule;
    }

    Observer observer() {
        if (observer == null) throw new IllegalStateException("no observer");
        return observer;
    }

    /// The floating IPs as the client calls them.
    List<InetSocketAddress> targets() throws IOException {
        List<InetSocketAddress> all = new ArrayList<>();
        for (InetAddress each : pair().addresses()) all.add(new InetSocketAddress(each, HTTP));
        return all;
    }

    /// Has a pair with this setup, if it has another one or none.
    void install(Setup setup) throws IOException, InterruptedException, Unavailable {
        servers.check();
        if (pair != null && pair.setup.equals(setup)) return;
        remove();
        if (bascule && common == null) common = BasculePair.common(bed, checkout);
        Pair made =
                common != null
                        ? new BasculePair(bed, setup, checkout, common)
                        : new KeepalivedPair(bed, setup);
        pair = made;
        List<Host> members = setup.members().stream().map(bed::host).toList();
        observer = Observer.start(members, new HashSet<>(made.addresses()), made::livesAsOwner);
        settle();
    }

    /// After a trial that came to nothing: all links are well, and the next one gets another pair.
    void renew() throws IOException, InterruptedException, Unavailable {
        client.stop();
        patientClient.stop();
        remove();
        for (String edge : Bed.EDGES) {
            for (String network : Bed.NETWORKS) {
                bed.cable(network, edge, true);
                bed.forwarding(network, edge, true);
                Shell.need(bed.host(edge).ip("-batch", "-"), bed.configured(edge, network));
            }
        }
        bed.apart("lan", Bed.EDGES, false);
    }

    private void remove() throws IOException, InterruptedException {
        if (observer != null) observer.close();
        observer = null;
        if (pair == null) return;
        pair.close();
        for (String edge : pair.setup.members()) {
            wipe(edge);
            for (String old : List.of("state", "bascule.conf"))
                delete(pair.folder(edge).resolve(old));
        }
        pair = null;
    }

    private static void delete(Path what) throws IOException, InterruptedException {
        Shell.run(List.of("rm", "-rf", what.toString()));
    }

    /// As a reboot does: no floating IP is left on the edge.
    void wipe(String edge) throws IOException, InterruptedException {
        for (InetAddress each : pair().addresses()) {
            Shell.run(
                    bed.host(edge).ip("addr", "del", each.getHostAddress() + "/32", "dev", "lan0"));
            String length = each.getAddress().length == 4 ? "/24" : "/64";
            Shell.run(
                    bed.host(edge)
                            .ip("addr", "del", each.getHostAddress() + length, "dev", "lan0"));
            if (each.getAddress().length > 4)
                Shell.run(
                        bed.host(edge)
                                .ip("addr", "del", each.getHostAddress() + "/128", "dev", "lan0"));
        }
    }

    /// Waits until all members take part and each floating IP is on one of them, and stays there for a moment. Starts those that do not
    /// run.
    void settle() throws IOException, InterruptedException, Unavailable {
        for (String edge : pair().setup.members()) {
            if (pair().runs(edge)) continue;
            pair().kill(edge);
            pair().start(edge);
        }
        Settling settling = new Settling();
        Wait.until(PATIENCE_MILLIS, 60, settling::look, settling::missing);
        List<String> wrong = observer().check();
        if (!wrong.isEmpty()) System.err.println("drills: observer: " + wrong);
    }

    /// Looks at the members until nothing changes any more.
    private final class Settling {
        private long renewNanos = System.nanoTime() + HELD_DOWN_NANOS;
        private int calm;
        private List<String> before = List.of();
        private String missing = "";

        boolean look() throws IOException, InterruptedException, Unavailable {
            for (String edge : pair().setup.members())
                if (!pair().runs(edge))
                    throw new Unavailable(edge + " ended: " + pair().tail(edge));
            if (System.nanoTime() - renewNanos > 0) {
                renewNanos += TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
                renewHeldDown();
            }
            missing = unready();
            List<String> owners = new ArrayList<>();
            for (InetAddress each : pair().addresses())
                owners.add(String.join("+", observer().holders(each)));
            calm = missing.isEmpty() && owners.equals(before) ? calm + 1 : 0;
            before = owners;
            return calm == CALM_LOOKS;
        }

        String missing() {
            return missing + " owners " + before;
        }
    }

    /// Faults that follow each other as fast as here hold a node down for up to a minute: the next trial is not about that. A daemon that is
    /// started anew has no past.
    private void renewHeldDown() throws IOException, InterruptedException, Unavailable {
        for (String edge : pair().setup.members()) {
            if (!pair().isHeldDown(edge)) continue;
            pair().kill(edge);
            pair().start(edge);
        }
    }

    private String unready() throws IOException {
        for (String edge : pair().setup.members()) {
            String why = pair().unready(edge);
            if (!why.isEmpty()) return why;
        }
        for (InetAddress each : pair().addresses()) {
            List<String> holders = observer().holders(each);
            if (holders.size() != 1) return each.getHostAddress() + " is on " + holders;
            if (!pair().isAtHome(each, holders.getFirst())) return each + " away from home";
        }
        return "";
    }

    /// Begins to record, and waits until the last requests were all good.
    Recording record(Client by, List<InetSocketAddress> targets, String path, long periodNanos)
            throws IOException, InterruptedException, Unavailable {
        // After a partition a client may be led astray for good: that was counted in its trial.
        if (!bascule) Shell.run(bed.host("client").ip("neigh", "flush", "dev", "lan0"));
        Recording recording = by.record(targets, path, periodNanos, Client.MOST_REQUESTS);
        try {
            Wait.until(
                    PATIENCE_MILLIS,
                    20,
                    () -> recording.steady(STEADY_REQUESTS),
                    () -> "the pair does not serve: " + recording.summary());
        } catch (Unavailable e) {
            by.stop();
            throw e;
        }
        return recording;
    }

    /// Keeps what was said, for whoever looks into a trial.
    void keep(Path to, List<String> course) throws IOException, InterruptedException {
        delete(to); // Of an earlier run.
        Files.createDirectories(to);
        Files.write(to.resolve("course.txt"), course);
        for (Path log : pair().logs()) {
            Path edge = log.getParent();
            String name = (edge == null ? "" : edge.getFileName()) + "-" + log.getFileName();
            Files.copy(log, to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    @Override
    public void close() {
        try {
            remove();
        } catch (IOException e) {
            System.err.println("drills: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        client.close();
        patientClient.close();
        bed.close();
    }
}
