package bascule.tls;

import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Certificates that are trusted. Immutable; equal to any other that trusts the same ones.
public final class CaCertificates {
    private final List<X509Certificate> certificates;
    private final String fingerprint;

    CaCertificates(List<X509Certificate> certificates) {
        this.certificates = List.copyOf(certificates);
        var all = new TreeSet<String>();
        for (X509Certificate one : certificates) all.add(Fingerprints.of(one));
        MessageDigest digest = Fingerprints.sha256();
        for (String one : all) digest.update(HexFormat.of().parseHex(one));
        this.fingerprint = HexFormat.of().formatHex(digest.digest());
    }

    /// How many there are, doubles included.
    public int size() {
        return certificates.size();
    }

    /// SHA-256 over all, whatever their order, as hex.
    public String fingerprint() {
        return fingerprint;
    }

    X509Certificate[] certificates() {
        return certificates.toArray(X509Certificate[]::new);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof CaCertificates that && fingerprint.equals(that.fingerprint);
    }

    @Override
    public int hashCode() {
        return fingerprint.hashCode();
    }

    @Override
    public String toString() {
        return size() + " CA certificates, " + fingerprint;
    }
}
