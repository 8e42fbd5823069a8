package bascule.tls;

import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads one certificate with its chain and its key, and refuses what would fail in a handshake.
final class CertificateReader {
    /// Of one file of chain and key. The largest real chains, with keys of 8192 bits, stay under 30 KiB.
    static final int LIMIT_BYTES = 256 << 10;

    /// Certificates in one chain; more than a verifier follows.
    static final int CHAIN_LIMIT = 10;

    private static final int RSA_LEAST_BITS = 2048;

    /// BoringSSL verifies nothing larger, and one signature would hold a loop up for 10 ms.
    private static final int RSA_MOST_BITS = 8192;

    private static final String ONE_KEY =
            "one unencrypted private key, here or in the .key file beside it";

    private CertificateReader() {}

    /// @param keyFile the file of the key if it is one of its own
    /// @param now     when the certificate has to be valid
    /// @param faults  is told what is wrong
    /// @return null if anything is
    static @Nullable Certificate read(
            Path file, @Nullable Path keyFile, Instant now, List<CertificateFault> faults) {
        int before = faults.size();
        List<Pem.Block> blocks = blocks(file, faults);
        List<Pem.Block> more = keyFile == null ? List.of() : blocks(keyFile, faults);
        if (faults.size() > before) return null;

        X509Certificate[] chain = chain(file, blocks, faults);
        if (chain.length == 0) return null;
        KeyType type = keyType(file, chain[0], faults);
        checkChain(file, chain, faults);
        checkTimes(file, chain, now, faults);
        if (type == null) return null;

        PrivateKey key = key(file, blocks, keyFile, more, chain, faults);
        if (key == null || faults.size() > before) return null;
        return new Certificate(file, chain, key, type);
    }

    private static List<Pem.Block> blocks(Path file, List<CertificateFault> faults) {
        return switch (Pem.read(file, LIMIT_BYTES)) {
            case Pem.Read.Blocks(List<Pem.Block> blocks) when !blocks.isEmpty() -> blocks;
            case Pem.Read.Blocks(_) -> {
                faults.add(
                        new CertificateFault(file, "has nothing in PEM form", "-----BEGIN …-----"));
                yield List.of();
            }
            case Pem.Read.Faulty(CertificateFault fault) -> {
                faults.add(fault);
                yield List.of();
            }
        };
    }

    static boolean isCertificate(Pem.Block block) {
        return block.label().equals("CERTIFICATE") || block.label().equals("X509 CERTIFICATE");
    }

    /// @return null after telling what is wrong
    static @Nullable X509Certificate certificate(
            Path file, Pem.Block block, List<CertificateFault> faults) {
        try {
            var in = new ByteArrayInputStream(block.der());
            if (CertificateFactory.getInstance("X.509").generateCertificate(in)
                            instanceof X509Certificate certificate
                    && in.available() == 0) {
                certificate.getPublicKey(); // Decodes it.
                return certificate;
            }
        } catch (CertificateException e) {
            // Its message speaks of the decoder, not of the file.
        }
        faults.add(
                new CertificateFault(
                        file, block.line(), "has a CERTIFICATE that cannot be decoded", "X.509"));
        return null;
    }

    /// @return empty after telling what is wrong
    private static X509Certificate[] chain(
            Path file, List<Pem.Block> blocks, List<CertificateFault> faults) {
        List<X509Certificate> chain = new ArrayList<>();
        boolean good = true;
        for (Pem.Block block : blocks) {
            if (!isCertificate(block)) continue;
            X509Certificate certificate = certificate(file, block, faults);
            if (certificate == null) good = false;
            else chain.add(certificate);
        }
        if (!good) return new X509Certificate[0];
        if (chain.isEmpty())
            faults.add(
                    new CertificateFault(
                            file, "has no certificate", "-----BEGIN CERTIFICATE-----"));
        if (chain.size() > CHAIN_LIMIT) {
            faults.add(
                    new CertificateFault(
                            file,
                            "has " + chain.size() + " certificates",
                            CHAIN_LIMIT
                                    + " at most: the server's, and those that lead to its authority"));
            return new X509Certificate[0];
        }
        return chain.toArray(X509Certificate[]::new);
    }

