package bascule.cluster.port;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// How two nodes get to know each other's boot. One form of datagram, and nothing is remembered before the other has sent back a token
/// that only this boot can have made, in this second or the one before:
///
/// ```
/// version 1 | type 1 | from 8 | to 8 | nonce 16 | token 16 | echo 16 | knows 16 | MAC 16
///
///     edge1                          edge2
///       nonce a, token s ───────────▶  answers
///       knows b   ◀───────────  nonce b, token t, echo s
///       nonce a, echo t, knows b ────▶  knows a
/// ```
///
/// @param nonce of the sender's boot
/// @param token for the receiver to send back
/// @param echo the receiver's token; zero = none
/// @param knows the nonce of the receiver's boot that the sender has a session with; zero = none
record Hello(byte[] nonce, byte[] token, byte[] echo, byte[] knows) {
    static final int TYPE = 1;
    static final int FIELD_BYTES = 16;
    static final int BYTES = 2 + 8 + 8 + 5 * FIELD_BYTES;
    static final byte[] NONE = new byte[FIELD_BYTES];

    private static final int MAC_AT = BYTES - FIELD_BYTES;

    /// Proves them, under each secret. Not thread-safe.
    static final class Macs {
        private final List<Mac> macs = new ArrayList<>();

        Macs(List<byte[]> secrets, String cluster) {
            for (byte[] each : secrets)
                macs.add(hmac(Session.derive(each, "hello", cluster.getBytes(UTF_8), 32)));
        }

        private byte[] first(byte[] datagram) {
            return of(macs.getFirst(), datagram);
        }

        private static byte[] of(Mac mac, byte[] datagram) {
            mac.update(datagram, 0, MAC_AT);
            return Arrays.copyOf(mac.doFinal(), FIELD_BYTES);
        }

        /// At most two are tried.
        private boolean isGenuine(byte[] datagram) {
            for (Mac each : macs) {
                byte[] claimed = Arrays.copyOfRange(datagram, MAC_AT, BYTES);
                if (same(of(each, datagram), claimed)) return true;
            }
            return false;
        }
    }

    static Mac hmac(byte[] key) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    byte[] write(long from, long to, Macs macs) {
        ByteBuffer out = ByteBuffer.allocate(BYTES);
        out.put((byte) Sessions.VERSION).put((byte) TYPE).putLong(from).putLong(to);
        out.put(nonce).put(token).put(echo).put(knows);
        out.put(macs.first(out.array()));
        return out.array();
    }

    /// @param datagram at least [#BYTES] long, its head read already
    /// @return null if no secret of ours made it
    static @Nullable Hello read(byte[] datagram, Macs macs) {
        if (!macs.isGenuine(datagram)) return null;
        ByteBuffer in = ByteBuffer.wrap(datagram).position(2 + 8 + 8);
        byte[][] fields = new byte[4][FIELD_BYTES];
        for (byte[] each : fields) in.get(each);
        return new Hello(fields[0], fields[1], fields[2], fields[3]);
    }

    static boolean same(byte[] a, byte[] b) {
        return MessageDigest.isEqual(a, b);
    }
}
