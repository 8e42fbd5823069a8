package bascule.cluster.net;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.libc.Sockets;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Messages of rtnetlink(7): to bytes and back. All numbers are in the byte order of the host, which is the order of the buffers given. No system calls.
sealed interface Netlink {
    int REQUEST = 0x1;
    int ACK = 0x4;
    int REPLACE = 0x100;
    int DUMP = 0x300;
    int CREATE = 0x400;

    short RTM_NEWLINK = 16;
    short RTM_DELLINK = 17;
    short RTM_GETLINK = 18;
    short RTM_NEWADDR = 20;
    short RTM_DELADDR = 21;
    short RTM_GETADDR = 22;
    short RTM_NEWROUTE = 24;
    short RTM_GETROUTE = 26;

    /// No duplicate address detection: it would keep an IPv6 address unusable for a second.
    int IFA_F_NODAD = 0x02;

    /// No route of its own for the prefix: a /128 needs none, and none is left behind.
    int IFA_F_NOPREFIXROUTE = 0x200;

    /// Join a multicast group of this address: see [HostAddresses#renew].
    int IFA_F_MCAUTOJOIN = 0x400;

    /// Lifetime without an end.
    int FOREVER = -1;

    /// The answer to a request that asked for [#ACK].
    ///
    /// @param errno positive; 0 = done
    record Ack(int sequence, int errno) implements Netlink {}

    /// The end of a dump.
    record Done(int sequence) implements Netlink {}

    /// What is dumped changed meanwhile: ask again.
    record Interrupted(int sequence) implements Netlink {}

    /// @param tag of IFA_PROTO; 0 = none
    /// @param validSeconds unsigned; [#FOREVER]
    record Address(
            int sequence,
            boolean present,
            InetAddress address,
            int prefix,
            int interfaceIndex,
            int tag,
            int validSeconds)
            implements Netlink {}

    /// @param hardware empty if there is none
    record Link(int sequence, boolean present, int index, String name, int flags, byte[] hardware)
            implements Netlink {}

    /// A default route of the main table.
    ///
    /// @param metric unsigned
    record DefaultRoute(int sequence, InetAddress gateway, int metric) implements Netlink {}

    /// Writes RTM_NEWADDR or RTM_DELADDR from index 0 on.
    ///
    /// @param validSeconds ignored by RTM_DELADDR
    /// @param addressFlags IFA_F_…
    /// @return its length in bytes
    static int address(
            ByteBuffer into,
            short type,
            int flags,
            int sequence,
            InetAddress address,
            int interfaceIndex,
            int validSeconds,
            int addressFlags) {
        byte[] bytes = address.getAddress();
        boolean v6 = bytes.length == 16;
        header(into, type, flags, sequence);
        into.put((byte) (v6 ? Sockets.AF_INET6 : Sockets.AF_INET));
        // Always of full length: no route to a subnet comes with it.
        into.put((byte) (bytes.length * 8));
        into.put((byte) addressFlags); // Their low byte; all of them follow in IFA_FLAGS.
        into.put((byte) 0); // RT_SCOPE_UNIVERSE
        into.putInt(interfaceIndex);
        attribute(into, IFA_LOCAL, bytes);
        attribute(into, IFA_ADDRESS, bytes);
        if (type == RTM_NEWADDR) {
            into.putShort((short) 20).putShort(IFA_CACHEINFO);
            // A deprecated IPv6 address (preferred for 0 s) takes part in everything but the choice
            // of a source address (RFC 6724 §5, rule 3): else our own connections to servers could
            // come from it, and would die with a hand-over. IPv4 has no such rule, and needs none
            // with a /32.
            into.putInt(v6 ? 0 : validSeconds).putInt(validSeconds).putInt(0).putInt(0);
            into.putShort((short) 8).putShort(IFA_FLAGS).putInt(addressFlags);
            into.putShort((short) 5).putShort(IFA_PROTO).put((byte) HostAddresses.TAG);
            pad(into);
        }
        return finish(into);
    }

    /// Asks for all there is of RTM_GETLINK, RTM_GETADDR or RTM_GETROUTE.
    ///
    /// @return its length in bytes
    static int dump(ByteBuffer into, short type, int sequence, int family) {
        header(into, type, REQUEST | DUMP, sequence);
        into.put((byte) family);
        // What follows the family is 0 in ifinfomsg (16 bytes), ifaddrmsg (8) and rtmsg (12).
        for (int rest = type == RTM_GETLINK ? 15 : type == RTM_GETADDR ? 7 : 11; rest > 0; rest--) {
            into.put((byte) 0);
        }
        return finish(into);
    }

