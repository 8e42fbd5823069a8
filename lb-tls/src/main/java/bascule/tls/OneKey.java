package bascule.tls;

import java.net.Socket;
import java.security.KeyStore;
import java.security.NoSuchAlgorithmException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.KeyManagerFactorySpi;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/// A context's one certificate, in the form that engines ask for. A key store in its place would encrypt the key with 10,000 rounds of a
/// hash, for each context, only to decrypt it again. BoringSSL's engines parse it once per context, as long as they are given the same objects;
/// Netty's factory for caching would do no more, and loses a reference when two first handshakes meet.
final class OneKey extends X509ExtendedKeyManager {
    private static final String ALIAS = "one";
    private static final String[] ALIASES = {ALIAS};

    private final X509Certificate[] chain;
    private final PrivateKey key;

    private OneKey(Certificate certificate) {
        this.chain = certificate.chain();
        this.key = certificate.key();
    }

    static KeyManagerFactory factory(Certificate certificate) {
        try {
            String algorithm = KeyManagerFactory.getDefaultAlgorithm();
            return new Factory(
                    new OneKey(certificate),
                    KeyManagerFactory.getInstance(algorithm).getProvider(),
                    algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has its default", e);
        }
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
        return aliasFor(keyType);
    }

    @Override
    public @Nullable String chooseServerAlias(
            String keyType, Principal @Nullable [] issuers, Socket socket) {
        return aliasFor(keyType);
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
            String[] keyTypes, Principal @Nullable [] issuers, SSLEngine engine) {
        return aliasFor(keyTypes);
    }

    @Override
    public @Nullable String chooseClientAlias(
            String[] keyTypes, Principal @Nullable [] issuers, Socket socket) {
        return aliasFor(keyTypes);
    }

    /// Whose authorities they are is left to the other side to judge: it was told to be shown this certificate.
    private @Nullable String aliasFor(String... keyTypes) {
        for (String keyType : keyTypes) if (keyType.equals(key.getAlgorithm())) return ALIAS;
        return null;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal @Nullable [] issuers) {
        return ALIASES.clone();
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        return ALIASES.clone();
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
        return chain; // A copy for each handshake would help nobody.
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
        return key;
    }

    private static final class Factory extends KeyManagerFactory {
        Factory(OneKey manager, Provider provider, String algorithm) {
            super(
                    new KeyManagerFactorySpi() {
                        @Override
                        protected void engineInit(KeyStore store, char[] password) {}

                        @Override
                        protected void engineInit(ManagerFactoryParameters parameters) {}

                        @Override
                        protected KeyManager[] engineGetKeyManagers() {
                            return new KeyManager[] {manager};
                        }
                    },
                    provider,
                    algorithm);
        }
    }
}
