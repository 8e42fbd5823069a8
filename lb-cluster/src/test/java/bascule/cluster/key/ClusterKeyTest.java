package bascule.cluster.key;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.cluster.key.ClusterKey.Read;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ClusterKeyTest {
    @TempDir Path folder;

    @Test
    void givenGeneratedFile_whenRead_thenLoadedAndNobodyElseMayReadIt() throws Exception {
        Path file = folder.resolve("cluster.key");

        ClusterKey.generate(file);

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        ClusterKey key = loaded(file);
        assertThat(key.secrets()).singleElement().satisfies(s -> assertThat(s).hasSize(32));
        assertThat(key.fingerprint()).matches("[0-9a-f]{64}").isEqualTo(loaded(file).fingerprint());
    }

    @Test
    void givenCertificate_whenRead_thenNeverEndsAndVerifies() throws Exception {
        KeyPair pair = pair("secp256r1");

        byte[] der = KeyFile.certificate(pair, new BigInteger(127, new SecureRandom()).setBit(126));

        X509Certificate certificate = x509(der);
        certificate.verify(pair.getPublic());
        assertThat(certificate.getVersion()).isEqualTo(3);
        assertThat(certificate.getNotAfter().toInstant())
                .isEqualTo(Instant.parse("9999-12-31T23:59:59Z"));
        assertThat(certificate.getBasicConstraints()).isEqualTo(-1);
        assertThat(certificate.getSubjectX500Principal())
                .isEqualTo(certificate.getIssuerX500Principal());
        assertThat(certificate.getSubjectX500Principal().getName()).isEqualTo("CN=bascule cluster");
    }

    @Test
    void givenLengths_whenEncoded_thenShortestForm() {
        assertThat(Der.octets(new byte[127])).hasSize(129).startsWith(4, 127);
        assertThat(Der.octets(new byte[128])).hasSize(131).startsWith(4, 0x81, 128);
        assertThat(Der.octets(new byte[255])).hasSize(258).startsWith(4, 0x81, 255);
        assertThat(Der.octets(new byte[256])).hasSize(260).startsWith(4, 0x82, 1, 0);
        assertThat(Der.octets(new byte[65536])).hasSize(65541).startsWith(4, 0x83, 1, 0, 0);
        assertThat(Der.oid(1, 2, 840, 10045, 4, 3, 2))
                .containsExactly(6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2);
    }

    @Test
    void givenFileThatIsThere_whenGenerated_thenRefusedAndLeftAsItIs() throws Exception {
        Path file = folder.resolve("cluster.key");
        Files.writeString(file, "precious");

        assertThatThrownBy(() -> ClusterKey.generate(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("is there already");
        assertThat(file).hasContent("precious");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r--r--", "rw-rw----", "rw----r--", "rwxrwxrwx", "rw-----w-"})
    void givenModeThatTells_whenRead_thenRefused(String mode) throws Exception {
        Path file = write(block());
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));

        assertThat(faulty(file).what()).contains(mode);
        assertThat(faulty(file).expected()).contains("0600").contains("0640");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-------", "r--------", "rw-r-----", "r--r-----"})
    void givenModeThatKeeps_whenRead_thenLoaded(String mode) throws Exception {
        Path file = write(block());
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));

        loaded(file);
    }

    @Test
    void givenTwoBlocks_whenRead_thenFirstSpeaksAndFingerprintTellsTheOrder() throws Exception {
        String old = block();
        String next = block();

        ClusterKey one = loaded(write(old));
        ClusterKey oldFirst = loaded(write(old + next));
        ClusterKey nextFirst = loaded(write(next + "\n# the old one\n" + old));

        assertThat(oldFirst.secrets()).hasSize(2);
        assertThat(oldFirst.secrets().get(0)).isEqualTo(one.secrets().get(0));
        assertThat(nextFirst.secrets().get(1)).isEqualTo(one.secrets().get(0));
        assertThat(List.of(one.fingerprint(), oldFirst.fingerprint(), nextFirst.fingerprint()))
                .doesNotHaveDuplicates();
        assertThat(oldFirst.derive("sticky", 32)).isEqualTo(one.derive("sticky", 32));
        assertThat(nextFirst.derive("sticky", 32)).isNotEqualTo(one.derive("sticky", 32));
    }

    @Test
    void givenOtherSecretOnly_whenRead_thenFingerprintDiffersAndSaysNothingOfIt() throws Exception {
        List<String> parts = parts(block());
        byte[] other = new byte[32];
        other[5] = 1;

        ClusterKey a = loaded(write(String.join("", parts)));
        parts.set(2, pem("BASCULE CLUSTER SECRET", other));
        ClusterKey b = loaded(write(String.join("", parts)));

        assertThat(a.fingerprint()).isNotEqualTo(b.fingerprint());
        assertThat(a.toString()).doesNotContain(hex(a.secrets().get(0)));
    }

    @Test
    void givenPurposes_whenDerived_thenDifferentKeysAndTheSameEachTime() throws Exception {
        ClusterKey key = loaded(write(block()));

        assertThat(key.derive("a", 32)).hasSize(32).isEqualTo(key.derive("a", 32));
        assertThat(key.derive("b", 32)).isNotEqualTo(key.derive("a", 32));
        assertThat(key.derive("a", 32)).isNotEqualTo(key.secrets().get(0));
        assertThat(key.derive("a", 8160)).hasSize(8160);
        assertThatThrownBy(() -> key.derive("a", 8161)).hasMessageContaining("1 to 8160");
        assertThatThrownBy(() -> key.derive("a", 0)).hasMessageContaining("1 to 8160");
    }

    @Test
    void givenFaults_whenRead_thenEachIsToldWithLineAndExpectation() throws Exception {
        List<String> good = parts(block());
        List<String> other = parts(block());
        String key = good.get(0);
        String certificate = good.get(1);
        String secret = good.get(2);

        refused("", 0, "holds no key", "one or two blocks");
        refused("# only this\n", 0, "holds no key", "one or two blocks");
        refused(key + certificate, lines(key) + 1, "ends here", "BASCULE CLUSTER SECRET after it");
        refused(key, 1, "ends here", "CERTIFICATE after it");
        refused(key + secret, lines(key) + 1, "BASCULE CLUSTER SECRET", "a CERTIFICATE here");
        refused(certificate + key + secret, 1, "CERTIFICATE", "a PRIVATE KEY here");
        refused(
                key + other.get(1) + secret,
                lines(key) + 1,
                "does not belong to the key of line 1",
                "made with it");
        refused(
                key + certificate + pem("BASCULE CLUSTER SECRET", new byte[31]),
                lines(key) + lines(certificate) + 1,
                "31 bytes",
                "32 bytes");
        refused(
                key + certificate + secret + secret,
                lines(key) + lines(certificate) + lines(secret) + 1,
                "BASCULE CLUSTER SECRET",
                "a PRIVATE KEY here");
        String three =
                String.join("", good) + String.join("", other) + String.join("", parts(block()));
        refused(three, lines(String.join("", good) + String.join("", other)) + 1, "third", "two");
        refused(String.join("", good) + key + certificate + secret, 0, "same secret", "another");
        refused(key.replace("PRIVATE", "SECRET"), 1, "SECRET KEY", "one or two blocks");
        refused("hello\n" + key + certificate + secret, 1, "no PEM", "BEGIN");
        refused(key.substring(0, key.indexOf("-----END")), 1, "no end", "END PRIVATE KEY");
        refused(
                key.replace("END PRIVATE", "END PUBLIC") + certificate,
                lines(key),
                "does not end",
                "-----END PRIVATE KEY-----");
        refused(key.replace("\nM", "\n!") + certificate + secret, 1, "damaged", "base64");
        refused(pem("PRIVATE KEY", new byte[40]) + certificate + secret, 1, "cannot", "P-256");
        refused(
                key + pem("CERTIFICATE", new byte[40]) + secret,
                lines(key) + 1,
                "cannot be read",
                "X.509");
        refused(
                key + pem("CERTIFICATE", appended(certificate)) + secret,
                lines(key) + 1,
                "follows",
                "one certificate");
    }

    @Test
    void givenOtherCurve_whenRead_thenRefused() throws Exception {
        List<String> good = parts(block());
        KeyPair pair = pair("secp384r1");
        byte[] certificate = KeyFile.certificate(pair, BigInteger.TWO);

        refused(
                pem("PRIVATE KEY", pair.getPrivate().getEncoded()) + good.get(1) + good.get(2),
                1,
                "another curve",
                "P-256");
        refused(
                good.get(0) + pem("CERTIFICATE", certificate) + good.get(2),
                lines(good.get(0)) + 1,
                "of another kind",
                "P-256");
    }

    @Test
    void givenLargeFile_whenRead_thenRefused() throws Exception {
        String padded = block() + "#".repeat(KeyFile.LIMIT_BYTES);

        assertThat(faulty(write(padded)).what()).contains("larger than 64 KiB");
    }

    @Test
    void givenNoFile_whenRead_thenSaid() {
        assertThat(faulty(folder.resolve("absent")).what()).isEqualTo("is not there");
        assertThat(faulty(folder).what()).isEqualTo("is no regular file");
    }

    @Test
    void givenCarriageReturns_whenRead_thenLoaded() throws Exception {
        loaded(write(block().replace("\n", "\r\n")));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomDamage_whenRead_thenLoadedOrFaultyButNeverThrown(long seed) throws Exception {
        var random = new Random(seed);
        byte[] good = (block() + block()).getBytes(US_ASCII);
        int refused = 0;
        for (int round = 0; round < 300; round++) {
            byte[] bad = good.clone();
            for (int i = 0; i <= random.nextInt(3); i++)
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            try {
                KeyFile.parse(new String(bad, ISO_8859_1));
            } catch (KeyFile.Fault fault) {
                refused++;
                assertThat(fault.what).isNotBlank();
            }
        }
        assertThat(refused).as("seed %d", seed).isGreaterThan(150);
    }

    private void refused(String text, int line, String what, String expected) throws Exception {
        Read.Faulty faulty = faulty(write(text));
        assertThat(faulty.what()).contains(what);
        assertThat(faulty.expected()).contains(expected);
        if (line != 0) assertThat(faulty.line()).as(faulty.toString()).isEqualTo(line);
    }

    private static ClusterKey loaded(Path file) {
        Read read = ClusterKey.read(file);
        assertThat(read).isInstanceOf(Read.Loaded.class);
        return ((Read.Loaded) read).key();
    }

    private static Read.Faulty faulty(Path file) {
        Read read = ClusterKey.read(file);
        assertThat(read).isInstanceOf(Read.Faulty.class);
        return (Read.Faulty) read;
    }

    private Path write(String text) throws IOException {
        Path file = Files.createTempFile(folder, "cluster", ".key"); // Mode 0600.
        return Files.writeString(file, text);
    }

    private static String block() {
        return new String(KeyFile.generate(new SecureRandom()), US_ASCII);
    }

    /// The three sections of a block, without the comment.
    private static List<String> parts(String block) {
        List<String> parts = new ArrayList<>();
        for (String each : block.substring(block.indexOf("-----BEGIN")).split("(?=-----BEGIN)", -1))
            if (!each.isEmpty()) parts.add(each);
        assertThat(parts).hasSize(3);
        return parts;
    }

    private static int lines(String text) {
        return (int) text.chars().filter(c -> c == '\n').count();
    }

    private static byte[] appended(String certificate) {
        String body = certificate.replaceAll("-----.*-----", "").replace("\n", "");
        byte[] der = Base64.getDecoder().decode(body);
        return Arrays.copyOf(der, der.length + 1);
    }

    private static String pem(String label, byte[] bytes) {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
        return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static KeyPair pair(String curve) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec(curve));
        return generator.generateKeyPair();
    }

    private static X509Certificate x509(byte[] der) throws Exception {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(new ByteArrayInputStream(der));
    }
}
