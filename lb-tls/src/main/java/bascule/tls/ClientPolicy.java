package bascule.tls;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/// What a client has to show. Two rules that ask for the same are the same policy, also from one [ServerTls] to the next.
public record ClientPolicy(ClientAuth clientAuth, @Nullable CaCertificates authorities) {
    public static final ClientPolicy NOTHING = new ClientPolicy(ClientAuth.NONE, null);

    public ClientPolicy {
        if (clientAuth == ClientAuth.NONE) authorities = null; // They make no difference then.
    }

    /// What tickets are bound to: SHA-256 of the listener, whether clients are asked, and the set of authorities. So a client that has
    /// shown nothing cannot come back with a ticket to where it has to, nor with one that other authorities stood for.
    byte[] sessionContext(String listener) {
        MessageDigest digest = Fingerprints.sha256();
        part(digest, "bascule session context 1");
        part(digest, listener);
        part(digest, clientAuth.name());
        part(digest, authorities == null ? "" : authorities.fingerprint());
        return digest.digest();
    }

    private static void part(MessageDigest digest, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
        digest.update(bytes);
    }
}
