package bascule.http2;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Ascii;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.concurrent.ThreadLocalRandom;

/// The handshake that WebSocket needs in HTTP/1.1, and not in HTTP/2 (RFC 6455 §4.1, RFC 8441 §5).
final class WebSocketKey {
    private static final byte[] GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11".getBytes(US_ASCII);
    static final byte[] ACCEPT_NAME = "sec-websocket-accept".getBytes(US_ASCII);

    private WebSocketKey() {}

    /// A new one, in base64. It proves that the server speaks WebSocket, and is no secret.
    static byte[] draw() {
        byte[] nonce = new byte[16];
        ThreadLocalRandom.current().nextBytes(nonce);
        return Base64.getEncoder().encode(nonce);
    }

    /// What a server answers to it.
    static byte[] accept(byte[] key) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(key);
            return Base64.getEncoder().encode(sha1.digest(GUID));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JDK has SHA-1", impossible);
        }
    }

    /// Is `[start, end)` the name of the field that carries the answer?
    static boolean isAccept(byte[] bytes, int start, int end) {
        return Ascii.equalsIgnoreCase(bytes, start, end, ACCEPT_NAME);
    }
}
