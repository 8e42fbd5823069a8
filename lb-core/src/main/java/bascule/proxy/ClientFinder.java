package bascule.proxy;

import bascule.http.AddressSet;
import bascule.http.ClientAddress;
import bascule.http.ClientInfo;
import bascule.http.FieldName;
import bascule.http.HeaderBlock;

/// Who asks: the peer of the connection; or, where the peer is in `trust`, the client that it asks for. That is the last address
/// of X-Forwarded-For that is not itself in `trust`, since all behind it were written by those who are; if all are, the first.
/// One per listener and loop.
final class ClientFinder {
    private final AddressSet trust;
    private final ClientAddress found = new ClientAddress();

    ClientFinder(AddressSet trust) {
        this.trust = trust;
    }

    /// @return valid until the next call; the peer's address where the list holds, before an end is found, what is no address
    ClientAddress find(HeaderBlock fields, ClientInfo peer) {
        peer.copyTo(found);
        if (!peer.trusted()) return found;
        for (int line = fields.count() - 1; line >= 0; line--) {
            if (fields.name(line) != FieldName.X_FORWARDED_FOR) continue;
            byte[] bytes = fields.bytes();
            int start = fields.valueStart(line);
            int end = fields.valueEnd(line);
            while (end > start) {
                int first = end;
                while (first > start && bytes[first - 1] != ',') first--;
                int last = end;
                end = first - 1; // Its comma.
                while (first < last && isBlank(bytes[first])) first++;
                while (first < last && isBlank(bytes[last - 1])) last--;
                if (first == last)
                    continue; // Empty elements count for nothing (RFC 9110 §5.6.1.2).
                if (!read(bytes, first, last)) {
                    peer.copyTo(found);
                    return found;
                }
                if (!trust.contains(found)) return found;
            }
        }
        return found;
    }

    /// Some write the port, too: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
    private boolean read(byte[] bytes, int start, int end) {
        if (bytes[start] == '[') {
            int close = start + 1;
            while (close < end && bytes[close] != ']') close++;
            return close < end
                    && isPort(bytes, close + 1, end)
                    && found.read(bytes, start + 1, close)
                    && !found.isIpv4();
        }
        int colon = start;
        while (colon < end && bytes[colon] != ':') colon++;
        boolean isIpv4 = colon > start + 4;
        return isIpv4
                ? isPort(bytes, colon, end) && found.read(bytes, start, colon)
                : found.read(bytes, start, end);
    }

    /// Nothing, or a colon and up to five digits.
    private static boolean isPort(byte[] bytes, int start, int end) {
        if (start == end) return true;
        if (bytes[start] != ':' || end - start < 2 || end - start > 6) return false;
        for (int at = start + 1; at < end; at++)
            if (bytes[at] < '0' || bytes[at] > '9') return false;
        return true;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }
}
