package bascule.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.util.NetUtil;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/// Who is at the other end of a client connection, as text. One per connection, kept for its life; IPv4 is written as IPv4 on
/// IPv6 sockets.
public final class ClientInfo {
    private final byte[] text;
    private final int addressStart;
    private final int addressEnd;
    private final boolean trusted;

    /// @param trusted is the peer one whose forwarded fields count?
    public ClientInfo(InetSocketAddress peer, boolean trusted) {
        text = authority(peer);
        int bracket = text[0] == '[' ? 1 : 0;
        int colon = text.length - 1;
        while (text[colon] != ':') colon--;
        addressStart = bracket;
        addressEnd = colon - bracket;
        this.trusted = trusted;
    }

    /// Host and port as in a Host field: `192.0.2.1:80`, `[2001:db8::1]:80`.
    public static byte[] authority(InetSocketAddress address) {
        String host = NetUtil.toAddressString(unmapped(address.getAddress()));
        return (host.indexOf(':') < 0
                        ? host + ":" + address.getPort()
                        : "[" + host + "]:" + address.getPort())
                .getBytes(US_ASCII);
    }

    /// The IPv4 address behind `::ffff:192.0.2.1`; any other as it is.
    public static InetAddress unmapped(InetAddress address) {
        if (!(address instanceof Inet6Address)) return address;
        byte[] raw = address.getAddress();
        for (int i = 0; i < 10; i++) if (raw[i] != 0) return address;
        if (raw[10] != -1 || raw[11] != -1) return address;
        try {
            return Inet4Address.getByAddress(Arrays.copyOfRange(raw, 12, 16));
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("four bytes are an IPv4 address", impossible);
        }
    }

    /// Address and port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. The array is shared.
    public byte[] text() {
        return text;
    }

    /// Where the bare address begins in [#text()], and where it ends.
    public int addressStart() {
        return addressStart;
    }

    public int addressEnd() {
        return addressEnd;
    }

    public boolean isIpv6() {
        return addressStart > 0;
    }

    public boolean trusted() {
        return trusted;
    }
}
