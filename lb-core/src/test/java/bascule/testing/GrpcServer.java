package bascule.testing;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// A real gRPC server, with calls of every kind. Messages are bytes.
public final class GrpcServer implements AutoCloseable {
    /// Sends back what it gets.
    public static final MethodDescriptor<byte[], byte[]> UNARY = method("Unary", MethodType.UNARY);

    /// Sends the sum of the lengths of what it gets.
    public static final MethodDescriptor<byte[], byte[]> UPLOAD =
            method("Upload", MethodType.CLIENT_STREAMING);

    /// Gets a number and a size, as two ints; sends so many messages of that size, each with its number in front.
    public static final MethodDescriptor<byte[], byte[]> DOWNLOAD =
            method("Download", MethodType.SERVER_STREAMING);

    /// Sends each message back as it comes.
    public static final MethodDescriptor<byte[], byte[]> CHAT =
            method("Chat", MethodType.BIDI_STREAMING);

    /// Gets the number of a status, and ends with it.
    public static final MethodDescriptor<byte[], byte[]> FAIL = method("Fail", MethodType.UNARY);

    /// Sends one message, and then a status instead of the rest.
    public static final MethodDescriptor<byte[], byte[]> BREAK =
            method("Break", MethodType.SERVER_STREAMING);

    /// Answers nothing until it is cancelled.
    public static final MethodDescriptor<byte[], byte[]> HANG = method("Hang", MethodType.UNARY);

    /// Comes back as `x-echo` in head and trailers.
    public static final Metadata.Key<String> ECHO =
            Metadata.Key.of("x-echo", Metadata.ASCII_STRING_MARSHALLER);

    private static final Context.Key<String> ECHOED = Context.key("echo");

    private final Server server;
    private final HealthStatusManager health = new HealthStatusManager();
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicInteger cancelled = new AtomicInteger();

    private static MethodDescriptor<byte[], byte[]> method(String name, MethodType type) {
        var bytes =
                new MethodDescriptor.Marshaller<byte[]>() {
                    @Override
                    public InputStream stream(byte[] value) {
                        return new ByteArrayInputStream(value);
                    }

                    @Override
                    public byte[] parse(InputStream stream) {
                        try {
                            return stream.readAllBytes();
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    }
                };
        return MethodDescriptor.newBuilder(bytes, bytes)
                .setType(type)
                .setFullMethodName(MethodDescriptor.generateFullMethodName("test.Calls", name))
                .build();
    }

    /// Without TLS, at any free port of 127.0.0.1.
    public GrpcServer() throws IOException {
        this(null, null, new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), true);
    }

    /// @param certificate, key files in PEM form; null = without TLS
    /// @param checked has it the health service?
    public GrpcServer(Path certificate, Path key, InetSocketAddress address, boolean checked)
            throws IOException {
        NettyServerBuilder builder =
                NettyServerBuilder.forAddress(address)
                        .maxInboundMessageSize(64 << 20)
                        .addService(ServerInterceptors.intercept(service(), new Echo()));
        if (checked) builder.addService(health.getHealthService());
        if (certificate != null) builder.useTransportSecurity(certificate.toFile(), key.toFile());
        server = builder.build().start();
    }

    public InetSocketAddress socket() {
        return (InetSocketAddress) server.getListenSockets().getFirst();
    }

    /// Host and port, as a configuration names a server.
    public String address() {
        return "127.0.0.1:" + server.getPort();
    }

    public HealthStatusManager health() {
        return health;
    }

    /// Calls that have come so far.
    public int calls() {
        return calls.get();
    }

    /// Calls that hung and were cancelled.
    public int cancelled() {
        return cancelled.get();
    }

    /// Ends in order: GOAWAY, and what runs may end.
    public void shutdown() {
        server.shutdown();
    }