    private static @Nullable KeyType keyType(
            Path file, X509Certificate certificate, List<CertificateFault> faults) {
        int bits = Certificate.keyBits(certificate);
        String found;
        switch (certificate.getPublicKey()) {
            case RSAPublicKey rsa when rsa.getAlgorithm().equals("RSA") -> {
                if (bits >= RSA_LEAST_BITS && bits <= RSA_MOST_BITS) return KeyType.RSA;
                found = "RSA of " + bits + " bits";
            }
            case ECPublicKey key -> {
                if (Curve.of(key) != null) return KeyType.ECDSA;
                found = "EC on another curve";
            }
            case PublicKey key -> found = key.getAlgorithm();
        }
        faults.add(
                new CertificateFault(
                        file,
                        "has a key of a kind that is not supported: " + found,
                        "ECDSA on P-256, P-384 or P-521, or RSA of "
                                + RSA_LEAST_BITS
                                + " to "
                                + RSA_MOST_BITS
                                + " bits"));
        return null;
    }

    /// Each certificate has to be signed by the next. TLS 1.3 would bear another order (RFC 8446 §4.4.2), TLS 1.2 does not.
    private static void checkChain(
            Path file, X509Certificate[] chain, List<CertificateFault> faults) {
        for (int i = 0; i + 1 < chain.length; i++) {
            if (isSignedBy(chain[i], chain[i + 1])) continue;
            faults.add(
                    new CertificateFault(
                            file,
                            "has a chain out of order: certificate "
                                    + (i + 2)
                                    + " did not sign certificate "
                                    + (i + 1),
                            "the server's certificate first, then each one's issuer"));
            return;
        }
    }

    private static boolean isSignedBy(X509Certificate certificate, X509Certificate issuer) {
        if (!certificate.getIssuerX500Principal().equals(issuer.getSubjectX500Principal()))
            return false;
        try {
            certificate.verify(issuer.getPublicKey());
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static void checkTimes(
            Path file, X509Certificate[] chain, Instant now, List<CertificateFault> faults) {
        for (int i = 0; i < chain.length; i++) {
            String which = i == 0 ? "" : "certificate " + (i + 1) + " of its chain ";
            Instant from = chain[i].getNotBefore().toInstant();
            Instant to = chain[i].getNotAfter().toInstant();
            String today = "one that is valid at " + now.truncatedTo(ChronoUnit.SECONDS);
            if (now.isAfter(to))
                faults.add(new CertificateFault(file, which + "expired at " + to, today));
            else if (now.isBefore(from))
                faults.add(
                        new CertificateFault(file, which + "is not valid before " + from, today));
        }
    }

    private static @Nullable PrivateKey key(
            Path file,
            List<Pem.Block> blocks,
            @Nullable Path keyFile,
            List<Pem.Block> more,
            X509Certificate[] chain,
            List<CertificateFault> faults) {
        List<Pem.Block> keys = new ArrayList<>();
        Path at = file;
        for (Pem.Block block : blocks) if (PrivateKeys.isKey(block)) keys.add(block);
        for (Pem.Block block : more) {
            if (!PrivateKeys.isKey(block)) continue;
            keys.add(block);
            if (keyFile != null) at = keyFile;
        }
        if (keys.isEmpty()) {
            faults.add(
                    new CertificateFault(keyFile == null ? file : keyFile, "has no key", ONE_KEY));
            return null;
        }
        if (keys.size() > 1) {
            boolean beside = keyFile != null && at == keyFile && !more.containsAll(keys);
            faults.add(
                    new CertificateFault(
                            at,
                            beside ? 0 : keys.get(1).line(),
                            beside
                                    ? "is a second key beside the one in the certificate's file"
                                    : "has two keys",
                            ONE_KEY));
            return null;
        }
        Pem.Block block = keys.getFirst();
        if (PrivateKeys.isEncrypted(block)) {
            faults.add(
                    new CertificateFault(
                            at,
                            block.line(),
                            "has an encrypted key",
                            "one without a passphrase, in a file for the daemon's user alone"));
            return null;
        }
        PublicKey partner = chain[0].getPublicKey();
        PrivateKey key = PrivateKeys.decode(block, partner);
        if (key != null && PrivateKeys.belongTogether(key, partner)) return key;
        faults.add(
                new CertificateFault(
                        at,
                        block.line(),
                        "has a key that does not belong to "
                                + (at == file ? "its first certificate" : file.getFileName()),
                        "the private key of "
                                + partner.getAlgorithm()
                                + " certificate "
                                + chain[0].getSubjectX500Principal().getName()));
        return null;
    }
}
