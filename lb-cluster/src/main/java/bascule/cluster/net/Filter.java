package bascule.cluster.net;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// A classic BPF program for a socket (Linux: Documentation/networking/filter.rst).
///
/// @param code instructions; each is `{opcode, jump if true, jump if false, operand}`
record Filter(List<int[]> code) {
    static final int LD_W = 0x20;
    static final int LD_H = 0x28;
    static final int LD_B = 0x30;
    static final int JEQ = 0x15;
    static final int JSET = 0x45;
    static final int RET = 0x06;

    /// Offset of the packet's type: `SKF_AD_OFF + SKF_AD_PKTTYPE`.
    static final int PACKET_TYPE = -0x1000 + 4;

    private static final int LONGEST = 4096;

    Filter {
        code = List.copyOf(code);
        if (code.isEmpty() || code.size() > LONGEST) {
            throw new IllegalArgumentException(
                    code.size() + " instructions (expected: 1 to " + LONGEST + ")");
        }
    }

    /// `struct sock_fprog`: u16 length, pointer to `struct sock_filter` (u16 code, u8 jt, u8 jf, u32 k).
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

    /// Writes a program in which each test that fails jumps to the end, where the packet is refused, or on to the next alternative.
    static final class Builder {
        private final List<int[]> code = new ArrayList<>();

        Builder add(int opcode, int ifTrue, int ifFalse, int operand) {
            code.add(new int[] {opcode, ifTrue, ifFalse, operand});
            return this;
        }

        /// Refuses the packet unless what is at `offset` equals `value`.
        Builder require(int load, int offset, int value) {
            return add(load, 0, 0, offset).add(JEQ, 1, 0, value).refuse();
        }

        Builder accept() {
            return add(RET, 0, 0, 0x40000);
        }

        Builder refuse() {
            return add(RET, 0, 0, 0);
        }

        Filter build() {
            return new Filter(code);
        }
    }
}
