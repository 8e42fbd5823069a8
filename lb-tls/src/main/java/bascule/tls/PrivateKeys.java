package bascule.tls;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Private keys in the forms that tools write: PKCS#8 (RFC 5958), PKCS#1 for RSA (RFC 8017 §A.1.2), SEC1 for EC (RFC 5915).
final class PrivateKeys {
    /// AlgorithmIdentifier rsaEncryption with its NULL (RFC 8017 §A.1).
    private static final byte[] RSA_ENCRYPTION = {
        0x30,
        0x0d,
        0x06,
        0x09,
        0x2a,
        (byte) 0x86,
        0x48,
        (byte) 0x86,
        (byte) 0xf7,
        0x0d,
        0x01,
        0x01,
        0x01,
        0x05,
        0x00
    };

    private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};
    private static final byte[] CHALLENGE = {'b', 'a', 's', 'c', 'u', 'l', 'e'};

    private PrivateKeys() {}

    static boolean isKey(Pem.Block block) {
        return block.label().endsWith("PRIVATE KEY");
    }

    static boolean isEncrypted(Pem.Block block) {
        return block.encrypted() || block.label().equals("ENCRYPTED PRIVATE KEY");
    }

    /// @param partner the certificate's key: it says of which kind the private one has to be, and for SEC1 on which curve
    /// @return null if these bytes are no key of that kind
    static @Nullable PrivateKey decode(Pem.Block block, PublicKey partner) {
        byte[] pkcs8 =
                switch (block.label()) {
                    case "RSA PRIVATE KEY" -> pkcs8(RSA_ENCRYPTION, block.der());
                    case "EC PRIVATE KEY" -> pkcs8(algorithmOf(partner), block.der());
                    default -> block.der();
                };
        try {
            return KeyFactory.getInstance(partner.getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (GeneralSecurityException e) {
            return null;
        } finally {
            Arrays.fill(pkcs8, (byte) 0);
            Arrays.fill(block.der(), (byte) 0);
        }
    }

    /// Whether what one signs the other verifies. To compare numbers would not see a private exponent that is damaged.
    static boolean belongTogether(PrivateKey key, PublicKey partner) {
        String algorithm =
                partner.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
        try {
            Signature signer = Signature.getInstance(algorithm);
            signer.initSign(key);
            signer.update(CHALLENGE);
            byte[] signature = signer.sign();
            Signature verifier = Signature.getInstance(algorithm);
            verifier.initVerify(partner);
            verifier.update(CHALLENGE);
            return verifier.verify(signature);
        } catch (InvalidKeyException e) {
            return false; // Such as an exponent that is none.
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /// The first element of a SubjectPublicKeyInfo.
    private static byte[] algorithmOf(PublicKey key) {
        byte[] spki = key.getEncoded();
        int at = afterLength(spki, 1);
        int end = afterLength(spki, at + 1) + lengthAt(spki, at + 1);
        return Arrays.copyOfRange(spki, at, end);
    }

    private static int lengthAt(byte[] der, int at) {
        int first = der[at] & 0xff;
        if (first < 0x80) return first;
        int length = 0;
        for (int i = 1; i <= (first & 0x7f); i++) length = length << 8 | der[at + i] & 0xff;
        return length;
    }

    private static int afterLength(byte[] der, int at) {
        int first = der[at] & 0xff;
        return at + 1 + (first < 0x80 ? 0 : first & 0x7f);
    }

    private static byte[] pkcs8(byte[] algorithm, byte[] key) {
        var body = new ByteArrayOutputStream();
        body.writeBytes(VERSION_0);
        body.writeBytes(algorithm);
        element(body, 0x04, key);
        var whole = new ByteArrayOutputStream();
        byte[] content = body.toByteArray();
        element(whole, 0x30, content);
        Arrays.fill(content, (byte) 0);
        return whole.toByteArray();
    }

    private static void element(ByteArrayOutputStream to, int tag, byte[] content) {
        to.write(tag);
        if (content.length < 0x80) to.write(content.length);
        else if (content.length < 0x100) {
            to.write(0x81);
            to.write(content.length);
        } else {
            to.write(0x82);
            to.write(content.length >> 8);
            to.write(content.length);
        }
        to.writeBytes(content);
    }
}
