package bascule.limits;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Nginx;
import bascule.testing.Peers;
import bascule.testing.Tool;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Floods over HTTP/2: others are served meanwhile, and what a flood took of memory comes back. One daemon takes them all.
@Timeout(180)
final class FloodIT {
    private static final int CLIENTS = 4;
    private static final int GOOD_REQUESTS = 2000;
    private static final long LEAST_FRAMES = 2000;
    private static final long LEFT_BEHIND = 32L << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final Pattern ALL =
            Pattern.compile(
                    "requests: (\\d+) total, (\\d+) started, (\\d+) done, (\\d+) succeeded,");

    @TempDir static Path folder = Path.of("");

    private static Nginx nginx;
    private static Child child;
    private static Jvm jvm;

    @BeforeAll
    static void start() throws Exception {
        Peers.require("h2load", "nginx");
        nginx = new Nginx("web", folder);
        child =
                Child.start(
                        "-Xms160m -Xmx160m -XX:+AlwaysPreTouch",
                        """
                        admin.http = "127.0.0.1:0"
                        logging.access = off
                        loops = 2
                        listeners.http { bind = "127.0.0.1:0", backend = web, protocols = [h2, http1],
                          limits { connections = 500, body-idle = 2s } }
                        backends.web.servers = ["%s"]
                        """
                                .formatted(nginx.address()));
        jvm = Jvm.attach(child.proc.pid());
        for (int i = 0; i < 5; i++) good();
    }

    @AfterAll
    static void stop() throws Exception {
        if (jvm != null) jvm.close();
        if (child != null) child.close();
        if (nginx != null) nginx.close();
    }

    /// What decent clients get, on connections of their own.
    ///
    /// @return how many of [#GOOD_REQUESTS] were served
    private static long good() throws IOException, InterruptedException {
        Tool.Ended ended =
                Tool.run(
                        PATIENCE,
                        "",
                        "h2load",
                        "-n" + GOOD_REQUESTS,
                        "-c4",
                        "-m8",
                        "http://127.0.0.1:" + child.address().getPort() + "/small");
        Matcher all = ALL.matcher(ended.text());
        assertThat(all.find()).as(ended.toString()).isTrue();
        assertThat(all.group(1)).isEqualTo("" + GOOD_REQUESTS);
        assertThat(ended.text()).contains(all.group(4) + " 2xx,");
        if (!all.group(4).equals(all.group(1))) System.out.println(ended);
        return Long.parseLong(all.group(4));
    }

    @ParameterizedTest
    @EnumSource
    void givenFlood_whenOthersAsk_thenTheyAreServedAndMemoryComesBack(Http2Flood.Kind kind)
            throws Exception {
        long heapBefore = jvm.liveBytes();
        long residentBefore = child.proc.residentBytes();
        double rejectedBefore = child.metric("bascule_rejected_total", "reason=\"glitches\"");
        long served;
        try (Http2Flood flood = Http2Flood.start(child.address(), kind, CLIENTS)) {
            Awaitility.await("the flood")
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    flood.connections() >= CLIENTS
                                            && (kind.waits() || flood.frames() >= LEAST_FRAMES));

            served = good();

            // Who waits without a window keeps its connection, but not its streams.
            Awaitility.await("that flooders are cut")
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    kind == Http2Flood.Kind.ZERO_WINDOW
                                            ? flood.resets() >= CLIENTS * Http2Flood.STREAMS
                                            : flood.cut() >= CLIENTS);
            System.out.printf(
                    "%s: %,d frames, %d connections, %d cut, %d resets, %d told to calm down, %.0f counted, %d of %d served%n",
                    kind,
                    flood.frames(),
                    flood.connections(),
                    flood.cut(),
                    flood.resets(),
                    flood.calmed(),
                    child.metric("bascule_rejected_total", "reason=\"glitches\"") - rejectedBefore,
                    served,
                    GOOD_REQUESTS);
        }

        assertThat(served).isGreaterThanOrEqualTo(GOOD_REQUESTS * 999L / 1000);
        child.awaitMetric(open -> open == 0, "bascule_connections_open");
        long heap = jvm.liveBytes() - heapBefore;
        long resident = child.proc.residentBytes() - residentBefore;
        System.out.printf("%s: %,d B of heap left, %,d B resident%n", kind, heap, resident);
        assertThat(heap + resident).isLessThan(LEFT_BEHIND);
        assertThat(child.process.err()).doesNotContain("ERROR", "SEVERE", "Exception");
    }
}
