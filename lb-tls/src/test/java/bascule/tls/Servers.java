package bascule.tls;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// Makes [ServerTls] with what a test wants to be different, and all else as it is by default.
final class Servers {
    String listener = "https";
    CertificateSet certificates;
    TlsPolicy policy = TlsPolicy.INTERMEDIATE;
    TlsVersion minimum = TlsVersion.TLS_1_2;
    boolean strictSni;
    ClientAuth clientAuth = ClientAuth.NONE;
    @Nullable CaCertificates authorities;
    List<ClientAuthRule> rules = List.of();
    List<String> alpn = List.of();
    TicketRing tickets = new TicketRing(Instant.now());
    TlsLibrary library = TlsLibrary.BORINGSSL;
    ServerTls.Boundary boundary = (listener, policy) -> policy.sessionContext(listener);

    Servers(CertificateSet certificates) {
        this.certificates = certificates;
    }

    ServerTls make() throws SSLException {
        return ServerTls.of(
                new ServerTlsSettings(
                        listener,
                        certificates,
                        policy,
                        minimum,
                        strictSni,
                        clientAuth,
                        authorities,
                        rules,
                        alpn,
                        tickets),
                library,
                boundary);
    }

    /// As read from a folder with these in it, by the names `0.pem`, `1.pem` …
    static CertificateSet set(Issued... issued) {
        try {
            Path folder = Files.createTempDirectory("certificates");
            List<Path> files = new ArrayList<>();
            for (Issued one : issued) files.add(one.write(folder, Integer.toString(files.size())));
            CertificateFolder.Read read = CertificateFolder.read(folder, Instant.now());
            for (Path file : files) Files.delete(file);
            Files.delete(folder);
            if (read instanceof CertificateFolder.Read.Loaded(CertificateSet set)) return set;
            throw new AssertionError(read);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static CaCertificates authorities(TestAuthority... authorities) {
        List<java.security.cert.X509Certificate> all = new ArrayList<>();
        for (TestAuthority one : authorities) all.add(one.certificate());
        return new CaCertificates(all);
    }
}
