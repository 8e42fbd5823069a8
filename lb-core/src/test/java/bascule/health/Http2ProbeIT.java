package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.config.BackendProtocol;
import bascule.config.CheckConfig;
import bascule.health.ProbeResult.Failed;
import bascule.health.ProbeResult.Passed;
import bascule.server.ServerLink;
import bascule.testing.GrpcServer;
import bascule.testing.Nginx;
import bascule.testing.Origin;
import bascule.testing.Peers;
import bascule.testing.TlsOrigin;
import bascule.testing.Wire;
import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Checks over HTTP/2, of gRPC and of nginx.
final class Http2ProbeIT {
    private static final MultiThreadIoEventLoopGroup GROUP =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private static final EventLoop LOOP = GROUP.next();

    @TempDir Path folder;

    @AfterAll
    static void end() {
        GROUP.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }

    /// The result of one probe, when its connection is closed.
    private static ProbeResult ask(String address, String check) {
        return ask(address, check, ServerLink.plain(BackendProtocol.H2));
    }

    private static ProbeResult ask(String address, String check, ServerLink link) {
        CheckConfig config =
                Samples.backend("web", "protocol = h2, check { %s }".formatted(check)).check();
        var result = new CompletableFuture<ProbeResult>();
        var closed = new CompletableFuture<Void>();
        var asker =
                new Probe.Asker() {
                    @Override
                    public void answered(ProbeResult of) {
                        result.complete(of);
                    }

                    @Override
                    public void closed() {
                        closed.complete(null);
                    }
                };
        LOOP.execute(
                () ->
                        new Probe(
                                        LOOP,
                                        Probe.Sockets.SYSTEM,
                                        Samples.server(address),
                                        link,
                                        config,
                                        asker)
                                .start());
        closed.orTimeout(30, TimeUnit.SECONDS).join();
        return result.join();
    }

    private static String failure(String address, String check) {
        ProbeResult result = ask(address, check);
        assertThat(result).isInstanceOf(Failed.class);
        return result.text();
    }

    @Test
    void givenGrpcServerThatServes_whenAsked_thenPassed() throws Exception {
        try (var server = new GrpcServer()) {
            server.health().setStatus("shop.v1.Cart", ServingStatus.SERVING);

            for (String check : new String[] {"grpc = on", "grpc = shop.v1.Cart"}) {
                ProbeResult result = ask(server.address(), check);
                assertThat(result).isInstanceOf(Passed.class);
                assertThat(result.text()).startsWith("SERVING in ");
            }
        }
    }

    @Test
    void givenGrpcServerThatServesNot_whenAsked_thenFailedWithItsWords() throws Exception {
        try (var server = new GrpcServer();
                var bare = new GrpcServer(null, null, Nginx.free("127.0.0.1"), false)) {
            server.health().setStatus("shop", ServingStatus.NOT_SERVING);

            assertThat(failure(server.address(), "grpc = shop")).startsWith("NOT_SERVING in ");
            assertThat(failure(server.address(), "grpc = unknown"))
                    .startsWith("gRPC status 5, unknown service");
            assertThat(failure(bare.address(), "grpc = on")).startsWith("gRPC status 12, ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 400 Bad Request\r\n\r\n", ""})
    void givenServerThatSpeaksNoHttp2_whenAsked_thenFailed(String said) throws Exception {
        try (var origin = new Origin()) {
            CompletableFuture<String> asked =
                    CompletableFuture.supplyAsync(() -> failure(origin(origin), "grpc = on"));
            try (Wire wire = origin.accept()) {
                wire.receive(24);
                wire.send(said);
                wire.sendEnd();
                assertThat(asked.get(30, TimeUnit.SECONDS))
                        .isEqualTo(
                                said.isEmpty()
                                        ? "closed without an answer"
                                        : "answer is not HTTP/2");
            }
        }
    }

    private static String origin(Origin origin) {
        try {
            return origin.address();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void givenServerThatSaysNothing_whenTheTimeIsOver_thenFailed() throws Exception {
        try (var origin = new Origin()) {
            assertThat(failure(origin.address(), "grpc = on, timeout = 300ms"))
                    .isEqualTo("no answer within 300 ms");
        }
    }

    private Nginx nginx(String listen) throws Exception {
        Peers.require("nginx");
        return new Nginx(
                "h2",
                folder,
                """
                %s
                location = /health { return 204; }
                location = /ill { return 500; }
                location = /calls { default_type application/grpc; return 200 "abc"; }
                """
                        .formatted(listen));
    }

    @Test
    void givenNginxOverHttp2_whenAskedForAPage_thenItsStatusDecides() throws Exception {
        try (Nginx nginx = nginx("listen ADDRESS http2;")) {
            assertThat(ask(nginx.address(), "http = /health").text()).startsWith("204 in ");
            assertThat(ask(nginx.address(), "http = /health")).isInstanceOf(Passed.class);
            assertThat(failure(nginx.address(), "http = /ill")).startsWith("500 in ");
            assertThat(failure(nginx.address(), "grpc = on")).startsWith("HTTP 404 in ");
        }
    }

    @Test
    void givenServersOverTls_whenAsked_thenTheyHaveToAgreeToHttp2() throws Exception {
        TestAuthority authority = TestAuthority.named("Servers");
        authority.file(folder.resolve("ca.pem"));
        Issued own = authority.request("h2").addresses("127.0.0.1").issue();
        own.writeApart(folder, "server");
        String tls =
                "listen ADDRESS ssl http2; ssl_certificate %1$s/server.pem; ssl_certificate_key %1$s/server.key;"
                        .formatted(folder);
        String keys = "protocol = h2, tls.ca = \"%s/ca.pem\"".formatted(folder);
        try (Nginx nginx = nginx(tls);
                var without = new TlsOrigin(own, authority);
                ServerLink link = ServerLink.of(Samples.backend("web", keys))) {
            assertThat(ask(nginx.address(), "http = /health", link).text()).startsWith("204 in ");
            Thread.startVirtualThread(
                    () -> {
                        try (TlsOrigin.Conversation there = without.accept()) {
                            there.handshake();
                            there.receive();
                        } catch (IOException left) {
                            // As expected.
                        }
                    });
            assertThat(ask(without.address(), "http = /health", link))
                    .isEqualTo(new Failed("does not agree to HTTP/2"));
        }
    }
}
