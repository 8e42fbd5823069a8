package bascule.cluster.key;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.net.ssl.SSLContext;

/// What is in a key file: one block, or two while keys are being changed. The first is shown to others, each is accepted.
@SuppressWarnings("DoNotCallSuggester")
public final class ClusterKey {
    private ClusterKey() {}

    /// What came of reading a file.
    public sealed interface Read {
        record Loaded(ClusterKey key) implements Read {}

        /// @param line from 1; 0 = the file as a whole
        record Faulty(int line, String what, String expected) implements Read {}
    }

    /// Never throws over what a file holds.
    public static Read read(Path file) {
        throw new UnsupportedOperationException(file.toString());
    }

    /// Writes a new key, mode 0600.
    ///
    /// @throws IOException if the file is there, or cannot be written
    public static void generate(Path file) throws IOException {
        throw new IOException(file.toString());
    }

    /// SHA-256 over all that is in it, 64 lower-case hex digits; says nothing of the secrets.
    public String fingerprint() {
        throw new UnsupportedOperationException();
    }

    /// TLS 1.3 only, both sides show the key's certificate, exactly these public keys are accepted; nothing is resumed.
    public SSLContext tls() {
        throw new UnsupportedOperationException();
    }

    /// The datagram secrets, 32 bytes each, the one to speak with first.
    public List<byte[]> secrets() {
        throw new UnsupportedOperationException();
    }

    /// A key for another purpose, the same on every node (HKDF-SHA256, RFC 5869).
    public byte[] derive(String purpose, int bytes) {
        throw new UnsupportedOperationException(purpose + bytes);
    }
}
