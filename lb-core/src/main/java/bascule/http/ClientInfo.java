package bascule.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.tls.TlsSession;
import io.netty.util.NetUtil;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Who is at the other end of a client connection, as text. One per connection, kept for its life; IPv4 is written as IPv4 on
/// IPv6 sockets.
public final class ClientInfo {
    private final byte[] text;
    private final int addressStart;
    private final int addressEnd;
    private boolean trusted;
    private final @Nullable TlsSession tls;
    private final byte[] logPart;
    private final byte @Nullable [] certificateSubject;
    private final byte @Nullable [] certificateFingerprint;
    private final long high;
    private final long low;

    private static final byte[] NOTHING = {};

    /// Longest subject that is told: a server that has more to compare takes the fingerprint.
    static final int MOST_SUBJECT = 1024;

    /// A client without TLS.
    ///
    /// @param trusted is the peer one whose forwarded fields count?
    public ClientInfo(InetSocketAddress peer, boolean trusted) {
        this(peer, trusted, null, NOTHING);
    }

    /// @param trusted is the peer one whose forwarded fields count?
    /// @param tls null = none
    /// @param logPart what the access log says of the TLS, made once
    public ClientInfo(
            InetSocketAddress peer, boolean trusted, @Nullable TlsSession tls, byte[] logPart) {
        this.tls = tls;
        this.logPart = logPart;
        String subject = tls == null ? null : tls.subject();
        String fingerprint = tls == null ? null : tls.fingerprint();
        certificateSubject =
                subject == null || subject.length() > MOST_SUBJECT
                        ? null
                        : subject.getBytes(US_ASCII);
        certificateFingerprint = fingerprint == null ? null : fingerprint.getBytes(US_ASCII);
        text = authority(peer);
        int bracket = text[0] == '[' ? 1 : 0;
        int colon = text.length - 1;
        while (text[colon] != ':') colon--;
        addressStart = bracket;
        addressEnd = colon - bracket;
        this.trusted = trusted;
        var address = new ClientAddress();
        address.set(peer.getAddress());
        high = address.high();
        low = address.low();
    }

    /// Host and port as in a Host field: `192.0.2.1:80`, `[2001:db8::1]:80`.
    public static byte[] authority(InetSocketAddress address) {
        InetAddress host = unmapped(address.getAddress());
        if (host instanceof Inet4Address ipv4)
            return ipv4Authority(ipv4.hashCode(), address.getPort());
        return ("[" + NetUtil.toAddressString(host) + "]:" + address.getPort()).getBytes(US_ASCII);
    }

    /// Without a String on the way, since every connection needs it once.
    ///
    /// @param address as [Inet4Address#hashCode()] gives it: the first number in the highest byte
    private static byte[] ipv4Authority(int address, int port) {
        byte[] text = new byte[21]; // 255.255.255.255:65535
        int at = decimal(text, 0, address >>> 24, '.');
        at = decimal(text, at, address >>> 16 & 0xff, '.');
        at = decimal(text, at, address >>> 8 & 0xff, '.');
        at = decimal(text, at, address & 0xff, ':');
        at = decimal(text, at, port, ' ') - 1;
        return Arrays.copyOf(text, at);
    }

    private static int decimal(byte[] into, int start, int number, char end) {
        int at =
                start
                        + (number < 10
                                ? 1
                                : number < 100 ? 2 : number < 1000 ? 3 : number < 10000 ? 4 : 5);
        int next = at + 1;
        if (at < into.length) into[at] = (byte) end;
        int rest = number;
        do {
            into[--at] = (byte) ('0' + rest % 10);
            rest /= 10;
        } while (at > start);
        return next;
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

    /// Puts the address into `into`.
    public void copyTo(ClientAddress into) {
        into.set(high, low);
    }

    /// What was agreed on; null without TLS.
    public @Nullable TlsSession tls() {
        return tls;
    }

    /// What the access log says of the TLS. Shared, not copied.
    public byte[] logPart() {
        return logPart;
    }

    /// The subject of the certificate that it showed, in printable ASCII; null without one, or if it has more than 1,024 bytes.
    public byte @Nullable [] certificateSubject() {
        return certificateSubject;
    }

    /// The SHA-256 of that certificate, 64 hex digits; null without one.
    public byte @Nullable [] certificateFingerprint() {
        return certificateFingerprint;
    }

    public boolean trusted() {
        return trusted;
    }

    /// A reload says otherwise.
    public void trusted(boolean now) {
        trusted = now;
    }
}
