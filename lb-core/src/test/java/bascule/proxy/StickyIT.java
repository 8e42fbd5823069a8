package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import bascule.testing.Answer;
import bascule.testing.Origin;
import bascule.testing.Peers;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StickyIT {
    @TempDir Path folder = Path.of("");
    private final List<Site> sites = new ArrayList<>();
    private RunningDaemon daemon;

    @BeforeEach
    void start() throws IOException {
        for (int i = 0; i < 3; i++) {
            String name = "s" + i;
            sites.add(
                    new Site(
                            (request, wire) -> {
                                String cookies = String.valueOf(request.field("cookie"));
                                String body = name + " " + cookies;
                                wire.send(
                                        "HTTP/1.1 200 OK\r\nSet-Cookie: own=1\r\nContent-Length: "
                                                + body.length()
                                                + "\r\n\r\n"
                                                + body);
                                return true;
                            }));
        }
        open("sticky = site");
    }

    private void open(String sticky) throws IOException {
        daemon =
                RunningDaemon.start(
                        """
                        loops = 2
                        state = "%s"
                        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                        backends.web {
                          servers = [{ name = s0, address = "%s" }, { name = s1, address = "%s" }, { name = s2, address = "%s" }]
                          %s
                        }
                        """
                                .formatted(
                                        folder,
                                        sites.get(0).address(),
                                        sites.get(1).address(),
                                        sites.get(2).address(),
                                        sticky));
    }

    @AfterEach
    void stop() throws IOException {
        daemon.close();
        for (Site site : sites) site.close();
    }

    /// @param server who answered
    /// @param cookies what it was sent
    /// @param set the sticky cookie that came, or null
    private record Seen(String server, String cookies, String set, String head) {}

    private Seen ask(String cookies) throws IOException {
        try (Wire wire = Wire.connect(daemon.address("web"))) {
            String line = cookies == null ? "" : "Cookie: " + cookies + "\r\n";
            wire.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + line + "\r\n");
            Answer answer = Answer.read(wire, false);
            assertEquals(200, answer.status(), answer.head());
            String[] words = answer.body().split(" ", 2);
            String set =
                    answer.head()
                            .lines()
                            .filter(each -> each.startsWith("Set-Cookie: site="))
                            .findFirst()
                            .orElse(null);
            return new Seen(words[0], words[1], set, answer.head());
        }
    }

    private static String pair(String set) {
        return set.substring("Set-Cookie: ".length(), set.indexOf(';'));
    }

    @Test
    void givenNewClients_whenTheyComeBackWithTheirCookie_thenTheSameServerAnswers()
            throws Exception {
        Map<String, String> byServer = new HashMap<>();
        for (int i = 0; i < 6; i++) {
            Seen first = ask(null);
            assertThat(first.set).endsWith("; Path=/; HttpOnly; SameSite=Lax");
            byServer.put(first.server, pair(first.set));
        }
        assertThat(byServer).hasSize(3);

        byServer.forEach(
                (server, cookie) -> {
                    for (int i = 0; i < 5; i++) {
                        try {
                            Seen again = ask("a=b; " + cookie);
                            assertEquals(server, again.server);
                            assertNull(again.set);
                            assertEquals(
                                    "a=b; " + cookie, again.cookies); // It is shown to the server.
                            assertThat(again.head).contains("Set-Cookie: own=1");
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                    }
                });
    }

    @Test
    void givenForgedCookie_whenItComes_thenItCountsForNothing() throws Exception {
        String good = pair(ask(null).set);
        char last = good.charAt(good.length() - 1);
        String forged = good.substring(0, good.length() - 1) + (last == 'A' ? 'Q' : 'A');
        Set<String> servers = new HashSet<>();

        for (int i = 0; i < 3; i++) {
            Seen seen = ask(forged);
            assertThat(seen.set).isNotNull();
            servers.add(seen.server);
        }

        assertThat(servers).hasSize(3); // By turns.
    }

    @Test
    void givenRestart_whenTheClientComesBack_thenItsCookieIsStillGood() throws Exception {
        Seen first = ask(null);
        daemon.close();
        open("sticky { name = site, lifetime = 1h }");

        Seen again = ask(pair(first.set));

        assertEquals(first.server, again.server);
        assertNull(again.set);
        assertThat(ask(null).set).contains("; Max-Age=3600;");
    }

    @Test
    void givenTheServerIsGone_whenTheClientComesBack_thenAnotherAnswersAndSetsItsOwn()
            throws Exception {
        Seen first = ask(null);
        Site gone = sites.get(first.server.charAt(1) - '0');
        String address = gone.address();
        gone.stop();
        awaitRefused(port(address));

        Seen again = ask(pair(first.set));

        assertNotEquals(first.server, again.server);
        assertThat(again.set).isNotNull();
        assertNotEquals(pair(first.set), pair(again.set));
        Seen third = ask(pair(again.set));
        assertEquals(again.server, third.server);
        assertNull(third.set);
    }

    /// Its idle connection breaks under the request, and no other can be made: going back to it must not use up the only other try.
    @Test
    void givenTheServerIsKilledUnderTheRequest_whenItGoesBackThereInVain_thenAnotherAnswers()
            throws Exception {
        daemon.close();
        Origin own = new Origin();
        try {
            daemon =
                    RunningDaemon.start(
                            """
                            loops = 1
                            state = "%s"
                            listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 100 }
                            backends.web { servers = [{ name = own, address = "%s" }, { name = s1, address = "%s" }], sticky = site }
                            """
                                    .formatted(folder, own.address(), sites.get(1).address()));
            try (Wire client = Wire.connect(daemon.address("web"))) {
                String request = "GET / HTTP/1.1\r\nHost: a\r\n";
                client.send(request + "\r\n");
                Wire server = own.accept();
                server.receiveHead();
                server.send("HTTP/1.1 204 No Content\r\n\r\n");
                String set = Answer.read(client, false).field("set-cookie");
                int port = port(own.address());
                own.close();
                awaitRefused(port);

                client.send(request + "Cookie: " + pair("Set-Cookie: " + set) + "\r\n\r\n");
                server.receiveHead();
                server.close();

                Answer answer = Answer.read(client, false);
                assertEquals(200, answer.status());
                assertThat(answer.body()).startsWith("s1 ");
                assertThat(answer.head()).contains("Set-Cookie: site=");
            }
        } finally {
            own.close();
        }
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.indexOf(':') + 1));
    }

    private static void awaitRefused(int port) {
        var to = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
        Awaitility.await()
                .atMost(RunningDaemon.PATIENCE)
                .until(
                        () -> {
                            try {
                                Wire.connect(to).close();
                                return false;
                            } catch (ConnectException refused) {
                                return true;
                            }
                        });
    }

    @Test
    void givenCurlWithAJar_whenItAsksTenTimes_thenOneServerAnswers() throws Exception {
        Peers.require("curl");
        Set<String> answers = new HashSet<>();
        String url = "http://127.0.0.1:" + daemon.address("web").getPort() + "/";
        String jar = folder.resolve("jar").toString();
        for (int i = 0; i < 10; i++) {
            Process curl =
                    new ProcessBuilder("curl", "-sS", "--max-time", "20", "-b", jar, "-c", jar, url)
                            .redirectErrorStream(true)
                            .start();
            answers.add(
                    new String(curl.getInputStream().readAllBytes(), US_ASCII).split(" ", 2)[0]);
            if (!curl.waitFor(30, TimeUnit.SECONDS)) curl.destroyForcibly();
        }

        assertThat(answers).hasSize(1).isSubsetOf("s0", "s1", "s2");
    }
}
