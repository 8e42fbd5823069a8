package bascule.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// A certificate authority of one test, and what it issues (RFC 5280): real keys, written as the product reads them. Certificates
/// are DER by hand, since the JDK makes none and a test may want what `openssl req` refuses, such as one that has expired.
public final class Certificates {
    /// RSA keys take long to find, and no test needs two.
    private static final class Rsa {
        static final KeyPair PAIR = generate(KeyType.RSA);
    }

    private static final AtomicLong SERIALS = new AtomicLong(System.nanoTime());

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

    private static final String COMMON_NAME = "2.5.4.3";
    private static final String SUBJECT_KEY = "2.5.29.14";
    private static final String KEY_USAGE = "2.5.29.15";
    private static final String NAMES = "2.5.29.17";
    private static final String BASIC_CONSTRAINTS = "2.5.29.19";
    private static final String REVOCATION_LISTS = "2.5.29.31";
    private static final String AUTHORITY_KEY = "2.5.29.35";
    private static final String EXTENDED_KEY_USAGE = "2.5.29.37";
    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

    private final Issued own;

    /// Kinds of key.
    public enum KeyType {
        /// On P-256.
        ECDSA,
        /// Of 2048 bits.
        RSA
    }

    /// A certificate, its key, and who issued it.
    ///
    /// @param chain the certificate first; without the authority's own
    public record Issued(List<X509Certificate> chain, PrivateKey key) {
        public X509Certificate certificate() {
            return chain.getFirst();
        }

        /// SHA-256 of the certificate in lower-case hexadecimal digits.
        public String fingerprint() {
            try {
                return HexFormat.of().formatHex(sha("SHA-256", certificate().getEncoded()));
            } catch (GeneralSecurityException e) {
                throw new AssertionError(e);
            }
        }

        /// The chain alone.
        public String chainPem() {
            var text = new StringBuilder();
            for (X509Certificate each : chain) {
                try {
                    text.append(armoured("CERTIFICATE", each.getEncoded()));
                } catch (GeneralSecurityException e) {
                    throw new AssertionError(e);
                }
            }
            return text.toString();
        }

        /// The key alone, as PKCS#8.
        public String keyPem() {
            return armoured("PRIVATE KEY", key.getEncoded());
        }

        /// Chain and key together, as one file of a certificate folder.
        public String pem() {
            return chainPem() + keyPem();
        }

        /// Writes [#pem] in one move, so that whoever reads sees the old file or the new one.
        ///
        /// @return the file
        public Path writeTo(Path file) {
            return write(file, pem());
        }

        /// What a JDK client or server shows as its own.
        public SSLContext context(Certificates trusted) {
            return contextOf(trusted, this);
        }
    }

    private Certificates(String name) {
        own = new Order(name, generate(KeyType.ECDSA)).issue(null);
    }

    /// An authority with a key of its own.
    ///
    /// @param name its common name
    public static Certificates authority(String name) {
        return new Certificates(name);
    }

    /// What is wanted of a certificate; ECDSA, for servers and clients, from an hour ago for 90 days, unless said otherwise.
    public final class Builder {
        private final String commonName;
        private final List<String> names;
        private KeyType type = KeyType.ECDSA;
        private Instant from = Instant.now().minus(Duration.ofHours(1));
        private Instant until = Instant.now().plus(Duration.ofDays(90));

        private Builder(String commonName, List<String> names) {
            this.commonName = commonName;
            this.names = names;
        }

        public Builder type(KeyType keyType) {
            type = keyType;
            return this;
        }

        public Builder from(Instant time) {
            from = time;
            return this;
        }

        public Builder until(Instant time) {
            until = time;
            return this;
        }

        public Issued issue() {
            var order = new Order(commonName, type == KeyType.RSA ? Rsa.PAIR : generate(type));
            order.names = names;
            order.from = from;
            order.until = until;
            return order.issue(own);
        }
    }

    /// One for a server.
    ///
    /// @param names DNS names, wildcards, IP addresses; the first is the common name, too
    public Builder server(String... names) {
        return new Builder(names[0], List.of(names));
    }

