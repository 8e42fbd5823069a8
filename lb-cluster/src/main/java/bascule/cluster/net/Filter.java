package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// Classic BPF for sockets that hear Ethernet frames (Linux: Documentation/networking/filter.rst): what is not about an address of interest wakes nobody.
/// A load beyond the end of a frame refuses it.
///
/// @param code instructions; each is `{opcode, jump if true, jump if false, operand}`, jumps counted from the next instruction
record Filter(List<int[]> code) {
    static final int LD_W = 0x20;
    static final int LD_H = 0x28;
    static final int LD_B = 0x30;
    static final int LD_B_X = 0x50; // At X + operand.
    static final int LDX_MSH = 0xb1; // X = 4 * (byte & 0xf): the length of an IPv4 header.
    static final int JEQ = 0x15;
    static final int JGT = 0x25;
    static final int JSET = 0x45;
    static final int AND = 0x54;
    static final int RET = 0x06;

    /// Offset of `pkt_type`: SKF_AD_OFF + SKF_AD_PKTTYPE.
    static final int PACKET_TYPE = -0x1000 + 4;

    static final int PACKET_HOST = 0;

    /// Sent by this host: seen by sockets for all protocols only.
    static final int PACKET_OUTGOING = 4;

    /// To us, to all, to a group. Above it are frames to others, which is also what the kernel calls those of a VLAN that this interface is not on; and our own.
    static final int PACKET_MULTICAST = 2;

    static final int WHOLE = 0x40000;
    static final int LONGEST = 4096; // BPF_MAXINSNS

    Filter {
        code = List.copyOf(code);
        if (code.isEmpty() || code.size() > LONGEST) {
            throw new IllegalArgumentException(
                    code.size() + " instructions (expected: 1 to " + LONGEST + ")");
        }
    }

    /// ARP for IPv4 over Ethernet whose sender says it has one of these.
    static Filter arp(List<InetAddress> senders) {
        List<int[]> code = new ArrayList<>();
        notForOthers(code);
        require(code, LD_H, 14, 1); // ar_hrd: Ethernet
        require(code, LD_H, 16, 0x0800); // ar_pro: IPv4
        require(code, LD_H, 18, 0x0604); // ar_hln, ar_pln
        code.add(new int[] {LD_W, 0, 0, 28}); // sender's address
        for (InetAddress sender : senders) {
            byte[] bytes = sender.getAddress();
            if (bytes.length != 4) continue;
            code.add(new int[] {JEQ, 0, 1, ByteBuffer.wrap(bytes).getInt()});
            code.add(new int[] {RET, 0, 0, WHOLE});
        }
        code.add(new int[] {RET, 0, 0, 0});
        return new Filter(code);
    }

    /// Neighbour advertisements for one of these.
    static Filter advertisements(List<InetAddress> targets) {
        List<int[]> code = new ArrayList<>();
        notForOthers(code);
        require(code, LD_B, 20, 58); // next header: ICMPv6
        require(code, LD_B, 21, 255); // hop limit: no router has passed it on
        require(code, LD_B, 54, 136); // type
        for (InetAddress target : targets) {
            byte[] bytes = target.getAddress();
            if (bytes.length != 16) continue;
            for (int word = 0; word < 4; word++) {
                code.add(new int[] {LD_W, 0, 0, 62 + 4 * word});
                int toNextTarget = 7 - 2 * word;
                code.add(new int[] {JEQ, 0, toNextTarget, ByteBuffer.wrap(bytes).getInt(4 * word)});
            }
            code.add(new int[] {RET, 0, 0, WHOLE});
        }
        code.add(new int[] {RET, 0, 0, 0});
        return new Filter(code);
    }

    private static final int TCP = 6;
    private static final int SYN = 0x02;
    private static final int RST = 0x04;
    private static final int ACK = 0x10;

