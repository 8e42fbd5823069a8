package bascule.cluster.net;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Ethernet frames with which hosts tell each other who has an address: ARP (RFC 826) and neighbour discovery (RFC 4861), to bytes and back.
/// Buffers are in network byte order. A hardware address is 48 bits in a long. No system calls.
///
/// @param address what the sender says it has
/// @param hardware where the sender says it is
/// @param source that the frame came from
/// @param destination that the frame went to
/// @param isReply is it the answer to a question: an ARP reply, a solicited advertisement?
record Frame(byte[] address, long hardware, long source, long destination, boolean isReply) {
    /// Of those written here: a neighbour advertisement with its option.
    static final int LONGEST = 86;

    static final int ETH_P_ALL = 3;
    static final int ETH_P_IPV4 = 0x0800;
    static final int ETH_P_ARP = 0x0806;
    static final int ETH_P_IPV6 = 0x86dd;
    static final long BROADCAST = 0xffff_ffff_ffffL;

    private static final short REQUEST = 1;
    private static final short REPLY = 2;
    private static final int ICMPV6 = 58;
    private static final byte SOLICITATION = (byte) 135;
    private static final byte ADVERTISEMENT = (byte) 136;
    private static final byte SOURCE_LINK = 1;
    private static final byte TARGET_LINK = 2;
    private static final int SOLICITED = 0x4000_0000;
    private static final int OVERRIDE = 0x2000_0000;
    private static final byte[] NONE = new byte[16];
    private static final byte[] ALL_NODES = {
        (byte) 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
    };

    /// Gratuitous ARP, as a request.
    static int gratuitousRequest(ByteBuffer into, long own, InetAddress address) {
        byte[] bytes = address.getAddress();
        return arp(into, own, REQUEST, bytes, 0, bytes);
    }

    /// Gratuitous ARP, as a reply: some hosts take notice of this form only.
    static int gratuitousReply(ByteBuffer into, long own, InetAddress address) {
        byte[] bytes = address.getAddress();
        return arp(into, own, REPLY, bytes, own, bytes);
    }

    /// Who has this?
    ///
    /// @param source one of our addresses; null = a probe, which leaves no trace in the caches of others (RFC 5227 §2.1.1)
    static int request(
            ByteBuffer into, long own, @Nullable InetAddress source, InetAddress target) {
        byte[] from = source == null ? Arrays.copyOf(NONE, 4) : source.getAddress();
        return arp(into, own, REQUEST, from, 0, target.getAddress());
    }

    private static int arp(
            ByteBuffer into,
            long own,
            short operation,
            byte[] sender,
            long targetHardware,
            byte[] target) {
        ethernet(into, BROADCAST, own, ETH_P_ARP);
        into.putShort((short) 1)
                .putShort((short) 0x0800)
                .put((byte) 6)
                .put((byte) 4)
                .putShort(operation);
        hardware(into, own).put(sender);
        hardware(into, targetHardware).put(target);
        return into.position();
    }

    /// Unsolicited neighbour advertisement with the override flag, to all nodes (RFC 4861 §7.2.6).
    static int advertisement(ByteBuffer into, long own, InetAddress address) {
        byte[] target = address.getAddress();
        int icmp = ipv6(into, own, target, ALL_NODES, 32);
        into.put(ADVERTISEMENT).put((byte) 0).putShort((short) 0).putInt(OVERRIDE).put(target);
        hardware(into.put(TARGET_LINK).put((byte) 1), own);
        return checked(into, icmp);
    }

    /// Neighbour solicitation: who has this?
    ///
    /// @param source one of our addresses; null = `::`, as in duplicate address detection (RFC 4862 §5.4.2)
    static int solicitation(
            ByteBuffer into, long own, @Nullable InetAddress source, InetAddress address) {
        byte[] target = address.getAddress();
        byte[] group = {
            (byte) 0xff,
            2,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            (byte) 0xff,
            target[13],
            target[14],
            target[15]
        };
        int icmp =
                ipv6(
                        into,
                        own,
                        source == null ? NONE : source.getAddress(),
                        group,
                        source == null ? 24 : 32);
        into.put(SOLICITATION).put((byte) 0).putShort((short) 0).putInt(0).put(target);
        // From `::` it is forbidden (§4.3).
        if (source != null) hardware(into.put(SOURCE_LINK).put((byte) 1), own);
        return checked(into, icmp);
    }

    /// @param to a group
    /// @return where the ICMPv6 message begins
    private static int ipv6(ByteBuffer into, long own, byte[] from, byte[] to, int length) {
        long group = 0x3333L << 32 | ByteBuffer.wrap(to).getInt(12) & 0xffff_ffffL; // RFC 2464 §7
        ethernet(into, group, own, ETH_P_IPV6);
        into.putInt(6 << 28)
                .putShort((short) length)
                .put((byte) ICMPV6)
                .put((byte) 255)
                .put(from)
                .put(to);
        return into.position();
    }

    private static void ethernet(ByteBuffer into, long to, long from, int type) {
        hardware(hardware(into.clear(), to), from).putShort((short) type);
    }

