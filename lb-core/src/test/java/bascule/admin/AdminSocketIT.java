package bascule.admin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import bascule.admin.Commands.Failed;
import bascule.admin.Commands.HandedOver;
import bascule.admin.Commands.Move;
import bascule.admin.Commands.NoSuchFloatingIp;
import bascule.admin.Commands.Refused;
import bascule.admin.Commands.Reloaded;
import bascule.admin.Commands.Reopened;
import bascule.admin.Commands.Step;
import bascule.admin.Commands.Stopping;
import bascule.observe.Metrics;
import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import bascule.testing.Peers;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The admin socket as its clients see it, before a daemon that does as the test says.
@Timeout(60)
final class AdminSocketIT {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final AdminServer.Limits LIMITS = new AdminServer.Limits(64, LONG);
    private static final InetSocketAddress LOOPBACK =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @TempDir Path folder = Path.of("");
    private Path socket = Path.of("");
    private final FakeCommands commands = new FakeCommands();
    private final Metrics metrics = Metrics.create("test", 1);
    private final List<AutoCloseable> opened = new ArrayList<>();

    @BeforeEach
    void socket() {
        socket = folder.resolve("admin.sock");
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) each.close();
        metrics.close();
    }

    private AdminServer start() throws IOException {
        return start(LIMITS, LONG);
    }

    private AdminServer start(AdminServer.Limits limits, Duration commandPatience)
            throws IOException {
        var pages = new Pages(metrics, Samples::full, () -> true);
        AdminServer server = keep(AdminServer.start(List.of(LOOPBACK), List.of(), pages, limits));
        server.openSocket(socket, commands, commandPatience);
        return server;
    }

    private <T extends AutoCloseable> T keep(T each) {
        opened.add(each);
        return each;
    }

    private Wire connect() throws IOException {
        return keep(Wire.connect(socket));
    }

    private Answer ask(String method, String path) throws IOException {
        return ask(connect(), method, path);
    }

    private static Answer ask(Wire wire, String method, String path) throws IOException {
        wire.send(request(method, path));
        return Answer.read(wire, method.equals("HEAD"));
    }

    private static String request(String method, String path) {
        String length = method.equals("POST") ? "Content-Length: 0\r\n" : "";
        return method + " " + path + " HTTP/1.1\r\nHost: bascule\r\n" + length + "\r\n";
    }

    @Test
    void givenStatus_whenAsked_thenTheSameAsOnThePort() throws IOException {
        AdminServer server = start();

        Answer answer = ask("GET", "/status");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body(UTF_8))
                .isEqualTo(new String(StatusJson.write(Samples.full()), UTF_8))
                .isEqualTo(Answer.get(server.addresses().getFirst(), "/status").body(UTF_8));
    }

    @Test
    void givenPages_whenAsked_thenThere() throws IOException {
        start();
        commands.configuration = "listeners { http { bind = \":80\" } }\n";

        Answer configuration = ask("GET", "/config");
        assertThat(configuration.status()).isEqualTo(200);
        assertThat(configuration.field("content-type")).isEqualTo("text/plain; charset=utf-8");
        assertThat(configuration.body(UTF_8)).isEqualTo(commands.configuration);
        assertThat(ask("GET", "/metrics").body(UTF_8)).contains("\nbascule_build_info{");
        assertThat(ask("GET", "/live").status()).isEqualTo(200);
        Answer head = ask("HEAD", "/config");
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.field("content-length"))
                .isEqualTo(String.valueOf(commands.configuration.length()));
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /reload, 405",
        "GET, /reload, 404",
        "POST, /servers/web/a/drain, 405",
        "GET, /servers/web/a, 404",
        "GET, /config, 404",
        "POST, /logs/reopen, 405",
    })
    void givenThePort_whenCommanded_thenNothingOfTheKindIsThere(
            String method, String path, int status) throws IOException {
        InetSocketAddress port = start().addresses().getFirst();
        Wire wire = keep(Wire.connect(port));

        assertThat(ask(wire, method, path).status()).isEqualTo(status);
        assertThat(commands.asked).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /reload, 405, POST, POST only",
        "PUT, /reload, 405, POST, POST only",
        "GET, /servers/web/a/drain, 405, POST, POST only",
        "POST, /servers/web/a, 405, 'GET, HEAD', GET and HEAD only",
        "POST, /status, 405, 'GET, HEAD', GET and HEAD only",
        "POST, /nowhere, 405, 'GET, HEAD', GET and HEAD only",
        "GET, /nowhere, 404, , not found",
        "GET, /servers/web, 404, , not found",
        "GET, /servers//a, 404, , not found",
        "GET, /servers/web/, 404, , not found",
        "GET, /servers/web/%zz, 400, , a name is unreadable (expected: percent-encoded UTF-8)",
        "GET, /servers/web/%a, 400, , a name is unreadable (expected: percent-encoded UTF-8)",
        "GET, /servers/web/%ff, 400, , a name is unreadable (expected: percent-encoded UTF-8)",
        "GET, /servers/web/é, 400, , a name is unreadable (expected: percent-encoded UTF-8)",
    })
    void givenWhatIsNot_whenAsked_thenAnErrorInJsonAndTheConnectionStays(
            String method, String path, int status, String allow, String error) throws IOException {
        start();
        Wire wire = connect();
        for (int i = 0; i < 2; i++) {
            Answer answer = ask(wire, method, path);

            assertThat(answer.status()).isEqualTo(status);
            assertThat(answer.field("content-type")).isEqualTo("application/json");
            assertThat(answer.field("allow")).isEqualTo(allow);
            assertThat(answer.body()).isEqualTo("{\n  \"error\": \"" + error + "\"\n}\n");
        }
        assertThat(commands.asked).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "drain, DRAIN, drained, draining",
        "disable, DISABLE, disabled, disabled",
        "enable, ENABLE, enabled, up",
    })
    void givenServer_whenChanged_thenHowItIsNow(
            String word, String verb, String admin, String state) throws IOException {
        start();
        commands.exchanges = 3;

        Answer changed = ask("POST", "/servers/web/a/" + word);

        assertThat(changed.status()).isEqualTo(200);
        assertThat(changed.body())
                .isEqualTo(
                        """
                        {
                          "backend": "web",
                          "server": "a",
                          "admin": "%s",
                          "state": "%s",
                          "exchanges": 3,
                          "kept": true,
                          "notKept": null
                        }
                        """
                                .formatted(admin, state));
        assertThat(ask("GET", "/servers/web/a").body()).isEqualTo(changed.body());
        assertThat(commands.asked).containsExactly(verb + " web a", "server web a");
    }

    @ParameterizedTest
    @CsvSource({
        "/servers/web/10.0.1.12:80/drain, web 10.0.1.12:80",
        "/servers/web/10.0.1.12%3A80/drain, web 10.0.1.12:80",
        "/servers/web/10.0.1.12%3a80/drain?why=upgrade, web 10.0.1.12:80",
        "/servers/api/www.example/10.0.2.1:80/drain, api www.example/10.0.2.1:80",
        "/servers/api/www.example%2F10.0.2.1%3A80/drain, api www.example/10.0.2.1:80",
        "/servers/web/drain/drain, web drain",
        "/servers/web/caf%C3%A9/drain, web café",
        "/servers/web/a+b/drain, web a+b",
    })
    void givenNameInAPath_whenChanged_thenThatServerIsMeant(String path, String meant)
            throws IOException {
        start();

        ask("POST", path);

        assertThat(commands.asked).containsExactly("DRAIN " + meant);
    }

    @ParameterizedTest
    @CsvSource({
        "/servers/wbe/a/drain, 'no backend wbe, did you mean web? (expected: web, api)'",
        "/servers/api/b/drain, 'backend api has no server b (expected: www.example/10.0.2.1:80)'",
        "/servers/web/10.0.1.13:80/drain, 'backend web has no server 10.0.1.13:80 (expected: 10.0.1.12:80, a)'",
    })
    void givenUnknownName_whenChanged_then404WithThoseNear(String path, String error)
            throws IOException {
        start();

        Answer answer = ask("POST", path);

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.body()).isEqualTo("{\n  \"error\": \"" + error + "\"\n}\n");
    }

    @Test
    void givenReload_whenDone_thenWhatChanged() throws IOException {
        start();
        commands.reload =
                CompletableFuture.completedFuture(
                        new Reloaded("feed", List.of("backends.web: server b added")));

        Answer answer = ask("POST", "/reload");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo(
                        """
                        {
                          "hash": "feed",
                          "changes": [
                            "backends.web: server b added"
                          ]
                        }
                        """);
    }

    @Test
    void givenReload_whenRefused_then422WithTheLines() throws IOException {
        start();
        String line = "/etc/bascule/bascule.conf:3: backends.web: \"quoted\": is wrong";
        commands.reload = CompletableFuture.completedFuture(new Refused(List.of(line, "second")));

        Answer answer = ask("POST", "/reload");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.body())
                .isEqualTo(
                        """
                        {
                          "error": "the configuration is refused",
                          "problems": [
                            "/etc/bascule/bascule.conf:3: backends.web: \\"quoted\\": is wrong",
                            "second"
                          ]
                        }
                        """);
    }

    @Test
    void givenReload_whenItCannotBe_thenTheCause() throws IOException {
        start();
        commands.reload = CompletableFuture.completedFuture(new Failed("address in use"));
        Answer failed = ask("POST", "/reload");
        commands.reload = CompletableFuture.completedFuture(new Stopping());
        Answer stopping = ask("POST", "/reload");

        assertThat(failed.status()).isEqualTo(409);
        assertThat(failed.body()).contains("\"error\": \"address in use\"");
        assertThat(stopping.status()).isEqualTo(503);
        assertThat(stopping.body()).contains("\"error\": \"the daemon is stopping\"");
    }

    @Test
    void givenCommandThatFails_whenAsked_then500AndTheServerGoesOn() throws IOException {
        start();
        commands.reload = CompletableFuture.failedFuture(new IllegalStateException("planted"));
        Wire wire = connect();

        assertThat(ask(wire, "POST", "/reload").status()).isEqualTo(500);
        assertThat(ask(wire, "GET", "/live").status()).isEqualTo(200);
    }

    @Test
    void givenLogs_whenReopened_thenTheirNames() throws IOException {
        start();
        commands.logs = CompletableFuture.completedFuture(new Reopened(List.of("/var/log/a.log")));
        Answer answer = ask("POST", "/logs/reopen");
        commands.logs = CompletableFuture.completedFuture(new Failed("/var/log/a.log: read-only"));
        Answer failed = ask("POST", "/logs/reopen");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo("{\n  \"files\": [\n    \"/var/log/a.log\"\n  ]\n}\n");
        assertThat(failed.status()).isEqualTo(500);
        assertThat(failed.body()).contains("read-only");
    }

    @Test
    void givenCommandThatTakesLong_whenOthersAsk_thenTheyAreAnsweredMeanwhile() throws Exception {
        start();
        var result = new CompletableFuture<Commands.ReloadResult>();
        commands.reload = result;
        Wire first = connect();
        first.send(request("POST", "/reload"));
        await().until(() -> commands.asked.contains("reload"));

        assertThat(ask("GET", "/status").status()).isEqualTo(200);
        assertThat(ask("POST", "/servers/web/a/drain").status()).isEqualTo(200);
        assertThat(first.poll()).isEmpty();
        result.complete(new Reloaded("feed", List.of()));
        assertThat(Answer.read(first, false).status()).isEqualTo(200);
    }

    @Test
    void givenHandOver_whenAsked_thenItsStepsAndWhoOwnsItNow() throws Exception {
        start();
        commands.handOver =
                CompletableFuture.completedFuture(
                        new HandedOver(
                                List.of(
                                        new Move(
                                                "public",
                                                "edge1",
                                                "edge2",
                                                List.of(new Step("taken", 1.5)),
                                                null))));

        Answer answer = ask("POST", "/floating-ips/pub%6cic/handover");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo(
                        """
                        {
                          "moves": [
                            {
                              "floatingIp": "public",
                              "from": "edge1",
                              "to": "edge2",
                              "steps": [
                                {
                                  "name": "taken",
                                  "millis": 1.5
                                }
                              ],
                              "failure": null
                            }
                          ]
                        }
                        """);
        assertThat(ask("POST", "/handover").status()).isEqualTo(200);
        assertThat(commands.asked).containsExactly("handOver public", "handOver null");
    }

    @Test
    void givenHandOverThatFails_whenAsked_thenEachReasonIsInTheError() throws Exception {
        start();
        commands.handOver =
                CompletableFuture.completedFuture(
                        new HandedOver(
                                List.of(
                                        new Move("a", "edge1", "edge1", List.of(), "nobody is fit"),
                                        new Move("b", "edge1", "edge2", List.of(), null),
                                        new Move("c", null, null, List.of(), "nobody owns it"))));
        Answer some = ask("POST", "/handover");
        assertThat(some.status()).isEqualTo(409);
        assertThat(some.body()).contains("\"error\": \"a: nobody is fit; c: nobody owns it\"");

        commands.handOver =
                CompletableFuture.completedFuture(new NoSuchFloatingIp(List.of("public")));
        Answer unknown = ask("POST", "/floating-ips/pulbic/handover");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.body())
                .contains("no floating IP pulbic, did you mean public? (expected: public)");

        commands.handOver = CompletableFuture.completedFuture(new Failed("no cluster"));
        assertThat(ask("POST", "/handover").body()).contains("\"error\": \"no cluster\"");
        commands.handOver = CompletableFuture.completedFuture(new Stopping());
        assertThat(ask("POST", "/handover").status()).isEqualTo(503);
    }

    @ParameterizedTest
    @CsvSource({
        "GET,  /handover,                    405",
        "GET,  /floating-ips/public/handover, 405",
        "POST, /floating-ips/public,         405",
        "POST, /floating-ips//handover,      405",
        "GET,  /floating-ips/%ff/handover,   400",
    })
    void givenHandOverInAnotherForm_whenAsked_thenRefused(String method, String path, int status)
            throws Exception {
        start();
        assertThat(ask(method, path).status()).isEqualTo(status);
        assertThat(commands.asked).isEmpty();
    }

    /// One that blocks its thread, against its contract: pages are answered all the same.
    @Test
    void givenCommandThatBlocks_whenPagesAreAsked_thenTheyAreAnswered() throws Exception {
        var blocked = new CountDownLatch(1);
        var server =
                keep(
                        AdminServer.start(
                                List.of(),
                                List.of(),
                                new Pages(metrics, Samples::full, () -> true),
                                LIMITS));
        server.openSocket(
                socket,
                new Commands() {
                    @Override
                    public String configuration() {
                        try {
                            blocked.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        return "late";
                    }

                    @Override
                    public CompletableFuture<ReloadResult> reload() {
                        return commands.reload();
                    }

                    @Override
                    public CompletableFuture<ServerResult> server(String backend, String name) {
                        return commands.server(backend, name);
                    }

                    @Override
                    public CompletableFuture<ServerResult> change(
                            Verb verb, String backend, String name) {
                        return commands.change(verb, backend, name);
                    }

                    @Override
                    public CompletableFuture<LogsResult> reopenLogs() {
                        return commands.reopenLogs();
                    }

                    @Override
                    public CompletableFuture<HandOverResult> handOver(String floatingIp) {
                        return commands.handOver(floatingIp);
                    }
                },
                Duration.ofMillis(300));
        Wire first = connect();
        first.send(request("GET", "/config"));

        assertThat(ask("GET", "/status").status()).isEqualTo(200);
        Answer late = Answer.read(first, false);
        blocked.countDown();
        assertThat(late.status()).isEqualTo(504);
    }

    @Test
    void givenCommandWithoutResult_whenPatienceEnds_then504AndTheConnectionStays()
            throws IOException {
        start(LIMITS, Duration.ofMillis(200));
        commands.reload = new CompletableFuture<>();
        Wire wire = connect();

        Answer answer = ask(wire, "POST", "/reload");

        assertThat(answer.status()).isEqualTo(504);
        assertThat(answer.body()).contains("and it may still come");
        assertThat(ask(wire, "GET", "/live").status()).isEqualTo(200);
    }

    /// The time of a command is not the patience with its client.
    @Test
    void givenCommandLongerThanPatience_whenItEnds_thenAnswered() throws Exception {
        start(new AdminServer.Limits(64, Duration.ofMillis(300)), LONG);
        var result = new CompletableFuture<Commands.ReloadResult>();
        commands.reload = result;
        Wire wire = connect();
        wire.send(request("POST", "/reload"));
        await().until(() -> commands.asked.contains("reload"));

        Thread.sleep(900);
        result.complete(new Reloaded("feed", List.of()));

        assertThat(Answer.read(wire, false).status()).isEqualTo(200);
    }

    @Test
    void givenRequestsBehindACommand_whenItEnds_thenAllAreAnsweredInOrder() throws Exception {
        start();
        var result = new CompletableFuture<Commands.ReloadResult>();
        commands.reload = result;
        Wire wire = connect();
        wire.send(
                request("POST", "/reload")
                        + request("GET", "/nowhere")
                        + request("GET", "/config")
                        + request("POST", "/servers/web/a/drain")
                        + request("GET", "/live"));
        await().until(() -> commands.asked.contains("reload"));
        Thread.sleep(200);
        assertThat(wire.poll()).isEmpty();

        result.complete(new Reloaded("feed", List.of()));

        assertThat(Answer.read(wire, false).body()).contains("feed");
        assertThat(Answer.read(wire, false).status()).isEqualTo(404);
        assertThat(Answer.read(wire, false).body()).isEqualTo(commands.configuration);
        assertThat(Answer.read(wire, false).body()).contains("draining");
        assertThat(Answer.read(wire, false).body()).isEqualTo("live\n");
    }

    @Test
    void givenTooManyRequestsBehindACommand_whenSent_thenCut() throws Exception {
        start();
        commands.reload = new CompletableFuture<>();
        Wire wire = connect();
        wire.send(request("POST", "/reload") + request("GET", "/live").repeat(17));

        wire.skipToEnd(); // And nothing leaks.
    }

    @Test
    void givenClientThatIsGone_whenItsCommandEnds_thenTheServerGoesOn() throws Exception {
        start();
        var result = new CompletableFuture<Commands.ReloadResult>();
        commands.reload = result;
        try (Wire wire = Wire.connect(socket)) {
            wire.send(request("POST", "/reload") + request("GET", "/live"));
            await().until(() -> commands.asked.contains("reload"));
        }
        Thread.sleep(100);
        result.complete(new Reloaded("feed", List.of()));

        assertThat(ask("GET", "/live").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense\r\n\r\n",
                "POST /reload\r\n\r\n",
                "POST /reload HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                "\u0016\u0003\u0001\r\n\r\n"
            })
    void givenNonsense_whenSent_then400AndClosed(String bytes) throws IOException {
        start();
        Wire wire = connect();
        wire.send(bytes);

        Answer answer = Answer.read(wire, false);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.field("content-type")).isEqualTo("application/json");
        wire.skipToEnd();
        assertThat(commands.asked).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "'GET /', 3000, 414",
        "'GET / HTTP/1.1\r\nX: ', 9000, 431",
        "'POST /reload HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n', 2000, 413",
        "'POST /reload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n', 10, 413",
    })
    void givenTooMuch_whenSent_thenRefusedAndNothingIsDone(String start, int length, int status)
            throws IOException {
        start();
        Wire wire = connect();
        wire.send(start + "a".repeat(length) + " HTTP/1.1\r\n\r\n");

        assertThat(Answer.read(wire, false).status()).isEqualTo(status);
        assertThat(commands.asked).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "POST /reload HTTP/1.1\r\nHo",
                "POST /reload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc"
            })
    void givenHalfARequest_whenPatienceEnds_thenClosedAndNothingIsDone(String bytes)
            throws IOException {
        start(new AdminServer.Limits(64, Duration.ofMillis(300)), LONG);
        Wire wire = connect();
        wire.send(bytes);

        wire.awaitEnd();
        assertThat(commands.asked).isEmpty();
    }

    @Test
    void givenAllPlacesTaken_whenAnotherComes_thenItIsClosedAndThePortIsOpen() throws Exception {
        AdminServer server = start(new AdminServer.Limits(2, LONG), LONG);
        Wire first = connect();
        ask(first, "GET", "/live");
        ask("GET", "/live");

        connect().awaitEnd();

        assertThat(Answer.get(server.addresses().getFirst(), "/live").status()).isEqualTo(200);
        first.close();
        await().ignoreException(IOException.class)
                .until(
                        () -> {
                            try (Wire wire = Wire.connect(socket)) {
                                return ask(wire, "GET", "/live").status() == 200;
                            }
                        });
    }

    @Test
    void givenThePortFull_whenTheSocketIsAsked_thenAnswered() throws IOException {
        AdminServer server = start(new AdminServer.Limits(1, LONG), LONG);
        Wire wire = keep(Wire.connect(server.addresses().getFirst()));
        ask(wire, "GET", "/live");

        assertThat(ask("GET", "/live").status()).isEqualTo(200);
    }

    /// Again and again, since a loop may end in more than one way.
    @RepeatedTest(5)
    void givenOpen_whenClosed_thenTheNameIsGoneAndItsConnectionsToo() throws IOException {
        var pages = new Pages(metrics, Samples::full, () -> true);
        Wire onSocket;
        Wire onPort;
        try (var server = AdminServer.start(List.of(LOOPBACK), List.of(), pages, LIMITS)) {
            server.openSocket(socket, commands);
            onSocket = connect();
            onPort = keep(Wire.connect(server.addresses().getFirst()));
            ask(onSocket, "GET", "/live");
            ask(onPort, "GET", "/live");
        }

        assertThat(socket).doesNotExist();
        onSocket.awaitEnd();
        onPort.awaitEnd();
        assertThatThrownBy(() -> Wire.connect(socket)).isInstanceOf(IOException.class);
    }

    @Test
    void givenSocketOfAnotherDaemon_whenOpened_thenRefusedAndThePortGoesOn() throws IOException {
        start();
        var pages = new Pages(metrics, Samples::full, () -> true);
        try (var second = AdminServer.start(List.of(LOOPBACK), List.of(), pages, LIMITS)) {
            assertThatThrownBy(() -> second.openSocket(socket, commands))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("another daemon listens there");

            assertThat(Answer.get(second.addresses().getFirst(), "/live").status()).isEqualTo(200);
        }
        assertThat(ask("GET", "/live").status()).isEqualTo(200);
    }

    @Test
    void givenCommands_whenDone_thenToldWithWhoAsked() throws IOException {
        start();
        try (var told = new Told()) {
            ask("POST", "/servers/web/a/drain");
            ask("POST", "/servers/web/nobody/enable");
            ask("POST", "/reload");
            ask("POST", "/logs/reopen");
            ask("GET", "/config");
            ask("GET", "/servers/web/a");

            String user = System.getProperty("user.name");
            assertThat(told.lines)
                    .containsExactly(
                            "command verb=drain server=web/a user=" + user + " answer=200",
                            "command verb=enable server=web/nobody user=" + user + " answer=404",
                            "command verb=reload user=" + user + " answer=200",
                            "command verb=reopen-logs user=" + user + " answer=200");
        }
    }

    /// Events, as long as it is open.
    private static final class Told extends Handler implements AutoCloseable {
        private static final Logger EVENTS = Logger.getLogger("bascule");
        final Queue<String> lines = new ConcurrentLinkedQueue<>();
        private final Level before = EVENTS.getLevel();

        Told() {
            EVENTS.setLevel(Level.INFO);
            EVENTS.addHandler(this);
        }

        @Override
        public void publish(LogRecord message) {
            if (message.getMessage().startsWith("command")) lines.add(message.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {
            EVENTS.removeHandler(this);
            EVENTS.setLevel(before);
        }
    }

    @Test
    void givenCurl_whenItAsks_thenAnswered() throws IOException {
        Peers.require("curl");
        start();

        BasculeProcess.Ended drained =
                curl("-X", "POST", "http://a/servers/web/10.0.1.12:80/drain");
        BasculeProcess.Ended reloaded = curl("-d", "", "http://a/reload");
        BasculeProcess.Ended status = curl("--compressed", "http://a/status");
        BasculeProcess.Ended nowhere = curl("-f", "http://a/nowhere");

        assertThat(drained.out()).contains("\"state\": \"draining\"");
        assertThat(reloaded.out()).contains("\"hash\": \"0123abcd\"");
        assertThat(status.out()).isEqualTo(new String(StatusJson.write(Samples.full()), UTF_8));
        assertThat(nowhere.exitCode()).isEqualTo(22);
    }

    private BasculeProcess.Ended curl(String... arguments) {
        var line = new ArrayList<>(List.of("curl", "-sS", "--unix-socket", socket.toString()));
        line.addAll(List.of(arguments));
        return BasculeProcess.command(line.toArray(String[]::new)).end();
    }
}
