package bascule.tls;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CaFileTest {
    @TempDir Path folder = Path.of("");

    private final TestAuthority one = TestAuthority.named("One");
    private final TestAuthority two = TestAuthority.named("Two");

    private CaFile.Read read(String text, Instant now) throws IOException {
        return CaFile.read(Files.writeString(folder.resolve("ca.pem"), text), now);
    }

    private CaCertificates loaded(String text) throws IOException {
        return ((CaFile.Read.Loaded) read(text, Instant.now())).certificates();
    }

    private List<String> faults(String text, Instant now) throws IOException {
        return ((CaFile.Read.Faulty) read(text, now))
                .faults().stream()
                        .map(fault -> fault.toString().replace(folder + "/", ""))
                        .toList();
    }

    @Test
    void givenCertificates_whenReadInAnyOrder_thenAreTheSameSet() throws IOException {
        assertThat(loaded(one.pem() + two.pem()))
                .isEqualTo(loaded(two.pem() + one.pem()))
                .isEqualTo(loaded(two.pem() + one.pem() + two.pem()))
                .isNotEqualTo(loaded(one.pem()));
    }

    @Test
    void givenNoCertificate_whenRead_thenSaysSo() throws IOException {
        assertThat(faults("", Instant.now()))
                .containsExactly(
                        "ca.pem: has no certificate (expected: -----BEGIN CERTIFICATE-----)");
        assertThat(
                        ((CaFile.Read.Faulty) CaFile.read(folder.resolve("missing"), Instant.now()))
                                .faults()
                                .toString())
                .contains("does not exist");
    }

    @Test
    void givenKeyInIt_whenRead_thenSaysSo() throws IOException {
        Issued issued = one.issue("a");

        assertThat(faults(one.pem() + issued.keyPem(), Instant.now()))
                .containsExactly(
                        "ca.pem:"
                                + (one.pem().lines().count() + 1)
                                + ": has a private key (expected: certificates only)");
    }

    @Test
    void givenSomeThatHaveExpired_whenRead_thenOnlyAllOfThemAreAFault() throws IOException {
        Instant now = Instant.now();
        Issued old =
                one.request("Old")
                        .valid(now.minus(Duration.ofDays(9)), now.minus(Duration.ofDays(1)))
                        .selfSigned();

        assertThat(loaded(old.chainPem() + one.pem()).size()).isEqualTo(2);
        assertThat(faults(old.chainPem(), now))
                .containsExactly(
                        "ca.pem: has only certificates that have expired (expected: one that has not)");
    }

    @Test
    void givenBrokenCertificate_whenRead_thenSaysWhere() throws IOException {
        assertThat(
                        faults(
                                one.pem() + Issued.pem("CERTIFICATE", new byte[] {0x30, 0}),
                                Instant.now()))
                .containsExactly(
                        "ca.pem:"
                                + (one.pem().lines().count() + 1)
                                + ": has a CERTIFICATE that cannot be decoded (expected: X.509)");
    }
}
