package bascule;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.admin.Commands;
import bascule.admin.Commands.ReloadResult;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.testing.Answer;
import bascule.testing.Newcomers;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.uring.IoUring;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A listener whose address becomes wider or narrower by a reload, at the same port: the new address overlaps with the old one, which is still open.
@Timeout(120)
final class BindChangeIT {
    private static final int PER_SECOND = 500;

    private final AtomicReference<String> file = new AtomicReference<>("");
    private Daemon daemon;

    @AfterEach
    void stop() {
        if (daemon != null) daemon.stop();
    }

    private LoadResult read() {
        return ConfigurationLoader.parse(file.get(), Path.of("test.conf"), Map.of());
    }

    private void write(String transport, String bind) {
        file.set(
                """
                transport = %s, loops = 2
                admin { http = off, socket = off }
                logging.access = off
                shutdown.grace = off
                listeners.web { bind = %s, limits = 2000, routes = [{ respond { status = 200, body = ok } }] }
                """
                        .formatted(transport, bind));
    }

    private void start(String transport, String bind) throws StartFailure {
        write(transport, bind);
        if (!(read() instanceof LoadResult.Loaded(Configuration configuration)))
            throw new AssertionError(read());
        daemon = Daemon.start(configuration, this::read);
    }

    private ReloadResult reload(String transport, String bind) {
        write(transport, bind);
        return daemon.reload().join();
    }

    private static void assumeAvailable(String transport) {
        boolean there =
                switch (transport) {
                    case "epoll" -> Epoll.isAvailable();
                    case "io-uring" -> IoUring.isAvailable();
                    default -> true;
                };
        Assumptions.assumeTrue(there, "no " + transport + " here");
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /// `P` is the port.
    private static Stream<Arguments> changes() {
        return Stream.of("epoll", "io-uring", "nio")
                .flatMap(
                        transport ->
                                Stream.of(
                                                "127.0.0.1:P -> 0.0.0.0:P",
                                                "127.0.0.1:P -> :P",
                                                "0.0.0.0:P -> 127.0.0.1:P",
                                                ":P -> 127.0.0.1:P",
                                                "127.0.0.1:P -> 127.0.0.2:P 127.0.0.1:P",
                                                "127.0.0.1:P -> :P 127.0.0.1:P",
                                                "127.0.0.1:P 127.0.0.3:P -> :P")
                                        .map(change -> Arguments.of(transport, change)));
    }

    private static String list(String binds, int port) {
        return Stream.of(binds.split(" "))
                .map(each -> '"' + each.replace("P", "" + port) + '"')
                .collect(Collectors.joining(", ", "[", "]"));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void givenClientsAllTheTime_whenABindBecomesWiderOrNarrower_thenReloadedAndNobodyFails(
            String transport, String change) throws Exception {
        assumeAvailable(transport);
        String[] binds = change.split(" -> ");
        int port = freePort();
        start(transport, list(binds[0], port));
        try (var clients = Newcomers.start(here(port), PER_SECOND)) {
            awaitAnswered(clients);

            ReloadResult result = reload(transport, list(binds[1], port));

            awaitAnswered(clients);
            Newcomers.Result seen = clients.stop();
            assertThat(result).isInstanceOf(Commands.Reloaded.class);
            assertThat(seen.refused()).isZero();
            // With NIO nobody can be held back who has not begun: who is in the queue at the end of
            // the old socket is reset.
            assertThat(seen.failures()).hasSizeLessThanOrEqualTo(transport.equals("nio") ? 5 : 0);
            assertThat(seen.answered() + seen.failures().size()).isEqualTo(seen.came());
        }
        daemon.stop();
        start(transport, list(binds[1], port)); // What was reloaded starts, too.
    }

    private static InetSocketAddress here(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private static void awaitAnswered(Newcomers clients) {
        long goal = clients.answered() + PER_SECOND / 10;
        Awaitility.await("clients").until(() -> clients.answered() >= goal);
    }

    @ParameterizedTest
    @CsvSource({"epoll,0.0.0.0", "epoll,[::]", "nio,0.0.0.0", "nio,127.0.0.2"})
    void givenAnotherListener_whenAReloadWouldOverlapWithIt_thenFailedAndAllIsAsItWas(
            String transport, String wider) throws Exception {
        try (var another = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.2"))) {
            int port = another.getLocalPort();
            start(transport, list("127.0.0.1:P", port));

            ReloadResult result = reload(transport, list("127.0.0.1:P " + wider + ":P", port));

            assertThat(result)
                    .isEqualTo(
                            new Commands.Failed(
                                    "listeners.web.bind: cannot bind %s:%d: Address already in use"
                                            .formatted(
                                                    wider.equals("[::]") ? "[::]" : wider, port)));
        }
        assertServed();
    }

    /// One that would let others of its user share its port, such as a second daemon.
    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void givenAnotherDaemon_whenAReloadWouldShareItsPort_thenFailedAndAllIsAsItWas(String transport)
            throws Exception {
        try (var another = ServerSocketChannel.open()) {
            another.setOption(StandardSocketOptions.SO_REUSEPORT, true);
            another.bind(new InetSocketAddress("127.0.0.2", 0));
            int port = ((InetSocketAddress) another.getLocalAddress()).getPort();
            start(transport, list("127.0.0.1:P", port));

            ReloadResult result = reload(transport, list("127.0.0.1:P 127.0.0.2:P", port));

            assertThat(result)
                    .isEqualTo(
                            new Commands.Failed(
                                    "listeners.web.bind: cannot bind 127.0.0.2:%d: Address already in use"
                                            .formatted(port)));
        }
        assertServed();
    }

    private void assertServed() {
        assertThat(Answer.get(daemon.addresses("web").getFirst(), "/").body(US_ASCII))
                .isEqualTo("ok");
    }
}
