package bascule.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.tls.testing.Issued;
import bascule.tls.testing.Key;
import bascule.tls.testing.TestAuthority;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What the certificates of tests say, as OpenSSL reads it.
final class TestAuthorityTest {
    private final TestAuthority authority = TestAuthority.named("Test authority");
    @TempDir Path folder = Path.of("");

    private Tool.Ended verify(String name, Issued issued) throws Exception {
        return Tool.run(
                "openssl",
                "verify",
                "-x509_strict",
                "-CAfile",
                authority.file(folder.resolve("ca.crt")).toString(),
                "-purpose",
                "sslserver",
                "-verify_hostname",
                name,
                issued.write(folder, "a").toString());
    }

    @ParameterizedTest
    @EnumSource(names = {"P256", "P384", "RSA", "ED25519"})
    void givenCertificate_whenOpensslVerifiesIt_thenNothingIsWrong(Key type) throws Exception {
        Peers.require("openssl");
        Issued issued =
                authority
                        .request("a.example")
                        .key(type)
                        .names("a.example", "*.b.example")
                        .addresses("127.0.0.1", "::1")
                        .issue();

        for (String name : List.of("a.example", "x.b.example")) {
            Tool.Ended ended = verify(name, issued);
            assertEquals(0, ended.exit(), ended.toString());
        }
        assertThat(verify("c.example", issued).all()).contains("hostname mismatch");
    }

    @ParameterizedTest
    @EnumSource(names = {"P256", "P384", "RSA", "ED25519"})
    void givenKey_whenOpensslReadsIt_thenItBelongsToTheCertificate(Key type) throws Exception {
        Peers.require("openssl");
        Path file = authority.request("a").key(type).issue().write(folder, "a");

        Tool.Ended ofKey = Tool.run("openssl", "pkey", "-in", file.toString(), "-pubout");
        Tool.Ended ofChain =
                Tool.run("openssl", "x509", "-in", file.toString(), "-noout", "-pubkey");

        assertThat(ofKey.text()).contains("PUBLIC KEY").isEqualTo(ofChain.text());
    }

    @Test
    void givenIntermediate_whenOpensslIsShownTheChain_thenItIsVerified() throws Exception {
        Peers.require("openssl");
        Issued issued = authority.intermediate("Between").issue("a.example");
        Path chain = issued.write(folder, "chain");

        Tool.Ended ended =
                Tool.run(
                        "openssl",
                        "verify",
                        "-x509_strict",
                        "-CAfile",
                        authority.file(folder.resolve("ca.crt")).toString(),
                        "-untrusted",
                        chain.toString(),
                        chain.toString());

        assertEquals(0, ended.exit(), ended.toString());
    }
}