    /// One for a client.
    public Builder client(String commonName) {
        return new Builder(commonName, List.of());
    }

    /// The authority's own certificate.
    public String pem() {
        return own.chainPem();
    }

    /// Writes [#pem].
    ///
    /// @return the file
    public Path writeTo(Path file) {
        return write(file, pem());
    }

    /// For a JDK client or server that trusts this authority alone, and has nothing to show.
    public SSLContext context() {
        return contextOf(this, null);
    }

    private static SSLContext contextOf(Certificates trusted, Issued own) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setCertificateEntry("ca", trusted.own.certificate());
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            var context = SSLContext.getInstance("TLS");
            if (own == null) {
                context.init(null, trust.getTrustManagers(), null);
                return context;
            }
            char[] password = "test".toCharArray();
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(null, null);
            keys.setKeyEntry("own", own.key, password, own.chain.toArray(Certificate[]::new));
            var shown = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            shown.init(keys, password);
            context.init(shown.getKeyManagers(), trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new AssertionError(e);
        }
    }

    private static KeyPair generate(KeyType type) {
        try {
            boolean rsa = type == KeyType.RSA;
            var generator = KeyPairGenerator.getInstance(rsa ? "RSA" : "EC");
            generator.initialize(
                    rsa
                            ? new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4)
                            : new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    /// What goes into a certificate.
    private static final class Order {
        private final String commonName;
        private final KeyPair keys;
        private List<String> names = List.of();
        private Instant from = Instant.now().minus(Duration.ofDays(1));
        private Instant until = Instant.now().plus(Duration.ofDays(365));

        Order(String commonName, KeyPair keys) {
            this.commonName = commonName;
            this.keys = keys;
        }

        /// @param issuer null for an authority, which signs for itself
        Issued issue(Issued issuer) {
            try {
                PrivateKey signer = issuer == null ? keys.getPrivate() : issuer.key;
                byte[] algorithm = sequence(oid("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256
                byte[] certificate =
                        sequence(
                                explicit(0, integer(BigInteger.TWO)), // X.509 v3
                                integer(BigInteger.valueOf(SERIALS.incrementAndGet())),
                                algorithm,
                                issuer == null
                                        ? name(commonName)
                                        : issuer.certificate()
                                                .getSubjectX500Principal()
                                                .getEncoded(),
                                sequence(time(from), time(until)),
                                name(commonName),
                                keys.getPublic().getEncoded(),
                                explicit(3, extensions(issuer)));
                var signature = Signature.getInstance("SHA256withECDSA");
                signature.initSign(signer, new SecureRandom());
                signature.update(certificate);
                byte[] whole = sequence(certificate, algorithm, bits(signature.sign()));
                var read =
                        (X509Certificate)
                                CertificateFactory.getInstance("X.509")
                                        .generateCertificate(new ByteArrayInputStream(whole));
                return new Issued(List.of(read), keys.getPrivate());
            } catch (GeneralSecurityException e) {
                throw new AssertionError(e);
            }
        }

        private byte[] extensions(Issued issuer) throws GeneralSecurityException {
            byte[] key = keyId(keys.getPublic().getEncoded());
            if (issuer == null) {
                return sequence(
                        extension(BASIC_CONSTRAINTS, true, sequence(der(0x01, new byte[] {-1}))),
                        // keyCertSign and cRLSign: bits 5 and 6.
                        extension(KEY_USAGE, true, der(0x03, new byte[] {1, 0x06})),
                        extension(SUBJECT_KEY, false, der(0x04, key)));
            }
            byte[] issuerKey = keyId(issuer.certificate().getPublicKey().getEncoded());
            byte[] common =
                    join(
                            extension(BASIC_CONSTRAINTS, true, sequence()),
                            // digitalSignature and keyEncipherment: bits 0 and 2.
                            extension(KEY_USAGE, true, der(0x03, new byte[] {5, (byte) 0xa0})),
                            extension(
                                    EXTENDED_KEY_USAGE,
                                    false,
                                    sequence(oid(SERVER_AUTH), oid(CLIENT_AUTH))),
                            extension(SUBJECT_KEY, false, der(0x04, key)),
                            extension(AUTHORITY_KEY, false, sequence(der(0x80, issuerKey))),
                            extension(REVOCATION_LISTS, false, revocationLists()));
            if (names.isEmpty()) return sequence(common);
            var alternatives = new ByteArrayOutputStream();
            for (String each : names) {
                boolean isAddress = each.matches("[0-9.]+|.*:.*");
                alternatives.writeBytes(
                        isAddress
                                ? der(0x87, InetAddress.ofLiteral(each).getAddress())
                                : der(0x82, each.getBytes(US_ASCII)));
            }
            return sequence(common, extension(NAMES, false, sequence(alternatives.toByteArray())));
        }

        /// Nobody answers there; scanners only ask that there be one (RFC 5280 §4.2.1.13).
        private static byte[] revocationLists() {
            byte[] address = der(0x86, "http://crl.invalid/".getBytes(US_ASCII));
            return sequence(sequence(explicit(0, explicit(0, address))));
        }

        private static byte[] keyId(byte[] publicKey) throws GeneralSecurityException {
            return sha(
                    "SHA-1", publicKey); // RFC 5280 §4.2.1.2: any method that gives unique values.
        }
    }

    private static byte[] sha(String algorithm, byte[] of) throws GeneralSecurityException {
        return MessageDigest.getInstance(algorithm).digest(of);
    }

    private static byte[] name(String commonName) {
        return sequence(
                der(0x31, sequence(oid(COMMON_NAME), der(0x0c, commonName.getBytes(UTF_8)))));
    }

    private static byte[] extension(String id, boolean critical, byte[] value) {
        byte[] wrapped = der(0x04, value);
        return critical
                ? sequence(oid(id), der(0x01, new byte[] {-1}), wrapped)
                : sequence(oid(id), wrapped);
    }

    /// UTCTime until 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5).
    private static byte[] time(Instant time) {
        String text = TIME.format(time);
        return text.compareTo("2050") < 0
                ? der(0x17, text.substring(2).getBytes(US_ASCII))
                : der(0x18, text.getBytes(US_ASCII));
    }

    private static byte[] oid(String dotted) {
        String[] arcs = dotted.split("\\.");
        var out = new ByteArrayOutputStream();
        out.write(Integer.parseInt(arcs[0]) * 40 + Integer.parseInt(arcs[1]));
        for (int i = 2; i < arcs.length; i++) {
            int arc = Integer.parseInt(arcs[i]);
            for (int shift = 28; shift > 0; shift -= 7)
                if (arc >>> shift != 0) out.write(arc >>> shift & 0x7f | 0x80);
            out.write(arc & 0x7f);
        }
        return der(0x06, out.toByteArray());
    }

    private static byte[] integer(BigInteger value) {
        return der(0x02, value.toByteArray());
    }

    private static byte[] bits(byte[] whole) {
        return der(0x03, join(new byte[1], whole));
    }

    private static byte[] explicit(int tag, byte[] content) {
        return der(0xa0 | tag, content);
    }

    private static byte[] sequence(byte[]... parts) {
        return der(0x30, join(parts));
    }

    private static byte[] der(int tag, byte[] content) {
        var out = new ByteArrayOutputStream();
        out.write(tag);
        if (content.length < 0x80) {
            out.write(content.length);
        } else {
            byte[] length = BigInteger.valueOf(content.length).toByteArray();
            int from = length[0] == 0 ? 1 : 0;
            out.write(0x80 | length.length - from);
            out.write(length, from, length.length - from);
        }
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static byte[] join(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }

    private static String armoured(String kind, byte[] der) {
        return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
                .formatted(
                        kind,
                        Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der),
                        kind);
    }

    private static Path write(Path file, String text) {
        Path fresh = file.resolveSibling("." + file.getFileName() + ".new");
        try {
            Files.deleteIfExists(fresh);
            Files.createFile(
                    fresh,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
            Files.writeString(fresh, text, StandardOpenOption.WRITE);
            return Files.move(
                    fresh,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
