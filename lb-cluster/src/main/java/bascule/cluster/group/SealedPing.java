package bascule.cluster.group;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jgroups.BytesMessage;
import org.jgroups.Message;
import org.jgroups.conf.ClassConfigurator;
import org.jgroups.protocols.MPING;
import org.jgroups.protocols.PingHeader;
import org.jgroups.util.ByteArrayDataInputStream;
import org.jgroups.util.ByteArrayDataOutputStream;
import org.jspecify.annotations.Nullable;

/// MPING that takes only what a node with our key has sent, and of that only what looks for members: the original hands any message of the
/// LAN to the protocols above, past TLS. Sends to one group, at the port after the membership's, and no further than the LAN.
final class SealedPing extends MPING {
    /// Of the range for organizations' own use (RFC 2365), and of the link (RFC 4291 §2.7).
    private static final byte[] GROUP_4 = {(byte) 239, (byte) 255, 78, 1};

    private static final byte[] GROUP_6 = {
        (byte) 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x78, 1
    };
    private static final int MAC_BYTES = 32;
    private static final int BYTES_MOST = 1400;
    private static final long FAULT_PAUSE_NANOS = 100_000_000;

    private final Mac mac;

    private SealedPing(Mac mac) {
        this.mac = mac;
    }

    static SealedPing of(Membership.Settings settings)
            throws GeneralSecurityException, IOException {
        Mac mac = Mac.getInstance("HmacSHA256");
        byte[] key = settings.key().derive("multicast discovery " + settings.name(), 32);
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        InetAddress self = settings.nodes().get(settings.self()).getAddress();
        SealedPing ping = new SealedPing(mac);
        ping.setId(ClassConfigurator.getProtocolId(MPING.class));
        ping.setBindAddr(self);
        ping.setMcastAddr(
                InetAddress.getByAddress(self instanceof Inet6Address ? GROUP_6 : GROUP_4));
        ping.setMcastPort(settings.nodes().getFirst().getPort() + 1); // All have the same.
        ping.setTTL(1);
        return ping;
    }

    private synchronized byte[] sealOf(byte[] bytes, int length) {
        mac.update("discovery 1".getBytes(US_ASCII));
        mac.update(bytes, 0, length);
        return mac.doFinal();
    }

    @Override
    protected void sendMcastDiscoveryRequest(Message message) {
        try {
            if (message.getSrc() == null) message.setSrc(local_addr);
            byte[] bytes = sealed(message);
            if (mcast_send_sock != null)
                mcast_send_sock.send(
                        new DatagramPacket(bytes, bytes.length, mcast_addr, mcast_port));
        } catch (IOException _) {
            // The LAN is not there now: MERGE3 asks again.
        }
    }

    byte[] sealed(Message message) throws IOException {
        var out = new ByteArrayDataOutputStream(message.size() + 1);
        message.writeTo(out);
        byte[] bytes = Arrays.copyOf(out.buffer(), out.position() + MAC_BYTES);
        System.arraycopy(sealOf(bytes, out.position()), 0, bytes, out.position(), MAC_BYTES);
        return bytes;
    }

    @Override
    public void run() {
        byte[] buffer = new byte[BYTES_MOST];
        DatagramSocket from = mcast_receive_sock;
        while (from != null && Thread.currentThread().equals(receiver) && hearOne(from, buffer))
            from = mcast_receive_sock;
    }

    /// @return false if there will be no more
    boolean hearOne(DatagramSocket from, byte[] buffer) {
        var packet = new DatagramPacket(buffer, buffer.length);
        try {
            from.receive(packet);
            Message message = opened(buffer, packet.getLength());
            if (message != null) up(message);
        } catch (IOException _) {
            if (from.isClosed()) return false;
            LockSupport.parkNanos(FAULT_PAUSE_NANOS); // The LAN is not there now.
        } catch (Exception _) {
            // Of another version: not for us.
        }
        return true;
    }

    @Nullable Message opened(byte[] bytes, int length) throws Exception {
        int body = length - MAC_BYTES;
        if (body <= 0) return null;
        byte[] seal = Arrays.copyOfRange(bytes, body, length);
        if (!MessageDigest.isEqual(seal, sealOf(bytes, body))) return null;
        Message message = new BytesMessage();
        message.readFrom(new ByteArrayDataInputStream(bytes, 0, body));
        if (local_addr == null || local_addr.equals(message.getSrc())) return null;
        PingHeader header = message.getHeader(id);
        return header == null ? null : message;
    }
}
