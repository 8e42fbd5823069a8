package bascule.route;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.RedirectConfig;
import bascule.http.RequestHead;
import bascule.http.RequestHead.TargetForm;
import org.jspecify.annotations.Nullable;

/// Where a redirect leads: scheme, host and port as configured or as requested; path and query as requested.
public final class RedirectTarget {
    private static final byte[] HEX = "0123456789ABCDEF".getBytes(US_ASCII);

    /// What may stand in a host (RFC 3986 §3.2.2): a name, an address, or an IPv6 address in brackets.
    private static final boolean[] IN_HOST = new boolean[128];

    static {
        for (char c = 'a'; c <= 'z'; c++) IN_HOST[c] = true;
        for (char c = 'A'; c <= 'Z'; c++) IN_HOST[c] = true;
        for (char c = '0'; c <= '9'; c++) IN_HOST[c] = true;
        for (char c : "-._~%!$&'()*+,;=[]:".toCharArray()) IN_HOST[c] = true;
    }

    /// `https://`.
    private final byte[] prefix;

    private final byte @Nullable [] host;

    /// `:8443`, or empty.
    private final byte[] port;

    /// Does the port of the request stay?
    private final boolean keepPort;

    /// @param requestScheme what the listener speaks: `http` or `https`
    /// @param httpsPort where a redirect leads that names only `https`
    RedirectTarget(RedirectConfig redirect, String requestScheme, int httpsPort) {
        String scheme = redirect.scheme() == null ? requestScheme : redirect.scheme();
        int usual = scheme.equals("https") ? 443 : 80;
        prefix = (scheme + "://").getBytes(US_ASCII);
        host = redirect.host() == null ? null : redirect.host().getBytes(US_ASCII);
        boolean isSameScheme = scheme.equals(requestScheme);
        boolean isToOurs = redirect.host() == null && !isSameScheme && scheme.equals("https");
        int named = redirect.port() == 0 && isToOurs ? httpsPort : redirect.port();
        port = (named == 0 || named == usual ? "" : ":" + named).getBytes(US_ASCII);
        keepPort = redirect.port() == 0 && redirect.host() == null && isSameScheme;
    }

    /// Writes the value of a Location field: an absolute URI, so that a path which begins with `//` cannot pass for a host. Of
    /// the head only the host that was found and the target are used, byte by byte checked again, since what is written here
    /// is obeyed by browsers: a byte that cannot stand in a URI is percent-encoded in the target and refused in the host.
    ///
    /// @param authorityFallback `host` or `host:port` for a request that names none (HTTP/1.0); null = none known
    /// @param into written from its start
    /// @return length in bytes; or -1 if it does not fit, or if no host is known
    public int location(RequestHead head, byte @Nullable [] authorityFallback, byte[] into) {
        int at = put(prefix, 0, prefix.length, into, 0);
        if (host != null) {
            at = put(host, 0, host.length, into, at);
            at = put(port, 0, port.length, into, at);
        } else if (head.hostStart < head.hostEnd) {
            at =
                    putAuthority(
                            head.fields.bytes(),
                            head.hostStart,
                            head.hostEnd,
                            head.authorityEnd,
                            into,
                            at);
        } else if (authorityFallback != null) {
            int end = authorityFallback.length;
            at = putAuthority(authorityFallback, 0, hostEnd(authorityFallback), end, into, at);
        } else {
            return -1;
        }
        if (head.form == TargetForm.ASTERISK)
            return at; // `OPTIONS *` as an absolute URI has no path (RFC 9112 §3.2.4).
        byte[] bytes = head.fields.bytes();
        if (head.pathStart == head.pathEnd) at = put(into, at, (byte) '/');
        return putTarget(bytes, head.pathStart, head.targetEnd, into, at);
    }

    private int putAuthority(
            byte[] from, int start, int hostEnd, int authorityEnd, byte[] into, int at) {
        if (start == hostEnd) return -1;
        for (int i = start; i < hostEnd; i++) if (from[i] < 0 || !IN_HOST[from[i]]) return -1;
        int next = put(from, start, hostEnd, into, at);
        if (!keepPort) return put(port, 0, port.length, into, next);
        return isPort(from, hostEnd, authorityEnd)
                ? put(from, hostEnd, authorityEnd, into, next)
                : next;
    }

    /// A colon and one digit or more: an empty port means the usual one (RFC 3986 §3.2.3).
    private static boolean isPort(byte[] from, int start, int end) {
        if (end - start < 2 || from[start] != ':') return false;
        for (int i = start + 1; i < end; i++) if (from[i] < '0' || from[i] > '9') return false;
        return true;
    }

    private static int hostEnd(byte[] authority) {
        for (int i = authority.length - 1; i >= 0 && authority[i] != ']'; i--)
            if (authority[i] == ':') return i;
        return authority.length;
    }

    /// Path and query; never a fragment, which no client sends.
    private static int putTarget(byte[] from, int start, int end, byte[] into, int at) {
        for (int i = start; i < end && at >= 0; i++) {
            byte b = from[i];
            if (b > ' ' && b < 0x7f && b != '#' && b != '\\') {
                at = put(into, at, b);
            } else {
                at = put(into, at, (byte) '%');
                at = put(into, at, HEX[b >> 4 & 0xf]);
                at = put(into, at, HEX[b & 0xf]);
            }
        }
        return at;
    }

    private static int put(byte[] from, int start, int end, byte[] into, int at) {
        int length = end - start;
        if (at < 0 || length > into.length - at) return -1;
        System.arraycopy(from, start, into, at, length);
        return at + length;
    }

    private static int put(byte[] into, int at, byte b) {
        if (at < 0 || at >= into.length) return -1;
        into[at] = b;
        return at + 1;
    }
}
