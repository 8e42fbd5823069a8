package bascule.http1;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Ascii;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/// Names of fields that steer framing, routing, authentication, caching or how content is read. Such a field in a
/// trailer could undo what was decided on the head (RFC 9110 §6.5.1), and a Connection field that nominates one could
/// take it away from the server (§7.6.1 calls that never appropriate).
///
/// Names are compared by a 64-bit hash alone: a name of the list is always found, and who goes to the trouble of
/// colliding with one only has his own field refused. `_` stands for `-`.
public final class ProtectedNames {
    private static final long SEED = 0xcbf29ce484222325L; // FNV-1a
    private static final long PRIME = 0x100000001b3L;

    private static final String[] NAMES = {
        // Framing and routing.
        "connection",
        "content-length",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "forwarded",
        "via",
        "x-request-id",
        "x-real-ip",
        // Request modifiers and authentication.
        "authorization",
        "cookie",
        "cookie2",
        "expect",
        "max-forwards",
        "origin",
        "pragma",
        "range",
        "referer",
        "set-cookie",
        "set-cookie2",
        "www-authenticate",
        // Control data of responses, and how to read the content.
        "age",
        "alt-svc",
        "cache-control",
        "clear-site-data",
        "content-disposition",
        "content-encoding",
        "content-location",
        "content-range",
        "content-security-policy",
        "content-type",
        "date",
        "expires",
        "location",
        "refresh",
        "retry-after",
        "strict-transport-security",
        "vary",
        "warning",
    };
    private static final String[] PREFIXES = {
        "access-control-", "if-", "proxy-", "sec-", "x-client-cert-", "x-forwarded-"
    };

    private static final long[] HASHES = hashes(NAMES);
    private static final long[] PREFIX_HASHES = hashes(PREFIXES);

    private ProtectedNames() {}

    public static boolean contains(byte[] bytes, int start, int end) {
        long hash = SEED;
        for (int at = start; at < end; at++) {
            hash = next(hash, bytes[at]);
            if (isDash(bytes[at]) && isIn(PREFIX_HASHES, hash)) return true;
        }
        return isIn(HASHES, hash);
    }

    static boolean contains(ByteBuf in, int start, int end) {
        long hash = SEED;
        for (int at = start; at < end; at++) {
            byte b = in.getByte(at);
            hash = next(hash, b);
            if (isDash(b) && isIn(PREFIX_HASHES, hash)) return true;
        }
        return isIn(HASHES, hash);
    }

    private static long next(long hash, byte b) {
        return (hash ^ (b == '_' ? '-' : Ascii.lower(b))) * PRIME;
    }

    /// To CGI and its heirs they are one, see [Names].
    private static boolean isDash(byte b) {
        return b == '-' || b == '_';
    }

    private static boolean isIn(long[] hashes, long hash) {
        return Arrays.binarySearch(hashes, hash) >= 0;
    }

    private static long[] hashes(String[] names) {
        long[] hashes = new long[names.length];
        for (int i = 0; i < names.length; i++) {
            long hash = SEED;
            for (byte b : names[i].getBytes(US_ASCII)) hash = next(hash, b);
            hashes[i] = hash;
        }
        Arrays.sort(hashes);
        return hashes;
    }
}
