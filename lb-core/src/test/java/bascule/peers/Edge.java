package bascule.peers;

import bascule.testing.OpenSsl;
import bascule.testing.RunningDaemon;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PublicKey;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// A daemon with three doors to the same servers: over TLS, plain for HTTP/1.1 and HTTP/2, plain for HTTP/1.1 alone.
final class Edge implements AutoCloseable {
    /// What its certificate says.
    static final String NAME = OpenSsl.NAME;

    final RunningDaemon daemon;
    final TestAuthority authority = TestAuthority.named("Test authority");

    private final TrustManagerFactory trust = trust(authority);

    /// The authority's certificate.
    final Path ca;

    /// Where certificates lie.
    final Path certificates;

    /// What the daemon shows at first.
    private final Issued own;

    private Edge(Path folder, String tlsKeys, String servers) throws IOException {
        certificates = Files.createDirectories(folder.resolve("certs"));
        own = issue();
        own.write(certificates, "default");
        ca = authority.file(folder.resolve("ca.crt"));
        daemon =
                RunningDaemon.start(
                        """
                        listeners.tls { bind = "127.0.0.1:0", tls { certificates = "%s", %s }, backend = web, limits { connections = 500, body-idle = 5s } }
                        listeners.plain { bind = "127.0.0.1:0", protocols = [h2, http1], backend = web, limits { connections = 500, body-idle = 5s } }
                        listeners.http1 { bind = "127.0.0.1:0", backend = web, limits { connections = 500, body-idle = 5s } }
                        backends.web { servers = ["%s"], timeouts.idle = 10s }
                        """
                                .formatted(certificates, tlsKeys, servers));
    }

    /// @param folder for certificates
    /// @param server host and port
    static Edge before(Path folder, String server) throws IOException {
        return with(folder, "", server);
    }

    /// @param tlsKeys of the listener's `tls`, beside the certificates
    static Edge with(Path folder, String tlsKeys, String server) throws IOException {
        return new Edge(folder, tlsKeys, server);
    }

    /// A certificate for the daemon.
    Issued issue() {
        return authority.request(NAME).names(NAME).addresses("127.0.0.1").issue();
    }

    /// A new client of the JDK, which trusts the authority alone and has no session to resume.
    SSLContext context() {
        try {
            var context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static TrustManagerFactory trust(TestAuthority authority) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setCertificateEntry("ca", authority.certificate());
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            return trust;
        } catch (GeneralSecurityException | IOException e) {
            throw new AssertionError(e);
        }
    }

    /// Puts a certificate in the place of the daemon's in one move, so that whoever reads sees the old file or the new one.
    void replace(Issued next) throws IOException {
        Path fresh = Files.writeString(certificates.resolve(".new"), next.pem());
        Files.move(fresh, certificates.resolve("default.pem"), StandardCopyOption.ATOMIC_MOVE);
    }

    /// The public key of the certificate that the daemon shows at first.
    PublicKey key() {
        return own.certificate().getPublicKey();
    }

    InetSocketAddress tls() {
        return daemon.address("tls");
    }

    InetSocketAddress plain() {
        return daemon.address("plain");
    }

    InetSocketAddress http1() {
        return daemon.address("http1");
    }

    /// Waits until all clients have gone, too: none may be left behind.
    @Override
    public void close() {
        try {
            daemon.awaitMetric(0, "bascule_connections_open");
        } finally {
            daemon.close();
        }
    }
}
