package bascule.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Browser;
import bascule.testing.Site;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A page and what it loads, in a real browser.
@Timeout(180)
final class ChromiumIT {
    private static final int SCRIPTS = 60;

    @TempDir Path folder = Path.of("");

    @Test
    void givenTls_whenChromiumLoadsAPage_thenAllOfItComesOverHttp2() throws Exception {
        var page =
                new StringBuilder("<!doctype html><title>page</title><script>var n = 0</script>");
        for (int i = 0; i < SCRIPTS; i++)
            page.append("<script src=/").append(i).append(".js async></script>");
        try (Site site =
                        new Site(
                                (request, wire) -> {
                                    boolean isScript = request.head().contains(".js ");
                                    String body = isScript ? "n++" : page.toString();
                                    wire.send(
                                            "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                                                    .formatted(
                                                            isScript
                                                                    ? "text/javascript"
                                                                    : "text/html",
                                                            body.length(),
                                                            body));
                                    return true;
                                });
                Edge edge = Edge.before(folder, site.address())) {
            byte[] key = MessageDigest.getInstance("SHA-256").digest(edge.key().getEncoded());
            try (Browser browser =
                    Browser.open(
                            "--ignore-certificate-errors-spki-list="
                                    + Base64.getEncoder().encodeToString(key))) {
                browser.go("https://localhost:" + edge.tls().getPort() + "/");
                browser.await("all scripts", "n === " + SCRIPTS);

                assertEquals(
                        "h2",
                        browser.eval(
                                        "performance.getEntriesByType('navigation')[0].nextHopProtocol")
                                .text());
                assertEquals(
                        "h2",
                        browser.eval(
                                        "[...new Set(performance.getEntriesByType('resource').map(each => each.nextHopProtocol))].join()")
                                .text());
                assertThat(browser.complaints())
                        .filteredOn(each -> !each.contains("favicon"))
                        .isEmpty();
            }
            assertThat(edge.daemon.metric("bascule_tls_handshakes_total")).isBetween(1.0, 3.0);
        }
    }
}
