package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static bascule.testing.BasculeProcess.command;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.BasculeProcess;
import bascule.testing.BasculeProcess.Ended;
import bascule.testing.Peers;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// The demo, and what its guide and README.md tell a newcomer to try.
final class DemoIT {
    private static final Pattern SITE = Pattern.compile("curl (http://127\\.0\\.0\\.1:\\d+)/ ");
    private static final Pattern SOCKET = Pattern.compile("--socket (\\S+/admin\\.sock)");
    private static final Pattern ADMIN = Pattern.compile("(http://127\\.0\\.0\\.1:\\d+)/metrics");

    private static BasculeProcess demo() {
        BasculeProcess demo = demo("exec \"$@\"");
        try {
            demo.await("the guide", () -> demo.out().contains("Ctrl-C ends it."));
            return demo;
        } catch (AssertionError e) {
            demo.close();
            throw e;
        }
    }

    /// Its temporary folder is in that of the process, which is deleted even if it was killed.
    ///
    /// @param line of bash that runs it
    private static BasculeProcess demo(String line) {
        return bascule("demo", "--port", "0", "--admin-port", "0")
                .by("export BASCULE_JAVA_OPTS=-Djava.io.tmpdir=$PWD; " + line)
                .start();
    }

    private static String find(Pattern url, BasculeProcess demo) {
        Matcher found = url.matcher(demo.out());
        assertThat(found.find()).as("%s in %s", url, demo).isTrue();
        return found.group(1);
    }

    private static String curl(String... arguments) {
        Peers.require("curl");
        var line = new String[arguments.length + 2];
        line[0] = "curl";
        line[1] = "--silent";
        System.arraycopy(arguments, 0, line, 2, arguments.length);
        Ended ended = command(line).end();
        assertThat(ended.exitCode()).as("%s", ended).isZero();
        return ended.out();
    }

    @Test
    void givenDemo_whenThreeCurls_thenThreeServersAnswerAndAreSeenInTheAccessLog() {
        try (BasculeProcess demo = demo()) {
            String site = find(SITE, demo);
            for (int i = 1; i <= 3; i++) {
                assertThat(curl(site + "/hello?" + i))
                        .startsWith("Hello from server-" + i + "\n\nGET /hello?" + i + "\n")
                        .contains("\nX-Forwarded-For: 127.0.0.1\n", "\nX-Request-ID: ");
            }
            for (int i = 1; i <= 3; i++) {
                String line =
                        "\"target\":\"/hello\\?%d\".*\"server\":\"server-%d\"".formatted(i, i);
                Pattern expected = Pattern.compile(line);
                demo.await(line, () -> expected.matcher(demo.out()).find());
            }
            assertThat(demo.err()).isEmpty();
        }
    }

    @Test
    void givenDemo_whenTheOtherLinesOfItsGuideAreTried_thenTheyWork() {
        try (BasculeProcess demo = demo()) {
            String site = find(SITE, demo);

            assertThat(curl("-i", site + "/status?code=404")).startsWith("HTTP/1.1 404 ");
            String size =
                    curl("-o", "/dev/null", "-w", "%{size_download}", site + "/bytes?n=10000001");
            assertThat(size).isEqualTo("10000001");
            assertThat(curl("-d", "x=y", site + "/slow?ms=1")).contains("POST /slow?ms=1");
            assertThat(curl("-I", site + "/")).startsWith("HTTP/1.1 200 ");
            assertThat(curl(find(ADMIN, demo) + "/metrics")).contains("bascule_exchanges_total{");
            assertThat(curl(find(ADMIN, demo) + "/status")).contains("\"server-3\"");
            assertThat(curl(find(ADMIN, demo) + "/")).startsWith("<!doctype html>");
            assertThat(demo.err()).isEmpty();
        }
    }

    @Test
    void givenDemo_whenAServerIsDrained_thenTheOthersGoOnUntilItIsEnabled() {
        try (BasculeProcess demo = demo()) {
            String site = find(SITE, demo);
            String socket = find(SOCKET, demo);

            Ended drained = bascule("drain", "hello/server-1", "--wait", "--socket", socket).end();
            assertThat(drained)
                    .isEqualTo(new Ended(0, "hello/server-1: draining, no exchange running\n", ""));
            for (int i = 0; i < 6; i++) assertThat(curl(site + "/")).doesNotContain("server-1");

            Ended enabled = bascule("enable", "hello/server-1", "--socket", socket).end();
            assertThat(enabled)
                    .isEqualTo(new Ended(0, "hello/server-1: up, no exchange running\n", ""));
            String answers = curl(site + "/") + curl(site + "/") + curl(site + "/");
            assertThat(answers).contains("server-1");

            demo.signal("TERM");
            assertThat(demo.awaitEnd().err()).isEmpty();
            assertThat(Path.of(socket).getParent()).doesNotExist();
        }
    }

    @Test
    void givenAnswerUnderWay_whenInterrupted_thenItStillComesAndExitIs130() {
        Peers.require("curl");
        try (BasculeProcess demo = demo();
                BasculeProcess slow =
                        command("curl", "--silent", find(SITE, demo) + "/slow?ms=1500").start()) {
            demo.await("the request", () -> connections(demo) > 0);
            demo.signal("INT");

            Ended answered = slow.awaitEnd();
            Ended ended = demo.awaitEnd();

            assertThat(answered.out()).as("%s", demo).startsWith("Hello from server-1");
            assertThat(ended.exitCode()).isEqualTo(130);
            assertThat(ended.out())
                    .contains("\"target\":\"/slow?ms=1500\""); // Written, although at the end.
            assertThat(ended.err()).isEmpty();
        }
    }

    private static int connections(BasculeProcess demo) {
        Matcher open =
                Pattern.compile("bascule_connections_open\\{[^}]*} ([0-9.]+)")
                        .matcher(curl(find(ADMIN, demo) + "/metrics"));
        return open.find() ? (int) Double.parseDouble(open.group(1)) : 0;
    }

    @Test
    void givenPortTaken_whenStarted_thenItIsNamedWithTheWayOut() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = String.valueOf(taken.getLocalPort());

            Ended demo = bascule("demo", "--port", port, "--admin-port", "0").end();

            assertThat(demo.exitCode()).isEqualTo(1);
            assertThat(demo.out()).isEmpty();
            assertThat(demo.err()).contains("127.0.0.1:" + port).contains("bascule demo --port 0");
        }
    }

    @Test
    void givenFewDescriptors_whenStarted_thenItRuns() {
        try (BasculeProcess demo = demo("ulimit -n 4096; exec \"$@\"")) {
            demo.await("the guide", () -> demo.out().contains("Ctrl-C ends it."));
        }
    }
}
