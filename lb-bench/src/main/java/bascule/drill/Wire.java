package bascule.drill;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import bascule.harness.Host;
import bascule.harness.Native;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// Raw frames on a host's interface (packet(7)): hears all that passes, and says what it likes.
final class Wire implements AutoCloseable {
    private static final int ALL = 0x0003; // ETH_P_ALL
    private static final int IPV4 = 0x0800;
    private static final int MAC = 6;
    private static final int HEADER = 14; // of Ethernet

    static final int UDP = 17;
    static final int VRRP = 112;

    private final int socket;
    private final byte[] hardware;

    private Wire(int socket, byte[] hardware) {
        this.socket = socket;
        this.hardware = hardware;
    }

    static Wire open(Host host, String device)
            throws IOException, InterruptedException, Unavailable {
        String line = Shell.need(host.ip("-o", "link", "show", "dev", device));
        int index = Integer.parseInt(line.substring(0, line.indexOf(':')));
        String[] digits = line.replaceAll("(?s).*link/ether ([0-9a-f:]+) .*", "$1").split(":", -1);
        byte[] hardware = new byte[MAC];
        for (int i = 0; i < MAC; i++) hardware[i] = (byte) Integer.parseInt(digits[i], 16);
        ByteBuffer address = ByteBuffer.allocate(20).order(ByteOrder.nativeOrder());
        address.putShort((short) Native.AF_PACKET);
        address.put((byte) (ALL >> 8)).put((byte) ALL).putInt(index); // struct sockaddr_ll
        int socket =
                host.inside(
                        () ->
                                Native.socket(
                                        Native.AF_PACKET,
                                        Native.SOCK_RAW,
                                        ALL << 8,
                                        address.array()));
        return new Wire(socket, hardware);
    }

    /// What passes in the next time, of one protocol over IPv4.
    ///
    /// @param port of UDP, on either side; 0 = any
    List<byte[]> hear(int protocol, int port, long millis) {
        List<byte[]> frames = new ArrayList<>();
        long deadline = System.nanoTime() + millis * 1_000_000;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(65_536);
            while (System.nanoTime() - deadline < 0) {
                Native.await(new int[] {socket}, 10);
                int size = Native.receive(socket, into);
                if (size < HEADER + 20) continue;
                byte[] frame = new byte[size];
                MemorySegment.copy(into, JAVA_BYTE, 0, frame, 0, size);
                ByteBuffer in = ByteBuffer.wrap(frame);
                if ((in.getShort(12) & 0xffff) != IPV4 || frame[HEADER + 9] != protocol) continue;
                int payload = payload(frame);
                boolean wanted =
                        port == 0
                                || size >= payload + 8
                                        && ((in.getShort(payload) & 0xffff) == port
                                                || (in.getShort(payload + 2) & 0xffff) == port);
                if (wanted) frames.add(frame);
            }
        }
        return frames;
    }

    /// Where what IPv4 carries begins.
    static int payload(byte[] frame) {
        return HEADER + (frame[HEADER] & 0x0f) * 4;
    }

    /// Says it with this host's own hardware address, so that the switch is not misled; the sender's IP address stays what it was.
    void say(byte[] frame) throws IOException {
        byte[] own = frame.clone();
        System.arraycopy(hardware, 0, own, MAC, MAC);
        if (own[HEADER + 9] == UDP) {
            int payload = payload(own);
            // No checksum: what was heard may have waited for the device to make it.
            own[payload + 6] = 0;
            own[payload + 7] = 0;
        }
        Native.send(socket, own);
    }

    @Override
    public void close() {
        Native.close(socket);
    }
}
