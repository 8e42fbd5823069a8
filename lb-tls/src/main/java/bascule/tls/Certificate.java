package bascule.tls;

import java.net.InetAddress;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECKey;
import java.security.interfaces.RSAKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import org.jspecify.annotations.Nullable;

/// A certificate that we show to clients or servers, with its chain and key. Equal to one of the same chain and key, wherever it lies.
/// The key never leaves this package, and nothing here prints it.
public final class Certificate {
    private static final int SAN_DNS = 2;
    private static final int SAN_IP = 7;

    private final Path file;
    private final X509Certificate[] chain;
    private final PrivateKey key;
    private final KeyType keyType;
    private final int keyBits;
    private final @Nullable Curve curve;
    private final List<String> names;
    private final String fingerprint;

    /// @param chain in the order it is sent, the server's own certificate first
    Certificate(Path file, X509Certificate[] chain, PrivateKey key, KeyType keyType) {
        this.file = file;
        this.chain = chain;
        this.key = key;
        this.keyType = keyType;
        this.keyBits = keyBits(chain[0]);
        this.curve = chain[0].getPublicKey() instanceof ECKey onCurve ? Curve.of(onCurve) : null;
        this.names = names(chain[0]);
        this.fingerprint = Fingerprints.of(chain[0]);
    }

    /// The file that the certificate was read from.
    public Path file() {
        return file;
    }

    /// What it stands for, lower case, without doubles: host names, `*.` and a domain, and addresses, which no SNI ever asks for.
    /// Empty if none can be understood; such a one can still be the default.
    public List<String> names() {
        return names;
    }

    Instant notBefore() {
        return chain[0].getNotBefore().toInstant();
    }

    public Instant notAfter() {
        return chain[0].getNotAfter().toInstant();
    }

    public KeyType keyType() {
        return keyType;
    }

    /// Size of the key: 256, 384 or 521 for ECDSA; of the modulus for RSA.
    int keyBits() {
        return keyBits;
    }

    /// SHA-256 of the certificate, 64 lower-case hex digits.
    public String fingerprint() {
        return fingerprint;
    }

    /// Who the certificate is for, as RFC 2253 text.
    String subject() {
        return chain[0].getSubjectX500Principal().getName();
    }

    /// Who signed it, as RFC 2253 text.
    String issuer() {
        return chain[0].getIssuerX500Principal().getName();
    }

    /// Only for ECDSA.
    Curve curve() {
        if (curve == null) throw new IllegalStateException("not on a curve");
        return curve;
    }

    PrivateKey key() {
        return key;
    }

    X509Certificate[] chain() {
        return chain.clone();
    }

    X509Certificate leaf() {
        return chain[0];
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Certificate that
                && List.of(chain)
                        .equals(List.of(that.chain)); // It holds the public key, and thereby says
        // which private one.
    }

    @Override
    public int hashCode() {
        return fingerprint.hashCode();
    }

    /// Names, key type and file; no key.
    @Override
    public String toString() {
        return names + " " + keyType + " " + file;
    }

    /// Only meant for keys that [CertificateReader] lets through.
    static int keyBits(X509Certificate certificate) {
        return switch (certificate.getPublicKey()) {
            case RSAKey rsa -> rsa.getModulus().bitLength();
            case ECKey ec -> ec.getParams().getCurve().getField().getFieldSize();
            default -> 0;
        };
    }

    /// RFC 9525 §2: the common name counts only where there is no alternative name, which some private authorities still do.
    private static List<String> names(X509Certificate certificate) {
        Set<String> names = new LinkedHashSet<>();
        boolean alternatives = false;
        Collection<List<?>> all = null;
        try {
            all = certificate.getSubjectAlternativeNames();
        } catch (CertificateParsingException e) {
            alternatives = true; // There are some, and nobody understands them.
        }
        for (List<?> one : all == null ? List.<List<?>>of() : all) {
            if (!(one.get(0) instanceof Integer kind) || !(one.get(1) instanceof String text))
                continue;
            if (kind == SAN_DNS) {
                alternatives = true;
                String name = DnsNames.pattern(text);
                if (name != null) names.add(name);
            } else if (kind == SAN_IP) {
                alternatives = true;
                names.add(address(text));
            }
        }
        if (!alternatives) {
            for (String text : commonNames(certificate)) {
                String name = DnsNames.pattern(text);
                if (name != null) names.add(name);
            }
        }
        return List.copyOf(names);
    }

    private static String address(String text) {
        try {
            return InetAddress.ofLiteral(text).getHostAddress();
        } catch (IllegalArgumentException e) {
            return text.toLowerCase(Locale.ROOT);
        }
    }

    private static List<String> commonNames(X509Certificate certificate) {
        List<String> found = new ArrayList<>();
        try {
            for (Rdn rdn : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns())
                if (rdn.getType().equalsIgnoreCase("CN") && rdn.getValue() instanceof String text)
                    found.add(text);
        } catch (InvalidNameException e) {
            return List.of();
        }
        return found;
    }
}
