package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.HeaderEdit;
import bascule.config.HeaderEdits;
import bascule.http.FieldEdits;
import bascule.http.Method;
import bascule.http.ResponseHead;
import bascule.http1.HeadLimits;
import bascule.http1.HeadWriter;
import bascule.http1.ResponseParser;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.List;
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

/// What do header edits cost on a response of eight lines, which without them goes on untouched: `off`, `add` of one line, or `usual`:
/// three security headers set and two lines removed?
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class FieldEditsBenchmark {
    private static final byte[] HEAD =
            """
            HTTP/1.1 200 OK\r
            Server: nginx\r
            Date: Fri, 20 Nov 2026 10:00:00 GMT\r
            Content-Type: text/html; charset=utf-8\r
            Content-Length: 5120\r
            Last-Modified: Thu, 19 Nov 2026 10:00:00 GMT\r
            ETag: "673dd3a0-1400"\r
            X-Powered-By: PHP/8.3\r
            Accept-Ranges: bytes\r
            \r
            """
                    .getBytes(US_ASCII);

    private static final byte[] NO_COOKIE = {};

    @Param({"off", "add", "usual"})
    String edits = "";

    private final ResponseHead head = new ResponseHead(64 * 1024, 256);
    private final ResponseRewriter rewriter =
            new ResponseRewriter(new HeadWriter(64 * 1024), PooledByteBufAllocator.DEFAULT);
    private FieldEdits wanted = FieldEdits.NONE;
    private ByteBuf in = Unpooled.EMPTY_BUFFER;

    @Setup
    public void setup() {
        var transport = new HeaderEdit("Strict-Transport-Security", "max-age=31536000");
        var frames = new HeaderEdit("X-Frame-Options", "DENY");
        var sniffing = new HeaderEdit("X-Content-Type-Options", "nosniff");
        switch (edits) {
            case "add" ->
                    wanted = FieldEdits.of(new HeaderEdits(List.of(), List.of(frames), List.of()));
            case "usual" ->
                    wanted =
                            FieldEdits.of(
                                    new HeaderEdits(
                                            List.of(transport, sniffing, frames),
                                            List.of(),
                                            List.of("server", "x-powered-by")));
            default -> {}
        }
        in = ReceiveBuffers.allocate(PooledByteBufAllocator.DEFAULT, 4 * 1024).writeBytes(HEAD);
        var limits = new HeadLimits(64 * 1024, 256, 8 * 1024);
        if (new ResponseParser().parse(in, limits, Method.GET, head) != HEAD.length)
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
        return rewriter.rewrite(
                head, in, ResponseRewriter.Persistence.UNSAID, false, wanted, NO_COOKIE);
    }
}
