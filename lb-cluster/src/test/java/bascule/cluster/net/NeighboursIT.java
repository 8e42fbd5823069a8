package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import bascule.cluster.testing.Namespace;
import java.io.BufferedReader;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Two hosts, one cable: `here` with lan0 is ours, `there` with lan1 is the neighbour, which is another bascule or just a kernel.
class NeighboursIT {
    private static final String V4 = "10.9.0.50";
    private static final String V6 = "fd00:9::50";
    private static final String HERE = "02:00:00:00:00:01";
    private static final String THERE = "02:00:00:00:00:02";

    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final List<AutoCloseable> open = new ArrayList<>();
    private Namespace here;
    private Namespace there;
    private Neighbours neighbours;
    private HostAddresses addresses;
    private HostAddresses.Interface lan;

    @BeforeEach
    void open() throws Exception {
        here = Namespace.orSkip();
        open.add(here);
        there = Namespace.orSkip();
        open.add(there);
        Namespace.join(here, "lan0", there, "lan1");
        for (String[] each : new String[][] {{HERE, "lan0", "1"}, {THERE, "lan1", "2"}}) {
            Namespace host = each[0].equals(HERE) ? here : there;
            host.run("ip", "link", "set", each[1], "address", each[0]);
            host.run("ip", "addr", "add", "10.9.0." + each[2] + "/24", "dev", each[1]);
            host.run("ip", "addr", "add", "fd00:9::" + each[2] + "/64", "dev", each[1], "nodad");
        }
        addresses = here.inside(() -> HostAddresses.open(HostAddresses.NOBODY));
        open.add(addresses);
        lan =
                addresses.interfaces().stream()
                        .filter(i -> i.name().equals("lan0"))
                        .findFirst()
                        .orElseThrow();
        neighbours =
                here.inside(
                        () -> Neighbours.open(lan, List.of(inet(V4), inet(V6)), new Recorder()));
        open.add(neighbours);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
    }

