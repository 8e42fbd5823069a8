package bascule.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CertificateFolderFuzz {
    /// Files per seed; under `-Plong` twenty times as many.
    private static final int FILES = Boolean.getBoolean("bascule.long") ? 20_000 : 1_000;

    @TempDir Path folder = Path.of("");

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void givenAnyDamage_whenRead_thenIsLoadedOrAFaultWithAPlace(long seed) throws Exception {
        Random random = new Random(seed);
        TestAuthority authority = TestAuthority.named("Test CA");
        Issued[] issued = {
            authority.intermediate("Between").issue("www.example.com", "*.example.com"),
            authority.request("a").addresses("192.0.2.1", "2001:db8::1").issue(),
            authority.issueRsa("www.example.com"),
            authority.issueClient("common.example.com")
        };
        Path file = folder.resolve("a.pem");
        int loaded = 0;
        for (int i = 0; i < FILES; i++) {
            Issued one = issued[random.nextInt(issued.length)];
            byte[] text = random.nextInt(4) == 0 ? onText(random, one) : onDer(random, one);
            Files.write(file, text);
            try {
                switch (CertificateFolder.read(folder, Instant.now())) {
                    case CertificateFolder.Read.Loaded(CertificateSet set) -> {
                        loaded++;
                        // Whatever is asked of it later must have an answer, too.
                        String all =
                                set
                                        + set.certificates().getFirst().subject()
                                        + set.certificates().getFirst().issuer();
                        assertFalse(all.isEmpty());
                    }
                    case CertificateFolder.Read.Faulty(List<CertificateFault> faults) -> {
                        assertFalse(faults.isEmpty());
                        for (CertificateFault fault : faults)
                            assertTrue(fault.toString().startsWith(file + ":"), fault::toString);
                    }
                }
                CaFile.read(file, Instant.now());
            } catch (RuntimeException | Error e) {
                fail("seed " + seed + ", file " + i + ":\n" + new String(text, ISO_8859_1), e);
            }
        }
        assertTrue(loaded > FILES / 100 && loaded < FILES / 2, loaded + " were good");
    }

    private static byte[] onText(Random random, Issued one) {
        byte[] text = one.pem().getBytes(ISO_8859_1);
        for (int n = random.nextInt(3); n >= 0; n--) {
            int at = random.nextInt(text.length);
            switch (random.nextInt(3)) {
                case 0 -> text[at] = (byte) random.nextInt(256);
                case 1 -> text[at] = '\n';
                default -> text = Arrays.copyOf(text, at + 1);
            }
        }
        return text;
    }

    /// Good Base64 of something that is not.
    private static byte[] onDer(Random random, Issued one) throws Exception {
        StringBuilder pem = new StringBuilder();
        int which = random.nextInt(one.chain().size() + 1);
        for (int i = 0; i <= one.chain().size(); i++) {
            boolean key = i == one.chain().size();
            X509Certificate certificate = key ? null : one.chain().get(i);
            byte[] der = certificate == null ? one.key().getEncoded() : certificate.getEncoded();
            if (i == which)
                for (int n = random.nextInt(4); n > 0; n--) {
                    int at = random.nextInt(der.length);
                    if (random.nextBoolean()) der[at] ^= (byte) (1 << random.nextInt(8));
                    else der[at] = (byte) random.nextInt(256);
                }
            pem.append(Issued.pem(key ? "PRIVATE KEY" : "CERTIFICATE", der));
        }
        return pem.toString().getBytes(ISO_8859_1);
    }
}
