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
    static final int JEQ = 0x15;
    static final int JGT = 0x25;
    static final int RET = 0x06;

    /// Offset of `pkt_type`: SKF_AD_OFF + SKF_AD_PKTTYPE.
    static final int PACKET_TYPE = -0x1000 + 4;

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
