package bascule.net;

import static bascule.testing.NameServer.A;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.NameServer;
import bascule.testing.NameServer.Question;
import bascule.testing.NameServer.Reply;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class HostNamesIT {
    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final Queue<NameEvent> events = new ConcurrentLinkedQueue<>();
    private final AtomicInteger changes = new AtomicInteger();
    private volatile List<String> addresses = List.of("192.0.2.1");
    private volatile int code;
    private volatile boolean silent;

    @AfterEach
    void stop() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void givenNameServer_whenAddressesChangeAndItFailsAndComesBack_thenNamesFollowItsAnswersOnly()
            throws Exception {
        try (var server = new NameServer(this::answer);
                var names = names(server)) {
            names.watch(Set.of("web.test")).get(30, TimeUnit.SECONDS);
            assertThat(names.addresses("web.test")).isEqualTo(of("192.0.2.1"));
            Awaitility.await().until(() -> changes.get() == 1);

            addresses = List.of("192.0.2.3", "192.0.2.2");
            awaitAddresses(names, "192.0.2.2", "192.0.2.3");
            Awaitility.await().until(() -> changes.get() == 2);

            code = 2;
            awaitEvent(new NameEvent.NotResolved("web.test", "servfail", 2));
            code = 3;
            awaitEvent(new NameEvent.NotResolved("web.test", "nxdomain", 2));
            code = 0;
            addresses = List.of();
            awaitEvent(new NameEvent.NotResolved("web.test", "no-address", 2));
            silent = true;
            awaitEvent(new NameEvent.NotResolved("web.test", "timeout", 2));
            assertThat(names.addresses("web.test")).isEqualTo(of("192.0.2.2", "192.0.2.3"));
            assertThat(changes).hasValue(2);

            silent = false;
            addresses = List.of("192.0.2.4");
            awaitAddresses(names, "192.0.2.4");
        }
    }

    private List<Reply> answer(Question question) {
        if (silent) return List.of();
        Reply reply = Reply.to(question).code(code);
        if (code == 0 && question.type() == A)
            addresses.forEach(address -> reply.address(question.name(), 1, address));
        return List.of(reply);
    }

    @Test
    void givenThisHost_whenLocalhostIsWatched_thenItIsThere() throws Exception {
        try (var names = new HostNames(loop, changes::incrementAndGet, events::add)) {
            names.watch(Set.of("localhost")).get(30, TimeUnit.SECONDS);

            assertThat(names.addresses("localhost"))
                    .isNotEmpty()
                    .allMatch(InetAddress::isLoopbackAddress);
        }
    }

    @Test
    void givenLoopThatHasEnded_whenCalled_thenNobodyWaits() throws Exception {
        var names = new HostNames(loop, changes::incrementAndGet, events::add);
        stop();

        assertThat(names.watch(Set.of("localhost"))).isCompleted();
        names.close();
    }

    private HostNames names(NameServer server) {
        var conf = new ResolvConf(List.of(server.address()), List.of(), 1);
        return new HostNames(
                loop,
                new HostLookup(loop, Map::of, () -> conf, () -> true),
                changes::incrementAndGet,
                events::add,
                () -> 0);
    }

    private static void awaitAddresses(HostNames names, String... addresses) {
        await().until(() -> names.addresses("web.test").equals(of(addresses)));
    }

    private void awaitEvent(NameEvent event) {
        await().until(() -> events.contains(event));
    }

    private static ConditionFactory await() {
        return Awaitility.await().atMost(Duration.ofSeconds(90));
    }

    private static List<InetAddress> of(String... addresses) {
        return Arrays.stream(addresses).map(InetAddress::ofLiteral).toList();
    }
}
