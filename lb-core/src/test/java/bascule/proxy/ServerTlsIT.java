package bascule.proxy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.testing.Answer;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.TlsOrigin;
import bascule.testing.Told;
import bascule.testing.Wire;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// TLS towards servers, against the JDK's: who is believed, what an end of a connection means, what a reload changes.
final class ServerTlsIT {
    private static final String GET = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    @TempDir Path folder;

    private final TestAuthority authority = TestAuthority.named("Servers");

    @BeforeEach
    void writeAuthority() {
        authority.file(folder.resolve("ca.pem"));
    }

    /// @param name a DNS name or an IPv4 address
    private TlsOrigin origin(String name) throws IOException {
        return origin(of(authority, name).issue());
    }

    private static TestAuthority.Request of(TestAuthority authority, String name) {
        TestAuthority.Request request = authority.request(name);
        return Character.isDigit(name.charAt(0)) ? request.addresses(name) : request.names(name);
    }

    private TlsOrigin origin(Issued issued) throws IOException {
        return new TlsOrigin(issued, authority);
    }

    /// A backend with these keys and a CA.
    private String configuration(String servers, String tls, String more) {
        return """
        loops = 1
        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 9 }
        backends.web { servers = [%s], tls { ca = "%s", %s }, %s }
        """
                .formatted(servers, folder.resolve("ca.pem"), tls, more);
    }

    private RunningDaemon daemon(String server, String tls) {
        return RunningDaemon.start(configuration('"' + server + '"', tls, ""));
    }

    private static CompletableFuture<Answer> ask(RunningDaemon daemon) {
        return ask(daemon, GET);
    }

