package bascule.tls.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/// A certificate authority for tests. What it issues is valid from an hour ago for 90 days, unless said otherwise.
///
/// ```java
/// TestAuthority authority = TestAuthority.named("Test CA");
/// authority.issue("www.example.com", "*.example.org").write(folder, "www");
/// authority.file(folder.resolve("ca.pem"));
/// ```
public final class TestAuthority {
    private static final String SUBJECT_KEY = "2.5.29.14";
    private static final String KEY_USAGE = "2.5.29.15";
    private static final String NAMES = "2.5.29.17";
    private static final String BASIC_CONSTRAINTS = "2.5.29.19";
    private static final String REVOCATION_LISTS = "2.5.29.31";
    private static final String AUTHORITY_KEY = "2.5.29.35";
    private static final String EXTENDED_KEY_USAGE = "2.5.29.37";
    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

    private static final AtomicLong serials = new AtomicLong(System.nanoTime());

    private final String name;
    private final X509Certificate certificate;
    private final PrivateKey key;

    /// Those between this one and the root, this one first, the root left out.
    private final List<X509Certificate> intermediates;

    private TestAuthority(
            String name,
            X509Certificate certificate,
            PrivateKey key,
            List<X509Certificate> intermediates) {
        this.name = name;
        this.certificate = certificate;
        this.key = key;
        this.intermediates = List.copyOf(intermediates);
    }

    /// A root with a new P-256 key.
    public static TestAuthority named(String name) {
        KeyPair pair = Key.P256.generate();
        X509Certificate own =
                new Request(name, pair)
                        .authority()
                        .valid(now().minus(Duration.ofDays(1)), now().plus(Duration.ofDays(3650)))
                        .signed(name, pair.getPrivate(), pair.getPublic());
        return new TestAuthority(name, own, pair.getPrivate(), List.of());
    }

    /// An authority below this one.
    public TestAuthority intermediate(String name) {
        KeyPair pair = Key.P256.generate();
        X509Certificate own =
                new Request(name, pair)
                        .authority()
                        .valid(now().minus(Duration.ofDays(1)), now().plus(Duration.ofDays(1825)))
                        .signed(this.name, key, certificate.getPublicKey());
        List<X509Certificate> chain = new ArrayList<>();
        chain.add(own);
        chain.addAll(intermediates);
        return new TestAuthority(name, own, pair.getPrivate(), chain);
    }

    /// An ECDSA certificate for host names, with a key of its own. The first name is the common name, too.
    public Issued issue(String... names) {
        return request(names[0]).names(names).issue();
    }

    /// An RSA certificate for host names; all of them share one key.
    public Issued issueRsa(String... names) {
        return request(names[0]).key(Key.RSA).names(names).issue();
    }

    /// An ECDSA certificate for a client.
    public Issued issueClient(String commonName) {
        return request(commonName).issue();
    }

    /// Anything else.
    public Request request(String commonName) {
        return new Request(commonName, Key.P256.generate()).of(this);
    }

    public X509Certificate certificate() {
        return certificate;
    }

    /// The root, or the intermediate, in PEM form.
    public String pem() {
        return Issued.pem(certificate);
    }

    /// Writes [#pem] there.
    public Path file(Path file) {
        return Issued.put(file, pem());
    }