    private static void header(ByteBuffer into, short type, int flags, int sequence) {
        into.clear();
        into.putInt(0).putShort(type).putShort((short) flags).putInt(sequence).putInt(0);
    }

    private static void attribute(ByteBuffer into, short type, byte[] value) {
        // 4 or 16 bytes: no padding.
        into.putShort((short) (4 + value.length)).putShort(type).put(value);
    }

    private static void pad(ByteBuffer into) {
        while (into.position() % 4 != 0) into.put((byte) 0);
    }

    private static int finish(ByteBuffer into) {
        int length = into.position();
        into.putInt(0, length);
        return length;
    }

    /// Reads what one recv(2) gave.
    ///
    /// @param from position and limit around the messages; consumed
    /// @return what was understood, in order; what is cut or out of form is passed over
    static List<Netlink> read(ByteBuffer from) {
        List<Netlink> messages = new ArrayList<>(2);
        int end = from.limit();
        int at = from.position();
        while (end - at >= 16) {
            int length = from.getInt(at);
            if (length < 16 || length > end - at) break;
            short type = from.getShort(at + 4);
            int sequence = from.getInt(at + 8);
            if ((from.getShort(at + 6) & DUMP_INTR) != 0) messages.add(new Interrupted(sequence));
            int to = at + length;
            @Nullable Netlink message =
                    switch (type) {
                        case NLMSG_ERROR ->
                                length < 20 ? null : new Ack(sequence, -from.getInt(at + 16));
                        case NLMSG_DONE -> done(from, at + 16, to, sequence);
                        case RTM_NEWADDR, RTM_DELADDR ->
                                address(from, at + 16, to, sequence, type == RTM_NEWADDR);
                        case RTM_NEWLINK, RTM_DELLINK ->
                                link(from, at + 16, to, sequence, type == RTM_NEWLINK);
                        case RTM_NEWROUTE -> route(from, at + 16, to, sequence);
                        default -> null;
                    };
            if (message != null) messages.add(message);
            at = length > Integer.MAX_VALUE - 3 ? end : Math.min(end, at + (length + 3 & ~3));
        }
        from.position(end);
        return messages;
    }

    private static Netlink done(ByteBuffer from, int at, int end, int sequence) {
        // A dump that could not begin ends with -errno.
        int error = end - at >= 4 ? from.getInt(at) : 0;
        return error < 0 ? new Ack(sequence, -error) : new Done(sequence);
    }

    private static @Nullable Netlink address(
            ByteBuffer from, int at, int end, int sequence, boolean present) {
        if (end - at < 8) return null;
        int size = size(from.get(at));
        int prefix = from.get(at + 1) & 0xff;
        int index = from.getInt(at + 4);
        byte @Nullable [] local = null;
        byte @Nullable [] remote = null;
        int tag = 0;
        int valid = FOREVER;
        for (int a = at + 8; attributeFits(from, a, end); a = nextAttribute(from, a)) {
            int length = (from.getShort(a) & 0xffff) - 4;
            switch (from.getShort(a + 2) & TYPE) {
                case IFA_LOCAL -> local = length == size ? bytes(from, a + 4, length) : local;
                case IFA_ADDRESS -> remote = length == size ? bytes(from, a + 4, length) : remote;
                case IFA_CACHEINFO -> valid = length >= 8 ? from.getInt(a + 8) : valid;
                case IFA_PROTO -> tag = length >= 1 ? from.get(a + 4) & 0xff : tag;
                default -> {}
            }
        }
        // On a point-to-point link IFA_ADDRESS is the other end.
        byte @Nullable [] own = local != null ? local : remote;
        if (own == null || prefix > own.length * 8) return null;
        return new Address(sequence, present, inet(own, index), prefix, index, tag, valid);
    }

    private static @Nullable Netlink link(
            ByteBuffer from, int at, int end, int sequence, boolean present) {
        if (end - at < 16) return null;
        // AF_BRIDGE: a port that leaves its bridge is "deleted" there, and lives on.
        if (from.get(at) != 0) return null;
        int index = from.getInt(at + 4);
        int flags = from.getInt(at + 8);
        String name = "";
        byte[] hardware = {};
        for (int a = at + 16; attributeFits(from, a, end); a = nextAttribute(from, a)) {
            int length = (from.getShort(a) & 0xffff) - 4;
            switch (from.getShort(a + 2) & TYPE) {
                case IFLA_ADDRESS -> hardware = bytes(from, a + 4, length);
                case IFLA_IFNAME -> name = text(bytes(from, a + 4, length));
                default -> {}
            }
        }
        return new Link(sequence, present, index, name, flags, hardware);
    }