    private static CompletableFuture<Answer> ask(RunningDaemon daemon, String request) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try (Wire client = Wire.connect(daemon.address("web"))) {
                        client.send(request);
                        return Answer.read(client, false);
                    } catch (IOException failure) {
                        throw new AssertionError(failure);
                    }
                });
    }

    private static Answer answer(CompletableFuture<Answer> asked) throws Exception {
        return asked.get(30, TimeUnit.SECONDS);
    }

    /// The handshake fails, so that no byte of a request comes.
    private static void expectRefusal(TlsOrigin origin) throws IOException {
        TlsOrigin.Conversation server = origin.accept();
        try (server) {
            assertThatThrownBy(server::receiveHead)
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(SocketTimeoutException.class);
        } catch (IOException closed) {
            // No close_notify can be sent over what never stood.
        }
    }

    @Test
    void givenServerWithCertificateOfItsAddress_whenAsked_thenServedOverOneConnection()
            throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "")) {
            CompletableFuture<Answer> first = ask(daemon);
            try (TlsOrigin.Conversation server = origin.accept()) {
                assertThat(server.receiveHead()).startsWith("GET /x HTTP/1.1\r\n");
                assertThat(server.sni()).isEmpty(); // An address is none (RFC 6066 §3).
                server.send(OK);
                assertThat(answer(first).body(US_ASCII)).isEqualTo("ok");
                daemon.awaitMetric(1, "bascule_server_pool_idle");
                CompletableFuture<Answer> second = ask(daemon);
                server.receiveHead();
                server.send(OK);
                assertThat(answer(second).status()).isEqualTo(200);
            }
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenServerKnownByItsName_whenAsked_thenThatIsCheckedWhateverItsAddress()
            throws Exception {
        try (TlsOrigin origin = origin("localhost");
                RunningDaemon daemon = daemon("localhost:" + origin.port(), "")) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                server.send(OK);
                assertThat(answer(asked).status()).isEqualTo(200);
            }
        }
    }

    @Test
    void givenName_whenAsked_thenTheServerIsAskedForItAndMustBearIt() throws Exception {
        try (TlsOrigin origin = origin("app.example.com");
                RunningDaemon daemon = daemon(origin.address(), "name = app.example.com")) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                assertThat(server.sni()).isEqualTo("app.example.com");
                server.send(OK);
                assertThat(answer(asked).status()).isEqualTo(200);
            }
        }
    }

    /// What is wrong with the certificate of a server, and a word of what operators are told.
    @ParameterizedTest
    @CsvSource({
        "other-name, name=app.example.com reason=\"no subject alternative DNS name matching app.example.com found",
        "other-address, no subject alternative names matching IP address 127.0.0.1 found",
        "expired, certificate has expired",
        "not-yet, certificate is not valid yet",
        "other-authority, certificate leads to no CA that is trusted",
    })
    void givenServerThatCannotBeBelieved_whenAsked_thenItNeverSeesTheRequestAndOperatorsLearnWhy(
            String fault, String why) throws Exception {
        Instant now = Instant.now();
        Duration minute = Duration.ofMinutes(1);
        TestAuthority.Request right = of(authority, "127.0.0.1");
        TestAuthority.Request request =
                switch (fault) {
                    case "other-name" -> of(authority, "other.example.com");
                    case "other-address" -> of(authority, "127.0.0.2");
                    case "expired" ->
                            right.valid(now.minus(minute.multipliedBy(60)), now.minus(minute));
                    case "not-yet" ->
                            right.valid(now.plus(minute), now.plus(minute.multipliedBy(60)));
                    default -> of(TestAuthority.named("Servers"), "127.0.0.1");
                };
        String tls = fault.equals("other-name") ? "name = app.example.com" : "";
        try (Told told = new Told();
                TlsOrigin origin = origin(request.issue());
                RunningDaemon daemon = daemon(origin.address(), tls)) {
            CompletableFuture<Answer> asked = ask(daemon);
            expectRefusal(origin);
            assertThat(answer(asked).status()).isEqualTo(502);
            String event = told.await("server-tls-failed", "web", origin.address());
            assertThat(event).contains(why);
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenServerThatCannotBeBelieved_whenPosted_thenAnotherServesIt() throws Exception {
        try (TlsOrigin bad = origin("bad.example.com");
                TlsOrigin good = origin("127.0.0.1");
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration(
                                        "{ address = \"%s\", weight = 256 }, \"%s\""
                                                .formatted(bad.address(), good.address()),
                                        "",
                                        ""))) {
            CompletableFuture<Answer> asked =
                    ask(daemon, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
            expectRefusal(bad);
            try (TlsOrigin.Conversation server = good.accept()) {
                server.receiveHead();
                server.send(OK);
                assertThat(answer(asked).status()).isEqualTo(200);
            }
            daemon.awaitMetric(1, "bascule_retries_total", "reason=\"tls\"");
        }
    }

    @Test
    void givenVerifyOff_whenTheCertificateIsAnybodys_thenServed() throws Exception {
        Issued anybodys = TestAuthority.named("Other").issue("x.y");
        try (TlsOrigin origin = origin(anybodys);
                RunningDaemon daemon =
                        RunningDaemon.start(
                                """
                                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 9 }
                                backends.web { servers = ["%s"], tls { verify = off } }
                                """
                                        .formatted(origin.address()))) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                server.send(OK);
                assertThat(answer(asked).status()).isEqualTo(200);
            }
        }
    }

    @Test
    void givenSystemStore_whenTheAuthorityIsNotInIt_thenRefused() throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon =
                        RunningDaemon.start(
                                """
                                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 9 }
                                backends.web { servers = ["%s"], tls = on }
                                """
                                        .formatted(origin.address()))) {
            CompletableFuture<Answer> asked = ask(daemon);
            expectRefusal(origin);
            assertThat(answer(asked).status()).isEqualTo(502);
        }
    }

    @Test
    void givenServerThatAsksForACertificate_whenWeHaveOne_thenItKnowsUs() throws Exception {
        authority.issueClient("edge1").writeApart(folder, "own");
        String tls = "certificate = \"%1$s/own.pem\", key = \"%1$s/own.key\"".formatted(folder);
        try (TlsOrigin origin = origin("127.0.0.1").askingClients();
                RunningDaemon daemon = daemon(origin.address(), tls)) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                assertThat(server.client()).isEqualTo("CN=edge1");
                server.send(OK);
                assertThat(answer(asked).status()).isEqualTo(200);
            }
        }
    }

    @Test
    void givenServerThatAsksForACertificate_whenWeHaveNone_thenRefusedAndOperatorsLearnWhy()
            throws Exception {
        try (Told told = new Told();
                TlsOrigin origin = origin("127.0.0.1").askingClients();
                RunningDaemon daemon = daemon(origin.address(), "")) {
            CompletableFuture<Answer> asked = ask(daemon);
            expectRefusal(origin);
            assertThat(answer(asked).status()).isEqualTo(502);
            told.await("server-tls-failed", origin.address(), "alert certificate required");
        }
    }

    @Test
    void givenServerWithoutTls_whenAsked_thenNothingIsSaidInTheClear() throws Exception {
        try (Told told = new Told();
                Origin silent = new Origin();
                RunningDaemon daemon = daemon(silent.address(), "")) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (Wire wire = silent.accept()) {
                assertThat(wire.receive(3)).isEqualTo("\u0016\u0003\u0001"); // A ClientHello.
                wire.send("HTTP/1.1 400 Bad Request\r\n\r\n");
                wire.sendEnd();
                assertThat(answer(asked).status()).isEqualTo(502);
            }
            told.await("server-tls-failed", silent.address());
        }
    }

    @Test
    void givenServerThatLeavesTheHandshake_whenItsTimeIsOver_thenTheConnectDeadlineCounts()
            throws Exception {
        try (Origin silent = new Origin();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration(
                                        '"' + silent.address() + '"',
                                        "",
                                        "timeouts.connect = 300ms, retry = off"))) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (Wire wire = silent.accept()) {
                assertThat(answer(asked).status()).isEqualTo(504);
                assertThat(wire.skipToEnd()).isEqualTo(Wire.End.RESET);
            }
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenBodyThatEndsWithItsConnection_whenCloseNotifyComes_thenWhole() throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "");
                Wire client = Wire.connect(daemon.address("web"))) {
            client.send(GET);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 200 OK\r\n\r\nall of it");
            }
            client.receiveHead();
            assertThat(client.receiveRest()).isEqualTo("all of it");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cut", "garbage"})
    void givenBodyThatEndsWithItsConnection_whenAnybodyCutsIt_thenTheClientSeesThatItIsNotWhole(
            String how) throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "");
                Wire client = Wire.connect(daemon.address("web"))) {
            client.send(GET);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 200 OK\r\n\r\npart of it");
                client.receiveHead();
                assertThat(client.receive("part of it".length())).isEqualTo("part of it");
                if (how.equals("cut")) server.cut();
                else server.sendPlain("\u0017\u0003\u0003\u0000 ".repeat(20));
                assertThatThrownBy(client::receiveRest).isInstanceOf(SocketException.class);
            } catch (IOException gone) {
                // By our reset.
            }
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenClientThatLeaves_whenTheRequestIsUnderWay_thenTheServerIsNotToldThatItIsWhole()
            throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "")) {
            TlsOrigin.Conversation server;
            try (Wire client = Wire.connect(daemon.address("web"))) {
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
                server = origin.accept();
                server.receiveHead();
                for (char each : "abc".toCharArray()) assertThat(server.receive()).isEqualTo(each);
                client.reset();
            }
            assertThatThrownBy(server::receive).isInstanceOf(IOException.class);
            try (server) {
                assertThatThrownBy(server::receive).isInstanceOf(IOException.class);
            } catch (IOException gone) {
                // By our reset.
            }
        }
    }

    @Test
    void givenTunnel_whenEitherSideEndsIt_thenTheOtherSeesIt() throws Exception {
        String upgrade =
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
        String switching = "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "")) {
            try (Wire client = Wire.connect(daemon.address("web"))) {
                client.send(upgrade);
                try (TlsOrigin.Conversation server = origin.accept()) {
                    server.receiveHead();
                    server.send(switching);
                    client.receiveHead();
                    server.send("to client");
                    assertThat(client.receive(9)).isEqualTo("to client");
                    client.send("to server");
                    for (char each : "to server".toCharArray())
                        assertThat(server.receive()).isEqualTo(each);
                    client.sendEnd();
                    assertThat(server.receive()).isEqualTo(-1); // close_notify, not just FIN.
                    server.send("last words");
                }
                assertThat(client.receiveRest()).isEqualTo("last words");
            }
            try (Wire client = Wire.connect(daemon.address("web"))) {
                client.send(upgrade);
                try (TlsOrigin.Conversation server = origin.accept()) {
                    server.receiveHead();
                    server.send(switching);
                    client.receiveHead();
                    server.send("last words");
                }
                assertThat(client.receiveRest()).isEqualTo("last words");
            }
            try (Wire client = Wire.connect(daemon.address("web"))) {
                client.send(upgrade);
                try (TlsOrigin.Conversation server = origin.accept()) {
                    server.receiveHead();
                    server.send(switching);
                    client.receiveHead();
                    server.cut();
                    assertThat(client.skipToEnd()).isEqualTo(Wire.End.RESET);
                }
            }
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenAuthorityReplacedInItsFile_whenReloaded_thenNoConnectionOfTheOldOneIsUsed()
            throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "")) {
            CompletableFuture<Answer> asked = ask(daemon);
            TlsOrigin.Conversation server = origin.accept();
            server.receiveHead();
            server.send(OK);
            assertThat(answer(asked).status()).isEqualTo(200);
            daemon.awaitMetric(1, "bascule_server_pool_idle");
            String same = configuration('"' + origin.address() + '"', "", "");
            assertThat(daemon.reload(same)).isEmpty();
            assertThat(daemon.metric("bascule_server_pool_idle")).isEqualTo(1);

            TestAuthority.named("Another").file(folder.resolve("ca.pem"));
            assertThat(daemon.reload(same)).containsExactly("backends.web: changed");

            assertThat(server.receive()).isEqualTo(-1);
            server.close();
            CompletableFuture<Answer> again = ask(daemon);
            expectRefusal(origin);
            assertThat(answer(again).status()).isEqualTo(502);
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenExchangeUnderWay_whenTheLinkIsReplaced_thenItEndsWhereItBegan() throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "")) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                daemon.reload(configuration('"' + origin.address() + '"', "name = x.example", ""));
                server.send(OK);
                assertThat(answer(asked).status()).isEqualTo(200);
                assertThat(server.receive()).isEqualTo(-1);
            }
            daemon.awaitNothingOpen();
        }
    }

    @Test
    void givenCheck_whenTheServerCannotBeBelieved_thenItIsDownAndTheReasonTellsWhy()
            throws Exception {
        try (Told told = new Told();
                TlsOrigin good = origin("127.0.0.1");
                TlsOrigin bad = origin("bad.example.com");
                Origin silent = new Origin()) {
            for (TlsOrigin origin : new TlsOrigin[] {good, bad})
                Thread.startVirtualThread(() -> serveChecks(origin));
            String servers =
                    "\"%s\", \"%s\", \"%s\""
                            .formatted(good.address(), bad.address(), silent.address());
            try (RunningDaemon daemon =
                    RunningDaemon.start(
                            configuration(
                                    servers, "", "check { http = /, every = 500ms, fall = 1 }"))) {
                daemon.awaitMetric(1, "bascule_server_up", good.address());
                told.await("server-down", bad.address(), "no TLS: ", "name");
                told.await("server-down", silent.address(), "no TLS within 500 ms");
                assertThat(daemon.metric("bascule_server_up", bad.address())).isZero();
            }
        }
    }

    private static void serveChecks(TlsOrigin origin) {
        while (true) {
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                server.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            } catch (SocketException ended) {
                return;
            } catch (IOException refused) {
                // As expected of the bad one.
            }
        }
    }

    @Test
    void givenBytesBehindAResponse_whenTheyCame_thenTheConnectionIsNotUsedAgain() throws Exception {
        try (TlsOrigin origin = origin("127.0.0.1");
                RunningDaemon daemon = daemon(origin.address(), "")) {
            CompletableFuture<Answer> asked = ask(daemon);
            try (TlsOrigin.Conversation server = origin.accept()) {
                server.receiveHead();
                server.send(OK);
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
                assertThat(answer(asked).body(ISO_8859_1)).isEqualTo("ok");
                assertThat(server.receive()).isEqualTo(-1);
            }
            daemon.awaitNothingOpen();
        }
    }
}
