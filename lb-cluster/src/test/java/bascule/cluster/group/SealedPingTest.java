package bascule.cluster.group;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.key.ClusterKey;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.List;
import org.jgroups.BytesMessage;
import org.jgroups.Header;
import org.jgroups.Message;
import org.jgroups.conf.ClassConfigurator;
import org.jgroups.protocols.FD_ALL3;
import org.jgroups.protocols.FailureDetection;
import org.jgroups.protocols.MPING;
import org.jgroups.protocols.PingHeader;
import org.jgroups.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SealedPingTest {
    private static final short ID = ClassConfigurator.getProtocolId(MPING.class);

    @TempDir Path folder;

    private SealedPing ping(String cluster, ClusterKey key) throws Exception {
        var here = new InetSocketAddress("127.0.0.1", 7800);
        SealedPing ping =
                SealedPing.of(
                        new Membership.Settings(
                                cluster, List.of(here), List.of("a"), 0, true, false, key));
        ping.setAddress(UUID.randomUUID());
        return ping;
    }

    private ClusterKey key(String name) throws Exception {
        ClusterKey.generate(folder.resolve(name));
        return Member.key(folder.resolve(name));
    }

    private static Message message(short id, Header header) {
        return new BytesMessage(null, new byte[] {1, 2, 3})
                .setSrc(UUID.randomUUID())
                .putHeader(id, header);
    }

    @Test
    void givenSearch_whenSealedWithOurKey_thenOpened() throws Exception {
        SealedPing ping = ping("one", key("k"));
        byte[] sealed = ping.sealed(message(ID, new PingHeader(PingHeader.GET_MBRS_REQ)));

        assertThat(ping.opened(sealed, sealed.length)).isNotNull();
        for (int length = 0; length < sealed.length; length++)
            assertThat(ping.opened(sealed, length)).isNull();
        for (int i = 0; i < sealed.length; i++) {
            byte[] forged = sealed.clone();
            forged[i] ^= 4;
            assertThat(ping.opened(forged, forged.length)).isNull();
        }
    }

    @Test
    void givenOtherKeyOrCluster_whenSealed_thenIgnored() throws Exception {
        ClusterKey key = key("k");
        Message search = message(ID, new PingHeader(PingHeader.GET_MBRS_REQ));
        byte[] otherKey = ping("one", key("other")).sealed(search);
        byte[] otherCluster = ping("two", key).sealed(search);
        SealedPing ping = ping("one", key);

        assertThat(ping.opened(otherKey, otherKey.length)).isNull();
        assertThat(ping.opened(otherCluster, otherCluster.length)).isNull();
    }

    /// The original hands it up to the protocols above.
    @Test
    void givenAnythingButASearch_whenSealed_thenIgnored() throws Exception {
        SealedPing ping = ping("one", key("k"));
        short detection = ClassConfigurator.getProtocolId(FD_ALL3.class);
        byte[] heartbeat = ping.sealed(message(detection, new FailureDetection.HeartbeatHeader()));

        assertThat(ping.opened(heartbeat, heartbeat.length)).isNull();
    }

    private static final class Broken extends DatagramSocket {
        Broken() throws SocketException {}

        @Override
        public void receive(DatagramPacket packet) throws IOException {
            throw new SocketException("Network is down");
        }
    }

    @Test
    void givenNetworkThatIsDown_whenHeard_thenGoesOnUntilClosed() throws Exception {
        SealedPing ping = ping("one", key("k"));
        DatagramSocket kept;
        try (var broken = new Broken()) {
            kept = broken;
            assertThat(ping.hearOne(broken, new byte[10])).isTrue();
        }
        assertThat(ping.hearOne(kept, new byte[10])).isFalse();
    }
}
