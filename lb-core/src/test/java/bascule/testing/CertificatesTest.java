package bascule.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateExpiredException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What the certificates of tests say, as OpenSSL reads it.
final class CertificatesTest {
    private final Certificates authority = Certificates.authority("Test authority");
    @TempDir Path folder = Path.of("");

    @ParameterizedTest
    @EnumSource
    void givenCertificate_whenOpensslVerifiesIt_thenNothingIsWrong(Certificates.KeyType type)
            throws Exception {
        Peers.require("openssl");
        Certificates.Issued issued =
                authority.server("a.example", "*.b.example", "127.0.0.1", "::1").type(type).issue();
        Path file = issued.writeTo(folder.resolve("a.pem"));
        Path ca = authority.writeTo(folder.resolve("ca.crt"));

        for (String name : List.of("a.example", "x.b.example")) {
            Tool.Ended ended =
                    Tool.run(
                            "openssl",
                            "verify",
                            "-x509_strict",
                            "-CAfile",
                            ca.toString(),
                            "-purpose",
                            "sslserver",
                            "-verify_hostname",
                            name,
                            file.toString());
            assertEquals(0, ended.exit(), ended.toString());
        }
        Tool.Ended wrong =
                Tool.run(
                        "openssl",
                        "verify",
                        "-CAfile",
                        ca.toString(),
                        "-verify_hostname",
                        "c.example",
                        file.toString());
        assertThat(wrong.all()).contains("hostname mismatch");
        Tool.Ended fingerprint =
                Tool.run("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", "" + file);
        assertThat(fingerprint.text().replace(":", "").toLowerCase(Locale.ROOT))
                .contains(issued.fingerprint());
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }

    @ParameterizedTest
    @EnumSource
    void givenKey_whenOpensslReadsIt_thenItBelongsToTheCertificate(Certificates.KeyType type)
            throws Exception {
        Peers.require("openssl");
        Path file = authority.server("a").type(type).issue().writeTo(folder.resolve("a.pem"));

        Tool.Ended ofKey = Tool.run("openssl", "pkey", "-in", file.toString(), "-pubout");
        Tool.Ended ofChain =
                Tool.run("openssl", "x509", "-in", file.toString(), "-noout", "-pubkey");

        assertThat(ofKey.text()).contains("PUBLIC KEY").isEqualTo(ofChain.text());
    }

    @Test
    void givenTimes_whenIssued_thenItIsValidBetweenThem() {
        Instant now = Instant.now();
        Certificates.Issued expired =
                authority
                        .server("a")
                        .from(now.minus(Duration.ofDays(2)))
                        .until(now.minus(Duration.ofDays(1)))
                        .issue();

        assertThatThrownBy(() -> expired.certificate().checkValidity())
                .isInstanceOf(CertificateExpiredException.class);
        assertEquals(
                Instant.parse("2061-01-01T00:00:00Z"),
                authority
                        .client("b")
                        .until(Instant.parse("2061-01-01T00:00:00Z"))
                        .issue()
                        .certificate()
                        .getNotAfter()
                        .toInstant());
    }
}
