package bascule.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.GrpcServer;
import bascule.testing.Nginx;
import bascule.testing.RunningDaemon;
import bascule.tls.testing.TestAuthority;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// gRPC through the daemon: a real client, a real server, HTTP/2 on both sides.
final class GrpcIT {
    @TempDir Path folder;

    private static String configuration(String servers, String keys) {
        return """
        loops = 1
        listeners.web { bind = "127.0.0.1:0", protocols = [h2], backend = web, limits { connections = 50, streams = 1000 } }
        backends.web { servers = [%s], protocol = h2, timeouts.connect = 2s }
        backends.web { %s }
        """
                .formatted(servers, keys);
    }

    private static RunningDaemon daemon(GrpcServer server) {
        return RunningDaemon.start(configuration('"' + server.address() + '"', ""));
    }

    /// A channel to the daemon, for the time of a test.
    private record Client(ManagedChannel channel) implements AutoCloseable {
        static Client of(RunningDaemon daemon) {
            return new Client(
                    NettyChannelBuilder.forAddress(daemon.address("web"))
                            .usePlaintext()
                            .maxInboundMessageSize(64 << 20)
                            .build());
        }

        byte[] unary(byte[] message) {
            return call(channel, GrpcServer.UNARY, message, CallOptions.DEFAULT);
        }

        @Override
        public void close() {
            channel.shutdownNow();
            try {
                channel.awaitTermination(30, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static byte[] call(
            Channel channel,
            MethodDescriptor<byte[], byte[]> method,
            byte[] message,
            CallOptions options) {
        return ClientCalls.blockingUnaryCall(
                channel, method, options.withDeadlineAfter(60, TimeUnit.SECONDS), message);
    }

    private static Status failure(Runnable call) {
        try {
            call.run();
        } catch (StatusRuntimeException e) {
            return e.getStatus();
        }
        throw new AssertionError("no failure");
    }

    @Test
    void givenUnaryCall_whenMade_thenMessageMetadataAndTrailersPass() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            var fields = new Metadata();
            fields.put(GrpcServer.ECHO, "some text");
            var heads = new AtomicReference<Metadata>();
            var trailers = new AtomicReference<Metadata>();
            Channel with =
                    ClientInterceptors.intercept(
                            client.channel,
                            MetadataUtils.newAttachHeadersInterceptor(fields),
                            MetadataUtils.newCaptureMetadataInterceptor(heads, trailers));

            byte[] answer =
                    call(with, GrpcServer.UNARY, "hello".getBytes(UTF_8), CallOptions.DEFAULT);

            assertThat(new String(answer, UTF_8)).isEqualTo("hello");
            assertThat(heads.get().get(GrpcServer.ECHO)).isEqualTo("some text");
            assertThat(trailers.get().get(GrpcServer.ECHO)).isEqualTo("some text");
            daemon.awaitMetric(1, "bascule_exchanges_total", "code=\"2xx\"");
        }
    }

    @Test
    void givenEmptyAndLargeMessages_whenSent_thenWhole() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            for (int size : new int[] {0, 1, 16_379, 16_384, 100_000, 5_000_000}) {
                byte[] message = new byte[size];
                new java.util.Random(size).nextBytes(message);
                assertThat(client.unary(message)).as("%d bytes", size).isEqualTo(message);
            }
        }
    }

