package bascule.config;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// IP addresses and ports as the file writes them. Never asks a name server.
final class Addresses {
    // InetAddress.ofLiteral also takes 10.1 for 10.0.0.1, and 010 as ten: both are traps.
    private static final Pattern IPV4 =
            Pattern.compile("(?:(?:0|[1-9][0-9]{0,2})\\.){3}(?:0|[1-9][0-9]{0,2})");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    /// The host word for a node's own address.
    static final String NODE = "node";

    /// Where to accept connections: `127.0.0.1:80`, `[::1]:80`, `:80` for `[::]:80`, or `node:80`, which stays unresolved.
    static final Kind<InetSocketAddress> BIND =
            new Kind<>("IP:PORT, :PORT or node:PORT", text -> endpoint(text, true));

    /// Stands in for an address that was refused.
    static final InetAddress NOWHERE = InetAddress.ofLiteral("0.0.0.0");

    /// The address of one host.
    static final Kind<InetAddress> HOST = new Kind<>("IP", Addresses::host);

    /// An address, and the length of the subnet that it belongs to, in bits.
    record InNet(InetAddress address, int prefix) {}

    static final InNet NO_NET = new InNet(NOWHERE, 0);

    static final Kind<InNet> IN_NET =
            new Kind<>("IP/LENGTH, such as 203.0.113.10/24", Addresses::inNet);

    /// Where to connect to.
    static final Kind<ServerAddress> SERVER = new Kind<>("IP:PORT or NAME:PORT", Addresses::server);

    private static final String NO_IP = "has no IP address";
    private static final int MAX_PORT = 65_535;
    private static final byte[] BROADCAST = {-1, -1, -1, -1};

    private Addresses() {}

    private static Kind.Read<ServerAddress> server(String text) {
        switch (endpoint(text, false)) {
            case Kind.Read.Good<InetSocketAddress>(InetSocketAddress socket) -> {
                return Kind.good(new ServerAddress.Ip(socket));
            }
            case Kind.Read.Bad<InetSocketAddress>(String what) -> {
                int colon = text.lastIndexOf(':');
                int port = decimal(text.substring(colon + 1), MAX_PORT);
                if (colon < 0 || port < 1) return Kind.bad(what);
                String host = HostPattern.dns(text.substring(0, colon));
                if (host == null)
                    return Kind.bad(what.equals(NO_IP) ? "has no IP address and no name" : what);
                return HostPattern.endsInNumber(host)
                        ? Kind.bad("has no IP address, and no name ends in a number")
                        : Kind.good(new ServerAddress.Dns(host, port));
            }
        }
    }

    private static Kind.Read<InetSocketAddress> endpoint(String text, boolean isOurs) {
        int colon = text.endsWith("]") ? -1 : text.lastIndexOf(':');
        if (colon < 0) {
            boolean isPort = isOurs && decimal(text, MAX_PORT) >= 0;
            return Kind.bad(isPort ? "has no colon, did you mean :" + text + "?" : "has no port");
        }
        int port = decimal(text.substring(colon + 1), MAX_PORT);
        int least = isOurs ? 0 : 1;
        if (port < least) return Kind.bad("has no port from " + least + " to " + MAX_PORT);
        String host = text.substring(0, colon);
        if (host.equals(NODE) && isOurs)
            return Kind.good(InetSocketAddress.createUnresolved(NODE, port));
        if (host.isEmpty() && isOurs) host = "[::]";
        boolean isBracketed = host.startsWith("[") && host.endsWith("]");
        InetAddress address = literal(isBracketed ? host.substring(1, host.length() - 1) : host);
        if (address != null && isBracketed == host.indexOf(':') >= 0)
            return Kind.good(new InetSocketAddress(address, port));
        // Without brackets, the last group of an IPv6 address looks like a port.
        if (literal(text) != null || address != null && !isBracketed)
            return Kind.bad("has no brackets around its IPv6 address");
        boolean isName =
                address == null
                        && host.chars().anyMatch(Character::isLetter)
                        && HostPattern.EXACT.read(host) instanceof Kind.Read.Good<String>;
        return Kind.bad(isName ? "has a host name" : NO_IP);
    }

    /// These, where the host word is this address.
    static List<InetSocketAddress> on(InetAddress node, List<InetSocketAddress> addresses) {
        return addresses.stream()
                .map(
                        each ->
                                each.isUnresolved()
                                        ? new InetSocketAddress(node, each.getPort())
                                        : each)
                .toList();
    }

