package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import bascule.net.SegmentFilter.Silent;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.socket.SocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Handshakes that are under way: the kernel is told not to end one before the client's first byte (TCP_DEFER_ACCEPT, tcp(7)).
@Timeout(60)
final class SegmentFilterIT {
    private static final InetAddress OWN = InetAddress.ofLiteral("127.0.0.2");
    private static final int SOON_MILLIS =
            500; // A SYN that is not answered is sent again after 1 s.
    private static final int LONG_MILLIS = 10_000;

    private final Semaphore accepted = new Semaphore(0);
    private Transport transport;
    private ServerChannel socket;

    @BeforeEach
    void open() {
        Assumptions.assumeTrue(Epoll.isAvailable());
        transport = Transport.open(Transport.Kind.EPOLL, 1);
        var any = new InetSocketAddress(InetAddress.ofLiteral("::"), 0);
        socket = transport.newServerChannel(Transport.bindable(any), false);
        socket.config().setOption(EpollChannelOption.TCP_DEFER_ACCEPT, 10);
        socket.pipeline()
                .addLast(
                        new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object client) {
                                accepted.release();
                                ((SocketChannel) client).unsafe().closeForcibly();
                            }
                        });
        transport.loops().getFirst().executor().register(socket).syncUninterruptibly();
        socket.bind(Transport.bindable(any)).syncUninterruptibly();
    }

    @AfterEach
    void close() {
        if (socket != null) socket.close().syncUninterruptibly();
        if (transport != null) transport.close(5000);
    }

    private void attach(boolean all) {
        onLoop(
                () ->
                        assertThat(SegmentFilter.of(List.of(new Silent(OWN, all))).attach(socket))
                                .isTrue());
    }

    private void onLoop(Runnable action) {
        CompletableFuture.runAsync(action, socket.eventLoop()).join();
    }

    private Socket connect(int millis) throws IOException {
        var client = new Socket();
        var port = ((InetSocketAddress) socket.localAddress()).getPort();
        client.connect(new InetSocketAddress(OWN, port), millis);
        return client;
    }

    private void assertNoNewcomer() {
        assertThatExceptionOfType(SocketTimeoutException.class)
                .isThrownBy(() -> connect(SOON_MILLIS).close());
    }

    @Test
    void givenHandshakeUnderWay_whenNewcomersAreDropped_thenItIsEnded() throws Exception {
        try (Socket client = connect(LONG_MILLIS)) {
            attach(false);
            assertNoNewcomer();

            client.getOutputStream().write(1);
            assertThat(accepted.tryAcquire(LONG_MILLIS, TimeUnit.MILLISECONDS)).isTrue();
        }
    }

    @Test
    void givenHandshakeUnderWay_whenAllIsDropped_thenItWaits_whenDetached_thenItIsEnded()
            throws Exception {
        try (Socket client = connect(LONG_MILLIS)) {
            attach(false);
            attach(true); // In the place of the other.
            assertNoNewcomer();
            client.getOutputStream().write(1);
            assertThat(accepted.tryAcquire(SOON_MILLIS, TimeUnit.MILLISECONDS)).isFalse();

            onLoop(() -> SegmentFilter.detach(socket));
            assertThat(accepted.tryAcquire(LONG_MILLIS, TimeUnit.MILLISECONDS)).isTrue();
        }
    }
}
