package bascule.peers;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Background;
import bascule.testing.Nginx;
import bascule.testing.Peers;
import bascule.testing.RunningDaemon;
import bascule.testing.Site;
import bascule.tls.testing.TestAuthority;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What testssl.sh says of the daemon. It waits more than it works: a whole scan takes a minute, the usual one half of that.
@Timeout(600)
final class TestSslIT {
    /// What two dozen old clients would agree on, and each cipher once more, is left to the long run.
    private static final String[] USUAL = {
        "--protocols",
        "--std",
        "--fs",
        "--server-preference",
        "--server-defaults",
        "--headers",
        "--vulnerable"
    };

    private static final boolean LONG = Boolean.getBoolean("bascule.long");

    /// Fewer would mean that a scan was cut short; 3.0.8 makes 94 and 139.
    private static final int LEAST_FINDINGS = LONG ? 110 : 80;

    private static final List<String> VULNERABILITIES =
            List.of(
                    "heartbleed",
                    "CCS",
                    "ticketbleed",
                    "ROBOT",
                    "secure_renego",
                    "secure_client_renego",
                    "CRIME_TLS",
                    "BREACH",
                    "POODLE_SSL",
                    "fallback_SCSV",
                    "FREAK",
                    "DROWN",
                    "LOGJAM",
                    "BEAST",
                    "LUCKY13",
                    "RC4");

    @TempDir Path folder = Path.of("");

    /// What a scanner asks of the site, not of the proxy, the site has.
    private static Site site() throws Exception {
        return new Site(
                (_, wire) -> {
                    wire.send(
                            """
                            HTTP/1.1 200 OK
                            Content-Length: 2
                            Connection: close
                            X-Frame-Options: DENY
                            X-Content-Type-Options: nosniff
                            Content-Security-Policy: default-src 'self'

                            ok"""
                                    .replace("\n", "\r\n"));
                    return false;
                });
    }

    @Test
    void givenEachPolicy_whenTestsslScans_thenNothingIsMediumOrWorse() throws Exception {
        try (Site site = site();
                Edge intermediate = edge("intermediate", site);
                Edge modern = edge("modern", site)) {
            // At the same time, as both wait more than they work.
            Background other = Background.start(() -> judge(scan(modern), true));
            judge(scan(intermediate), false);
            other.end(Duration.ofMinutes(8));
        }
    }

    private Edge edge(String policy, Site site) throws Exception {
        return Edge.with(
                Files.createDirectory(folder.resolve(policy)),
                "policy = " + policy + ", hsts = on",
                site.address());
    }

    private List<TestSsl.Finding> scan(Edge edge) throws Exception {
        return TestSsl.run(folder, edge.tls().getPort(), edge.ca, LONG ? new String[0] : USUAL);
    }

    /// @param modern without TLS 1.2, that is
    private static void judge(List<TestSsl.Finding> findings, boolean modern) {
        assertThat(findings).filteredOn(finding -> !finding.isFine()).isEmpty();
        assertThat(findings).hasSizeGreaterThan(LEAST_FINDINGS);
        Map<String, TestSsl.Finding> byId =
                findings.stream()
                        .collect(
                                Collectors.toMap(
                                        TestSsl.Finding::id,
                                        Function.identity(),
                                        (first, _) -> first));
        assertThat(byId.keySet()).containsAll(VULNERABILITIES);
        // Of TLS 1.3 alone testssl.sh 3.0.8 says this under another name.
        if (!modern) assertThat(byId).containsKey("SWEET32");
        // To testssl.sh these are no more than LOW.
        for (String version : List.of("SSLv2", "SSLv3", "TLS1", "TLS1_1"))
            assertThat(byId.get(version).what()).as(version).startsWith("not offered");
        assertThat(byId.get("TLS1_2").what()).startsWith(modern ? "not offered" : "offered");
        assertThat(byId.get("TLS1_3").what()).startsWith("offered");
        assertThat(byId.get("ALPN_HTTP2").what()).isEqualTo("h2");
        assertThat(byId.get("cert_trust").severity()).isEqualTo("OK");
    }

    @Test
    void givenServerWithWeakCiphers_whenTestsslScans_thenItSaysSo() throws Exception {
        Peers.require("nginx", "testssl");
        var authority = TestAuthority.named("Test authority");
        Path pem = authority.issue(Edge.NAME).write(folder, "weak");
        Path ca = authority.file(folder.resolve("ca.crt"));
        InetSocketAddress address = Nginx.free("127.0.0.1");
        Path configuration = folder.resolve("nginx.conf");
        Files.writeString(
                configuration,
                """
                daemon off;
                master_process off;
                pid %1$s/nginx.pid;
                error_log %1$s/error.log;
                events {}
                http {
                  access_log off;
                  server {
                    listen 127.0.0.1:%2$d ssl;
                    ssl_certificate %3$s;
                    ssl_certificate_key %3$s;
                    ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
                    ssl_ciphers ALL:aNULL:@SECLEVEL=0;
                    return 200 ok;
                  }
                }
                """
                        .formatted(folder, address.getPort(), pem));
        Process nginx =
                new ProcessBuilder("nginx", "-c", configuration.toString(), "-p", folder.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("nginx.out").toFile())
                        .start();
        try {
            Awaitility.await("nginx")
                    .atMost(RunningDaemon.PATIENCE)
                    .ignoreExceptions()
                    .until(
                            () -> {
                                new Socket(address.getAddress(), address.getPort()).close();
                                return true;
                            });

            List<TestSsl.Finding> findings =
                    TestSsl.run(folder, address.getPort(), ca, "--protocols", "--std");

            assertThat(findings)
                    .filteredOn(finding -> !finding.isFine())
                    .extracting(TestSsl.Finding::id)
                    .contains("cipherlist_aNULL");
            assertThat(findings)
                    .filteredOn(finding -> finding.id().equals("TLS1"))
                    .extracting(TestSsl.Finding::what)
                    .containsExactly("offered (deprecated)");
        } finally {
            nginx.destroyForcibly().waitFor();
        }
    }
}