    private static Kind.Read<InetAddress> host(String text) {
        InetAddress address = literal(text);
        if (address == null) return Kind.bad("is no IP address");
        byte[] bytes = address.getAddress();
        if (bytes.length == 4 && text.indexOf(':') >= 0)
            return Kind.bad("is an IPv4 address in IPv6");
        if (bytes.length == 4 && bytes[0] == 0 || address.isAnyLocalAddress())
            return Kind.bad("is the address of no host");
        if (address.isMulticastAddress()) return Kind.bad("is a multicast address");
        if (bytes.length == 4 && Arrays.equals(bytes, BROADCAST))
            return Kind.bad("is the broadcast address");
        if (bytes.length == 16 && address.isLinkLocalAddress())
            return Kind.bad("is a link-local address, which is another on each link");
        return Kind.good(address);
    }

    private static Kind.Read<InNet> inNet(String text) {
        int slash = text.indexOf('/');
        if (slash < 0)
            return Kind.bad(literal(text) == null ? "is no IP address" : "has no length");
        switch (host(text.substring(0, slash))) {
            case Kind.Read.Bad<InetAddress>(String what) -> {
                return Kind.bad(what);
            }
            case Kind.Read.Good<InetAddress>(InetAddress address) -> {
                byte[] bytes = address.getAddress();
                int bits = bytes.length * 8;
                int prefix = decimal(text.substring(slash + 1), bits);
                if (prefix < 1) return Kind.bad("has no length from 1 to " + bits);
                if (address.isLoopbackAddress()) return Kind.bad("is a loop-back address");
                if (prefix > bits - 2)
                    return Kind.good(
                            new InNet(address, prefix)); // RFC 3021, RFC 6164: all are hosts.
                var number = new BigInteger(1, bytes);
                BigInteger hosts = BigInteger.ONE.shiftLeft(bits - prefix).subtract(BigInteger.ONE);
                BigInteger host = number.and(hosts);
                if (host.signum() == 0)
                    return Kind.bad(
                            "is the address of the network itself"); // IPv6: of all routers, RFC
                // 4291 §2.6.1.
                if (bits == 32 && host.equals(hosts))
                    return Kind.bad("is the broadcast address of its network");
                return Kind.good(new InNet(address, prefix));
            }
        }
    }

    /// Reads an IPv4 address, or an IPv6 address without brackets and without a zone.
    static @Nullable InetAddress literal(String text) {
        if (!IPV4.matcher(text).matches() && !IPV6.matcher(text).matches()) return null;
        try {
            return InetAddress.ofLiteral(text);
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    /// Reads digits without sign, space or leading zero.
    ///
    /// @return -1 if it is no such text, or above `max`
    static int decimal(String text, int max) {
        if (text.isEmpty() || text.length() > 9) return -1;
        if (text.length() > 1 && text.charAt(0) == '0') return -1;
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') return -1;
        }
        int number = Integer.parseInt(text);
        return number <= max ? number : -1;
    }

    /// As the file writes it: IPv6 in its short form (RFC 5952), IPv4 in dots.
    static String text(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length == 4) return address.getHostAddress();
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++)
            groups[i] = (bytes[2 * i] & 0xff) << 8 | bytes[2 * i + 1] & 0xff;
        int zeroes =
                0; // The longest run of zero groups, the first of equals, becomes "::"; a lone one
        // does not.
        int start = 8;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && groups[end] == 0) end++;
            if (end - i > Math.max(zeroes, 1)) {
                zeroes = end - i;
                start = i;
            }
        }
        var text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (i == start) {
                text.append("::");
                i += zeroes - 1;
            } else {
                if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') text.append(':');
                text.append(Integer.toHexString(groups[i]));
            }
        }
        return text.toString();
    }

    /// As the file writes it: `127.0.0.1:80`, `[::1]:80`, `node:80`.
    static String text(InetSocketAddress address) {
        if (address.isUnresolved()) return NODE + ":" + address.getPort();
        String host = text(address.getAddress());
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + address.getPort();
    }

    /// As the file writes it.
    static String text(ServerAddress address) {
        return switch (address) {
            case ServerAddress.Ip(InetSocketAddress socket) -> text(socket);
            case ServerAddress.Dns(String host, int port) -> host + ":" + port;
        };
    }
}
