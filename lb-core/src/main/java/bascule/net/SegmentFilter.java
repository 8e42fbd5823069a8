package bascule.net;

import io.netty.channel.ServerChannel;
import io.netty.channel.unix.Buffer;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.unix.RawUnixChannelOption;
import java.lang.ref.Reference;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// Classic BPF on listening sockets (SO_ATTACH_FILTER, socket(7); Linux: Documentation/networking/filter.rst): for some addresses of this host, what asks
/// for a connection, or all that belongs to none, is dropped before the kernel would answer it, so neither by SYN and ACK nor by RST. Connections
/// that are accepted while it is attached keep it for life: it drops what they never get, a SYN for that address.
///
/// @param code instructions; each is `{opcode, jump if true, jump if false, operand}`, jumps counted from the next instruction
public record SegmentFilter(List<int[]> code) {
    /// @param all drop handshakes that are under way too, or only what begins one?
    public record Silent(InetAddress address, boolean all) {}

    static final int LD_W = 0x20;
    static final int LD_B = 0x30;
    static final int AND = 0x54;
    static final int JA = 0x05;
    static final int JEQ = 0x15;
    static final int RET = 0x06;

    /// Offsets from here on are counted from the IP header, others from that of TCP: SKF_NET_OFF.
    static final int IP = -0x10_0000;

    static final int PASS = -1; // As long as it is.
    static final int DROP = 0;

    private static final int FLAGS = 13;
    private static final int SYN = 0x02;
    private static final int ACK = 0x10;

    private static final int SOL_SOCKET = 1;
    private static final int INSTRUCTION_BYTES = 8; // struct sock_filter
    private static final int PROGRAM_BYTES = 16; // struct sock_fprog
    private static final RawUnixChannelOption ATTACH =
            new RawUnixChannelOption("SO_ATTACH_FILTER", SOL_SOCKET, 26, PROGRAM_BYTES);
    private static final IntegerUnixChannelOption DETACH =
            new IntegerUnixChannelOption("SO_DETACH_FILTER", SOL_SOCKET, 27);

    /// What begins a connection is dropped, whatever the address; handshakes that are under way go on.
    public static final SegmentFilter NO_NEWCOMERS =
            new SegmentFilter(
                    List.of(
                            new int[] {LD_B, 0, 0, FLAGS},
                            new int[] {AND, 0, 0, SYN | ACK},
                            new int[] {JEQ, 0, 1, SYN},
                            new int[] {RET, 0, 0, DROP},
                            new int[] {RET, 0, 0, PASS}));

    /// @param silent to whom nothing is said
    public static SegmentFilter of(List<Silent> silent) {
        List<int[]> v4 = new ArrayList<>();
        List<int[]> v6 = new ArrayList<>();
        for (Silent each : silent) add(each, each.address().getAddress().length == 4 ? v4 : v6);
        v4.add(new int[] {RET, 0, 0, PASS});
        v6.add(new int[] {RET, 0, 0, PASS});
        List<int[]> code = new ArrayList<>();
        code.add(new int[] {LD_B, 0, 0, IP});
        code.add(new int[] {AND, 0, 0, 0xf0});
        code.add(new int[] {JEQ, 1, 0, 0x60});
        code.add(new int[] {JA, 0, 0, v6.size()});
        code.addAll(v6);
        code.addAll(v4);
        return new SegmentFilter(List.copyOf(code));
    }

    private static void add(Silent silent, List<int[]> code) {
        List<int[]> then = new ArrayList<>();
        if (!silent.all()) {
            then.add(new int[] {LD_B, 0, 0, FLAGS});
            then.add(new int[] {AND, 0, 0, SYN | ACK});
            then.add(new int[] {JEQ, 1, 0, SYN});
            then.add(new int[] {RET, 0, 0, PASS});
        }
        then.add(new int[] {RET, 0, 0, DROP});
        ByteBuffer address = ByteBuffer.wrap(silent.address().getAddress());
        int words = address.capacity() / 4;
        int at = IP + (words == 1 ? 16 : 24);
        for (int word = 0; word < words; word++) {
            code.add(new int[] {LD_W, 0, 0, at + 4 * word});
            int toNextAddress = 2 * (words - 1 - word) + then.size();
            code.add(new int[] {JEQ, 0, toNextAddress, address.getInt(4 * word)});
        }
        code.addAll(then);
    }

    /// @return direct: `struct sock_filter`s
    public ByteBuffer instructions() {
        ByteBuffer instructions = direct(INSTRUCTION_BYTES * code.size());
        for (int[] each : code)
            instructions
                    .putShort((short) each[0])
                    .put((byte) each[1])
                    .put((byte) each[2])
                    .putInt(each[3]);
        return instructions.flip();
    }

    /// In the place of one that is there, in one step. On the socket's loop.
    ///
    /// @return false where the transport cannot
    /// @throws io.netty.channel.ChannelException if the kernel does not
    public boolean attach(ServerChannel socket) {
        ByteBuffer instructions = instructions();
        ByteBuffer program = direct(PROGRAM_BYTES);
        program.putShort(0, (short) code.size()).putLong(8, Buffer.memoryAddress(instructions));
        try {
            return socket.config().setOption(ATTACH, program);
        } finally {
            Reference.reachabilityFence(instructions); // The kernel has its own copy now.
        }
    }

    /// Takes off what was attached. On the socket's loop.
    public static void detach(ServerChannel socket) {
        socket.config().setOption(DETACH, 0);
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
