package bascule.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.testing.TestAuthority;
import com.sun.management.ThreadMXBean;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

final class AllocationTest {
    private static final int TIMES = 20_000;

    private int sink;

    /// @return bytes per call, after all has been compiled
    private static double allocated(Runnable work) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 0; i < TIMES; i++) work.run();
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < TIMES; i++) work.run();
        return (double) (threads.getCurrentThreadAllocatedBytes() - before) / TIMES;
    }

    private void read(ClientHello hello, ByteBuf bytes) {
        sink += hello.read(bytes);
    }

    @Test
    void givenHello_whenRead_thenOnlyItsNameIsAllocated() {
        ClientHello hello = new ClientHello();
        byte[] message = Hello.usual(null).message();
        // Of a kind that the leak detector does not write down each access to.
        ByteBuf whole = Unpooled.wrappedBuffer(Hello.records(message));
        ByteBuf split = Unpooled.wrappedBuffer(Hello.records(message, 1, 50, 99));
        ByteBuf part = Unpooled.wrappedBuffer(Hello.records(message), 0, 60);
        ByteBuf named = Unpooled.wrappedBuffer(Hello.usual("www.example.com").bytes());

        assertThat(allocated(() -> read(hello, whole))).isLessThan(1);
        assertThat(allocated(() -> read(hello, split))).isLessThan(1);
        assertThat(allocated(() -> read(hello, part))).isLessThan(1);
        assertThat(allocated(() -> read(hello, named))).isBetween(50.0, 120.0);
    }

    @Test
    void givenAuthority_whenItsPolicyIsLookedUp_thenNothingIsAllocated() throws Exception {
        TestAuthority authority = TestAuthority.named("Test CA");
        Servers servers = new Servers(Servers.set(authority.issue("www.example.com")));
        servers.rules =
                List.of(
                        new ClientAuthRule(
                                "*.example.com",
                                ClientAuth.REQUIRED,
                                Servers.authorities(authority)),
                        new ClientAuthRule(
                                "www.example.com",
                                ClientAuth.OPTIONAL,
                                Servers.authorities(authority)));
        byte[] host = "a.Example.com".getBytes(US_ASCII);
        try (ServerTls tls = servers.make()) {
            assertThat(tls.policyOf(host, 0, host.length).clientAuth())
                    .isEqualTo(ClientAuth.REQUIRED);
            assertThat(
                            allocated(
                                    () ->
                                            sink +=
                                                    tls.policyOf(host, 0, host.length).clientAuth()
                                                                    == ClientAuth.NONE
                                                            ? 1
                                                            : 2))
                    .isLessThan(1);
        }
        assertThat(sink).isPositive();
    }
}
