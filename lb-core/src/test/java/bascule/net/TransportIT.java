package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.FakeSystemd;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class TransportIT {
    @TempDir Path folder = Path.of("");

    @Test
    void givenSocketThatHasACopy_whenClosed_thenItListensOnAndNoLoopIsWokenForIt()
            throws Exception {
        Assumptions.assumeTrue(Epoll.isAvailable(), "no epoll here");
        var transport = Transport.open(Transport.Kind.EPOLL, 1);
        try (var manager = FakeSystemd.in(folder)) {
            ServerChannel socket = listening(transport);
            var address = (InetSocketAddress) socket.localAddress();
            manager.store("copy", ((UnixChannel) socket).fd().intValue());
            String name = manager.inodes("copy").getFirst();
            String inode =
                    Long.toHexString(Long.parseLong(name.replaceAll("socket:\\[(\\d+)]", "$1")));
            assertThat(isWatched(inode)).isTrue();

            socket.close().syncUninterruptibly(); // Netty takes it out of the set first.
            assertThat(isWatched(inode)).isFalse();
            new Socket(address.getAddress(), address.getPort()).close();
        } finally {
            transport.close(5000);
        }
    }

    @Test
    void givenClientsInTheQueue_whenAsked_thenTheyAreCounted() throws Exception {
        Assumptions.assumeTrue(Epoll.isAvailable(), "no epoll here");
        var transport = Transport.open(Transport.Kind.EPOLL, 1);
        var any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        ServerChannel socket = transport.newServerChannel(any, true);
        try {
            socket.config().setAutoRead(false);
            transport.loops().getFirst().executor().register(socket).syncUninterruptibly();
            socket.bind(any).syncUninterruptibly();
            assertThat(Transport.waiting(socket)).isZero();
            var address = (InetSocketAddress) socket.localAddress();
            try (var _ = new Socket(address.getAddress(), address.getPort());
                    var _ = new Socket(address.getAddress(), address.getPort())) {
                assertThat(Transport.waiting(socket)).isEqualTo(2);
            }
        } finally {
            socket.close().syncUninterruptibly();
            transport.close(5000);
        }
        assertThat(Transport.waiting(socket)).isZero();
    }

    private static ServerChannel listening(Transport transport) {
        var any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        ServerChannel socket = transport.newServerChannel(any, true);
        transport.loops().getFirst().executor().register(socket).syncUninterruptibly();
        socket.bind(any).syncUninterruptibly();
        return socket;
    }

    /// Is it in the set of any epoll of this process (proc_pid_fdinfo(5))?
    private static boolean isWatched(String inode) throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fdinfo"))) {
            for (Path each : all) {
                try {
                    if (Files.readString(each).lines().anyMatch(line -> has(line, inode)))
                        return true;
                } catch (NoSuchFileException gone) {
                    // That of the folder itself.
                }
            }
        }
        return false;
    }

    private static boolean has(String line, String inode) {
        return line.startsWith("tfd:") && line.contains(" ino:" + inode + " ");
    }
}
