package bascule.observe;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// What does a loop pay to count one duration?
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class HistogramBenchmark {
    private final LogLinearHistogram histogram = new LogLinearHistogram();
    private final long[] nanos = new long[1024];
    private int next;

    /// Around 1 ms with a tail, as of a backend near by.
    @Setup
    public void setup() {
        var random = new Random(1);
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = (long) (1_000_000 * Math.exp(random.nextGaussian()));
        }
    }

    @Benchmark
    public void record() {
        histogram.record(nanos[next++ & 1023]);
    }
}