    @Test
    void givenManyCallsAtOnce_whenMade_thenAllAreAnsweredOverFewConnections() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            var calls = new ArrayList<CompletableFuture<byte[]>>();
            for (int i = 0; i < 2000; i++) {
                byte[] message = ByteBuffer.allocate(4).putInt(i).array();
                var answer = new CompletableFuture<byte[]>();
                calls.add(answer);
                ClientCalls.asyncUnaryCall(
                        client.channel.newCall(
                                GrpcServer.UNARY,
                                CallOptions.DEFAULT.withDeadlineAfter(60, TimeUnit.SECONDS)),
                        message,
                        new Collector(answer));
            }
            for (int i = 0; i < 2000; i++)
                assertThat(ByteBuffer.wrap(calls.get(i).get(60, TimeUnit.SECONDS)).getInt())
                        .isEqualTo(i);
            assertThat(daemon.metric("bascule_server_connections")).isBetween(1.0, 20.0);
        }
    }

    /// Takes one message.
    private record Collector(CompletableFuture<byte[]> answer) implements StreamObserver<byte[]> {
        @Override
        public void onNext(byte[] message) {
            answer.complete(message);
        }

        @Override
        public void onError(Throwable failure) {
            answer.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {}
    }

    @Test
    void givenServerStream_whenTheClientReadsAsItLikes_thenAllMessagesInOrder() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            byte[] wanted = ByteBuffer.allocate(8).putInt(500).putInt(10_000).array();
            Iterator<byte[]> messages =
                    ClientCalls.blockingServerStreamingCall(
                            client.channel, GrpcServer.DOWNLOAD, CallOptions.DEFAULT, wanted);
            for (int i = 0; i < 500; i++) {
                if (i == 10) TimeUnit.MILLISECONDS.sleep(300); // The windows fill meanwhile.
                byte[] message = messages.next();
                assertThat(message).hasSize(10_000);
                assertThat(ByteBuffer.wrap(message).getInt()).isEqualTo(i);
            }
            assertThat(messages.hasNext()).isFalse();
        }
    }

    @Test
    void givenClientStream_whenSent_thenTheServerGetsAll() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            var answer = new CompletableFuture<byte[]>();
            StreamObserver<byte[]> up =
                    ClientCalls.asyncClientStreamingCall(
                            client.channel.newCall(GrpcServer.UPLOAD, CallOptions.DEFAULT),
                            new Collector(answer));
            for (int i = 0; i < 1000; i++) up.onNext(new byte[1000]);
            up.onCompleted();

            assertThat(ByteBuffer.wrap(answer.get(30, TimeUnit.SECONDS)).getInt())
                    .isEqualTo(1_000_000);
        }
    }

    @Test
    void givenStreamsBothWays_whenEachMessageWaitsForTheLast_thenNoneIsHeldUp() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            var answers = new LinkedBlockingQueue<Object>();
            StreamObserver<byte[]> up =
                    ClientCalls.asyncBidiStreamingCall(
                            client.channel.newCall(GrpcServer.CHAT, CallOptions.DEFAULT),
                            new StreamObserver<byte[]>() {
                                @Override
                                public void onNext(byte[] message) {
                                    answers.add(new String(message, UTF_8));
                                }

                                @Override
                                public void onError(Throwable failure) {
                                    answers.add(failure);
                                }

                                @Override
                                public void onCompleted() {
                                    answers.add("over");
                                }
                            });
            for (int i = 0; i < 200; i++) {
                up.onNext(("message " + i).getBytes(UTF_8));
                assertThat(answers.poll(30, TimeUnit.SECONDS)).isEqualTo("message " + i);
            }
            up.onCompleted();
            assertThat(answers.poll(30, TimeUnit.SECONDS)).isEqualTo("over");
        }
    }

    @ParameterizedTest
    @EnumSource(value = Status.Code.class, mode = EnumSource.Mode.EXCLUDE, names = "OK")
    void givenStatus_whenTheServerEndsWithIt_thenTheClientGetsItWithItsText(Status.Code code)
            throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            byte[] wanted = {(byte) code.value()};
            Status status =
                    failure(
                            () ->
                                    call(
                                            client.channel,
                                            GrpcServer.FAIL,
                                            wanted,
                                            CallOptions.DEFAULT));

            assertThat(status.getCode()).isEqualTo(code);
            assertThat(status.getDescription()).isEqualTo("as asked: é%");
            assertThat(server.calls()).isEqualTo(1);
        }
    }

    @Test
    void givenStreamThatFails_whenSomeOfItCame_thenThatAndTheStatus() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            Iterator<byte[]> messages =
                    ClientCalls.blockingServerStreamingCall(
                            client.channel,
                            GrpcServer.BREAK,
                            CallOptions.DEFAULT,
                            "half".getBytes(UTF_8));
            assertThat(new String(messages.next(), UTF_8)).isEqualTo("half");
            Status status = failure(() -> assertThat(messages.hasNext()).isFalse());
            assertThat(status.getCode()).isEqualTo(Status.Code.DATA_LOSS);
            assertThat(status.getDescription()).isEqualTo("half");
        }
    }

    @Test
    void givenUnknownMethod_whenCalled_thenTrailersAlone() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            MethodDescriptor<byte[], byte[]> unknown =
                    GrpcServer.UNARY.toBuilder().setFullMethodName("test.Calls/Nothing").build();
            Status status =
                    failure(() -> call(client.channel, unknown, new byte[0], CallOptions.DEFAULT));
            assertThat(status.getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        }
    }

    @Test
    void givenDeadlineOrCancellation_whenTheServerHangs_thenItHearsOfIt() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            Status late =
                    failure(
                            () ->
                                    ClientCalls.blockingUnaryCall(
                                            client.channel,
                                            GrpcServer.HANG,
                                            CallOptions.DEFAULT.withDeadlineAfter(
                                                    300, TimeUnit.MILLISECONDS),
                                            new byte[0]));
            assertThat(late.getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
            Awaitility.await().until(server::cancelled, seen -> seen == 1);

            Context.CancellableContext context = Context.current().withCancellation();
            context.run(
                    () ->
                            ClientCalls.asyncUnaryCall(
                                    client.channel.newCall(GrpcServer.HANG, CallOptions.DEFAULT),
                                    new byte[0],
                                    new Collector(new CompletableFuture<>())));
            Awaitility.await().until(server::calls, seen -> seen == 2);
            context.cancel(null);
            Awaitility.await().until(server::cancelled, seen -> seen == 2);
            daemon.awaitStatus(0, "running");
            assertThat(client.unary(new byte[] {7})).containsExactly(7); // The connections stand.
        }
    }

    @Test
    void givenServerThatLeavesInOrder_whenCallsGoOn_thenNoneFails() throws Exception {
        GrpcServer first = new GrpcServer();
        try (var second = new GrpcServer();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration(
                                        "\"%s\", \"%s\""
                                                .formatted(first.address(), second.address()),
                                        ""));
                Client client = Client.of(daemon)) {
            var failures = new LinkedBlockingQueue<Throwable>();
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < 8; i++)
                threads.add(
                        Thread.startVirtualThread(
                                () -> {
                                    try {
                                        for (int call = 0; call < 300; call++)
                                            client.unary(new byte[100]);
                                    } catch (RuntimeException failure) {
                                        failures.add(failure);
                                    }
                                }));
            Awaitility.await().until(first::calls, seen -> seen > 50);
            first.shutdown();
            for (Thread each : threads) each.join();
            assertThat(failures).isEmpty();
            assertThat(first.calls() + second.calls()).isGreaterThanOrEqualTo(2400);
        } finally {
            first.close();
        }
    }

    // ---- our own answers

    @Test
    void givenNoServer_whenCalled_thenUnavailable() throws Exception {
        String nobody = Nginx.free("127.0.0.1").toString().substring(1);
        try (RunningDaemon daemon =
                        RunningDaemon.start(configuration('"' + nobody + '"', "retry = off"));
                Client client = Client.of(daemon)) {
            Status status = failure(() -> client.unary(new byte[0]));
            assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            assertThat(status.getDescription()).isEqualTo("502 Bad Gateway");
            daemon.awaitMetric(1, "bascule_exchanges_total", "code=\"5xx\"");
        }
    }

    @Test
    void givenServerThatDies_whenACallIsUnderWay_thenItAndTheNextOneFail() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            var hanging = new CompletableFuture<byte[]>();
            ClientCalls.asyncUnaryCall(
                    client.channel.newCall(GrpcServer.HANG, CallOptions.DEFAULT),
                    new byte[0],
                    new Collector(hanging));
            Awaitility.await().until(server::calls, seen -> seen == 1);
            server.kill();
            assertThat(hanging)
                    .failsWithin(30, TimeUnit.SECONDS)
                    .withThrowableThat()
                    .havingRootCause()
                    .isInstanceOf(StatusRuntimeException.class);
            Status next = failure(() -> client.unary(new byte[0]));
            assertThat(next.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        }
    }

    @ParameterizedTest
    @CsvSource({"maintenance = on, UNAVAILABLE, 503", "balance = round-robin, UNIMPLEMENTED, 404"})
    void givenAnswerOfOurOwn_whenTheClientSpeaksGrpc_thenAStatusOfItsOwn(
            String key, Status.Code code, String text) throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                configuration('"' + server.address() + '"', key)
                                        .replace(
                                                "backend = web",
                                                text.equals("404")
                                                        ? "routes = [{ path = /nowhere, backend = web }]"
                                                        : "backend = web"));
                Client client = Client.of(daemon)) {
            Status status = failure(() -> client.unary(new byte[0]));
            assertThat(status.getCode()).isEqualTo(code);
            assertThat(status.getDescription()).startsWith(text);
            assertThat(server.calls()).isZero();
        }
    }

    // ---- TLS, and checks

    @Test
    void givenTlsOnBothSides_whenCalled_thenServedAndChecked() throws Exception {
        TestAuthority authority = TestAuthority.named("Test");
        Path ca = authority.file(folder.resolve("ca.pem"));
        authority.request("server").addresses("127.0.0.1").issue().writeApart(folder, "server");
        Path shown = Files.createDirectories(folder.resolve("certs"));
        authority.issue("localhost").write(shown, "default");
        try (var server =
                        new GrpcServer(
                                folder.resolve("server.pem"),
                                folder.resolve("server.key"),
                                Nginx.free("127.0.0.1"),
                                true);
                RunningDaemon daemon =
                        RunningDaemon.start(
                                """
                                loops = 1
                                listeners.web { bind = "127.0.0.1:0", tls = "%s", backend = web, limits.connections = 50 }
                                backends.web { servers = ["%s"], protocol = h2, tls.ca = "%s", check { grpc = on, every = 500ms } }
                                """
                                        .formatted(shown, server.address(), ca))) {
            var client =
                    new Client(
                            NettyChannelBuilder.forAddress(
                                            "localhost", daemon.address("web").getPort())
                                    .sslContext(
                                            GrpcSslContexts.forClient()
                                                    .trustManager(ca.toFile())
                                                    .build())
                                    .build());
            try (client) {
                assertThat(client.unary(new byte[] {1, 2})).containsExactly(1, 2);
                assertThat(daemon.metric("bascule_server_up", server.address())).isEqualTo(1);
            }
        }
    }

    @Test
    void givenHealthService_whenAskedThroughTheDaemon_thenItsAnswer() throws Exception {
        try (var server = new GrpcServer();
                RunningDaemon daemon = daemon(server);
                Client client = Client.of(daemon)) {
            server.health().setStatus("shop", ServingStatus.NOT_SERVING);
            HealthGrpc.HealthBlockingStub stub = HealthGrpc.newBlockingStub(client.channel);

            assertThat(stub.check(HealthCheckRequest.getDefaultInstance()).getStatus())
                    .isEqualTo(ServingStatus.SERVING);
            assertThat(
                            stub.check(HealthCheckRequest.newBuilder().setService("shop").build())
                                    .getStatus())
                    .isEqualTo(ServingStatus.NOT_SERVING);
            Status status =
                    failure(
                            () ->
                                    stub.check(
                                            HealthCheckRequest.newBuilder()
                                                    .setService("unknown")
                                                    .build()));
            assertThat(status.getCode()).isEqualTo(Status.Code.NOT_FOUND);
        }
    }

    @Test
    void givenStatusOfAService_whenItChanges_thenTheServerGoesDownAndComesBack() throws Exception {
        try (var server = new GrpcServer()) {
            server.health().setStatus("shop", ServingStatus.SERVING);
            try (RunningDaemon daemon =
                    RunningDaemon.start(
                            configuration(
                                    '"' + server.address() + '"',
                                    "check { grpc = shop, every = 100ms, fall = 1, rise = 1 }"))) {
                daemon.awaitMetric(1, "bascule_server_up", server.address());
                server.health().setStatus("shop", ServingStatus.NOT_SERVING);
                daemon.awaitMetric(0, "bascule_server_up", server.address());
                server.health().setStatus("shop", ServingStatus.SERVING);
                daemon.awaitMetric(1, "bascule_server_up", server.address());
            }
        }
    }
}