    private static ByteBuffer hardware(ByteBuffer into, long address) {
        return into.putShort((short) (address >>> 32)).putInt((int) address);
    }

    private static int checked(ByteBuffer frame, int icmp) {
        int end = frame.position();
        frame.putShort(icmp + 2, (short) checksum(frame, icmp, end));
        return end;
    }

    /// Of an ICMPv6 message right behind its IPv6 header (RFC 4443 §2.3, RFC 8200 §8.1).
    ///
    /// @param icmp where it begins
    /// @param end where it ends
    /// @return what belongs into its checksum field, if that is 0; 0 (or 0xffff) if the field is right
    static int checksum(ByteBuffer frame, int icmp, int end) {
        int sum = end - icmp + ICMPV6; // A frame is far too short for an overflow.
        // Both addresses, the message.
        for (int at = icmp - 32; at < end - 1; at += 2) sum += frame.getShort(at) & 0xffff;
        if ((end - icmp) % 2 != 0) sum += (frame.get(end - 1) & 0xff) << 8;
        while (sum >>> 16 != 0) sum = (sum & 0xffff) + (sum >>> 16);
        return ~sum & 0xffff;
    }

    /// Reads a frame by which somebody says that it has an address: any ARP message with a sender's address (RFC 5227 §2.4), or a neighbour advertisement.
    ///
    /// @param frame from index 0 to its limit; not moved
    /// @return null for anything else, and for what is out of form
    static @Nullable Frame read(ByteBuffer frame) {
        if (frame.limit() < 14) return null;
        return switch (frame.getShort(12) & 0xffff) {
            case ETH_P_ARP -> readArp(frame);
            case ETH_P_IPV6 -> readAdvertisement(frame);
            default -> null;
        };
    }

    /// Is it the answer of this host to a question of ours? What it says to all, or asks us, does not show that it hears us.
    boolean answers(byte[] asked, long own) {
        return isReply && destination == own && Arrays.equals(asked, address);
    }

    private static @Nullable Frame readArp(ByteBuffer frame) {
        if (frame.limit() < 42) return null;
        if (frame.getShort(14) != 1 || frame.getShort(16) != 0x0800 || frame.getShort(18) != 0x0604)
            return null;
        int operation = frame.getShort(20);
        if (operation != REQUEST && operation != REPLY) return null;
        if (frame.getInt(28) == 0) return null; // A probe claims nothing.
        return heard(frame, bytes(frame, 28, 4), hardware(frame, 22), operation == REPLY);
    }

    private static @Nullable Frame readAdvertisement(ByteBuffer frame) {
        if (frame.limit() < 54 + 24 || frame.get(14) >>> 4 != 6) return null;
        int length = frame.getShort(18) & 0xffff;
        int end = 54 + length; // What follows is padding.
        // The checks of RFC 4861 §7.1.2.
        if (frame.get(20) != ICMPV6
                || frame.get(21) != (byte) 255
                || length < 24
                || end > frame.limit()) return null;
        if (frame.get(54) != ADVERTISEMENT || frame.get(55) != 0) return null;
        int sum = checksum(frame, 54, end);
        if (sum != 0) return null;
        boolean isSolicited = (frame.getInt(58) & SOLICITED) != 0;
        boolean toGroup = frame.get(38) == (byte) 0xff;
        if (frame.get(62) == (byte) 0xff || toGroup && isSolicited) return null;
        long hardware = hardware(frame, 6);
        for (int at = 78; at < end; ) {
            if (end - at < 2) return null;
            int option = (frame.get(at + 1) & 0xff) * 8;
            if (option == 0 || option > end - at) return null;
            if (frame.get(at) == TARGET_LINK) hardware = hardware(frame, at + 2);
            at += option;
        }
        return heard(frame, bytes(frame, 62, 16), hardware, isSolicited);
    }

    private static Frame heard(ByteBuffer frame, byte[] address, long hardware, boolean isReply) {
        return new Frame(address, hardware, hardware(frame, 6), hardware(frame, 0), isReply);
    }

    private static long hardware(ByteBuffer frame, int at) {
        return (frame.getShort(at) & 0xffffL) << 32 | frame.getInt(at + 2) & 0xffff_ffffL;
    }

    private static byte[] bytes(ByteBuffer frame, int at, int length) {
        byte[] bytes = new byte[length];
        frame.get(at, bytes);
        return bytes;
    }

    /// @param text as of [#text]
    static long hardware(String text) {
        return Long.parseLong(text.replace(":", ""), 16);
    }

    /// `02:00:00:00:00:01`
    static String text(long hardware) {
        StringBuilder text = new StringBuilder(17);
        for (int shift = 40; shift >= 0; shift -= 8) {
            if (shift < 40) text.append(':');
            text.append(Character.forDigit((int) (hardware >>> shift + 4) & 0xf, 16));
            text.append(Character.forDigit((int) (hardware >>> shift) & 0xf, 16));
        }
        return text.toString();
    }
}