    /// Ends whatever runs.
    public void kill() {
        server.shutdownNow();
        try {
            if (!server.awaitTermination(30, TimeUnit.SECONDS))
                throw new AssertionError("still there");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        kill();
    }

    private final class Echo implements ServerInterceptor {
        @Override
        public <A, B> ServerCall.Listener<A> interceptCall(
                ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
            calls.incrementAndGet();
            String echo = headers.get(ECHO);
            var echoing =
                    new io.grpc.ForwardingServerCall.SimpleForwardingServerCall<A, B>(call) {
                        @Override
                        public void sendHeaders(Metadata fields) {
                            if (echo != null) fields.put(ECHO, echo);
                            super.sendHeaders(fields);
                        }

                        @Override
                        public void close(Status status, Metadata trailers) {
                            if (echo != null) trailers.put(ECHO, echo);
                            super.close(status, trailers);
                        }
                    };
            Context with = Context.current().withValue(ECHOED, echo);
            return io.grpc.Contexts.interceptCall(with, echoing, headers, next);
        }
    }

    private ServerServiceDefinition service() {
        return ServerServiceDefinition.builder("test.Calls")
                .addMethod(
                        UNARY,
                        ServerCalls.asyncUnaryCall(
                                (request, out) -> {
                                    out.onNext(request);
                                    out.onCompleted();
                                }))
                .addMethod(UPLOAD, ServerCalls.asyncClientStreamingCall(Upload::new))
                .addMethod(DOWNLOAD, ServerCalls.asyncServerStreamingCall(GrpcServer::download))
                .addMethod(CHAT, ServerCalls.asyncBidiStreamingCall(Chat::new))
                .addMethod(
                        FAIL,
                        ServerCalls.asyncUnaryCall(
                                (request, out) ->
                                        out.onError(
                                                Status.fromCodeValue(request[0])
                                                        .withDescription("as asked: é%")
                                                        .asRuntimeException())))
                .addMethod(
                        BREAK,
                        ServerCalls.asyncServerStreamingCall(
                                (request, out) -> {
                                    out.onNext(request);
                                    out.onError(
                                            Status.DATA_LOSS
                                                    .withDescription("half")
                                                    .asRuntimeException());
                                }))
                .addMethod(
                        HANG,
                        ServerCalls.asyncUnaryCall(
                                (request, out) ->
                                        ((ServerCallStreamObserver<byte[]>) out)
                                                .setOnCancelHandler(cancelled::incrementAndGet)))
                .build();
    }

    private static void download(byte[] request, StreamObserver<byte[]> out) {
        ByteBuffer wanted = ByteBuffer.wrap(request);
        int count = wanted.getInt();
        int size = wanted.getInt();
        var to = (ServerCallStreamObserver<byte[]>) out;
        var sent = new AtomicInteger();
        to.setOnReadyHandler(
                () -> {
                    while (to.isReady() && sent.get() < count) {
                        byte[] message = new byte[size];
                        ByteBuffer.wrap(message).putInt(sent.getAndIncrement());
                        to.onNext(message);
                        if (sent.get() == count) to.onCompleted();
                    }
                });
    }

    private record Upload(StreamObserver<byte[]> out, AtomicInteger sum)
            implements StreamObserver<byte[]> {
        Upload(StreamObserver<byte[]> out) {
            this(out, new AtomicInteger());
        }

        @Override
        public void onNext(byte[] message) {
            sum.addAndGet(message.length);
        }

        @Override
        public void onError(Throwable gone) {}

        @Override
        public void onCompleted() {
            out.onNext(ByteBuffer.allocate(4).putInt(sum.get()).array());
            out.onCompleted();
        }
    }

    private record Chat(StreamObserver<byte[]> out) implements StreamObserver<byte[]> {
        @Override
        public void onNext(byte[] message) {
            out.onNext(message);
        }

        @Override
        public void onError(Throwable gone) {}

        @Override
        public void onCompleted() {
            out.onCompleted();
        }
    }
}
