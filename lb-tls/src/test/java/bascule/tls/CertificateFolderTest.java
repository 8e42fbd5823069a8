package bascule.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bascule.tls.testing.Issued;
import bascule.tls.testing.Key;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.PrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class CertificateFolderTest {
    @TempDir Path folder = Path.of("");

    private final TestAuthority authority = TestAuthority.named("Test CA");
    private final Issued www = authority.issue("www.example.com");

    private CertificateSet loaded() {
        return switch (CertificateFolder.read(folder, Instant.now())) {
            case CertificateFolder.Read.Loaded(CertificateSet set) -> set;
            case CertificateFolder.Read.Faulty(List<CertificateFault> faults) ->
                    throw new AssertionError(faults);
        };
    }

    private List<String> faults() {
        return faults(folder, Instant.now());
    }

    private List<String> faults(Path folder, Instant now) {
        return switch (CertificateFolder.read(folder, now)) {
            case CertificateFolder.Read.Loaded(CertificateSet set) ->
                    throw new AssertionError("no fault in " + set);
            case CertificateFolder.Read.Faulty(List<CertificateFault> faults) ->
                    faults.stream()
                            .map(fault -> fault.toString().replace(folder + "/", ""))
                            .toList();
        };
    }

    private Path put(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    // What is good.

    @ParameterizedTest
    @EnumSource(names = {"P256", "P384", "P521", "RSA"})
    void givenKeyOfAnyKind_whenInAnyForm_thenIsRead(Key kind) throws IOException {
        Issued issued = authority.request("a").key(kind).names("a.example.com").issue();
        issued.write(folder, "one");
        issued.writeApart(folder, "two");
        put("three.pem", issued.chainPem() + issued.traditionalKeyPem());
        put("four.crt", issued.chainPem());
        put("four.key", issued.traditionalKeyPem());
        put("five.pem", issued.traditionalKeyPem() + issued.chainPem()); // The key first.

        assertThat(loaded().certificates())
                .hasSize(5)
                .allSatisfy(
                        one -> {
                            assertThat(one.key()).isEqualTo(issued.key());
                            assertThat(one.names()).containsExactly("a.example.com");
                            assertThat(one.keyType())
                                    .isEqualTo(kind == Key.RSA ? KeyType.RSA : KeyType.ECDSA);
                        });
    }

    @Test
    void givenCertificate_whenRead_thenSaysWhatOperatorsAskFor() {
        Instant to = Instant.parse("2046-01-02T03:04:05Z");
        Issued issued =
                authority
                        .request("ignored.example.com")
                        .names(
                                "WWW.Example.com",
                                "*.example.org",
                                "www.example.com",
                                "x*.example.org")
                        .addresses("192.0.2.1", "2001:db8::1")
                        .valid(Instant.parse("2020-01-01T00:00:00Z"), to)
                        .issue();
        issued.write(folder, "www");

        Certificate one = loaded().certificates().getFirst();

        assertThat(one.names())
                .containsExactly(
                        "www.example.com", "*.example.org", "192.0.2.1", "2001:db8:0:0:0:0:0:1");
        assertThat(one.notAfter()).isEqualTo(to);
        assertThat(one.notBefore()).isEqualTo(Instant.parse("2020-01-01T00:00:00Z"));
        assertThat(one.issuer()).isEqualTo("CN=Test CA");
        assertThat(one.subject()).isEqualTo("CN=ignored.example.com");
        assertThat(one.fingerprint()).matches("[0-9a-f]{64}");
        assertThat(one.file()).isEqualTo(folder.resolve("www.pem"));
        assertThat(one.keyBits()).isEqualTo(256);
    }

    @Test
    void givenNoAlternativeName_whenRead_thenCommonNameCounts() {
        authority.request("old.example.com").issue().write(folder, "old");

        assertThat(loaded().certificates().getFirst().names()).containsExactly("old.example.com");
    }

    @Test
    void givenChain_whenRead_thenIsKeptInItsOrder() {
        Issued issued = authority.intermediate("Between").issue("www.example.com");
        issued.write(folder, "www");

        assertThat(loaded().certificates().getFirst().chain())
                .containsExactly(issued.chain().toArray(java.security.cert.X509Certificate[]::new));
    }

    @Test
    void givenKeyThatAllMayRead_whenRead_thenIsNoFault() throws IOException {
        Path file = www.write(folder, "www");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));

        assertThat(loaded().certificates()).hasSize(1);
    }

    @Test
    void givenOtherFiles_whenRead_thenArePassedOver() throws IOException {
        www.write(folder, "www");
        put(".hidden.pem", "nonsense");
        put("README", "nonsense");
        put("www.pem.bak", "nonsense");
        Files.createDirectory(folder.resolve("old.pem"));

        assertThat(loaded().certificates()).hasSize(1);
    }

    @Test
    void givenLinks_whenRead_thenAreFollowed() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("..data"));
        Files.createSymbolicLink(folder.resolve("www.pem"), www.write(elsewhere, "tls"));

        assertThat(loaded().certificates()).hasSize(1);
    }

    @Test
    void givenTextAroundTheBlocks_whenRead_thenIsComment() throws IOException {
        put("www.pem", "Bag Attributes: none\n\n" + www.pem().replace("\n", "\r\n") + "end\n");

        assertThat(loaded().certificates()).hasSize(1);
    }

    @Test
    void givenParametersBeforeTheKey_whenRead_thenArePassedOver() throws IOException {
        // As `openssl ecparam -genkey` writes them.
        put(
                "www.pem",
                "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
                        + www.traditionalKeyPem()
                        + www.chainPem());

        assertThat(loaded().certificates()).hasSize(1);
    }

    @Test
    void givenDefaultPem_whenRead_thenIsTheDefault_elseTheFirstByName() {
        authority.issue("b.example.com").write(folder, "b");
        authority.issue("a.example.com").write(folder, "a");
        assertThat(loaded().defaultCertificate().names()).containsExactly("a.example.com");

        authority.issue("d.example.com").write(folder, "default");
        assertThat(loaded().defaultCertificate().names()).containsExactly("d.example.com");
    }

    @Test
    void givenSameFiles_whenReadAgain_thenSetsAreEqual_andAnyChangeMakesThemDiffer()
            throws IOException {
        www.write(folder, "www");
        Issued other = authority.issue("other.example.com");
        other.write(folder, "x");
        CertificateSet first = loaded();
        assertThat(loaded()).isEqualTo(first).hasSameHashCodeAs(first);
        assertThat(loaded().fingerprint()).isEqualTo(first.fingerprint());

        Files.move(folder.resolve("x.pem"), folder.resolve("y.pem"));
        assertThat(loaded()).as("renamed").isEqualTo(first);

        Files.move(folder.resolve("y.pem"), folder.resolve("default.pem"));
        assertThat(loaded()).as("another default").isNotEqualTo(first);

        Files.delete(folder.resolve("default.pem"));
        assertThat(loaded()).as("one less").isNotEqualTo(first);

        authority.issue("other.example.com").write(folder, "x");
        assertThat(loaded()).as("another key").isNotEqualTo(first);
    }

    @Test
    void givenAnotherChainForTheSameCertificate_whenRead_thenSetsDiffer() throws IOException {
        Issued issued = authority.intermediate("Between").issue("www.example.com");
        issued.write(folder, "www");
        CertificateSet first = loaded();

        new Issued(List.of(issued.certificate()), issued.key()).write(folder, "www");
        assertThat(loaded()).isNotEqualTo(first);
    }

    // What is not.

    @Test
    void givenNoFolder_whenRead_thenSaysSo() throws IOException {
        Path missing = folder.resolve("missing");
        assertThat(faults(missing, Instant.now()))
                .containsExactly(
                        missing
                                + ": does not exist (expected: a folder of *.pem files, each with a chain and its key)");
        Path file = put("file", "");
        assertThat(faults(file, Instant.now())).singleElement().asString().contains("is no folder");
        Files.delete(file);
        assertThat(faults()).singleElement().asString().contains("has no certificate");
    }

    @Test
    void givenFileThatMayNotBeRead_whenRead_thenSaysSo() throws IOException {
        Path file = www.write(folder, "www");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
        assumeTrue(!Files.isReadable(file), "root reads all");

        assertThat(faults())
                .containsExactly(
                        "www.pem: may not be read (expected: a file that the daemon's user may read)");
    }

    @Test
    void givenDanglingLink_whenRead_thenSaysSo() throws IOException {
        Files.createSymbolicLink(folder.resolve("www.pem"), folder.resolve("gone"));

        assertThat(faults())
                .containsExactly("www.pem: does not exist (expected: a file in PEM form)");
    }

    @Test
    void givenLinkToItself_whenRead_thenSaysWhatTheSystemSays() throws IOException {
        Files.createSymbolicLink(folder.resolve("www.pem"), folder.resolve("www.pem"));

        assertThat(faults())
                .containsExactly(
                        "www.pem: cannot be read: Too many levels of symbolic links or unable to access attributes of symbolic link"
                                + " (expected: a file in PEM form)");
    }

    @Test
    void givenBrokenPem_whenRead_thenSaysWhere() throws IOException {
        put("a.pem", "");
        put("b.pem", "\n-----BEGIN CERTIFICATE\nAAAA\n-----END CERTIFICATE-----\n");
        put("c.pem", "one\ntwo\n-----BEGIN CERTIFICATE-----\nAAAA\n");
        put("d.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END PRIVATE KEY-----\n");
        put("e.pem", "-----BEGIN CERTIFICATE-----\nA$AA\n-----END CERTIFICATE-----\n");
        put("f.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
        put("g.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        put("h.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----BEGIN CERTIFICATE-----\n");

        assertThat(faults())
                .containsExactly(
                        "a.pem: has nothing in PEM form (expected: -----BEGIN …-----)",
                        "b.pem:2: has a broken BEGIN line (expected: -----BEGIN …-----)",
                        "c.pem:3: has no END line for CERTIFICATE (expected: -----END CERTIFICATE-----)",
                        "d.pem:3: ends something else than CERTIFICATE (expected: -----END CERTIFICATE-----)",
                        "e.pem:1: has something else than Base64 in its CERTIFICATE (expected: Base64)",
                        "f.pem:1: has an empty CERTIFICATE (expected: Base64)",
                        "g.pem:1: has a CERTIFICATE that cannot be decoded (expected: X.509)",
                        "h.pem:1: has no END line for CERTIFICATE (expected: -----END CERTIFICATE-----)");
    }

    @Test
    void givenNoKeyOrTwo_whenRead_thenSaysSo() throws IOException {
        String one = "one unencrypted private key, here or in the .key file beside it";
        put("a.pem", www.chainPem());
        put("b.pem", www.pem() + www.keyPem());
        www.write(folder, "c");
        put("c.key", www.keyPem());
        put("d.pem", www.chainPem());
        put("d.key", www.chainPem());
        put("e.pem", www.keyPem());
        put("f.key", www.keyPem());

        assertThat(faults())
                .containsExactly(
                        "a.pem: has no key (expected: " + one + ")",
                        "b.pem:"
                                + (www.pem().lines().count() + 1)
                                + ": has two keys (expected: "
                                + one
                                + ")",
                        "c.key: is a second key beside the one in the certificate's file (expected: "
                                + one
                                + ")",
                        "d.key: has no key (expected: " + one + ")",
                        "e.pem: has no certificate (expected: -----BEGIN CERTIFICATE-----)",
                        "f.key: has no certificate beside it (expected: f.pem or f.crt)");
    }

    @Test
    void givenPemAndCrtOfOneName_whenRead_thenTheKeyBelongsToPem() throws IOException {
        www.writeApart(folder, "www");
        put("www.crt", www.chainPem());

        assertThat(faults()).singleElement().asString().startsWith("www.crt: has no key");
    }

    @ParameterizedTest
    @EnumSource(names = {"P256", "P384", "RSA"})
    void givenKeyOfAnother_whenRead_thenSaysSo(Key kind) throws IOException {
        PrivateKey other = kind.generate().getPrivate();
        new Issued(www.chain(), other).write(folder, "www");
        put("x.pem", www.chainPem());
        put("x.key", new Issued(www.chain(), other).keyPem());

        assertThat(faults())
                .containsExactly(
                        "www.pem:"
                                + (www.chainPem().lines().count() + 1)
                                + ": has a key that does not belong to its first certificate"
                                + " (expected: the private key of EC certificate CN=www.example.com)",
                        "x.key:1: has a key that does not belong to x.pem"
                                + " (expected: the private key of EC certificate CN=www.example.com)");
    }

    @Test
    void givenEncryptedKey_whenRead_thenSaysSo() throws IOException {
        put("a.pem", www.chainPem() + www.keyPem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"));
        put(
                "b.pem",
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n"
                        + "-----END RSA PRIVATE KEY-----\n"
                        + www.chainPem());

        assertThat(faults())
                .containsExactly(
                        "a.pem:"
                                + (www.chainPem().lines().count() + 1)
                                + ": has an encrypted key"
                                + " (expected: one without a passphrase, in a file for the daemon's user alone)",
                        "b.pem:1: has an encrypted key"
                                + " (expected: one without a passphrase, in a file for the daemon's user alone)");
    }

    @Test
    void givenChainOutOfOrder_whenRead_thenSaysSo() throws IOException {
        Issued issued = authority.intermediate("Two").intermediate("One").issue("www.example.com");
        var chain = issued.chain();
        new Issued(List.of(chain.get(0), chain.get(2), chain.get(1)), issued.key())
                .write(folder, "a");
        new Issued(List.of(chain.get(0), www.certificate()), issued.key()).write(folder, "b");
        // Of the same name, but it signed nothing.
        new Issued(List.of(chain.get(0), TestAuthority.named("One").certificate()), issued.key())
                .write(folder, "c");
        new Issued(List.of(chain.get(1), chain.get(0)), issued.key()).write(folder, "d");

        assertThat(faults())
                .hasSize(5)
                .element(0)
                .isEqualTo(
                        "a.pem: has a chain out of order: certificate 2 did not sign certificate 1"
                                + " (expected: the server's certificate first, then each one's issuer)");
        assertThat(faults().subList(1, 4))
                .allSatisfy(fault -> assertThat(fault).contains("chain out of order"));
        assertThat(faults().get(4)).startsWith("d.pem").contains("does not belong");
    }

    @Test
    void givenChainThatIsTooLong_whenRead_thenSaysSo() throws IOException {
        put("www.pem", www.chainPem().repeat(11) + www.keyPem());

        assertThat(faults()).singleElement().asString().startsWith("www.pem: has 11 certificates");
    }

    @Test
    void givenTimesThatAreNotNow_whenRead_thenSaysSo() {
        Instant now = Instant.parse("2026-11-20T10:00:00Z");
        authority
                .request("a")
                .valid(now.minus(Duration.ofDays(9)), now.minus(Duration.ofSeconds(1)))
                .issue()
                .write(folder, "a");
        authority
                .request("b")
                .valid(now.plus(Duration.ofSeconds(1)), now.plus(Duration.ofDays(9)))
                .issue()
                .write(folder, "b");

        assertThat(faults(folder, now))
                .containsExactly(
                        "a.pem: expired at 2026-11-20T09:59:59Z (expected: one that is valid at 2026-11-20T10:00:00Z)",
                        "b.pem: is not valid before 2026-11-20T10:00:01Z"
                                + " (expected: one that is valid at 2026-11-20T10:00:00Z)");
    }

    @Test
    void givenChainThatHasExpired_whenRead_thenSaysWhichCertificate() {
        Issued issued = authority.intermediate("Between").issue("www.example.com");
        issued.write(folder, "www");
        Instant later = issued.chain().get(1).getNotAfter().toInstant().plus(Duration.ofSeconds(1));

        assertThat(faults(folder, later))
                .hasSize(2)
                .last()
                .asString()
                .startsWith("www.pem: certificate 2 of its chain expired at ");
    }

    @ParameterizedTest
    @EnumSource(names = {"ED25519", "RSA_1024"})
    void givenKeyThatIsNotSupported_whenRead_thenSaysWhatIs(Key kind) {
        authority.request("www").key(kind).names("www.example.com").issue().write(folder, "www");

        assertThat(faults())
                .containsExactly(
                        "www.pem: has a key of a kind that is not supported: "
                                + (kind == Key.RSA_1024 ? "RSA of 1024 bits" : "EdDSA")
                                + " (expected: ECDSA on P-256, P-384 or P-521, or RSA of 2048 to 8192 bits)");
    }

    @Test
    void givenFileThatIsTooLarge_whenRead_thenSaysSo() throws IOException {
        put("www.pem", www.pem() + "x".repeat(256 << 10));

        assertThat(faults())
                .containsExactly("www.pem: is larger than 256 KiB (expected: a smaller file)");
    }

    @Test
    void givenTooManyFiles_whenRead_thenSaysSo() throws IOException {
        for (int i = 0; i <= CertificateFolder.FILES_LIMIT; i++)
            Files.createFile(folder.resolve(i + ".pem"));

        assertThat(faults())
                .singleElement()
                .asString()
                .endsWith(": has more than 4096 files (expected: fewer)");
    }

    @Test
    void givenSeveralFaults_whenRead_thenAllAreNamedAtOnce() throws IOException {
        authority.issue("good.example.com").write(folder, "good");
        put("a.pem", "");
        put("z.pem", "");

        assertThat(faults()).hasSize(2);
    }

    @Test
    void givenAnyKey_whenThingsArePrinted_thenItIsNotAmongThem() throws IOException {
        www.write(folder, "www");
        Issued rsa = authority.issueRsa("www.example.com");
        rsa.write(folder, "rsa");
        CertificateSet set = loaded();
        put("bad.pem", www.chainPem() + rsa.keyPem());
        TicketRing ring = new TicketRing(Instant.now());
        String printed =
                set
                        + String.valueOf(set.certificates())
                        + set.defaultCertificate()
                        + new ServerTlsSettings(
                                "https",
                                set,
                                TlsPolicy.MODERN,
                                TlsVersion.TLS_1_3,
                                false,
                                ClientAuth.NONE,
                                null,
                                List.of(),
                                List.of(),
                                ring)
                        + new BackendTlsSettings(true, null, set.defaultCertificate(), List.of())
                        + faults();

        for (Issued issued : List.of(www, rsa)) {
            String base64 = Base64.getEncoder().encodeToString(issued.key().getEncoded());
            for (int i = 40;
                    i + 24 < base64.length();
                    i += 24) // After what all keys of a kind share.
            assertThat(printed).doesNotContain(base64.substring(i, i + 24));
            assertThat(printed).doesNotContain(issued.key().toString());
        }
        byte[] exported = ring.export();
        assertThat(printed)
                .doesNotContain(new String(exported, 12, 32, US_ASCII))
                .doesNotContain(java.util.HexFormat.of().formatHex(exported, 12, 44));
        assertThat(set.defaultCertificate().key().toString())
                .as("what would have been seen")
                .isNotEmpty();
    }
}
