package bascule.cluster.key;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/// What is in a key file: one block, or two while keys are being changed. The first is shown to others, each is accepted.
public final class ClusterKey {
    /// RFC 5869 §2.3: 255 times the length of the hash.
    private static final int DERIVED_BYTES_MOST = 255 * 32;

    private final List<KeyFile.Block> blocks;
    private final String fingerprint;

    private ClusterKey(List<KeyFile.Block> blocks) {
        this.blocks = blocks;
        this.fingerprint = fingerprint(blocks);
    }

    /// What came of reading a file.
    public sealed interface Read {
        record Loaded(ClusterKey key) implements Read {}

        /// @param line from 1; 0 = the file as a whole
        record Faulty(int line, String what, String expected) implements Read {}
    }

    /// Never throws over what a file holds.
    public static Read read(Path file) {
        try {
            return new Read.Loaded(new ClusterKey(KeyFile.read(file)));
        } catch (KeyFile.Fault fault) {
            return new Read.Faulty(fault.line, fault.what, fault.expected);
        }
    }

    /// Writes a new key, mode 0600. A folder with the set-group-ID bit says whose its files are: there it is 0640.
    ///
    /// @return the mode, as 0600
    /// @throws IOException if the file is there, or cannot be written
    public static String generate(Path file) throws IOException {
        return KeyFile.write(file, KeyFile.generate(new SecureRandom()));
    }

    /// SHA-256 over all that is in it, 64 lower-case hex digits; says nothing of the secrets.
    public String fingerprint() {
        return fingerprint;
    }

    /// In the order of the file, which says what is shown. A secret goes in as its own hash: 32 random bytes, so nobody can guess it.
    private static String fingerprint(List<KeyFile.Block> blocks) {
        MessageDigest all = newSha256();
        all.update("bascule key file 1".getBytes(US_ASCII));
        for (KeyFile.Block each : blocks) {
            try {
                all.update(sha256(each.certificate().getEncoded()));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException(e); // It was read from its encoding.
            }
            all.update(expand(each.secret(), "fingerprint", 32));
        }
        return HexFormat.of().formatHex(all.digest());
    }

    /// TLS 1.3 only, both sides show the key's certificate, exactly these public keys are accepted. A new one each time, with no
    /// memory of others: take one for each connection, and nothing can be resumed. Set [#tlsParameters] on what is made with it.
    public SSLContext tls() {
        return KeyTls.context(blocks.getFirst(), blocks);
    }

    /// Without these a context offers older versions, which it then refuses once the peer shows its key.
    public static SSLParameters tlsParameters() {
        var parameters = new SSLParameters();
        parameters.setProtocols(new String[] {KeyTls.VERSION});
        parameters.setNeedClientAuth(true);
        return parameters;
    }

    /// The datagram secrets, 32 bytes each, the one to speak with first.
    public List<byte[]> secrets() {
        List<byte[]> all = new ArrayList<>();
        for (KeyFile.Block each : blocks) all.add(each.secret().clone());
        return List.copyOf(all);
    }

    /// A key for another purpose, the same on every node (HKDF-SHA256, RFC 5869). It follows the first block: while keys are being
    /// changed it is another one from the moment on in which the new block is the first.
    ///
    /// @param bytes 1 to 8160
    public byte[] derive(String purpose, int bytes) {
        if (bytes < 1 || bytes > DERIVED_BYTES_MOST)
            throw new IllegalArgumentException(bytes + " bytes (expected: 1 to 8160)");
        return expand(blocks.getFirst().secret(), "derived " + purpose, bytes);
    }

    @Override
    public String toString() {
        return "cluster key " + fingerprint;
    }

    private static byte[] expand(byte[] secret, String info, int bytes) {
        try {
            return KDF.getInstance("HKDF-SHA256")
                    .deriveData(
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(secret)
                                    .addSalt("bascule key file 1".getBytes(US_ASCII))
                                    .thenExpand(info.getBytes(UTF_8), bytes));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Every JDK from 25 on has it.
        }
    }

    static byte[] sha256(byte[] of) {
        return newSha256().digest(of);
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }
}
