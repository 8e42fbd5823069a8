package bascule.http1;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.RequestHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.Random;
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

/// What does it cost to read the head of a request? `small` has 40 bytes and one field; `browser` has 370 bytes and
/// eight; `varied` are 256 of those with other paths and values, in turn, so that branches cannot be learnt by heart;
/// `upload` has 16 KiB of body behind it; `escaped` has a path to decode.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class RequestParserBenchmark {
    private static final HeadLimits LIMITS = new HeadLimits(32 * 1024, 100, 8 * 1024);
    private static final String BROWSER =
            """
            GET /%s HTTP/1.1
            Host: www.example.com
            User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/%s
            Accept: text/html,application/xhtml+xml,*/*;q=0.8
            Accept-Language: en-US,en;q=0.5
            Accept-Encoding: gzip, deflate, br
            Referer: https://www.example.com/%s
            Connection: keep-alive
            Cookie: session=%s

            """;

    @Param({"small", "browser", "varied", "upload", "escaped"})
    String kind = "";

    private final RequestParser parser = new RequestParser();
    private final RequestHead head = new RequestHead(32 * 1024, 100);
    private ByteBuf[] ins = {};
    private int next;

    @Setup
    public void setup() {
        Random random = new Random(1);
        ins = new ByteBuf[kind.equals("varied") ? 256 : 1];
        for (int i = 0; i < ins.length; i++) {
            String head =
                    switch (kind) {
                        case "small" -> "GET / HTTP/1.1\nHost: 127.0.0.1:8080\n\n";
                        case "varied" ->
                                BROWSER.formatted(
                                        text(random, 20),
                                        text(random, 10),
                                        text(random, 30),
                                        text(random, 50));
                        case "upload" ->
                                "POST /upload HTTP/1.1\nHost: www.example.com\nContent-Length: 16384\n\n"
                                        + "x".repeat(16_384);
                        case "escaped" ->
                                BROWSER.formatted(
                                        "shop/%C3%A9/../list",
                                        "128.0", "shop/", "0123456789abcdef0123456789abcdef");
                        default ->
                                BROWSER.formatted(
                                        "shop/list.html",
                                        "128.0",
                                        "shop/index.html",
                                        "0123456789abcdef0123456789abcdef");
                    };
            ins[i] = PooledByteBufAllocator.DEFAULT.directBuffer();
            ins[i].writeBytes(head.replace("\n", "\r\n").getBytes(US_ASCII));
            if (parser.parse(ins[i], LIMITS, this.head) <= 0) throw new IllegalStateException(head);
        }
    }

    private static String text(Random random, int mean) {
        return "abcdefgh/ijklm-nopqrstuvwxyz_0123456789/ABCDEFGHIJKLMN-OPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz"
                .substring(0, mean / 2 + random.nextInt(mean));
    }

    @TearDown
    public void tearDown() {
        for (ByteBuf in : ins) in.release();
    }

    @Benchmark
    public int parse() {
        return parser.parse(ins[next++ & ins.length - 1], LIMITS, head);
    }
}
