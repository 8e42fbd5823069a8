package bascule.http1;

import static bascule.http1.Bytes.HEX;

/// The path as routes see it: percent-decoded once, then without dot segments (RFC 3986 §5.2.4). What the server may
/// read differently from us is refused, so that no request reaches a server by the wrong route:
///
/// - an encoded `/` or NUL, a broken escape, a climb above the root;
/// - a backslash, encoded or not: it separates segments for some servers;
/// - `..;x`: some servers cut off the parameters of a segment first and climb then.
final class PathNormalizer {
    static final int REFUSED = -1;

    private PathNormalizer() {}

    /// @param in a path in `[start, end)` that begins with `/`
    /// @param out as long as the path at least
    /// @return the length of the path written to `out`, or [#REFUSED]
    static int normalize(byte[] in, int start, int end, byte[] out) {
        int at = start;
        int length = 0;
        while (at < end) {
            int segment = length;
            out[length++] = in[at++]; // Its slash.
            for (; at < end && in[at] != '/'; at++) {
                byte b = in[at];
                if (b == '%') {
                    if (end - at < 3) return REFUSED;
                    int high = HEX[in[at + 1] & 0xff];
                    int low = HEX[in[at + 2] & 0xff];
                    if ((high | low) < 0) return REFUSED;
                    b = (byte) (high << 4 | low);
                    if (b == '/' || b == 0) return REFUSED;
                    at += 2;
                }
                if (b == '\\') return REFUSED;
                out[length++] = b;
            }
            int dots = 0;
            while (segment + 1 + dots < length && out[segment + 1 + dots] == '.') dots++;
            if (dots != 1 && dots != 2) continue;
            if (segment + 1 + dots < length) {
                if (out[segment + 1 + dots] == ';') return REFUSED;
                continue;
            }
            if (dots == 2) {
                if (segment == 0) return REFUSED;
                do segment--;
                while (out[segment] != '/');
            }
            length = at < end ? segment : segment + 1; // A dot segment at the end leaves its slash.
        }
        return length;
    }
}
