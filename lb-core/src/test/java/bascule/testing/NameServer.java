package bascule.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A DNS server whose every answer a test decides (RFC 1035 §4), by UDP and TCP on one port.
public final class NameServer implements AutoCloseable {
    public static final int A = 1;
    public static final int CNAME = 5;
    public static final int AAAA = 28;

    private static final int QUERY_BYTES = 512;

    private final ServerSocket tcp;
    private final DatagramSocket udp;
    private final Script script;
    private final Queue<Question> asked = new ConcurrentLinkedQueue<>();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

    /// @param name without the dot at the end, as it came
    /// @param from where it came from
    public record Question(int id, String name, int type, boolean byTcp, InetSocketAddress from) {}

    /// What to say.
    public interface Script {
        /// @return what is sent, in this order; nothing for silence
        List<Reply> answers(Question question) throws IOException;
    }

    /// One message that answers a question, unless told otherwise.
    public static final class Reply {
        private static final int QR_RD_RA = 0x8180;
        private static final int RA = 0x0080;
        private static final int AA = 0x0400;
        private static final int TC = 0x0200;

        private int id;
        private int flags = QR_RD_RA;
        private String questionName;
        private final int questionType;
        private final ByteArrayOutputStream records = new ByteArrayOutputStream();
        private int count;
        private boolean byStranger;
        private byte[] raw;

        private Reply(Question question) {
            id = question.id;
            questionName = question.name;
            questionType = question.type;
        }

        public static Reply to(Question question) {
            return new Reply(question);
        }

        public Reply id(int other) {
            id = other & 0xffff;
            return this;
        }

        /// Claims to answer a question for another name.
        public Reply question(String other) {
            questionName = other;
            return this;
        }

        /// @param rcode 2 for SERVFAIL, 3 for NXDOMAIN, 5 for REFUSED …
        public Reply code(int rcode) {
            flags |= rcode;
            return this;
        }

        public Reply truncated() {
            flags |= TC;
            return this;
        }

        public Reply authoritative() {
            flags |= AA;
            return this;
        }

        /// Comes from a server that does not ask others.
        public Reply notRecursive() {
            flags &= ~RA;
            return this;
        }

        /// Comes from another port than that which was asked.
        public Reply byStranger() {
            byStranger = true;
            return this;
        }

        /// These bytes and nothing else.
        public static Reply raw(Question question, byte[] message) {
            var reply = new Reply(question);
            reply.raw = message;
            return reply;
        }

        /// @param address IPv4 for A, IPv6 for AAAA
        public Reply address(String name, long ttlSeconds, String address) {
            byte[] bytes = InetAddress.ofLiteral(address).getAddress();
            return record(name, bytes.length == 4 ? A : AAAA, 1, ttlSeconds, bytes);
        }

        public Reply alias(String name, long ttlSeconds, String target) {
            return record(name, CNAME, 1, ttlSeconds, encoded(target));
        }

        public Reply record(String name, int type, int dnsClass, long ttlSeconds, byte[] data) {
            var out = new DataOutputStream(records);
            try {
                out.write(encoded(name));
                out.writeShort(type);
                out.writeShort(dnsClass);
                out.writeInt((int) ttlSeconds);
                out.writeShort(data.length);
                out.write(data);
            } catch (IOException impossible) {
                throw new AssertionError(impossible);
            }
            count++;
            return this;
        }

        public byte[] bytes() throws IOException {
            if (raw != null) return raw;
            var bytes = new ByteArrayOutputStream();
            var out = new DataOutputStream(bytes);
            out.writeShort(id);
            out.writeShort(flags);
            out.writeShort(1);
            out.writeShort(count);
            out.writeInt(0);
            out.write(encoded(questionName));
            out.writeShort(questionType);
            out.writeShort(1);
            records.writeTo(out);
            return bytes.toByteArray();
        }
    }

    /// @param name without a dot at its end
    public static byte[] encoded(String name) {
        var out = new ByteArrayOutputStream();
        for (String label : name.split("\\.", -1)) {
            byte[] bytes = label.getBytes(US_ASCII);
            out.write(bytes.length);
            out.writeBytes(bytes);
        }
        out.write(0);
        return out.toByteArray();
    }

    /// At 127.0.0.1, on some port.
    public NameServer(Script script) throws IOException {
        this(InetAddress.ofLiteral("127.0.0.1"), 0, script);
    }

    /// @param port 0 for some that is free for both
    public NameServer(InetAddress address, int port, Script script) throws IOException {
        this.script = script;
        ServerSocket listening = null;
        DatagramSocket receiving = null;
        while (receiving == null) {
            listening = new ServerSocket(port, 50, address);
            try {
                receiving = new DatagramSocket(listening.getLocalPort(), address);
            } catch (BindException taken) {
                listening.close();
                if (port != 0) throw taken;
            }
        }
        tcp = listening;
        udp = receiving;
        Thread.startVirtualThread(this::receive);
        Thread.startVirtualThread(this::accept);
    }

    public InetSocketAddress address() {
        return new InetSocketAddress(tcp.getInetAddress(), tcp.getLocalPort());
    }

    /// All questions so far.
    public Collection<Question> asked() {
        return List.copyOf(asked);
    }

    /// How often this was asked.
    public long asked(String name, int type) {
        return asked.stream().filter(q -> q.name.equals(name) && q.type == type).count();
    }

    private void receive() {
        var packet = new DatagramPacket(new byte[QUERY_BYTES], QUERY_BYTES);
        try (var stranger = new DatagramSocket(0, udp.getLocalAddress())) {
            while (true) {
                udp.receive(packet);
                var from = (InetSocketAddress) packet.getSocketAddress();
                for (Reply reply : answers(packet.getData(), false, from)) {
                    byte[] message = reply.bytes();
                    (reply.byStranger ? stranger : udp)
                            .send(new DatagramPacket(message, message.length, from));
                }
            }
        } catch (SocketException closed) {
            if (!udp.isClosed()) failures.add(closed);
        } catch (Throwable failure) {
            failures.add(failure);
        }
    }

    private void accept() {
        while (true) {
            try {
                Socket accepted = tcp.accept();
                Thread.startVirtualThread(() -> serve(accepted));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket accepted) {
        try (accepted) {
            var in = new DataInputStream(accepted.getInputStream());
            var out = new DataOutputStream(accepted.getOutputStream());
            byte[] query = in.readNBytes(in.readUnsignedShort());
            var from = (InetSocketAddress) accepted.getRemoteSocketAddress();
            for (Reply reply : answers(query, true, from)) {
                byte[] message = reply.bytes();
                out.writeShort(message.length);
                out.write(message);
                out.flush();
            }
            var _ = in.read(); // The client closes.
        } catch (IOException gone) {
            // A client may.
        } catch (Throwable failure) {
            failures.add(failure);
        }
    }

    private List<Reply> answers(byte[] query, boolean byTcp, InetSocketAddress from)
            throws IOException {
        List<String> labels = new ArrayList<>();
        int at = 12;
        while (query[at] != 0) {
            labels.add(new String(query, at + 1, query[at], US_ASCII));
            at += query[at] + 1;
        }
        int id = (query[0] & 0xff) << 8 | query[1] & 0xff;
        int type = (query[at + 1] & 0xff) << 8 | query[at + 2] & 0xff;
        var question = new Question(id, String.join(".", labels), type, byTcp, from);
        asked.add(question);
        return script.answers(question);
    }

    /// Stops it; what went wrong in it is a failure.
    @Override
    public void close() throws IOException {
        udp.close();
        tcp.close();
        if (!failures.isEmpty()) throw new AssertionError("in a name server", failures.peek());
    }
}
