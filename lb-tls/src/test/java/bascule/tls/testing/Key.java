package bascule.tls.testing;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.util.EnumMap;
import java.util.Map;

/// Kinds of keys that a test may want.
public enum Key {
    P256("EC", "secp256r1", "SHA256withECDSA", "1.2.840.10045.4.3.2"),
    P384("EC", "secp384r1", "SHA256withECDSA", "1.2.840.10045.4.3.2"),
    P521("EC", "secp521r1", "SHA256withECDSA", "1.2.840.10045.4.3.2"),
    RSA("RSA", "2048", "SHA256withRSA", "1.2.840.113549.1.1.11"),
    /// Too short for us.
    RSA_1024("RSA", "1024", "SHA256withRSA", "1.2.840.113549.1.1.11"),
    ED25519("Ed25519", "", "Ed25519", "1.3.101.112");

    private static final Map<Key, KeyPair> kept = new EnumMap<>(Key.class);

    final String algorithm;
    private final String parameters;
    final String signature;
    final String signatureOid;

    Key(String algorithm, String parameters, String signature, String signatureOid) {
        this.algorithm = algorithm;
        this.parameters = parameters;
        this.signature = signature;
        this.signatureOid = signatureOid;
    }

    /// A new pair. RSA takes a tenth of a second.
    public KeyPair generate() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
            switch (algorithm) {
                case "EC" -> generator.initialize(new ECGenParameterSpec(parameters));
                case "RSA" -> generator.initialize(Integer.parseInt(parameters));
                default -> {}
            }
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The same pair each time, for those who do not mind to share theirs.
    KeyPair shared() {
        synchronized (kept) {
            return kept.computeIfAbsent(this, Key::generate);
        }
    }
}
