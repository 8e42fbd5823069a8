package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.OpenSsl;
import bascule.testing.Pair;
import bascule.testing.Peers;
import bascule.testing.Site;
import bascule.testing.Told;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Two daemons as one cluster: what each tells of it, and what they have in common.
@Timeout(240)
final class PairIT {
    private static final String HERE =
            """
            listeners.http { bind = "127.0.0.1:0", limits.connections = 100, routes = [{ respond = 200 }] }
            """;

    @TempDir Path folder = Path.of("");
    private Told events;
    private Pair pair;

    @BeforeEach
    void prepare() throws IOException {
        events = new Told();
        pair = new Pair(folder);
    }

    @AfterEach
    void end() {
        pair.close();
        events.close();
    }

    private static String other(String node) {
        return node.equals("a") ? "b" : "a";
    }

    private static void awaitMetric(Pair pair, String node, String line) {
        Awaitility.await(node + ": " + line)
                .atMost(Pair.PATIENCE)
                .untilAsserted(() -> assertThat(pair.metrics(node).lines()).contains(line));
    }

    @Test
    void givenTwoNodes_whenTheyMeet_thenOneOwnsAndBothSayWhoAndItMovesWhenThatOneStops()
            throws Exception {
        pair.start("a", HERE);
        pair.start("b", HERE);
        String owner = pair.awaitOwner();
        String standby = other(owner);

        for (String node : List.of("a", "b")) {
            awaitMetric(pair, node, "bascule_cluster_nodes 2.0");
            awaitMetric(pair, node, "bascule_cluster_config_differs 0.0");
            awaitMetric(
                    pair,
                    node,
                    "bascule_floating_ip_owned{name=\"public\"} "
                            + (node.equals(owner) ? "1.0" : "0.0"));
            assertThat(pair.status(node))
                    .contains("\"address\": \"127.0.0.2\"", "\"address\": \"203.0.113.10/24\"")
                    .contains("\"eligible\": true");
        }
        assertThat(pair.moves()).contains("take public 203.0.113.10 ");
        pair.stop(owner);

        pair.awaitStatus(standby, status -> Pair.owner(status).equals(standby));
        awaitMetric(pair, standby, "bascule_floating_ip_owned{name=\"public\"} 1.0");
        events.await("node-joined", "node=" + standby);
        events.await("floating-ip-changed", "name=public", "owner=" + standby);
        // The one that left and the one that took tell of it by one name.
        String taken =
                events.all().stream()
                        .filter(line -> line.startsWith("floating-ip-changed"))
                        .filter(line -> line.contains("owner=" + standby))
                        .findFirst()
                        .orElseThrow();
        String timeline = taken.replaceAll(".* (timeline=\\S+) .*", "$1");
        assertThat(events.all())
                .filteredOn(line -> line.startsWith("floating-ip-") && line.contains(timeline))
                .hasSizeGreaterThan(1);
        awaitMetric(pair, standby, "bascule_cluster_nodes 1.0");
        events.await("node-gone", "node=" + owner);
    }

    @Test
    void givenTwoNodes_whenTheirConfigurationsDiffer_thenBothSaySoUntilTheyDoNot()
            throws Exception {
        pair.start("a", HERE);
        pair.start("b", HERE);
        pair.awaitOwner();

        pair.reload("a", HERE.replace("100", "101"));
        for (String node : List.of("a", "b"))
            awaitMetric(pair, node, "bascule_cluster_config_differs 1.0");
        events.await("config-differs", "node=a");
        events.await("config-differs", "node=b");
        pair.reload("b", HERE.replace("100", "101"));

        for (String node : List.of("a", "b"))
            awaitMetric(pair, node, "bascule_cluster_config_differs 0.0");
        events.await("config-equal", "node=a");
        events.await("config-equal", "node=b");
    }

