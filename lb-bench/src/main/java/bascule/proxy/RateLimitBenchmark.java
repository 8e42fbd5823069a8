package bascule.proxy;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/// What does a token cost, with one client that asks for all of them or with more clients than are remembered, alone and with a
/// second loop at the same table? Time stands still, but for the nanosecond that passes with each token.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class RateLimitBenchmark {
    @Param({"1", "10000", "100000"})
    int clients;

    private final RateLimit limit = new RateLimit(1000, Duration.ofSeconds(1), 1000);

    /// One loop.
    @State(Scope.Thread)
    public static class Loop {
        private long now = System.nanoTime();
        private int next;

        long client(int clients) {
            next = next + 1 == clients ? 0 : next + 1;
            return next * 0x1_0000_0001L;
        }
    }

    @Benchmark
    @Threads(1)
    public long takeByOneLoop(Loop loop) {
        return limit.take(loop.client(clients), loop.now++);
    }

    @Benchmark
    @Threads(2)
    public long takeByTwoLoops(Loop loop) {
        return limit.take(loop.client(clients), loop.now++);
    }
}
