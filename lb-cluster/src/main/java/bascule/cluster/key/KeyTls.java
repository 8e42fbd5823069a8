package bascule.cluster.key;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/// A TLS context that shows one certificate and trusts some public keys, and nothing else: no CA, no name, no date.
final class KeyTls {
    static final String VERSION = "TLSv1.3";
    private static final String ALIAS = "cluster";

    private KeyTls() {}

    static SSLContext context(KeyFile.Block shown, List<KeyFile.Block> accepted) {
        try {
            SSLContext context = SSLContext.getInstance(VERSION);
            context.init(
                    new KeyManager[] {new Shown(shown)},
                    new TrustManager[] {new Accepted(accepted)},
                    new SecureRandom());
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Every JDK has TLS 1.3.
        }
    }

    private static final class Shown extends X509ExtendedKeyManager {
        private final KeyFile.Block block;

        private Shown(KeyFile.Block block) {
            this.block = block;
        }

        private static @Nullable String alias(String... keyTypes) {
            for (String each : keyTypes) if (each.equals("EC")) return ALIAS;
            return null;
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return alias(keyTypes); // Whatever issuers it asks for: it has our key, or refuses.
        }

        @Override
        public @Nullable String chooseServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return alias(keyType);
        }

        @Override
        public @Nullable String chooseEngineClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            return alias(keyTypes);
        }

        @Override
        public @Nullable String chooseEngineServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            return alias(keyType);
        }

        @Override
        public String @Nullable [] getClientAliases(
                String keyType, Principal @Nullable [] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public String @Nullable [] getServerAliases(
                String keyType, Principal @Nullable [] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public X509Certificate @Nullable [] getCertificateChain(String alias) {
            return new X509Certificate[] {block.certificate()};
        }

        @Override
        public @Nullable PrivateKey getPrivateKey(String alias) {
            return block.key();
        }
    }

    /// That the peer has the private key is shown by CertificateVerify (RFC 8446 §4.4.3); here is asked only which key it is.
    private static final class Accepted extends X509ExtendedTrustManager {
        private final List<PublicKey> keys;

        private Accepted(List<KeyFile.Block> blocks) {
            this.keys = blocks.stream().map(b -> b.certificate().getPublicKey()).toList();
        }

        /// @param session of the handshake; null where it is not known, and then nobody is trusted
        private void check(X509Certificate @Nullable [] chain, @Nullable SSLSession session)
                throws CertificateException {
            if (session == null || !VERSION.equals(session.getProtocol()))
                throw new CertificateException("not " + VERSION);
            if (chain == null || chain.length != 1)
                throw new CertificateException("no certificate, or a chain (expected: one)");
            // By its bytes: equal keys of different classes need not be equal().
            byte[] shown = chain[0].getPublicKey().getEncoded();
            for (PublicKey each : keys) if (Arrays.equals(each.getEncoded(), shown)) return;
            throw new CertificateException(
                    "the key is none of this cluster's: SHA-256 "
                            + HexFormat.of().formatHex(ClusterKey.sha256(shown)));
        }

        private static @Nullable SSLSession session(@Nullable Socket socket) {
            return socket instanceof SSLSocket tls ? tls.getHandshakeSession() : null;
        }

        @Override
        public void checkClientTrusted(
                X509Certificate[] chain, String authType, @Nullable Socket socket)
                throws CertificateException {
            check(chain, session(socket));
        }

        @Override
        public void checkServerTrusted(
                X509Certificate[] chain, String authType, @Nullable Socket socket)
                throws CertificateException {
            check(chain, session(socket));
        }

        @Override
        public void checkClientTrusted(
                X509Certificate[] chain, String authType, @Nullable SSLEngine engine)
                throws CertificateException {
            check(chain, engine == null ? null : engine.getHandshakeSession());
        }

        @Override
        public void checkServerTrusted(
                X509Certificate[] chain, String authType, @Nullable SSLEngine engine)
                throws CertificateException {
            check(chain, engine == null ? null : engine.getHandshakeSession());
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType)
                throws CertificateException {
            check(chain, null);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType)
                throws CertificateException {
            check(chain, null);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