    @Test
    void givenReloadJustBeforeTheClusterIsJoined_whenJoined_thenTheNodeIsOfWhatIsInForce()
            throws Exception {
        var answers = new ConcurrentLinkedQueue<AdminClient.Answer>();
        var early =
                new Handler() {
                    @Override
                    public void publish(LogRecord event) { // On the thread that is about to join.
                        if (!event.getMessage().startsWith("admin-socket-open")) return;
                        pair.write("a", KEPT.replace("100", "101"));
                        try {
                            var client = new AdminClient(pair.state("a").resolve("admin.sock"));
                            answers.add(client.ask("POST", "/reload", AdminClient.PATIENCE));
                        } catch (IOException failure) {
                            throw new UncheckedIOException(failure);
                        }
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        Logger root = Logger.getLogger("");
        root.addHandler(early);
        try {
            pair.start("a", KEPT);
        } finally {
            root.removeHandler(early);
        }

        assertThat(answers).extracting(AdminClient.Answer::status).containsExactly(200);
        String hash = pair.status("a").replaceAll("(?s).*?\"hash\": \"(\\w+)\".*", "$1");
        assertThat(events.await("reloaded")).contains("config=" + hash);
        pair.awaitStatus("a", status -> status.contains("\"configHash\""));
        assertThat(pair.status("a")).contains("\"configHash\": \"" + hash + "\"");
    }

    private static final String KEPT =
            """
            state = "STATE", admin.socket = "STATE/admin.sock"
            listeners.http { bind = "127.0.0.1:0", limits.connections = 100, backend = web }
            backends.web { servers = [{ name = one, address = "127.0.0.1:1" }, { name = two, address = "127.0.0.1:2" }] }
            """;

    private void order(String node, String verb, String server) throws IOException {
        var client = new AdminClient(pair.state(node).resolve("admin.sock"));
        AdminClient.Answer answer =
                client.ask(
                        "POST",
                        new ServerName("web", server).path() + "/" + verb,
                        Duration.ofSeconds(30));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }

    private void awaitAdmin(String node, String one, String two) {
        pair.awaitStatus(
                node,
                status ->
                        status.matches(
                                "(?s).*\"name\": \"one\".{0,99}\"admin\": \"%s\".*\"name\": \"two\".{0,99}\"admin\": \"%s\".*"
                                        .formatted(one, two)));
    }

    @Test
    void givenTwoNodes_whenOneIsToldToDrain_thenBothDo_andWhatANodeMissedItLearns_andBothKeepIt()
            throws Exception {
        pair.start("a", KEPT);
        pair.start("b", KEPT);
        pair.awaitOwner();
        order("a", "drain", "one");
        order("b", "disable", "two");
        for (String node : List.of("a", "b")) awaitAdmin(node, "drained", "disabled");
        events.await("server-draining", "server=one", "\"by a\"");

        pair.stop("b");
        order("a", "enable", "two"); // What b misses.
        pair.start("b", KEPT);
        awaitAdmin("b", "drained", "enabled");

        pair.stop("a");
        pair.start("a", KEPT);
        awaitAdmin("a", "drained", "enabled");
        pair.stop("b");
        pair.start("b", KEPT);
        for (String node : List.of("a", "b")) awaitAdmin(node, "drained", "enabled");

        pair.stop("a");
        pair.stop("b");
        pair.start("a", KEPT); // Alone: from its own file.
        awaitAdmin("a", "drained", "enabled");
    }

    @Test
    void givenTwoNodes_whenATlsClientGoesFromOneToTheOther_thenItsSessionIsResumed()
            throws Exception {
        Peers.require("openssl");
        var authority = TestAuthority.named("Test authority");
        Path certificates = Files.createDirectory(folder.resolve("certs"));
        authority.issue(OpenSsl.NAME).write(certificates, "default");
        var client =
                new OpenSsl(authority.file(folder.resolve("ca.crt")), folder.resolve("ticket"));
        String tls =
                """
                listeners.tls { bind = "127.0.0.1:0", limits.connections = 100, tls = certs/, routes = [{ respond = 200 }] }
                """;
        Daemon a = pair.start("a", tls);
        int portA = a.addresses("tls").getFirst().getPort();
        client.fetchTicket(portA, "-tls1_3"); // When a was alone.
        Daemon b = pair.start("b", tls);
        int portB = b.addresses("tls").getFirst().getPort();

        Awaitility.await("that b opens what a sealed")
                .atMost(Pair.PATIENCE)
                .untilAsserted(
                        () ->
                                assertThat(client.comeBack(portB, "-tls1_3"))
                                        .contains("\nReused, TLSv1."));
        client.fetchTicket(portB, "-tls1_2");
        assertThat(client.comeBack(portA, "-tls1_2")).contains("\nReused, TLSv1.");
    }

    @Test
    void givenTwoNodes_whenAClientIsKeptWithItsServer_thenBothKnowItsCookie() throws Exception {
        try (Site site =
                Site.ofHeads(
                        (_, wire) -> {
                            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                            return true;
                        })) {
            String sticky =
                    """
                    listeners.http { bind = "127.0.0.1:0", limits.connections = 100, backend = web }
                    backends.web { servers = ["%s"], sticky = keep }
                    """
                            .formatted(site.address());
            var cookies = new ArrayList<String>();
            for (String node : List.of("a", "b")) {
                Daemon daemon = pair.start(node, sticky);
                cookies.add(
                        Answer.get(daemon.addresses("http").getFirst(), "/").field("set-cookie"));
            }
            assertThat(cookies).doesNotContainNull();
            assertThat(cookies.getFirst()).isEqualTo(cookies.getLast());
        }
    }

    @Test
    void givenWitness_whenItRuns_thenItServesNobodyAndNeverOwnsAndTheOthersSeeIt()
            throws Exception {
        pair.close();
        pair = new Pair(Files.createDirectory(folder.resolve("three")), true);
        Daemon witness = pair.start("w", HERE);
        pair.awaitStatus(
                "w",
                status ->
                        status.contains("\"reason\": \"witness\"")
                                && status.contains("\"listeners\": []"));
        assertThat(Answer.get(witness.adminAddresses().getFirst(), "/ready").status())
                .isEqualTo(200);
        pair.start("a", HERE);

        pair.awaitStatus("w", status -> Pair.owner(status).equals("a")); // By its vote.
        pair.awaitStatus("a", status -> status.contains("\"name\": \"w\""));
    }
}
