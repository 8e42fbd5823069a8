package bascule.tls;

import io.netty.handler.ssl.ResumableX509ExtendedTrustManager;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/// Judges the certificates of clients: PKIX against the given authorities. Believes no server.
final class ClientCertificates extends NoCertificates implements ResumableX509ExtendedTrustManager {
    private final X509ExtendedTrustManager pkix;

    ClientCertificates(CaCertificates authorities) {
        this.pkix = pkix(authorities);
    }

    private static X509ExtendedTrustManager pkix(CaCertificates authorities) {
        try {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            int number = 0;
            for (X509Certificate one : authorities.certificates())
                store.setCertificateEntry("ca-" + number++, one);
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            for (TrustManager manager : factory.getTrustManagers())
                if (manager instanceof X509ExtendedTrustManager extended) return extended;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("every JDK has PKIX", e);
        }
        throw new IllegalStateException("every JDK has PKIX");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        pkix.checkClientTrusted(chain, authType, engine);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        pkix.checkClientTrusted(chain, authType, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType)
            throws CertificateException {
        pkix.checkClientTrusted(chain, authType);
    }

    /// A ticket carries the client's certificate, and outlives it at times. The authorities are the same: they are part of what the ticket is
    /// bound to.
    @Override
    public void resumeClientTrusted(X509Certificate[] chain, SSLEngine engine)
            throws CertificateException {
        if (chain.length > 0) chain[0].checkValidity();
    }

    @Override
    public void resumeServerTrusted(X509Certificate[] chain, SSLEngine engine)
            throws CertificateException {
        throw refusal();
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return pkix.getAcceptedIssuers();
    }
}
