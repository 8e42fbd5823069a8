package bascule.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Site;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What RFC 7540 and RFC 7541 ask of a server, put to the daemon by h2spec.
@Timeout(240)
final class H2SpecIT {
    private static final int CASES = 146;

    /// Long enough for frames that follow the request to find its stream open, as some cases want.
    private static final int ANSWER_MILLIS = 50;

    @TempDir Path folder = Path.of("");

    private static Site site() throws Exception {
        return new Site(
                (_, wire) -> {
                    try {
                        Thread.sleep(ANSWER_MILLIS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world");
                    return true;
                });
    }

    @Test
    void givenPriorKnowledge_whenH2specRuns_thenNothingFails() throws Exception {
        try (Site site = site();
                Edge edge = Edge.before(folder, site.address())) {
            H2Spec.Report report = H2Spec.run(folder, edge.plain().getPort());

            assertThat(report.failures()).isEmpty();
            assertEquals(CASES, report.cases());
            assertThat(site.requests()).isGreaterThan(50);
        }
    }

    @Test
    void givenTls_whenH2specRuns_thenNothingFails() throws Exception {
        try (Site site = site();
                Edge edge = Edge.before(folder, site.address())) {
            H2Spec.Report report = H2Spec.run(folder, edge.tls().getPort(), "-t", "-k");

            assertThat(report.failures()).isEmpty();
            assertEquals(CASES, report.cases());
            assertThat(site.requests()).isGreaterThan(50);
        }
    }

    @Test
    void givenListenerForHttp1Alone_whenH2specRuns_thenItSeesThat() throws Exception {
        try (Site site = site();
                Edge edge = Edge.before(folder, site.address())) {
            H2Spec.Report report = H2Spec.run(folder, edge.http1().getPort());

            assertEquals(CASES, report.cases());
            assertThat(report.failures()).hasSizeGreaterThan(20);
        }
    }
}
