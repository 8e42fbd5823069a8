package bascule.cluster.key;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECKey;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The bytes of a key file: PEM (RFC 7468), per block a private key (PKCS#8), its certificate and the datagram secret, in this order.
/// Lines that begin with `#` and empty ones may stand between them.
final class KeyFile {
    static final int LIMIT_BYTES = 64 << 10;
    static final int BLOCKS_MOST = 2;
    static final int SECRET_BYTES = 32;

    /// S_ISGID of inode(7).
    private static final int SET_GROUP_ID = 02000;

    private static final String KEY = "PRIVATE KEY";
    private static final String CERTIFICATE = "CERTIFICATE";
    private static final String SECRET = "BASCULE CLUSTER SECRET";

    /// The parts of a block, in their order.
    private static final List<String> LABELS = List.of(KEY, CERTIFICATE, SECRET);

    private static final String WHOLE =
            "one or two blocks of "
                    + KEY
                    + ", "
                    + CERTIFICATE
                    + ", "
                    + SECRET
                    + ", as bascule keygen writes them";

    /// Group may read: the file may belong to root, and the daemon's group.
    private static final Set<PosixFilePermission> TOO_MUCH =
            EnumSet.of(
                    PosixFilePermission.GROUP_WRITE,
                    PosixFilePermission.GROUP_EXECUTE,
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE,
                    PosixFilePermission.OTHERS_EXECUTE);

    /// @param secret for datagrams
    record Block(ECPrivateKey key, X509Certificate certificate, byte[] secret) {
        @Override
        public String toString() {
            return "a block of a key file"; // Whatever prints it shows no secret.
        }
    }

    /// One PEM section.
    private record Part(int line, String label, byte[] bytes) {}

    /// What is wrong with a file; never leaves this class and [ClusterKey#read].
    static final class Fault extends Exception {
        private static final long serialVersionUID = 1;

        final int line;
        final String what;
        final String expected;

        Fault(int line, String what, String expected) {
            super(what, null, false, false);
            this.line = line;
            this.what = what;
            this.expected = expected;
        }
    }

    private KeyFile() {}

    static List<Block> read(Path file) throws Fault {
        byte[] bytes;
        try {
            if (!Files.exists(file)) throw new NoSuchFileException(file.toString());
            // A pipe would hold up whoever reads.
            if (!Files.isRegularFile(file)) throw new Fault(0, "is no regular file", WHOLE);
            refuseOthers(file);
            try (InputStream in = Files.newInputStream(file)) {
                bytes = in.readNBytes(LIMIT_BYTES + 1);
            }
        } catch (NoSuchFileException _) {
            throw new Fault(0, "is not there", "a file that bascule keygen wrote");
        } catch (IOException e) {
            throw new Fault(0, "cannot be read: " + e, "a file that this user may read");
        }
        if (bytes.length > LIMIT_BYTES)
            throw new Fault(0, "is larger than " + (LIMIT_BYTES >> 10) + " KiB", WHOLE);
        return parse(new String(bytes, ISO_8859_1));
    }

    private static void refuseOthers(Path file) throws Fault, IOException {
        PosixFileAttributeView view =
                Files.getFileAttributeView(file, PosixFileAttributeView.class);
        if (view == null) return; // A file system without modes.
        Set<PosixFilePermission> mode = view.readAttributes().permissions();
        for (PosixFilePermission each : TOO_MUCH)
            if (mode.contains(each))
                throw new Fault(
                        0,
                        "has mode "
                                + PosixFilePermissions.toString(mode)
                                + ", so that it is no secret",
                        "rw------- (0600), or rw-r----- (0640) with a group of the daemon's own");
    }

    static List<Block> parse(String text) throws Fault {
        List<Part> parts = parts(text);
        if (parts.isEmpty()) throw new Fault(0, "holds no key", WHOLE);
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            String due = LABELS.get(i % LABELS.size());
            if (!LABELS.contains(part.label))
                throw new Fault(part.line, "is a " + part.label, WHOLE);
            if (i == BLOCKS_MOST * LABELS.size())
                throw new Fault(part.line, "a third block begins", "two at most");
            if (!part.label.equals(due))
                throw new Fault(part.line, "is a " + part.label, "a " + due + " here");
        }
        if (parts.size() % LABELS.size() != 0)
            throw new Fault(
                    parts.getLast().line,
                    "the last block ends here",
                    "a " + LABELS.get(parts.size() % LABELS.size()) + " after it");
        for (int i = 0; i < parts.size(); i += LABELS.size())
            blocks.add(block(parts.get(i), parts.get(i + 1), parts.get(i + 2)));
        if (blocks.size() == BLOCKS_MOST) {
            if (Arrays.equals(blocks.get(0).secret, blocks.get(1).secret))
                throw new Fault(parts.get(5).line, "is the same secret again", "another one");
        }
        return List.copyOf(blocks);
    }

    private static List<Part> parts(String text) throws Fault {
        List<Part> parts = new ArrayList<>();
        String label = "";
        int began = 0;
        var body = new StringBuilder();
        int line = 0;
        for (String each : text.split("\r?\n", -1)) {
            line++;
            if (began == 0) {
                if (each.isBlank() || each.startsWith("#")) continue;
                if (!each.startsWith("-----BEGIN ")
                        || !each.endsWith("-----")
                        || each.length() < 17)
                    throw new Fault(
                            line, "is no PEM", "-----BEGIN …-----, or a line that begins with #");
                label = each.substring(11, each.length() - 5);
                began = line;
                body.setLength(0);
            } else if (each.equals("-----END " + label + "-----")) {
                parts.add(new Part(began, label, base64(began, label, body)));
                began = 0;
            } else if (each.startsWith("-")) {
                throw new Fault(
                        line,
                        "does not end the " + label + " of line " + began,
                        "-----END " + label + "-----");
            } else {
                body.append(each);
            }
        }
        if (began != 0)
            throw new Fault(began, "the " + label + " has no end", "-----END " + label + "-----");
        return parts;
    }

    private static byte[] base64(int line, String label, StringBuilder body) throws Fault {
        try {
            return Base64.getDecoder().decode(body.toString());
        } catch (IllegalArgumentException _) { // Its message quotes what might be secret.
            throw new Fault(line, "the " + label + " is damaged", "base64");
        }
    }

    private static Block block(Part keyPart, Part certificatePart, Part secretPart) throws Fault {
        ECPrivateKey key = privateKey(keyPart);
        X509Certificate certificate = certificate(certificatePart);
        if (!(certificate.getPublicKey() instanceof ECKey shown) || !isP256(shown))
            throw new Fault(
                    certificatePart.line,
                    "the certificate's key is "
                            + certificate.getPublicKey().getAlgorithm()
                            + " of another kind",
                    "EC on P-256");
        if (!belongs(key, certificate))
            throw new Fault(
                    certificatePart.line,
                    "the certificate does not belong to the key of line " + keyPart.line,
                    "the certificate that was made with it");
        if (secretPart.bytes.length != SECRET_BYTES)
            throw new Fault(
                    secretPart.line,
                    "the secret has " + secretPart.bytes.length + " bytes",
                    SECRET_BYTES + " bytes");
        return new Block(key, certificate, secretPart.bytes);
    }

    private static ECPrivateKey privateKey(Part part) throws Fault {
        try {
            var spec = new PKCS8EncodedKeySpec(part.bytes);
            if (KeyFactory.getInstance("EC").generatePrivate(spec) instanceof ECPrivateKey key
                    && isP256(key)) return key;
        } catch (GeneralSecurityException _) { // Its message may quote the key.
            throw new Fault(
                    part.line,
                    "the private key cannot be read",
                    "PKCS#8, EC on P-256, not encrypted");
        }
        throw new Fault(part.line, "the private key is on another curve", "P-256");
    }

    private static X509Certificate certificate(Part part) throws Fault {
        try {
            var in = new ByteArrayInputStream(part.bytes);
            if (CertificateFactory.getInstance("X.509").generateCertificate(in)
                            instanceof X509Certificate certificate
                    && in.available() == 0) return certificate;
        } catch (CertificateException _) {
            throw new Fault(part.line, "the certificate cannot be read", "X.509");
        }
        throw new Fault(part.line, "something follows the certificate", "one certificate");
    }

    private static boolean isP256(ECKey key) {
        ECParameterSpec p256 = p256();
        ECParameterSpec given = key.getParams();
        return given.getCurve().equals(p256.getCurve())
                && given.getGenerator().equals(p256.getGenerator())
                && given.getOrder().equals(p256.getOrder())
                && given.getCofactor() == p256.getCofactor();
    }

    private static ECParameterSpec p256() {
        try {
            AlgorithmParameters ec = AlgorithmParameters.getInstance("EC");
            ec.init(new ECGenParameterSpec("secp256r1"));
            return ec.getParameterSpec(ECParameterSpec.class);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    /// Proven by use: what the one signs, the other verifies. Private scalars out of range fail here, too.
    private static boolean belongs(ECPrivateKey key, X509Certificate certificate) {
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(key);
            byte[] said = {1, 2, 3};
            signature.update(said);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(said);
            return signature.verify(signed);
        } catch (GeneralSecurityException _) {
            return false;
        }
    }

    /// One new block as PEM.
    static byte[] generate(SecureRandom random) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"), random);
            KeyPair pair = generator.generateKeyPair();
            byte[] secret = new byte[SECRET_BYTES];
            random.nextBytes(secret);
            byte[] certificate = certificate(pair, new BigInteger(127, random).setBit(126));
            String pem =
                    "# A key of a Bascule cluster: whoever has this file is a node. Keep it secret.\n"
                            + pem(KEY, pair.getPrivate().getEncoded())
                            + pem(CERTIFICATE, certificate)
                            + pem(SECRET, secret);
            return pem.getBytes(US_ASCII);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Every JDK has P-256.
        }
    }

    private static String pem(String label, byte[] bytes) {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
        return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
    }

    /// Self-signed (RFC 5280 §4.1). It only carries the key, so it has no names to check, and no end (§4.1.2.5).
    static byte[] certificate(KeyPair pair, BigInteger serial) throws GeneralSecurityException {
        byte[] ecdsaWithSha256 = Der.sequence(Der.oid(1, 2, 840, 10045, 4, 3, 2));
        byte[] commonName = Der.sequence(Der.oid(2, 5, 4, 3), Der.text("bascule cluster"));
        byte[] name = Der.sequence(Der.set(commonName));
        byte[] noCa = Der.sequence(Der.oid(2, 5, 29, 19), Der.yes(), Der.octets(Der.sequence()));
        byte[] signed =
                Der.sequence(
                        Der.explicit(0, Der.integer(BigInteger.TWO)), // v3
                        Der.integer(serial),
                        ecdsaWithSha256,
                        name,
                        // Fixed: a clock that is wrong must not matter.
                        Der.sequence(
                                Der.utcTime("260101000000Z"),
                                Der.generalizedTime("99991231235959Z")),
                        name,
                        pair.getPublic().getEncoded(),
                        Der.explicit(3, Der.sequence(noCa)));
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(pair.getPrivate());
        signature.update(signed);
        return Der.sequence(signed, ecdsaWithSha256, Der.bits(signature.sign()));
    }

    /// Nobody else can read it at any moment; a file that could not be written whole is not left behind. In a folder that hands its
    /// group on, the group may read in the end: who is root makes a key for the daemon's group that way, and a copy of the file
    /// made there later is as good.
    ///
    /// @return the mode, as 0600
    static String write(Path file, byte[] bytes) throws IOException {
        var mode =
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        FileChannel out;
        try {
            out =
                    FileChannel.open(
                            file,
                            EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            mode);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(
                    file
                            + ": is there already (expected: a new file; a key that is in use may be in it)",
                    e);
        }
        try (out) {
            ByteBuffer all = ByteBuffer.wrap(bytes);
            while (all.hasRemaining()) out.write(all);
            boolean isForGroup = handsGroupOn(file.toAbsolutePath().getParent());
            if (isForGroup)
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
            out.force(true);
            return isForGroup ? "0640" : "0600";
        } catch (IOException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private static boolean handsGroupOn(@Nullable Path folder) throws IOException {
        return folder != null
                && Files.getAttribute(folder, "unix:mode") instanceof Integer mode
                && (mode & SET_GROUP_ID) != 0;
    }
}
