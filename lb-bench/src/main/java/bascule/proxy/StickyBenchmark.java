package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.OnDrain;
import bascule.config.StickyConfig;
import bascule.http.RequestHead;
import bascule.http1.HeadLimits;
import bascule.http1.RequestParser;
import bascule.server.Server;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
import org.openjdk.jmh.annotations.Warmup;

/// What does it cost to find a client's server by the cookies of a browser: `none` of ours among three of others, `ours` behind them,
/// or `forged`, which names nobody?
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class StickyBenchmark {
    private static final StickyKey KEY = new StickyKey(new byte[32]);

    @Param({"none", "ours", "forged"})
    String cookie = "";

    private final List<Server> servers =
            IntStream.range(0, 10)
                    .mapToObj(
                            i -> new Server("web", "s" + i, new InetSocketAddress(80), i, 1, false))
                    .toList();
    private final Sticky sticky =
            new Sticky(
                    "web", new StickyConfig("site", Duration.ZERO, OnDrain.FINISH), KEY, servers);
    private final RequestHead head = new RequestHead(32 * 1024, 100);

    @Setup
    public void setup() {
        String ours =
                switch (cookie) {
                    case "ours" -> "; site=" + KEY.token("web", "s7");
                    case "forged" -> "; site=AAAAAAAAAAAAAAAAAAAAAA";
                    default -> "";
                };
        ByteBuf in =
                Unpooled.copiedBuffer(
                        """
                        GET /shop/list.html?page=2 HTTP/1.1\r
                        Host: www.example.com\r
                        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0\r
                        Accept: text/html,application/xhtml+xml,*/*;q=0.8\r
                        Accept-Language: en-US,en;q=0.5\r
                        Accept-Encoding: gzip, deflate, br\r
                        Connection: keep-alive\r
                        Cookie: session=0123456789abcdef0123456789abcdef; _ga=GA1.2.1234567890.1234567890; theme=dark%s\r
                        \r
                        """
                                .formatted(ours),
                        US_ASCII);
        var limits = new HeadLimits(32 * 1024, 100, 8 * 1024);
        if (new RequestParser().parse(in, limits, head) <= 0)
            throw new IllegalStateException("the head is broken");
        in.release();
        boolean found = sticky.find(head.fields) != null;
        if (found != cookie.equals("ours")) throw new IllegalStateException("found: " + found);
    }

    @Benchmark
    public @Nullable Server find() {
        return sticky.find(head.fields);
    }
}
