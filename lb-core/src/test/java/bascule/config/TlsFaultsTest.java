package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What an operator is told of TLS that cannot be used: the line of the file, and what is wrong with which file of certificates.
final class TlsFaultsTest {
    @TempDir Path folder = Path.of("");
    private final TestAuthority authority = TestAuthority.named("Test CA");
    private Path certs = Path.of("");
    private Issued shop = authority.issue("shop.example.com");

    @BeforeEach
    void prepare() throws IOException {
        certs = Files.createDirectory(folder.resolve("certs"));
        shop.write(certs, "shop");
        authority.file(folder.resolve("ca.pem"));
    }

    /// @param tls the third line
    private LoadResult load(String tls) throws IOException {
        String text =
                """
                listeners.https {
                  bind = ":443", backend = web
                  %s
                }
                backends.web.servers = ["10.0.0.1:80"]
                """
                        .formatted(tls);
        Path main = Files.writeString(folder.resolve("bascule.conf"), text);
        return ConfigurationLoader.load(main, Map.of());
    }

    private String faults(String tls) throws IOException {
        return Configs.lines(Configs.problems(load(tls))).replace(folder + "/", "").strip();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            tls = gone/                       | tls: gone/: does not exist (expected: a folder of *.pem files, each with a chain and its key)
            tls = bascule.conf                | tls: bascule.conf: is no folder (expected: a folder of *.pem files, each with a chain and its key)
            tls {}                            | tls.certificates: is missing (expected: a folder)
            tls { certificates = certs/, policy = old }           | tls.policy: old: is unknown (expected: intermediate or modern)
            tls { certificates = certs/, policy = modern, minimum = "1.2" } | tls.minimum: 1.2: is below what policy = modern allows (expected: "1.3")
            tls { certificates = certs/, minimum = "1.1" }        | tls.minimum: 1.1: is unknown (expected: 1.2 or 1.3)
            tls { certificates = certs/, client-auth = required } | tls.client-ca: is missing (expected: a PEM file of CA certificates, since client-auth asks)
            tls { certificates = certs/, client-ca = ca.pem }     | tls.client-ca: ca.pem: is never asked (expected: client-auth = optional or required)
            tls { certificates = certs/, client-auth = optional, client-ca = certs/shop.pem } | tls.client-ca: certs/shop.pem: line %d has a private key (expected: certificates only)
            tls { certificates = certs/, client-auth = optional, client-ca = bascule.conf }   | tls.client-ca: bascule.conf: has no certificate (expected: -----BEGIN CERTIFICATE-----)
            tls { certificates = certs/, hosts { "a b" = none } } | tls.hosts."a b": is no host (expected: a host, or *. and a domain, without a port)
            tls { certificates = certs/, hosts { "a.b" = required } } | tls.hosts."a.b".client-ca: is missing (expected: a PEM file of CA certificates, since client-auth asks)
            tls { certificates = certs/, hsts = 5 }               | tls.hsts: 5: has no unit (expected: 0ms to 3650d)
            tls { certificates = certs/, handshake-time = 2m }    | tls.handshake-time: 2m: is out of range (expected: 1ms to 1m)
            protocols = []                    | protocols: […]: is empty (expected: h2 or http1)
            protocols = [h2, h2]              | protocols: […]: names one twice (expected: each once)
            protocols = h3                    | protocols: h3: is unknown, did you mean h2? (expected: h2 or http1)
            """)
    void givenFault_whenLoaded_thenPlaced(String tls, String fault) throws IOException {
        int keyLine = (int) shop.chainPem().lines().count() + 1;

        assertThat(faults(tls))
                .startsWith("bascule.conf:3: listeners.https." + fault.replace("%d", "" + keyLine));
    }

    @Test
    void givenBrokenFiles_whenLoaded_thenAllAreNamedAtOnce() throws IOException {
        Instant now = Instant.now();
        authority
                .request("old.example.com")
                .names("old.example.com")
                .valid(now.minus(Duration.ofDays(9)), now.minus(Duration.ofDays(1)))
                .issue()
                .write(certs, "old");
        Files.writeString(certs.resolve("empty.pem"), "");
        Files.writeString(
                certs.resolve("foreign.pem"),
                authority.issue("foreign.example.com").chainPem() + shop.keyPem());
        Files.writeString(certs.resolve("keyless.pem"), shop.chainPem());

        assertThat(faults("tls = certs/").lines())
                .hasSize(4)
                .allMatch(line -> line.startsWith("bascule.conf:3: listeners.https.tls: certs/: "))
                .anyMatch(line -> line.contains("old.pem") && line.contains("expired"))
                .anyMatch(line -> line.contains("empty.pem"))
                .anyMatch(line -> line.contains("foreign.pem") && line.contains("does not belong"))
                .anyMatch(line -> line.contains("keyless.pem has no key"));
    }

    @Test
    void givenRedirectToHttps_whenAListenerHasTls_thenItLeadsToItsPort() throws IOException {
        String redirect = "}\nlisteners.http { bind = \":80\", redirect = https";

        assertEquals(443, Configs.loaded(load("tls = certs/" + redirect)).httpsPort());
        assertThat(faults(redirect))
                .isEqualTo(
                        "bascule.conf:4: listeners.http.redirect: https: no listener has tls, so none gives the port (expected: { scheme = https, port = … })");
        assertThat(faults("bind = \":1\", tls = certs/, redirect = https"))
                .contains("leads back to where it came from");
        String twice =
                "bind = \":8443\", tls = certs/\n}\nlisteners.b { bind = \":9443\", tls = certs/, backend = web";
        assertThat(faults(twice + redirect))
                .contains("listeners have tls at the ports 8443 and 9443");
    }

    @Test
    void givenKeyRenewed_whenLoaded_thenTheHashIsAnother_andNoKeyIsShown() throws IOException {
        Configuration before = Configs.loaded(load("tls = certs/"));
        shop = authority.issue("shop.example.com");
        shop.write(certs, "shop");
        Configuration after = Configs.loaded(load("tls = certs/"));
        String shown = EffectiveConfiguration.render(after);

        assertNotEquals(before.hash(), after.hash());
        assertEquals(after, Configs.parse(shown));
        assertThat(shown + after).doesNotContain(shop.keyPem().lines().toList().get(1));
        assertEquals(
                after.hash(),
                before.withCertificates(certs, after.listeners().getFirst().tls().certificates())
                        .hash());
    }
}
