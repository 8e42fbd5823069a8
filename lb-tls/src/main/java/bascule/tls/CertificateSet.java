package bascule.tls;

import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// All certificates of a listener. Immutable. Equal to one that shows the same certificates to the same clients, so that whoever
/// watches a folder sees that nothing changed.
public final class CertificateSet {
    /// Those for one name.
    record Pair(@Nullable Certificate ecdsa, @Nullable Certificate rsa) {
        static final Pair NONE = new Pair(null, null);

        private Pair with(Certificate certificate) {
            return switch (certificate.keyType()) {
                case ECDSA -> new Pair(later(ecdsa, certificate), rsa);
                case RSA -> new Pair(ecdsa, later(rsa, certificate));
            };
        }

        private static Certificate later(@Nullable Certificate old, Certificate other) {
            return old == null || other.notAfter().isAfter(old.notAfter()) ? other : old;
        }

        List<Certificate> certificates() {
            List<Certificate> both = new ArrayList<>(2);
            if (ecdsa != null) both.add(ecdsa);
            if (rsa != null) both.add(rsa);
            return both;
        }
    }

    private final List<Certificate> certificates;
    private final Certificate defaultCertificate;
    private final Pair defaults;
    private final String fingerprint;

    /// Host names as they are; wildcards as `.domain`.
    private final Map<String, Pair> byName = new HashMap<>();

    /// @param certificates one or more, in the order of their files' names
    CertificateSet(List<Certificate> certificates, Certificate defaultCertificate) {
        this.certificates = List.copyOf(certificates);
        this.defaultCertificate = defaultCertificate;
        for (Certificate certificate : certificates)
            for (String name : certificate.names())
                byName.merge(
                        name.startsWith("*.") ? name.substring(1) : name,
                        Pair.NONE.with(certificate),
                        (old, _) -> old.with(certificate));
        this.defaults = defaults();
        this.fingerprint = computeFingerprint();
    }

    /// In the order of their files' names. Where two have a name and a key type in common, the one that expires later is shown for it,
    /// so a renewed certificate may lie beside the old one for a while.
    public List<Certificate> certificates() {
        return certificates;
    }

    /// What clients get that name nobody, or somebody unknown.
    Certificate defaultCertificate() {
        return defaultCertificate;
    }

    /// SHA-256 over all certificates, their chains, and which one is the default; as hex. Since a certificate holds its public key,
    /// another private key makes another fingerprint.
    public String fingerprint() {
        return fingerprint;
    }

    Pair defaultPair() {
        return defaults;
    }

    Pair exact(String name) {
        return byName.getOrDefault(name, Pair.NONE);
    }

    /// By a wildcard, which stands for one label (RFC 9525 §6.3).
    Pair wildcard(String name) {
        int dot = name.indexOf('.');
        return dot < 0 ? Pair.NONE : byName.getOrDefault(name.substring(dot), Pair.NONE);
    }

    /// The default, and one of the other key type for one of its names.
    private Pair defaults() {
        Pair pair = Pair.NONE.with(defaultCertificate);
        for (String name : defaultCertificate.names()) {
            Pair same =
                    byName.getOrDefault(
                            name.startsWith("*.") ? name.substring(1) : name, Pair.NONE);
            pair =
                    new Pair(
                            pair.ecdsa() == null ? same.ecdsa() : pair.ecdsa(),
                            pair.rsa() == null ? same.rsa() : pair.rsa());
        }
        return pair;
    }

    private String computeFingerprint() {
        List<String> all = new ArrayList<>();
        for (Certificate certificate : certificates) {
            MessageDigest digest = Fingerprints.sha256();
            for (X509Certificate one : certificate.chain())
                digest.update(Fingerprints.sha256().digest(Fingerprints.der(one)));
            all.add(HexFormat.of().formatHex(digest.digest()));
        }
        all.sort(null); // Files may be renamed.
        MessageDigest digest = Fingerprints.sha256();
        for (String one : all) digest.update(HexFormat.of().parseHex(one));
        digest.update(HexFormat.of().parseHex(defaultCertificate.fingerprint()));
        return HexFormat.of().formatHex(digest.digest());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof CertificateSet that && fingerprint.equals(that.fingerprint);
    }

    @Override
    public int hashCode() {
        return fingerprint.hashCode();
    }

    @Override
    public String toString() {
        return certificates.toString();
    }
}