    private static @Nullable Netlink route(ByteBuffer from, int at, int end, int sequence) {
        if (end - at < 12) return null;
        int size = size(from.get(at));
        int table = from.get(at + 4) & 0xff;
        if (from.get(at + 1) != 0 || from.get(at + 7) != RTN_UNICAST) return null;
        if ((from.getInt(at + 8) & RTM_F_CLONED) != 0) return null;
        byte @Nullable [] gateway = null;
        int metric = 0;
        int out = 0;
        for (int a = at + 12; attributeFits(from, a, end); a = nextAttribute(from, a)) {
            int length = (from.getShort(a) & 0xffff) - 4;
            switch (from.getShort(a + 2) & TYPE) {
                case RTA_OIF -> out = length == 4 ? from.getInt(a + 4) : out;
                case RTA_GATEWAY -> gateway = length == size ? bytes(from, a + 4, length) : gateway;
                case RTA_VIA -> gateway = via(from, a + 4, length);
                case RTA_PRIORITY -> metric = length == 4 ? from.getInt(a + 4) : metric;
                case RTA_TABLE -> table = length == 4 ? from.getInt(a + 4) : table;
                case RTA_MULTIPATH -> {
                    // struct rtnexthop: u16 length, u8 flags, u8 hops, i32 interface; attributes.
                    // The first one speaks for all.
                    int hopEnd =
                            a
                                    + 4
                                    + Math.min(
                                            length,
                                            length >= 8 ? from.getShort(a + 4) & 0xffff : 0);
                    if (hopEnd - a < 12) break;
                    out = from.getInt(a + 8);
                    for (int h = a + 12;
                            attributeFits(from, h, hopEnd);
                            h = nextAttribute(from, h)) {
                        int inner = (from.getShort(h) & 0xffff) - 4;
                        int type = from.getShort(h + 2) & TYPE;
                        if (type == RTA_GATEWAY && inner == size)
                            gateway = bytes(from, h + 4, inner);
                        if (type == RTA_VIA) gateway = via(from, h + 4, inner);
                    }
                }
                default -> {}
            }
        }
        if (gateway == null || table != RT_TABLE_MAIN) return null;
        return new DefaultRoute(sequence, inet(gateway, out), metric);
    }

    /// An IPv4 route by an IPv6 gateway (`struct rtvia`: u16 family, address).
    private static byte @Nullable [] via(ByteBuffer from, int at, int length) {
        if (length < 2) return null;
        int size = size((byte) from.getShort(at));
        return size > 0 && length == 2 + size ? bytes(from, at + 2, size) : null;
    }

    private static boolean attributeFits(ByteBuffer from, int at, int end) {
        if (end - at < 4) return false;
        int length = from.getShort(at) & 0xffff;
        return length >= 4 && length <= end - at;
    }

    private static int nextAttribute(ByteBuffer from, int at) {
        return at + ((from.getShort(at) & 0xffff) + 3 & ~3);
    }

    private static byte[] bytes(ByteBuffer from, int at, int length) {
        byte[] bytes = new byte[length];
        from.get(at, bytes);
        return bytes;
    }

    private static String text(byte[] name) {
        int length = 0;
        while (length < name.length && name[length] != 0) length++;
        return new String(name, 0, length, ISO_8859_1);
    }

    /// @return of an address of the family, in bytes; -1 if it is neither IPv4 nor IPv6
    private static int size(byte family) {
        return family == Sockets.AF_INET ? 4 : family == Sockets.AF_INET6 ? 16 : -1;
    }

    /// A link-local address carries its interface.
    private static InetAddress inet(byte[] bytes, int interfaceIndex) {
        try {
            if (bytes.length == 4) return InetAddress.getByAddress(bytes);
            boolean linkLocal = bytes[0] == (byte) 0xfe && (bytes[1] & 0xc0) == 0x80;
            return Inet6Address.getByAddress(null, bytes, linkLocal ? interfaceIndex : -1);
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible); // 4 or 16 bytes.
        }
    }

    int DUMP_INTR = 0x10;
    int TYPE = 0x3fff; // Without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
    short NLMSG_ERROR = 2;
    short NLMSG_DONE = 3;
    short IFA_ADDRESS = 1;
    short IFA_LOCAL = 2;
    short IFA_CACHEINFO = 6;
    short IFA_FLAGS = 8;
    short IFA_PROTO = 11;
    short IFLA_ADDRESS = 1;
    short IFLA_IFNAME = 3;
    short RTA_OIF = 4;
    short RTA_GATEWAY = 5;
    short RTA_PRIORITY = 6;
    short RTA_MULTIPATH = 9;
    short RTA_TABLE = 15;
    short RTA_VIA = 18;
    int RT_TABLE_MAIN = 254;
    byte RTN_UNICAST = 1;
    int RTM_F_CLONED = 0x200;
}