    /// TCP (RFC 9293 §3.1) at the beginning of connections to an address of this host: what asks for one, and how this host answers, by SYN and ACK or by RST. For
    /// a socket for all protocols.
    static Filter handshakes(InetAddress address) {
        List<int[]> in = new ArrayList<>();
        addressed(in, address, true);
        flags(in, address);
        in.add(new int[] {AND, 0, 0, SYN | ACK});
        in.add(new int[] {JEQ, 0, 1, SYN});
        in.add(new int[] {RET, 0, 0, WHOLE});
        in.add(new int[] {RET, 0, 0, 0});
        List<int[]> code = new ArrayList<>();
        tcp(code, address);
        if (address.getAddress().length == 4) { // Flags stand in the first fragment only.
            code.add(new int[] {LD_H, 0, 0, 20});
            code.add(new int[] {JSET, 0, 1, 0x1fff});
            code.add(new int[] {RET, 0, 0, 0});
        }
        code.add(new int[] {LD_B, 0, 0, PACKET_TYPE});
        code.add(new int[] {JEQ, 0, in.size(), PACKET_HOST});
        code.addAll(in);
        require(code, LD_B, PACKET_TYPE, PACKET_OUTGOING);
        addressed(code, address, false);
        flags(code, address);
        code.add(new int[] {JSET, 2, 0, RST});
        code.add(new int[] {AND, 0, 0, SYN | ACK});
        code.add(new int[] {JEQ, 0, 1, SYN | ACK});
        code.add(new int[] {RET, 0, 0, WHOLE});
        code.add(new int[] {RET, 0, 0, 0});
        return new Filter(code);
    }

    /// TCP to an address, and to this host by its hardware address; fragments too.
    static Filter segments(InetAddress address) {
        List<int[]> code = new ArrayList<>();
        tcp(code, address);
        require(code, LD_B, PACKET_TYPE, PACKET_HOST);
        addressed(code, address, true);
        code.add(new int[] {RET, 0, 0, WHOLE});
        return new Filter(code);
    }

    private static void tcp(List<int[]> code, InetAddress address) {
        boolean v4 = address.getAddress().length == 4;
        require(code, LD_H, 12, v4 ? Frame.ETH_P_IPV4 : Frame.ETH_P_IPV6);
        require(code, LD_B, v4 ? 23 : 20, TCP);
    }

    /// @param destination or source?
    private static void addressed(List<int[]> code, InetAddress address, boolean destination) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
        int at = bytes.capacity() == 4 ? destination ? 30 : 26 : destination ? 38 : 22;
        for (int word = 0; word < bytes.capacity(); word += 4)
            require(code, LD_W, at + word, bytes.getInt(word));
    }

    private static void flags(List<int[]> code, InetAddress address) {
        boolean v4 = address.getAddress().length == 4;
        if (v4) code.add(new int[] {LDX_MSH, 0, 0, 14});
        code.add(new int[] {v4 ? LD_B_X : LD_B, 0, 0, v4 ? 14 + 13 : 14 + 40 + 13});
    }

    private static void notForOthers(List<int[]> code) {
        code.add(new int[] {LD_B, 0, 0, PACKET_TYPE});
        code.add(new int[] {JGT, 0, 1, PACKET_MULTICAST});
        code.add(new int[] {RET, 0, 0, 0});
    }

    private static void require(List<int[]> code, int load, int offset, int value) {
        code.add(new int[] {load, 0, 0, offset});
        code.add(new int[] {JEQ, 1, 0, value});
        code.add(new int[] {RET, 0, 0, 0});
    }

    /// `struct sock_fprog`: u16 length, pointer to `struct sock_filter`s (u16 code, u8 jt, u8 jf, u32 k).
    MemorySegment allocate(Arena arena) {
        MemorySegment instructions = arena.allocate(8L * code.size(), 8);
        for (int i = 0; i < code.size(); i++) {
            int[] instruction = code.get(i);
            instructions.set(JAVA_SHORT, 8L * i, (short) instruction[0]);
            instructions.set(JAVA_BYTE, 8L * i + 2, (byte) instruction[1]);
            instructions.set(JAVA_BYTE, 8L * i + 3, (byte) instruction[2]);
            instructions.set(JAVA_INT, 8L * i + 4, instruction[3]);
        }
        MemorySegment program = arena.allocate(16, 8);
        program.set(JAVA_SHORT, 0, (short) code.size());
        program.set(ADDRESS, 8, instructions);
        return program;
    }
}
