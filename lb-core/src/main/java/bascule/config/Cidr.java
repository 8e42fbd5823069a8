package bascule.config;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A range of IP addresses, `10.0.0.0/8` or `2001:db8::/32`. An IPv4 address is in IPv4 ranges only, also when a socket hands
/// it over as IPv4-mapped IPv6 (`::ffff:a.b.c.d`).
///
/// Two longs rather than an array: nothing to copy, nothing to leak, and `contains` allocates nothing.
///
/// @param high bits 127..64 of the first address; IPv4 stands as IPv4-mapped
/// @param low bits 63..0
/// @param prefix number of leading bits that count, 0..128; an IPv4 range adds 96
public record Cidr(long high, long low, int prefix) {
    private static final long MAPPED = 0xffffL << 32;
    private static final int MAPPED_PREFIX = 96;

    static final Kind<Cidr> KIND =
            new Kind<>(
                    "IP/BITS, such as 10.0.0.0/8",
                    text -> {
                        Cidr range = parse(text);
                        return range == null
                                ? Kind.bad("is no range of addresses")
                                : Kind.good(range);
                    });

    public Cidr {
        if (prefix < 0 || prefix > 128) throw new IllegalArgumentException("prefix " + prefix);
        if ((high & ~highMask(prefix)) != 0 || (low & ~lowMask(prefix)) != 0)
            throw new IllegalArgumentException("bits set behind the prefix " + prefix);
    }

    /// Reads `address/length`, or a lone address as the range that holds only it.
    ///
    /// @return null if it is no such text, the length is out of range, or bits behind the prefix are set
    public static @Nullable Cidr parse(String text) {
        int slash = text.indexOf('/');
        String host = slash < 0 ? text : text.substring(0, slash);
        InetAddress address = Addresses.literal(host);
        if (address == null) return null;
        // Of ::ffff:10.0.0.0/8 nobody can tell which 8 bits are meant.
        if (address instanceof Inet4Address && host.indexOf(':') >= 0) return null;
        byte[] bytes = address.getAddress();
        int bits = bytes.length * 8;
        int length = slash < 0 ? bits : Addresses.decimal(text.substring(slash + 1), bits);
        if (length < 0) return null;
        int prefix = length + 128 - bits;
        long high = high(bytes);
        long low = low(bytes);
        boolean clean = (high & ~highMask(prefix)) == 0 && (low & ~lowMask(prefix)) == 0;
        return clean ? new Cidr(high, low, prefix) : null;
    }

    public boolean contains(InetAddress address) {
        return contains(address.getAddress());
    }

    /// @param address 4 or 16 bytes in network order; any other length is in no range
    public boolean contains(byte[] address) {
        if (address.length != 4 && address.length != 16) return false;
        return contains(high(address), low(address));
    }

    /// @param otherHigh bits 127..64 of an address; IPv4 stands as IPv4-mapped
    /// @param otherLow bits 63..0
    public boolean contains(long otherHigh, long otherLow) {
        boolean isIpv4 = otherHigh == 0 && otherLow >>> 32 == 0xffff;
        if (isIpv4 && prefix < MAPPED_PREFIX)
            return false; // ::/0 means all of IPv6 and nothing else.
        return ((otherHigh ^ high) & highMask(prefix)) == 0
                && ((otherLow ^ low) & lowMask(prefix)) == 0;
    }

    /// As in the file: `10.0.0.0/8`.
    @Override
    public String toString() {
        byte[] bytes = new byte[16];
        for (int i = 0; i < 8; i++) {
            bytes[i] = (byte) (high >>> 56 - 8 * i);
            bytes[i + 8] = (byte) (low >>> 56 - 8 * i);
        }
        boolean isIpv4 = prefix >= MAPPED_PREFIX && high == 0 && low >>> 32 == 0xffff;
        try {
            InetAddress first =
                    InetAddress.getByAddress(isIpv4 ? Arrays.copyOfRange(bytes, 12, 16) : bytes);
            return Addresses.text(first) + "/" + (isIpv4 ? prefix - MAPPED_PREFIX : prefix);
        } catch (UnknownHostException e) {
            throw new AssertionError("4 and 16 bytes are always an address", e);
        }
    }

    private static long high(byte[] address) {
        return address.length == 4 ? 0 : eight(address, 0);
    }

    private static long low(byte[] address) {
        if (address.length == 16) return eight(address, 8);
        return MAPPED
                | (address[0] & 0xffL) << 24
                | (address[1] & 0xffL) << 16
                | (address[2] & 0xffL) << 8
                | (address[3] & 0xffL);
    }

    private static long eight(byte[] bytes, int from) {
        long eight = 0;
        for (int i = from; i < from + 8; i++) eight = eight << 8 | bytes[i] & 0xff;
        return eight;
    }

    private static long highMask(int prefix) {
        return prefix >= 64 ? -1 : prefix == 0 ? 0 : -1L << 64 - prefix;
    }

    private static long lowMask(int prefix) {
        return prefix <= 64 ? 0 : -1L << 128 - prefix;
    }
}
