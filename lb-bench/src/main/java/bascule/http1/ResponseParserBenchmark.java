package bascule.http1;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Method;
import bascule.http.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
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

/// What does it cost to read the head of a response with five fields, by the bytes of the body behind it?
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class ResponseParserBenchmark {
    private static final HeadLimits LIMITS = new HeadLimits(64 * 1024, 256, 8 * 1024);
    private static final String HEAD =
            """
            HTTP/1.1 200 OK
            Server: nginx/1.22.1
            Date: Fri, 20 Nov 2026 12:00:00 GMT
            Content-Type: text/html; charset=utf-8
            Content-Length: 100
            Connection: keep-alive

            """;

    @Param({"100", "16384"})
    int bodyBytes;

    private final ResponseParser parser = new ResponseParser();
    private final ResponseHead head = new ResponseHead(64 * 1024, 256);
    private ByteBuf in = PooledByteBufAllocator.DEFAULT.directBuffer();

    @Setup
    public void setup() {
        in.writeBytes(HEAD.replace("\n", "\r\n").getBytes(US_ASCII))
                .writeBytes(new byte[bodyBytes]);
    }

    @TearDown
    public void tearDown() {
        in.release();
    }

    @Benchmark
    public int parse() {
        return parser.parse(in, LIMITS, Method.GET, head);
    }
}
