package bascule.route;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.http.RequestHead;
import bascule.http1.HeadWriter;

/// Another prefix in the place of the one that a route has matched, before a request goes on to its backend. The query stays
/// as it is, byte by byte.
///
/// Routes match what a path means (percent-decoded, without dot segments), and it may be written otherwise: `/%61pi/x`,
/// `/y/../api/x`. Without dot segments, what stands behind the prefix goes on as it was written. With them it could climb out of
/// the new prefix, so its meaning goes on, written anew. In any case the new path means the new prefix and what the old one meant
/// behind the old prefix; but where it would begin in `//`, which clients and servers take for a host (RFC 3986 §4.2), the further
/// slashes are dropped.
public final class PathRewrite {
    private static final byte[] HEX = "0123456789ABCDEF".getBytes(US_ASCII);

    /// What stands for itself in a path (RFC 3986 §3.3: pchar, and the slash).
    private static final boolean[] PLAIN = new boolean[128];

    static {
        for (char c = 'a'; c <= 'z'; c++) PLAIN[c] = true;
        for (char c = 'A'; c <= 'Z'; c++) PLAIN[c] = true;
        for (char c = '0'; c <= '9'; c++) PLAIN[c] = true;
        for (char c : "-._~!$&'()*+,;=:@/".toCharArray()) PLAIN[c] = true;
    }

    private final int prefixBytes;
    private final byte[] replacement;

    /// Both without dot segments, and both begin and end in `/`.
    ///
    /// @param prefix the path of the route, decoded
    /// @param replacement percent-encoded
    public PathRewrite(String prefix, String replacement) {
        for (String path : new String[] {prefix, replacement})
            if (!path.startsWith("/") || !path.endsWith("/"))
                throw new IllegalArgumentException(path + " is no prefix");
        prefixBytes = prefix.getBytes(UTF_8).length;
        this.replacement = replacement.getBytes(US_ASCII);
    }

    /// By how many bytes a path can grow, beside what encoding it anew may add.
    public int growthBytes() {
        return replacement.length;
    }

    /// Writes path and query of a request whose path this route's prefix matched, in the origin form.
    public void put(RequestHead head, HeadWriter out) {
        out.put(replacement);
        byte[] bytes = head.fields.bytes();
        int start = head.pathStart;
        int end = head.pathEnd;
        int normalized = head.routePathEnd - head.routePathStart;
        if (head.routePath == bytes) {
            out.put(bytes, rest(bytes, start + prefixBytes, end), head.targetEnd);
            return;
        }
        int escapes = 0;
        for (int at = start; at < end; at++) if (bytes[at] == '%') escapes++;
        if (end - start - 2 * escapes == normalized) { // A dot segment would have made it shorter.
            int at = start;
            for (int i = 0; i < prefixBytes; i++) at += bytes[at] == '%' ? 3 : 1;
            out.put(bytes, rest(bytes, at, end), head.targetEnd);
        } else {
            byte[] path = head.routePath;
            int from = rest(path, head.routePathStart + prefixBytes, head.routePathEnd);
            encode(path, from, head.routePathEnd, out);
            out.put(bytes, end, head.targetEnd);
        }
    }

    /// Where that begins which goes on behind the new prefix.
    private int rest(byte[] path, int start, int end) {
        int at = start;
        if (replacement.length == 1) while (at < end && path[at] == '/') at++;
        return at;
    }

    private static void encode(byte[] decoded, int start, int end, HeadWriter out) {
        for (int at = start; at < end; at++) {
            byte b = decoded[at];
            if (b >= 0 && PLAIN[b]) {
                out.put((char) b);
            } else {
                out.put('%');
                out.put((char) HEX[b >> 4 & 0xf]);
                out.put((char) HEX[b & 0xf]);
            }
        }
    }
}