    @Test
    void givenAddress_whenAnnounced_thenTcpdumpSeesBothFormsAndARightChecksum() throws Exception {
        Process dump =
                there.start(
                        "tcpdump",
                        "-lnevvc",
                        "3",
                        "-i",
                        "lan1",
                        "host " + V4 + " or src host " + V6);
        try (BufferedReader lines = dump.inputReader()) {
            for (String line = ""; !line.contains("listening"); ) line = lines.readLine();

            neighbours.announce(inet(V4));
            neighbours.announce(inet(V6));

            StringBuilder seen = new StringBuilder();
            for (String line = "";
                    line != null && !line.contains("destination link-address");
                    line = lines.readLine()) seen.append(line).append('\n');
            assertThat(seen.toString())
                    .contains(HERE + " > ff:ff:ff:ff:ff:ff")
                    .contains("Request who-has 10.9.0.50 tell 10.9.0.50")
                    .contains("Reply 10.9.0.50 is-at " + HERE)
                    .contains(HERE + " > 33:33:00:00:00:01")
                    .contains("hlim 255")
                    .contains("fd00:9::50 > ff02::1: [icmp6 sum ok] ICMP6, neighbor advertisement")
                    .contains("Flags [override]");
        } finally {
            dump.destroy();
            dump.waitFor();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenCacheWithOldOwner_whenAnnounced_thenNeighbourFollows(String address)
            throws Exception {
        there.run(
                "ip",
                "neigh",
                "replace",
                address,
                "lladdr",
                "02:00:00:00:00:99",
                "dev",
                "lan1",
                "nud",
                "stale");

        neighbours.announce(inet(address));

        eventually(() -> assertThat(there.run("ip", "neigh", "show", address)).contains(HERE));
    }

    @Test
    void givenHardwareAddressChanged_whenAnnounced_thenTheNewOne() throws Exception {
        there.run("ip", "neigh", "replace", V4, "lladdr", HERE, "dev", "lan1", "nud", "stale");
        here.run("ip", "link", "set", "lan0", "address", "02:00:00:00:00:77");

        neighbours.announce(inet(V4));

        eventually(
                () ->
                        assertThat(there.run("ip", "neigh", "show", V4))
                                .contains("02:00:00:00:00:77"));
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenAddressNobodyHas_whenProbed_thenNoAnswer_whenANeighbourHasIt_thenClaimed(
            String address) throws Exception {
        neighbours.probe(inet(address));
        assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();

        there.run("ip", "addr", "add", address, "dev", "lan1", "nodad");
        neighbours.probe(inet(address));

        expect("claimed " + inet(address).getHostAddress() + " " + THERE);
    }

    @ParameterizedTest
    @ValueSource(strings = {V4, V6})
    void givenNeighbours_whenTheyAnnounceAndWeDo_thenTheirClaimIsToldAndOursIsNot(String address)
            throws Exception {
        HostAddresses.Interface theirs =
                new HostAddresses.Interface(
                        index(there, "lan1"), "lan1", true, false, lan.hardware());
        BlockingQueue<String> heardThere = new LinkedBlockingQueue<>();
        Neighbours other =
                there.inside(
                        () ->
                                Neighbours.open(
                                        theirs, List.of(inet(address)), new Recorder(heardThere)));
        open.add(other);

        neighbours.announce(inet(address));
        assertThat(heardThere.poll(5, TimeUnit.SECONDS))
                .isEqualTo("claimed " + inet(address).getHostAddress() + " " + HERE);
        assertThat(heard).isEmpty();

        other.announce(inet(address));
        expect("claimed " + inet(address).getHostAddress() + " " + THERE);
    }

    @Test
    void givenFramesThatComeBack_whenHeard_thenOursAreNoClaim() throws Exception {
        there.run(
                "ip", "link", "set", "lan1", "address",
                HERE); // As a switch that loops them back would send them.
        Neighbours mirror = neighbour();

        mirror.announce(inet(V4));
        mirror.announce(inet(V6));

        assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void givenClaimsBeforeItListens_whenOpened_thenOldFramesAreNotHeard() throws Exception {
        Neighbours other = neighbour();
        other.announce(inet(V4));
        expect("claimed " + V4 + " " + THERE);
        BlockingQueue<String> late = new LinkedBlockingQueue<>();

        open.add(here.inside(() -> Neighbours.open(lan, List.of(inet(V4)), new Recorder(late))));

        assertThat(late.poll(200, TimeUnit.MILLISECONDS)).isNull();
        other.announce(inet(V4));
        assertThat(late.poll(5, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void givenOurIpv6Address_whenNeighbourConnects_thenServedAlthoughItIsDeprecated()
            throws Exception {
        addresses.put(inet(V6), lan.index(), 10);
        addresses.renew(inet(V6), lan.index(), 10);

        there.run("ping", "-c", "1", "-W", "5", V6);
    }

    @Test
    void givenManyOpenedAndClosed_whenCounted_thenNoDescriptorIsLeft() throws Exception {
        int before = HostAddressesIT.descriptors();
        for (int i = 0; i < 50; i++)
            here.inside(() -> Neighbours.open(lan, List.of(inet(V4)), new Recorder())).close();

        assertThat(HostAddressesIT.descriptors()).isEqualTo(before);
    }

    @Test
    void givenOtherTraffic_whenHeard_thenNothingIsTold() throws Exception {
        here.run("ip", "neigh", "flush", "dev", "lan0");
        there.run("ping", "-c", "2", "-i", "0.2", "10.9.0.1");
        there.run("ping", "-c", "2", "-i", "0.2", "fd00:9::1");
        Neighbours other = neighbour();
        other.announce(inet("10.9.0.51"));
        other.announce(inet("fd00:9::51"));
        other.probe(inet(V4)); // Somebody else wants it, and has it not yet.
        other.probe(inet(V6));
        Thread.sleep(100);

        assertThat(heard).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.9.0.2", "fd00:9::2"})
    void givenWitness_whenAsked_thenAnswered_whenItIsSilent_thenNot(String witness)
            throws Exception {
        InetAddress source = Subnets.source(inet(witness), lan.index(), addresses.list());
        for (int i = 0; i < 3; i++) {
            neighbours.ask(inet(witness), source);
            expect("answered " + inet(witness).getHostAddress());
            Thread.sleep(20);
        }
        there.run("ip", "link", "set", "lan1", "arp", "off");
        there.run("ip", "addr", "flush", "dev", "lan1");
        heard.clear();

        neighbours.ask(inet(witness), source);

        assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.9.0.2", "fd00:9::2"})
    void givenWitness_whenItOnlyAnnouncesItself_thenThatIsNoAnswer(String witness)
            throws Exception {
        Neighbours other = neighbour();
        neighbours.ask(inet(witness), Subnets.source(inet(witness), lan.index(), addresses.list()));
        expect("answered " + inet(witness).getHostAddress());
        Thread.sleep(50);

        other.announce(inet(witness));

        assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void givenFloodOfClaims_whenHeard_thenToldFewTimesAndTheThreadLives() throws Exception {
        Neighbours other = neighbour();
        long start = System.nanoTime();
        for (int i = 0; i < 2_000; i++) other.announce(inet(V4));
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);

        Thread.sleep(100);
        assertThat(heard.size()).isBetween(1, (int) (millis + 100) / 5 + 1);
        heard.clear();
        other.announce(inet(V6));
        expect("claimed " + inet(V6).getHostAddress() + " " + THERE);
    }

    @Test
    void givenLinkDownAndUp_whenListening_thenHearsAgain() throws Exception {
        here.run("ip", "link", "set", "lan0", "down");
        assertThatIOException()
                .isThrownBy(() -> neighbours.announce(inet(V4)))
                .withMessageContaining("lan0");
        here.run("ip", "link", "set", "lan0", "up");
        there.run("ip", "addr", "add", V4, "dev", "lan1");

        eventually(
                () -> {
                    neighbours.probe(inet(V4));
                    assertThat(heard.poll(100, TimeUnit.MILLISECONDS))
                            .isEqualTo("claimed " + V4 + " " + THERE);
                });
    }

    @Test
    void givenInterfaceDeleted_whenAnnounced_thenSaysSo() throws Exception {
        here.run("ip", "link", "delete", "lan0");

        assertThatIOException()
                .isThrownBy(() -> neighbours.announce(inet(V4)))
                .withMessageContaining("lan0: no such interface");
        neighbours.close();
    }

    @Test
    void givenListenerThatThrows_whenNextClaim_thenStillHeard() throws Exception {
        BlockingQueue<String> after = new LinkedBlockingQueue<>();
        Neighbours.Listener faulty =
                new Recorder(after) {
                    private boolean thrown;

                    @Override
                    public void claimed(InetAddress address, String hardware) {
                        if (!thrown) {
                            thrown = true;
                            throw new IllegalStateException("planted");
                        }
                        super.claimed(address, hardware);
                    }
                };
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        List<Throwable> seen = new ArrayList<>();
        Thread.setDefaultUncaughtExceptionHandler((_, e) -> seen.add(e));
        try (Neighbours second =
                here.inside(() -> Neighbours.open(lan, List.of(inet(V4)), faulty))) {
            there.run("ip", "addr", "add", V4, "dev", "lan1");
            second.probe(inet(V4));
            Thread.sleep(100);
            second.probe(inet(V4));
            assertThat(after.poll(5, TimeUnit.SECONDS)).contains(THERE);
            assertThat(seen).singleElement().isInstanceOf(IllegalStateException.class);
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    @Test
    void givenWarmUp_whenDone_thenNothingWasSent() throws Exception {
        here.run(
                "sysctl",
                "-qw",
                "net.ipv6.conf.lan0.disable_ipv6=1"); // Else the kernel looks for routers and
        // groups meanwhile.
        Thread.sleep(100);
        String before = sent();

        neighbours.warmUp();

        assertThat(sent()).isEqualTo(before);
    }

    @Test
    void givenClosed_whenUsedOrClosedAgain_thenSaysSoAndTheThreadHasEnded() throws Exception {
        neighbours.close();
        neighbours.close();

        assertThatIOException()
                .isThrownBy(() -> neighbours.announce(inet(V4)))
                .withMessageContaining("closed");
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(t -> t.getName().equals("bascule-neighbours-lan0"));
    }

    @Test
    void givenLoopback_whenOpened_thenNothingIsHeardAndNothingBreaks() throws Exception {
        HostAddresses.Interface lo = addresses.interfaces().getFirst();
        assertThat(lo.loopback()).isTrue();
        try (Neighbours onLo =
                here.inside(() -> Neighbours.open(lo, List.of(inet(V4)), new Recorder()))) {
            onLo.announce(inet(V4));
            assertThat(heard.poll(100, TimeUnit.MILLISECONDS)).isNull();
        }
    }

    @Test
    void givenInterfaceWithoutEthernet_whenOpened_thenSaysWhatWasExpected() throws Exception {
        HostAddresses.Interface tunnel =
                new HostAddresses.Interface(9, "tun0", true, false, List.of());

        assertThatIOException()
                .isThrownBy(() -> Neighbours.open(tunnel, List.of(), new Recorder()))
                .withMessageContaining(
                        "tun0: a hardware address of 0 bytes (expected: 6, Ethernet)");
    }

    /// Another bascule at the other end of the cable, which watches nothing.
    private Neighbours neighbour() throws Exception {
        HostAddresses.Interface theirs =
                new HostAddresses.Interface(
                        index(there, "lan1"), "lan1", true, false, lan.hardware());
        Neighbours other =
                there.inside(
                        () ->
                                Neighbours.open(
                                        theirs,
                                        List.of(),
                                        new Recorder(new LinkedBlockingQueue<>())));
        open.add(other);
        return other;
    }

    private String sent() throws Exception {
        return here.run("cat", "/sys/class/net/lan0/statistics/tx_packets");
    }

    private static int index(Namespace host, String name) throws Exception {
        return Integer.parseInt(host.run("cat", "/sys/class/net/" + name + "/ifindex").strip());
    }

    private static InetAddress inet(String text) {
        return FrameTest.inet(text);
    }

    private void expect(String event) throws InterruptedException {
        assertThat(heard.poll(5, TimeUnit.SECONDS)).isEqualTo(event);
    }

    private interface Check {
        void run() throws Exception;
    }

    private static void eventually(Check check) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (true) {
            try {
                check.run();
                return;
            } catch (AssertionError e) {
                if (System.nanoTime() - end > 0) throw e;
                Thread.sleep(20);
            }
        }
    }

    private class Recorder implements Neighbours.Listener {
        private final BlockingQueue<String> to;

        Recorder() {
            this(heard);
        }

        Recorder(BlockingQueue<String> to) {
            this.to = to;
        }

        @Override
        public void claimed(InetAddress address, String hardware) {
            to.add("claimed " + address.getHostAddress() + " " + hardware);
        }

        @Override
        public void answered(InetAddress address) {
            to.add("answered " + address.getHostAddress());
        }
    }
}
