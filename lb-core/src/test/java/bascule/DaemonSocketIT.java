package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A real daemon and its admin socket: when there is one, when not, and what commands come to over it.
@Timeout(120)
final class DaemonSocketIT {
    @TempDir Path folder = Path.of("");

    private static String configuration(String server, String more) {
        return """
                listeners.http { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                backends.web.servers = [{ name = a, address = "%s" }, { name = b, address = "127.0.0.1:1" }]
                admin.http = off
                %s
                """
                .formatted(server, more);
    }

    private String socketAt(Path path) {
        return "admin.socket = \"" + path + "\"\n";
    }

    private static Ended ask(Path socket, String line) {
        return bascule((line + " --socket " + socket).split(" ")).end();
    }

    @Test
    void givenDaemon_whenItRunsAndStops_thenItsSocketComesAndGoes() throws IOException {
        try (BasculeProcess daemon =
                bascule().serve(configuration("127.0.0.1:1", "shutdown.grace = off"))) {
            Path socket = daemon.socket();
            assertThat(daemon.err()).contains(" INFO admin-socket-open path=" + socket);
            assertThat((int) Files.getAttribute(socket, "unix:mode") & 0777).isEqualTo(0660);
            assertThat(ask(socket, "status --json").out()).contains("\"name\": \"web\"");

            daemon.signal("TERM");

            assertThat(daemon.awaitEnd().exitCode()).isEqualTo(143);
            assertThat(socket).doesNotExist();
        }
    }

    @Test
    void givenDaemonThatWasKilled_whenAnotherStarts_thenItTakesTheSocketOver() {
        Path socket = folder.resolve("admin.sock");
        String configuration = configuration("127.0.0.1:1", socketAt(socket));
        try (BasculeProcess first = bascule().serve(configuration)) {
            first.signal("KILL");
            first.awaitEnd();
        }
        assertThat(socket).exists();

        try (BasculeProcess _ = bascule().serve(configuration)) {
            assertThat(ask(socket, "status --json").exitCode()).isZero();
        }
    }

    @Test
    void givenServerDrained_whenItsDaemonIsKilledAndStartedAgain_thenItStaysDrained()
            throws IOException {
        Path socket = folder.resolve("admin.sock");
        String configuration =
                configuration("127.0.0.1:1", socketAt(socket) + "state = \"" + folder + "\"\n");
        try (BasculeProcess first = bascule().serve(configuration)) {
            assertThat(ask(socket, "drain web/a"))
                    .isEqualTo(new Ended(0, "web/a: draining, no exchange running\n", ""));
            assertThat(ask(socket, "disable web/b").exitCode()).isZero();
            first.signal("KILL");
            first.awaitEnd();
        }

        try (BasculeProcess _ = bascule().serve(configuration)) {
            Json status = Json.parse(ask(socket, "status --json").out());

            List<Json> servers = status.get("backends").list().getFirst().get("servers").list();
            assertThat(servers)
                    .extracting(server -> server.get("state").text())
                    .containsExactly("draining", "disabled");
            assertThat(ask(socket, "enable web/a").out()).startsWith("web/a: up");
        }
    }

    @Test
    void givenSocketOfALivingDaemon_whenAnotherIsToHaveIt_thenItDoesNotStart() throws IOException {
        Path socket = folder.resolve("admin.sock");
        String configuration = configuration("127.0.0.1:1", socketAt(socket));
        Path file = Files.writeString(folder.resolve("bascule.conf"), configuration);
        try (BasculeProcess _ = bascule().serve(configuration)) {
            Ended second = bascule("run", "-c", file.toString()).end();

            assertThat(second.exitCode()).isEqualTo(1);
            assertThat(second.err())
                    .contains(
                            "bascule: admin.socket: "
                                    + socket
                                    + ": another daemon listens there (expected: ")
                    .doesNotContain("\tat ");
            assertThat(ask(socket, "status --json").exitCode()).isZero();
        }
    }

    @Test
    void givenSocketInNoFolder_whenRun_thenItDoesNotStart() throws IOException {
        Path socket = folder.resolve("none/admin.sock");
        Path file =
                Files.writeString(
                        folder.resolve("bascule.conf"),
                        configuration("127.0.0.1:1", socketAt(socket)));

        Ended run = bascule("run", "-c", file.toString()).end();

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .contains(
                        "bascule: admin.socket: "
                                + socket
                                + ": no such folder (expected: one that exists)");
    }

    /// Nobody asked for it by name.
    @Test
    void givenNoFolderForTheUsualSocket_whenRun_thenAWarningAndItServes() {
        Assumptions.assumeFalse(Files.exists(Path.of("/run/bascule")), "a bascule is installed");
        try (BasculeProcess daemon =
                bascule()
                        .serve(
                                configuration(
                                        "127.0.0.1:1", "admin.socket = /run/bascule/admin.sock"))) {
            assertThat(daemon.err())
                    .contains(
                            " WARN admin-socket-unavailable path=/run/bascule/admin.sock cause=",
                            "no such folder");
            assertThat(Path.of("/run/bascule")).doesNotExist();
        }
    }

    @Test
    void givenSocketOff_whenRun_thenNoneAndNoWord() {
        try (BasculeProcess daemon =
                bascule().serve(configuration("127.0.0.1:1", "admin.socket = off"))) {
            assertThat(daemon.err()).doesNotContain("admin-socket");
        }
    }