    static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS);
    }

    /// What a certificate is to hold.
    public static final class Request {
        private final String commonName;
        private KeyPair pair;
        private Instant from = now().minus(Duration.ofHours(1));
        private Instant to = now().plus(Duration.ofDays(90));
        private final List<byte[]> alternatives = new ArrayList<>();
        private boolean authority;
        private TestAuthority issuer;

        private Request(String commonName, KeyPair pair) {
            this.commonName = commonName;
            this.pair = pair;
        }

        private Request of(TestAuthority issuer) {
            this.issuer = issuer;
            return this;
        }

        private Request authority() {
            authority = true;
            return this;
        }

        /// A key of this kind. RSA keys are all the same one, for they take long to make.
        public Request key(Key kind) {
            return key(kind.algorithm.equals("RSA") ? kind.shared() : kind.generate());
        }

        public Request key(KeyPair pair) {
            this.pair = pair;
            return this;
        }

        public Request valid(Instant from, Instant to) {
            this.from = from;
            this.to = to;
            return this;
        }

        /// Adds host names to the alternative names.
        public Request names(String... names) {
            for (String one : names) alternatives.add(Der.implicit(2, one.getBytes(ISO_8859_1)));
            return this;
        }

        /// Adds IP addresses to the alternative names.
        public Request addresses(String... literals) {
            for (String one : literals)
                alternatives.add(Der.implicit(7, InetAddress.ofLiteral(one).getAddress()));
            return this;
        }

        public Issued issue() {
            X509Certificate own =
                    signed(issuer.name, issuer.key, issuer.certificate.getPublicKey());
            List<X509Certificate> chain = new ArrayList<>();
            chain.add(own);
            chain.addAll(issuer.intermediates);
            return new Issued(List.copyOf(chain), pair.getPrivate());
        }

        /// By its own key, as one that nobody stands for.
        public Issued selfSigned() {
            return new Issued(
                    List.of(signed(commonName, pair.getPrivate(), pair.getPublic())),
                    pair.getPrivate());
        }

        /// RFC 5280 §4.1.
        private X509Certificate signed(
                String issuerName, PrivateKey issuerKey, PublicKey issuerPublic) {
            Key kind =
                    switch (issuerPublic.getAlgorithm()) {
                        case "EC" -> Key.P256;
                        case "RSA" -> Key.RSA;
                        default -> Key.ED25519;
                    };
            byte[] algorithm =
                    kind == Key.RSA
                            ? Der.sequence(Der.oid(kind.signatureOid), new byte[] {5, 0})
                            : Der.sequence(Der.oid(kind.signatureOid));
            List<byte[]> extensions = extensions(issuerPublic);
            byte[] tbs =
                    Der.sequence(
                            Der.tagged(0, Der.integer(2)),
                            Der.integer(BigInteger.valueOf(serials.incrementAndGet()).abs()),
                            algorithm,
                            name(issuerName),
                            Der.sequence(Der.time(from), Der.time(to)),
                            name(commonName),
                            pair.getPublic().getEncoded(),
                            Der.tagged(3, Der.sequence(extensions.toArray(byte[][]::new))));
            try {
                Signature signer = Signature.getInstance(kind.signature);
                signer.initSign(issuerKey);
                signer.update(tbs);
                byte[] der = Der.sequence(tbs, algorithm, Der.bits(signer.sign()));
                return (X509Certificate)
                        CertificateFactory.getInstance("X.509")
                                .generateCertificate(new ByteArrayInputStream(der));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException(e);
            }
        }

        /// What strict verifiers ask for (RFC 5280 §4.2.1).
        private List<byte[]> extensions(PublicKey issuerPublic) {
            List<byte[]> all = new ArrayList<>();
            all.add(extension(SUBJECT_KEY, false, Der.octets(keyId(pair.getPublic()))));
            all.add(
                    extension(
                            AUTHORITY_KEY,
                            false,
                            Der.sequence(Der.implicit(0, keyId(issuerPublic)))));
            if (authority) {
                all.add(extension(BASIC_CONSTRAINTS, true, Der.sequence(Der.bool(true))));
                // keyCertSign and cRLSign.
                all.add(extension(KEY_USAGE, true, new byte[] {3, 2, 1, 6}));
                return all;
            }
            all.add(extension(BASIC_CONSTRAINTS, true, Der.sequence()));
            // digitalSignature and keyEncipherment.
            all.add(extension(KEY_USAGE, true, new byte[] {3, 2, 5, (byte) 0xa0}));
            all.add(
                    extension(
                            EXTENDED_KEY_USAGE,
                            false,
                            Der.sequence(Der.oid(SERVER_AUTH), Der.oid(CLIENT_AUTH))));
            // Nobody answers there; a scanner only asks that there be one.
            byte[] list = Der.implicit(6, "http://crl.invalid/".getBytes(ISO_8859_1));
            all.add(
                    extension(
                            REVOCATION_LISTS,
                            false,
                            Der.sequence(Der.sequence(Der.tagged(0, Der.tagged(0, list))))));
            if (!alternatives.isEmpty())
                all.add(extension(NAMES, false, Der.sequence(alternatives.toArray(byte[][]::new))));
            return all;
        }

        /// RFC 5280 §4.2.1.2: any method that gives unique values.
        private static byte[] keyId(PublicKey key) {
            try {
                return MessageDigest.getInstance("SHA-1").digest(key.getEncoded());
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException(e);
            }
        }

        private static byte[] extension(String oid, boolean critical, byte[] value) {
            return critical
                    ? Der.sequence(Der.oid(oid), Der.bool(true), Der.octets(value))
                    : Der.sequence(Der.oid(oid), Der.octets(value));
        }

        private static byte[] name(String commonName) {
            return commonName.isEmpty()
                    ? Der.sequence()
                    : Der.sequence(Der.set(Der.sequence(Der.oid("2.5.4.3"), Der.utf8(commonName))));
        }
    }
}
