package bascule.http1;

import static bascule.http1.Bytes.HEX;
import static bascule.http1.Bytes.isDigit;
import static bascule.http1.Bytes.isLetter;

import bascule.http.Ascii;

/// Host and port as Host and an absolute target write them (RFC 9110 §7.2). Narrower than RFC 3986: a name is letters,
/// digits, `-`, `_` and single dots; no percent escape, no comma, no user, no zone of an IPv6 address. What else stands
/// there in practice wants to be read differently by two parties.
final class HostParser {
    static final int MALFORMED = -1;

    private static final int LONGEST_HOST = 255;

    private static final boolean[] NAME = new boolean[256];

    static {
        for (int b = 0; b < 256; b++)
            NAME[b] = isLetter(b) || isDigit(b) || b == '-' || b == '_' || b == '.';
    }

    private HostParser() {}

    /// Checks `[start, end)`, all of it.
    ///
    /// @return where the host ends: `end`, or the colon before a port; or [#MALFORMED]
    static int hostEnd(byte[] bytes, int start, int end) {
        if (start == end) return MALFORMED;
        int at = start;
        if (bytes[at] == '[') {
            while (at < end && bytes[at] != ']') at++;
            if (at == end || !isIpv6(bytes, start + 1, at)) return MALFORMED;
            at++;
        } else {
            for (; at < end && NAME[bytes[at] & 0xff]; at++)
                if (bytes[at] == '.' && (at == start || bytes[at - 1] == '.')) return MALFORMED;
        }
        if (at == start || at - start > LONGEST_HOST) return MALFORMED;
        if (at == end) return end;
        return bytes[at] == ':' && port(bytes, at, end, 0) > 0 ? at : MALFORMED;
    }

    /// @param hostEnd at the colon, or at `end` where there is no port
    /// @return 1 to 65535, `absent` without a port, or [#MALFORMED]
    static int port(byte[] bytes, int hostEnd, int end, int absent) {
        if (hostEnd == end) return absent;
        int digits = end - hostEnd - 1;
        if (digits < 1 || digits > 5) return MALFORMED;
        int port = 0;
        for (int at = hostEnd + 1; at < end; at++) {
            if (!isDigit(bytes[at])) return MALFORMED;
            port = port * 10 + bytes[at] - '0';
        }
        return port >= 1 && port <= 65535 ? port : MALFORMED;
    }

    /// Do two hosts say the same without regard to case? An IPv6 address written in two ways does not count as the
    /// same.
    static boolean sameHost(byte[] bytes, int start, int end, int otherStart, int otherEnd) {
        if (end - start != otherEnd - otherStart) return false;
        for (int i = 0; i < end - start; i++)
            if (Ascii.lower(bytes[start + i]) != Ascii.lower(bytes[otherStart + i])) return false;
        return true;
    }

    /// RFC 3986 §3.2.2: eight groups of one to four hexadecimal digits; one `::` may stand for one group or more; the
    /// last two may be an IPv4 address.
    static boolean isIpv6(byte[] bytes, int start, int end) {
        int groups = 0;
        boolean gap = false;
        int at = start;
        if (end - start >= 2 && bytes[at] == ':' && bytes[at + 1] == ':') {
            gap = true;
            at += 2;
        }
        while (at < end) {
            int group = at;
            while (at < end && HEX[bytes[at] & 0xff] >= 0) at++;
            if (at < end && bytes[at] == '.') {
                groups += 2;
                return isIpv4(bytes, group, end) && (gap ? groups <= 7 : groups == 8);
            }
            if (at == group || at - group > 4) return false;
            groups++;
            if (at == end) break;
            // One colon at the end separates nothing.
            if (bytes[at++] != ':' || at == end) return false;
            if (bytes[at] == ':') {
                if (gap) return false;
                gap = true;
                at++;
            }
        }
        return gap ? groups <= 7 : groups == 8;
    }

    private static boolean isIpv4(byte[] bytes, int start, int end) {
        int at = start;
        for (int part = 0; part < 4; part++) {
            if (part > 0 && (at == end || bytes[at++] != '.')) return false;
            int value = 0;
            int digits = 0;
            for (; at < end && digits < 3 && isDigit(bytes[at]); at++, digits++)
                value = value * 10 + bytes[at] - '0';
            if (digits == 0 || value > 255 || digits > 1 && bytes[at - digits] == '0') return false;
        }
        return at == end;
    }
}
