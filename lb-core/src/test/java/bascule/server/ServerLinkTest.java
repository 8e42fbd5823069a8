package bascule.server;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.config.BackendConfig;
import bascule.config.BackendProtocol;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.tls.testing.TestAuthority;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ServerLinkTest {
    @TempDir Path folder;

    private BackendConfig config(String keys) {
        String text =
                """
                listeners.http { bind = ":80", backend = web }
                backends.web { servers = ["192.0.2.1:80"], %s }
                """
                        .formatted(keys);
        LoadResult read = ConfigurationLoader.parse(text, folder.resolve("bascule.conf"), Map.of());
        if (!(read instanceof LoadResult.Loaded(var configuration))) throw new AssertionError(read);
        return configuration.backends().getFirst();
    }

    private static Server server(@Nullable String host) {
        var address = new InetSocketAddress(InetAddress.ofLiteral("2001:db8::1"), 443);
        return new Server("web", "a", address, host, 0, 1, false);
    }

    @Test
    void givenServers_whenTheirCertificateIsChecked_thenTheirNameCountsBeforeTheirAddress()
            throws Exception {
        try (ServerLink link = ServerLink.of(config("tls = on"));
                ServerLink named = ServerLink.of(config("tls.name = app.example.com"))) {
            assertThat(link.nameOf(server(null))).isEqualTo("2001:db8::1");
            assertThat(link.nameOf(server("a.example.com"))).isEqualTo("a.example.com");
            assertThat(named.nameOf(server(null))).isEqualTo("app.example.com");
            assertThat(named.nameOf(server("a.example.com"))).isEqualTo("app.example.com");
        }
    }

    @Test
    void givenLinkWithTls_whenAsked_thenAHandlerThatKnowsWhomItTalksTo() throws Exception {
        try (ServerLink link = ServerLink.of(config("tls = on"))) {
            SslHandler handler =
                    link.newHandler(UnpooledByteBufAllocator.DEFAULT, server("a.example.com"));

            assertThat(link.secure()).isTrue();
            assertThat(handler).isNotNull();
            assertThat(handler.engine().getPeerHost()).isEqualTo("a.example.com");
            assertThat(handler.engine().getUseClientMode()).isTrue();
            ReferenceCountUtil.release(handler.engine());
        }
    }

    @Test
    void givenPlainLink_whenAsked_thenNoHandler() throws Exception {
        try (ServerLink link = ServerLink.of(config("protocol = h2"))) {
            assertThat(link.secure()).isFalse();
            assertThat(link.protocol()).isEqualTo(BackendProtocol.H2);
            assertThat(link.newHandler(UnpooledByteBufAllocator.DEFAULT, server(null))).isNull();
        }
    }

    @Test
    void givenOtherConfiguration_whenCompared_thenOnlyWhatConcernsItCounts() throws Exception {
        TestAuthority.named("a").file(folder.resolve("ca.pem"));
        try (ServerLink link = ServerLink.of(config("tls.ca = ca.pem"))) {
            assertThat(link.serves(config("tls.ca = ca.pem, timeouts.idle = 1s"))).isTrue();
            assertThat(link.serves(config("tls.ca = ca.pem, protocol = h2"))).isFalse();
            assertThat(link.serves(config("tls { ca = ca.pem, name = x.y }"))).isFalse();
            assertThat(link.serves(config(""))).isFalse();
            TestAuthority.named("a").file(folder.resolve("ca.pem"));
            assertThat(link.serves(config("tls.ca = ca.pem"))).isFalse();
        }
    }
}
