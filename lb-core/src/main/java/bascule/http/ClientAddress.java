package bascule.http;

import java.net.InetAddress;

/// An IP address as two words, to be filled again and again; IPv4 stands as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2). One per loop.
public final class ClientAddress {
    private static final long MAPPED = 0xffffL << 32;

    private long high;
    private long low;

    /// Bits 127..64.
    public long high() {
        return high;
    }

    /// Bits 63..0.
    public long low() {
        return low;
    }

    public boolean isIpv4() {
        return isIpv4(high, low);
    }

    static boolean isIpv4(long high, long low) {
        return high == 0 && low >>> 32 == 0xffff;
    }

    /// Who is counted as one client: an IPv4 address; of IPv6 a /64, for that is the least that one subscriber gets (RFC 6177 §2),
    /// and he may take a new address of it for each connection. What stands for IPv4 is no prefix that a client could have, but
    /// one of multicast.
    public long key() {
        return isIpv4() ? low | -1L << 32 : high;
    }

    public void set(long newHigh, long newLow) {
        high = newHigh;
        low = newLow;
    }

    /// Allocates the bytes of the address.
    public void set(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length == 4) set(0, MAPPED | eight(bytes, 0, 4));
        else set(eight(bytes, 0, 8), eight(bytes, 8, 16));
    }

    private static long eight(byte[] bytes, int start, int end) {
        long eight = 0;
        for (int i = start; i < end; i++) eight = eight << 8 | bytes[i] & 0xff;
        return eight;
    }

    /// Reads `192.0.2.1` or `2001:db8::1` (RFC 4291 §2.2), the latter without a zone. Leading zeros in IPv4, which some read as
    /// octal, are no address.
    ///
    /// @return is it one? If not, this is as it was
    public boolean read(byte[] text, int start, int end) {
        for (int at = start; at < end && at < start + 5; at++)
            if (text[at] == ':') return readIpv6(text, start, end);
        long address = ipv4(text, start, end);
        if (address < 0) return false;
        set(0, MAPPED | address);
        return true;
    }

    /// @return 0 to 2^32-1, or -1
    private static long ipv4(byte[] text, int start, int end) {
        long address = 0;
        int at = start;
        for (int part = 0; part < 4; part++) {
            if (part > 0 && (at == end || text[at++] != '.')) return -1;
            int first = at;
            int value = 0;
            while (at < end && at < first + 3 && text[at] >= '0' && text[at] <= '9')
                value = value * 10 + text[at++] - '0';
            if (at == first || value > 255 || at > first + 1 && text[first] == '0') return -1;
            address = address << 8 | value;
        }
        return at == end ? address : -1;
    }

    private boolean readIpv6(byte[] text, int start, int end) {
        long newHigh = 0; // Groups before a gap, in their places.
        long newLow = 0;
        long tailHigh = 0; // Groups behind it, pushed to the end.
        long tailLow = 0;
        int groups = 0;
        int gap = -1; // Groups before it.
        int at = start;
        if (text[at] == ':') {
            if (end - at < 2 || text[at + 1] != ':') return false;
            gap = 0;
            at += 2;
        }
        while (at < end) {
            int first = at;
            long bits = 0;
            for (int digit; at < end && at < first + 4 && (digit = hex(text[at])) >= 0; at++)
                bits = bits << 4 | digit;
            if (at == first) return false;
            int taken = 1;
            if (at < end && text[at] == '.') { // The last two groups, written as IPv4.
                bits = ipv4(text, first, end);
                if (bits < 0) return false;
                taken = 2;
                at = end;
            }
            if (groups + taken > 8) return false;
            for (; taken > 0; taken--, groups++) {
                long group = bits >>> 16 * (taken - 1) & 0xffff;
                if (gap >= 0) {
                    tailHigh = tailHigh << 16 | tailLow >>> 48;
                    tailLow = tailLow << 16 | group;
                } else if (groups < 4) {
                    newHigh |= group << 48 - 16 * groups;
                } else {
                    newLow |= group << 112 - 16 * groups;
                }
            }
            if (at == end) break;
            if (text[at++] != ':' || at == end) return false;
            if (text[at] != ':') continue;
            if (gap >= 0) return false;
            gap = groups;
            at++;
        }
        if (gap < 0 ? groups != 8 : groups == 8) return false;
        set(newHigh | tailHigh, newLow | tailLow);
        return true;
    }

    private static int hex(byte b) {
        int lower = b | 0x20;
        if (b >= '0' && b <= '9') return b - '0';
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    }
}
