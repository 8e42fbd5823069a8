package bascule.balance;

import bascule.server.Server;
import bascule.server.ServerSet;
import java.net.InetSocketAddress;
import java.util.Random;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/// What does a pick cost, alone and with a second loop at the same balancer?
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class RoundRobinBenchmark {
    /// With random weights: 1,000 of them make a cycle of some 128,000 places.
    @Param({"3", "1000"})
    int servers;

    private RoundRobin balancer = new RoundRobin();

    @Setup
    public void setup() {
        var random = new Random(1);
        balancer =
                new RoundRobin(
                        ServerSet.of(
                                IntStream.range(0, servers)
                                        .mapToObj(i -> server(i, 1 + random.nextInt(256)))
                                        .toList()));
    }

    private static Server server(int index, int weight) {
        String name = "s" + index;
        var address = InetSocketAddress.createUnresolved(name, 80);
        return new Server("web", name, address, index, weight, false);
    }

    @Benchmark
    @Threads(1)
    public @Nullable Server pickByOneLoop() {
        return balancer.pick();
    }

    @Benchmark
    @Threads(2)
    public @Nullable Server pickByTwoLoops() {
        return balancer.pick();
    }
}
