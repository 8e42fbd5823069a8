package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.ForwardedConfig;
import bascule.config.XForwarded;
import bascule.http.ClientInfo;
import bascule.http.FieldEdits;
import bascule.http.FrontStream;
import bascule.http.RequestEvents;
import bascule.http.RequestHead;
import bascule.http1.HeadLimits;
import bascule.http1.HeadWriter;
import bascule.http1.RequestParser;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
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

/// What does it cost to turn the head of a browser's request, already parsed, into the one that its server gets? `default` adds
/// what is added without a word in the file: X-Forwarded-*, Via, X-Request-ID; `off` adds nothing; `all` adds Forwarded, too.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class RequestRewriterBenchmark {
    private static final byte[] HEAD =
            """
            GET /shop/list.html?page=2 HTTP/1.1\r
            Host: www.example.com\r
            User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0\r
            Accept: text/html,application/xhtml+xml,*/*;q=0.8\r
            Accept-Language: en-US,en;q=0.5\r
            Accept-Encoding: gzip, deflate, br\r
            Connection: keep-alive\r
            Cookie: session=0123456789abcdef0123456789abcdef\r
            \r
            """
                    .getBytes(US_ASCII);

    @Param({"default", "off", "all"})
    String forwarded = "";

    private final RequestHead head = new RequestHead(32 * 1024, 100);
    private final RequestRewriter rewriter =
            new RequestRewriter(new HeadWriter(64 * 1024), PooledByteBufAllocator.DEFAULT, 1);
    private final FrontStream front = new Client();
    private ForwardedConfig config = new ForwardedConfig(XForwarded.OFF, false, false, false);
    private ByteBuf in = Unpooled.EMPTY_BUFFER;

    @Setup
    public void setup() {
        if (!forwarded.equals("off")) {
            config = new ForwardedConfig(XForwarded.REPLACE, forwarded.equals("all"), true, true);
        }
        in = ReceiveBuffers.allocate(PooledByteBufAllocator.DEFAULT, 4 * 1024).writeBytes(HEAD);
        var limits = new HeadLimits(32 * 1024, 100, 8 * 1024);
        if (new RequestParser().parse(in, limits, head) != HEAD.length)
            throw new IllegalStateException("the head is broken");
    }

    @TearDown
    public void tearDown() {
        in.release();
    }

    /// The old head lies in the parsed one, too, so that it does not matter what stands in the buffer by now.
    @Benchmark
    public ByteBuf rewrite() {
        in.setIndex(ReceiveBuffers.HEADROOM, ReceiveBuffers.HEADROOM + HEAD.length);
        return rewriter.rewrite(head, in, front, config, FieldEdits.NONE, null);
    }

    /// A client of whom only the address is asked.
    private static final class Client implements FrontStream {
        private final ClientInfo info =
                new ClientInfo(new InetSocketAddress("192.0.2.7", 50_000), false);

        @Override
        public ClientInfo client() {
            return info;
        }

        @Override
        public byte[] localAuthority() {
            throw unexpected();
        }

        @Override
        public void attach(RequestEvents events) {
            throw unexpected();
        }

        @Override
        public void send(ByteBuf out) {
            throw unexpected();
        }

        @Override
        public void flush() {
            throw unexpected();
        }

        @Override
        public boolean writable() {
            throw unexpected();
        }

        @Override
        public void readBody(boolean on) {
            throw unexpected();
        }

        @Override
        public void end(boolean keepAlive) {
            throw unexpected();
        }

        @Override
        public void abort() {
            throw unexpected();
        }

        @Override
        public void tunnel(long idleNanos) {
            throw unexpected();
        }

        @Override
        public void endTunnelOutput() {
            throw unexpected();
        }

        private static IllegalStateException unexpected() {
            return new IllegalStateException("not part of a rewrite");
        }
    }
}
