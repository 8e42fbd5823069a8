package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.backend.Backend;
import bascule.backend.Backends;
import bascule.backend.Http1Pool;
import bascule.config.AccessLogFormat;
import bascule.config.BackendConfig;
import bascule.config.BackendProtocol;
import bascule.config.Balance;
import bascule.config.ForwardedConfig;
import bascule.config.HeaderEdits;
import bascule.config.LimitsConfig;
import bascule.config.ListenerConfig;
import bascule.config.Protocol;
import bascule.config.RetryConfig;
import bascule.config.ServerAddress;
import bascule.config.ServerConfig;
import bascule.config.XForwarded;
import bascule.http.ClientInfo;
import bascule.http.ClientSink;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.ResponseEvents;
import bascule.http.ResponseHead;
import bascule.http1.FrontSettings;
import bascule.http1.Http1Back;
import bascule.http1.Http1Front;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.Loop;
import bascule.net.ReceiveBuffers;
import bascule.net.Transport;
import bascule.observe.AccessLog;
import bascule.observe.Metrics;
import bascule.route.RouteTable;
import bascule.server.ServerLink;
import bascule.server.ServerSet;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What does Bascule itself add to a request? The whole walk of a browser's GET over a kept connection and back, everything on
/// (strict parsing, forwarded fields, metrics, JSON access log), with memory in place of sockets. Includes filling two receive
/// buffers, and what [MemoryChannel] costs.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 3,
        jvmArgsAppend = {
            "-XX:+UseSerialGC",
            "-XX:+UseCompactObjectHeaders",
            "--enable-native-access=ALL-UNNAMED",
            "-Dio.netty.leakDetection.level=disabled",
            "-Dio.netty.allocator.maxCachedBufferCapacity=131072",
            "-Djmh.executor=CUSTOM", // A loop's thread has Netty's caches; so must this one.
            "-Djmh.executor.class=bascule.proxy.ExchangeBenchmark$LoopLikeThreads"
        })
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class ExchangeBenchmark {
    private static final byte[] REQUEST =
            """
            GET /index.html?q=1 HTTP/1.1\r
            Host: www.example.org\r
            User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0\r
            Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r
            Accept-Language: en-US,en;q=0.5\r
            Accept-Encoding: gzip, deflate, br\r
            Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r
            Connection: keep-alive\r
            \r
            """
                    .getBytes(US_ASCII);

    private static final String HEAD =
            """
            HTTP/1.1 200 OK\r
            Server: origin\r
            Date: Fri, 20 Nov 2026 08:00:00 GMT\r
            Content-Type: text/plain\r
            Content-Length: 100\r
            """;

    /// Does the server's head need a rewrite?
    @Param({"", "Connection: keep-alive\r\n"})
    String connection = "";

    private byte[] response = {};
    private @Nullable Transport transport;
    private @Nullable Metrics metrics;
    private @Nullable AccessLog log;
    private @Nullable Loop loop;
    private @Nullable MemoryChannel client;
    private @Nullable MemoryChannel server;

    /// For JMH: threads like those of Netty's loops.
    public static final class LoopLikeThreads extends ThreadPoolExecutor {
        public LoopLikeThreads(int threads, String prefix) {
            super(
                    threads,
                    threads,
                    0,
                    TimeUnit.SECONDS,
                    new LinkedBlockingQueue<>(),
                    new DefaultThreadFactory(prefix, true));
        }
    }

    @Setup
    public void setup() throws IOException {
        response = (HEAD + connection + "\r\n" + "x".repeat(100)).getBytes(US_ASCII);
        var address = new InetSocketAddress("192.0.2.9", 80);
        var backend =
                new BackendConfig(
                        "web",
                        List.of(
                                new ServerConfig(
                                        "192.0.2.9:80", new ServerAddress.Ip(address), 1, false)),
                        Balance.ROUND_ROBIN,
                        BackendProtocol.HTTP1,
                        null,
                        null,
                        null,
                        Duration.ZERO,
                        null,
                        new RetryConfig(2, 20),
                        null,
                        null,
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(60),
                        Duration.ofHours(1));
        var limits =
                new LimitsConfig(
                        1000,
                        Duration.ofSeconds(10),
                        32 * 1024,
                        100,
                        8 * 1024,
                        Long.MAX_VALUE,
                        Duration.ofSeconds(30),
                        16,
                        100,
                        Integer.MAX_VALUE);
        var listener =
                new ListenerConfig(
                        "http",
                        List.of(address),
                        null,
                        List.of(Protocol.HTTP1),
                        "web",
                        List.of(),
                        null,
                        List.of(),
                        new ForwardedConfig(XForwarded.REPLACE, false, true, true),
                        limits,
                        Duration.ofSeconds(60),
                        Duration.ofHours(1),
                        List.of(),
                        List.of(),
                        null,
                        HeaderEdits.NONE,
                        HeaderEdits.NONE,
                        Map.of());
        Transport transport = Transport.open(Transport.Kind.NIO, 1);
        Metrics metrics = Metrics.create("bench", 1);
        AccessLog log = new AccessLog(1, metrics);
        log.use(log.prepare(AccessLogFormat.JSON, Path.of("/dev/null")));
        Loop loop = transport.loops().getFirst();
        List<Backend> groups =
                new Backends()
                        .apply(
                                List.of(backend),
                                Map.of("web", ServerLink.plain(BackendProtocol.HTTP1)),
                                _ -> List.of())
                        .all();
        Backend group = groups.getFirst();
        var worker =
                new Worker(
                        transport,
                        loop,
                        metrics.loop(0),
                        log.loop(0),
                        limits.headersBytes(),
                        limits.headerCount());
        worker.install(group, BackendRules.of(group, () -> StickyKey.load(null)));
        group.publish(ServerSet.of(group.servers()));
        var exchanges =
                new Exchanges(
                        worker,
                        new ListenerRules(
                                listener, RouteTable.compile(listener, 0, _ -> 0), null, null),
                        groups);
        var pool = (Http1Pool) Objects.requireNonNull(worker.pool(group.servers().getFirst()));
        Http1Back back = pool.open();
        back.begin(new FirstExchange(back), Method.GET, false, loop.nanoTime());
        server = new MemoryChannel(back);
        server.receive(buffer(loop, response)); // Puts it into the pool.
        client =
                new MemoryChannel(
                        new Http1Front(
                                worker.codec(), FrontSettings.of(listener), exchanges, new Door()));
        this.transport = transport;
        this.metrics = metrics;
        this.log = log;
        this.loop = loop;
    }

    @TearDown
    public void tearDown() throws IOException {
        if (transport != null) transport.close(1000);
        if (log != null) log.close();
        if (metrics != null) metrics.close();
    }

    private static ByteBuf buffer(Loop loop, byte[] bytes) {
        return ReceiveBuffers.allocate(loop.allocator(), 3584).writeBytes(bytes);
    }

    /// @return bytes that came out at both ends; with too few of them something did not walk
    @Benchmark
    public int walk() {
        Loop loop = this.loop;
        MemoryChannel client = this.client;
        MemoryChannel server = this.server;
        if (loop == null || client == null || server == null)
            throw new IllegalStateException("not set up");
        client.receive(buffer(loop, REQUEST));
        int asked = server.written();
        server.receive(buffer(loop, response));
        int answered = client.written();
        if (asked < REQUEST.length || answered < 200)
            throw new IllegalStateException(asked + " asked, " + answered + " answered");
        return asked + answered;
    }

    private static final class Door implements ClientSink {
        @Override
        public ClientInfo opened(Connection front, InetSocketAddress peer) {
            return new ClientInfo(peer, false);
        }

        @Override
        public void closed(Connection front) {}

        @Override
        public void rejected(Rejection rejection) {
            throw new IllegalStateException(rejection.reason());
        }

        @Override
        public void failed(Throwable cause) {
            throw new IllegalStateException(cause);
        }
    }

    /// The exchange that a connection needs to have had before it waits in a pool.
    private record FirstExchange(Http1Back back) implements ResponseEvents {
        @Override
        public void backConnected(long now) {
            back.send(Unpooled.EMPTY_BUFFER, true, now);
            back.flush();
        }

        @Override
        public void interimResponse(ResponseHead head, ByteBuf in, long now) {
            in.release();
        }

        @Override
        public void response(ResponseHead head, ByteBuf in, boolean last, long now) {
            in.release();
            back.release(now);
        }

        @Override
        public void responseBody(ByteBuf in, boolean last, long now) {
            in.release();
        }

        @Override
        public void responseBurstEnded() {}

        @Override
        public void responseInputEnded() {}

        @Override
        public void backWritable(long now) {}

        @Override
        public void backFailed(Failure failure, long now) {
            throw new IllegalStateException(failure.reason());
        }
    }
}