    @Test
    void givenDaemon_whenItsConfigurationIsShown_thenAsOfItsFile() {
        try (BasculeProcess daemon = bascule().serve(configuration("127.0.0.1:1", ""))) {
            String file = daemon.folder().resolve(BasculeProcess.FILE).toString();

            Ended shown = ask(daemon.socket(), "show-config");

            assertThat(shown).isEqualTo(bascule("show-config", "-c", file).end());
            assertThat(shown.out()).contains("limits");
        }
    }

    @Test
    void givenFileWithAFault_whenReloaded_thenTheLinesOfCheckAnd78AndItServesOn() throws Exception {
        try (Site site = site();
                BasculeProcess daemon = bascule().serve(configuration(site.address(), ""))) {
            Path file = daemon.folder().resolve(BasculeProcess.FILE);
            Files.writeString(file, Files.readString(file) + "\nlisteners.http.bnd = 1\n");

            Ended reload = ask(daemon.socket(), "reload");

            assertThat(reload.exitCode()).isEqualTo(78);
            assertThat(reload).isEqualTo(bascule("check", "-c", file.toString()).end());
            assertThat(get(daemon, "/").status()).isEqualTo(200);
        }
    }

    @Test
    void givenFile_whenChangedAndReloaded_thenWhatChanged() throws Exception {
        try (Site site = site();
                BasculeProcess daemon = bascule().serve(configuration(site.address(), ""))) {
            Path file = daemon.folder().resolve(BasculeProcess.FILE);
            assertThat(ask(daemon.socket(), "reload"))
                    .isEqualTo(new Ended(0, "nothing changed\n", ""));
            Files.writeString(file, Files.readString(file).replace("name = b", "name = c"));

            Ended reload = ask(daemon.socket(), "reload");

            assertThat(reload.exitCode()).isZero();
            assertThat(reload.err()).isEmpty();
            assertThat(reload.out()).contains("web");
            assertThat(ask(daemon.socket(), "drain web/b").err())
                    .isEqualTo("bascule: backend web has no server b (expected: a, c)\n");
            assertThat(get(daemon, "/").status()).isEqualTo(200);
            assertThat(daemon.err())
                    .contains(" command verb=reload user=" + System.getProperty("user.name"));
        }
    }

    @Test
    void givenExchangeOnAServer_whenDrainedAndWaitedFor_thenItEndsWithIt() throws Exception {
        var asked = new CountDownLatch(1);
        var released = new CountDownLatch(1);
        try (Site site = held(asked, released);
                BasculeProcess daemon = bascule().serve(configuration(site.address(), ""));
                Wire client = Wire.connect(address(daemon))) {
            assertThat(ask(daemon.socket(), "disable web/b").exitCode()).isZero();
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            asked.await();

            Ended late = ask(daemon.socket(), "drain web/a --wait --timeout 1s");
            assertThat(late.exitCode()).isEqualTo(1);
            assertThat(late.err())
                    .isEqualTo(
                            "bascule: web/a: draining, 1 exchange running after 1s (expected: none)\n");
            assertThat(get(daemon, "/").status()).isEqualTo(503); // b is disabled.
            released.countDown();
            Ended drained = ask(daemon.socket(), "drain web/a --wait");

            assertThat(drained.exitCode()).isZero();
            assertThat(drained.out()).isEqualTo("web/a: draining, no exchange running\n");
            assertThat(Answer.read(client, false).status()).isEqualTo(200);
            assertThat(ask(daemon.socket(), "enable web/a --wait").out())
                    .isEqualTo("web/a: up, no exchange running\n");
            assertThat(get(daemon, "/").status()).isEqualTo(200);
        } finally {
            released.countDown();
        }
    }

    @Test
    void givenDaemonThatStops_whenCommanded_thenItSaysSoAndTellsItsStatus() throws Exception {
        var asked = new CountDownLatch(1);
        var released = new CountDownLatch(1);
        try (Site site = held(asked, released);
                BasculeProcess daemon = bascule().serve(configuration(site.address(), ""));
                Wire client = Wire.connect(address(daemon))) {
            assertThat(ask(daemon.socket(), "disable web/b").exitCode()).isZero();
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            asked.await();
            daemon.signal("TERM");
            daemon.await("that it stops", () -> daemon.err().contains(" stopping "));

            assertThat(ask(daemon.socket(), "reload"))
                    .isEqualTo(new Ended(1, "", "bascule: the daemon is stopping\n"));
            assertThat(ask(daemon.socket(), "status --json").exitCode()).isZero();
            released.countDown();
            assertThat(daemon.awaitEnd().exitCode()).isEqualTo(143);
        } finally {
            released.countDown();
        }
    }

    private static Site site() throws IOException {
        return new Site(
                (_, wire) -> {
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    return true;
                });
    }

    /// Answers once released.
    private static Site held(CountDownLatch asked, CountDownLatch released) throws IOException {
        return new Site(
                (_, wire) -> {
                    asked.countDown();
                    try {
                        released.await();
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    return true;
                });
    }

    private static InetSocketAddress address(BasculeProcess daemon) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), daemon.port("http"));
    }

    private static Answer get(BasculeProcess daemon, String path) {
        return Answer.get(address(daemon), path);
    }
}
