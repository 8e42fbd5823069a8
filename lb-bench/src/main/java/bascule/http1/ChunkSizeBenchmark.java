package bascule.http1;

import static java.nio.charset.StandardCharsets.US_ASCII;

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

/// What does one chunk-size line cost?
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class ChunkSizeBenchmark {
    @Param({"5\r\n", "1fffe\r\n", "1fffe;ext=abc\r\n"})
    String line = "";

    private final ByteBuf in = PooledByteBufAllocator.DEFAULT.directBuffer();

    @Setup
    public void setup() {
        in.writeBytes(line.getBytes(US_ASCII)).writeZero(100);
    }

    @TearDown
    public void tearDown() {
        in.release();
    }

    @Benchmark
    public long read() {
        return ChunkSize.read(in.readerIndex(0), 256); // Returned, so it cannot be elided.
    }
}
