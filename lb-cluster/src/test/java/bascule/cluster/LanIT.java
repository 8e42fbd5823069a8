package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.cluster.net.Echo;
import bascule.cluster.net.HostAddresses;
import bascule.cluster.ownership.Event;
import bascule.cluster.testing.Namespace;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The floating IPs of a host, in a network namespace; this test is its ownership loop.
class LanIT {
    private static final String PUBLIC = "10.9.0.50";
    private static final long LEASE = TimeUnit.SECONDS.toNanos(60);

    private final BlockingQueue<Runnable> loop = new LinkedBlockingQueue<>();
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final List<String> warned = new CopyOnWriteArrayList<>();
    private Namespace namespace;
    private Lan lan;

    @BeforeEach
    void open() throws IOException {
        namespace = Namespace.orSkip();
        namespace.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "far0");
        namespace.run("ip", "link", "set", "far0", "up");
        namespace.run("ip", "link", "set", "lan0", "up");
        namespace.run("ip", "addr", "add", "10.9.0.1/24", "dev", "lan0");
    }

    @AfterEach
    void close() throws IOException {
        if (lan != null) lan.close();
        if (namespace != null) namespace.close();
    }

    private static ClusterSettings.FloatingIp floatingIp(ClusterSettings.Command command) {
        return new ClusterSettings.FloatingIp(
                "public", InetAddress.ofLiteral(PUBLIC), 24, null, false, command);
    }

    private void start(String missing, ClusterSettings.Command command) throws Exception {
        start(missing, command, null, Echo::open);
    }

    private void start(
            String missing, ClusterSettings.Command command, String witness, Lan.Echoes echoes)
            throws Exception {
        lan =
                namespace.inside(
                        () ->
                                new Lan(
                                        List.of(floatingIp(command)),
                                        witness == null ? null : InetAddress.ofLiteral(witness),
                                        missing,
                                        echoes,
                                        events::add,
                                        loop::add,
                                        (event, about) ->
                                                warned.add(event + Arrays.toString(about))));
    }

    /// Looks until it is so.
    private void await(BooleanSupplier until) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        lan.look();
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime() - end).as("%s %s", events, warned).isNegative();
            Runnable next = loop.poll(200, TimeUnit.MILLISECONDS);
            if (next == null) {
                lan.look();
                continue;
            }
            namespace.inside(
                    () -> {
                        next.run();
                        return 0;
                    });
        }
    }

    private boolean latestCarrier() {
        for (Event each : events.reversed())
            if (each instanceof Event.Carrier(_, boolean up)) return up;
        return false;
    }

    private boolean hasCarrierAfterLook() throws Exception {
        events.clear();
        await(() -> events.stream().anyMatch(each -> each instanceof Event.Carrier));
        return latestCarrier();
    }

    private boolean isOnHost(String address) throws IOException {
        return namespace.run("ip", "-o", "addr").contains(" " + address + "/");
    }

    private void put(String address) throws Exception {
        namespace.inside(
                () -> {
                    try (var addresses = HostAddresses.open(HostAddresses.NOBODY)) {
                        int index =
                                addresses.interfaces().stream()
                                        .filter(each -> each.name().equals("lan0"))
                                        .findAny()
                                        .orElseThrow()
                                        .index();
                        addresses.put(InetAddress.ofLiteral(address), index, 60);
                    }
                    return 0;
                });
    }

    @Test
    void givenOwnerWhoseSubnetVanishes_whenTheLinkLives_thenItStaysAndCanBeReleased()
            throws Exception {
        start("", null);
        await(this::latestCarrier);
        lan.take(0, LEASE);
        namespace.run("ip", "addr", "del", "10.9.0.1/24", "dev", "lan0");

        assertThat(hasCarrierAfterLook()).isTrue();
        lan.release(0);

        assertThat(isOnHost(PUBLIC)).isFalse();
        await(() -> !latestCarrier()); // Nothing is left that says where it belongs.
    }

    @Test
    void givenOwner_whenAllAddressesAreReplaced_thenTheInterfaceIsKeptMeanwhile() throws Exception {
        start("", null);
        await(this::latestCarrier);
        lan.take(0, LEASE);
        Thread.sleep(1500); // The last look is long ago.
        namespace.run("ip", "addr", "flush", "dev", "lan0", "scope", "global");

        assertThat(hasCarrierAfterLook()).isTrue(); // In the middle of it.
        namespace.run("ip", "addr", "add", "10.9.0.1/24", "dev", "lan0");
        for (int looks = 0; looks < 15; looks++) assertThat(hasCarrierAfterLook()).isTrue();
        lan.take(0, LEASE);
        assertThat(isOnHost(PUBLIC)).isTrue();
        assertThat(warned).noneMatch(each -> each.startsWith("floating-ip-without-interface"));
    }

    @Test
    void givenOwnerWhoseSubnetMoves_whenReleased_thenGoneWhereItWasPut() throws Exception {
        start("", null);
        await(this::latestCarrier);
        lan.take(0, LEASE);
        namespace.run("ip", "addr", "del", "10.9.0.1/24", "dev", "lan0");
        namespace.run("ip", "addr", "add", "10.9.0.1/24", "dev", "far0");
        await(() -> events.contains(new Event.Present(0, false)));

        lan.release(0);

        assertThat(isOnHost(PUBLIC)).isFalse();
    }

    @Test
    void givenNoInterfaceInItsSubnet_whenLooked_thenThatIsWhatIsInTheWay() throws Exception {
        start("", null);
        await(this::latestCarrier);
        namespace.run("ip", "addr", "del", "10.9.0.1/24", "dev", "lan0");
        await(() -> !latestCarrier());

        assertThat(lan.obstacle(0))
                .isEqualTo("no interface has an address in the subnet of " + PUBLIC + "/24");
    }

    @Test
    void givenSameAddressByAnOperator_whenLooked_thenToldOnceUnfitAndNeverTouched()
            throws Exception {
        start("", null);
        await(this::latestCarrier);
        namespace.run("ip", "addr", "add", PUBLIC + "/32", "dev", "lan0");
        await(() -> !lan.obstacle(0).isEmpty());

        assertThat(lan.obstacle(0)).contains(PUBLIC + "/32 on lan0");
        assertThat(hasCarrierAfterLook()).isTrue();
        assertThat(hasCarrierAfterLook()).isTrue();
        assertThat(events).doesNotContain(new Event.Present(0, true));
        assertThat(warned)
                .containsOnlyOnce(
                        "floating-ip-foreign-on-host[name, public, interface, lan0, prefix, 32,"
                                + " expected, an address that nobody but the cluster puts on a"
                                + " host]");
        assertThatThrownBy(() -> lan.take(0, LEASE)).hasMessageContaining("not ours");
        lan.release(0);
        assertThat(isOnHost(PUBLIC)).isTrue();

        namespace.run("ip", "addr", "del", PUBLIC + "/32", "dev", "lan0");
        await(() -> lan.obstacle(0).isEmpty());
        lan.take(0, LEASE);
        assertThat(isOnHost(PUBLIC)).isTrue();
        assertThat(hasCarrierAfterLook()).isTrue();
        assertThat(lan.obstacle(0)).isEmpty();
    }

    @Test
    void givenCommand_whenCapabilitiesAreMissing_thenItCanOwnAndNoInterfaceIsTouched()
            throws Exception {
        start(
                "CAP_NET_ADMIN",
                new ClusterSettings.Command(Path.of("/bin/true"), Duration.ofSeconds(1)));
        await(this::latestCarrier);

        assertThat(lan.obstacle(0)).isEmpty();
        assertThat(lan.missing()).isEmpty();
        lan.take(0, LEASE);
        lan.announce(0);
        lan.refresh(0, LEASE);
        lan.release(0);
        assertThat(isOnHost(PUBLIC)).isFalse();
        assertThat(lan.line(0)).isNull();
    }

    @Test
    void givenNoCommand_whenCapabilitiesAreMissing_thenSaid() throws Exception {
        start("CAP_NET_ADMIN", null);

        assertThat(lan.obstacle(0)).isEqualTo("CAP_NET_ADMIN missing");
        assertThat(lan.missing()).isEqualTo("CAP_NET_ADMIN");
    }

    @Test
    void givenLeftovers_whenSwept_thenThoseOfAnotherDaemonStay() throws Exception {
        start("", null);
        put(PUBLIC);
        put("10.9.0.51"); // A floating IP until the file was changed.
        put("10.9.0.52"); // Of another cluster.

        boolean[] there = lan.sweep(List.of(), Set.of(InetAddress.ofLiteral("10.9.0.51")));

        assertThat(there).containsExactly(false);
        assertThat(isOnHost(PUBLIC)).isFalse();
        assertThat(isOnHost("10.9.0.51")).isFalse();
        assertThat(isOnHost("10.9.0.52")).isTrue();
        put(PUBLIC);
        assertThat(lan.sweep(List.of(0), Set.of())).containsExactly(true);
        assertThat(isOnHost(PUBLIC)).isTrue();
    }

    @Test
    void givenWitnessThatCannotBeAsked_whenLookedAgain_thenSaidEachTimeAndToldOnce()
            throws Exception {
        start(
                "",
                null,
                "192.0.2.1",
                (_, _) -> {
                    throw new IOException("not permitted");
                });
        await(() -> events.contains(new Event.WitnessKnown(true, false)));
        assertThat(hasCarrierAfterLook()).isTrue();
        await(() -> events.contains(new Event.WitnessKnown(true, false)));

        assertThat(warned)
                .containsOnlyOnce("witness-not-asked[witness, 192.0.2.1, cause, not permitted]");
    }

    @Test
    void givenWitnessOnTheLan_whenTheHostsOwnAddressGoes_thenItCannotBeAsked() throws Exception {
        start("", null, "10.9.0.7", Echo::open);
        await(() -> events.contains(new Event.WitnessKnown(true, true)));

        namespace.run("ip", "addr", "del", "10.9.0.1/24", "dev", "lan0");
        await(() -> events.contains(new Event.WitnessKnown(true, false)));

        namespace.run("ip", "addr", "add", "10.9.0.1/24", "dev", "lan0");
        events.clear();
        await(() -> events.contains(new Event.WitnessKnown(true, true)));
    }
}
