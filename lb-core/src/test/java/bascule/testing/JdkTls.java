package bascule.testing;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/// The TLS of the JDK, for peers that tests write themselves.
public final class JdkTls {
    private JdkTls() {}

    /// @param trusted whose certificates are taken, and no other's
    /// @param own what is shown; null = nothing
    public static SSLContext context(TestAuthority trusted, @Nullable Issued own) {
        try {
            char[] password = "test".toCharArray();
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setCertificateEntry("ca", trusted.certificate());
            if (own != null)
                store.setKeyEntry(
                        "own", own.key(), password, own.chain().toArray(Certificate[]::new));
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            var shown = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            shown.init(store, password);
            var context = SSLContext.getInstance("TLS");
            context.init(shown.getKeyManagers(), trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new AssertionError(e);
        }
    }
}
