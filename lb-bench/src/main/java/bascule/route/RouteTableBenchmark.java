package bascule.route;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.HeaderEdits;
import bascule.config.HostPattern;
import bascule.config.RouteAction;
import bascule.config.RouteConfig;
import bascule.http.Method;
import bascule.http.RequestHead;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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
import org.openjdk.jmh.annotations.Warmup;

/// What does it cost to find a route, by the number of hosts, each with three paths? The requests go to random hosts of the
/// table; the hostile ones have a host of dots and a path of slashes, 8 KB each.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class RouteTableBenchmark {
    private static final int REQUESTS = 1 << 10;

    /// 0 = the listener's backend only.
    @Param({"0", "10", "10000"})
    int hosts;

    @Param({"false", "true"})
    boolean hostile;

    private RouteTable table = table(0);
    private final RequestHead[] heads = new RequestHead[REQUESTS];
    private int next;

    @Setup
    public void setup() {
        table = table(hosts);
        var random = new Random(1);
        String dots = ".".repeat(8_000);
        String slashes = "/".repeat(8_000);
        for (int i = 0; i < REQUESTS; i++) {
            String host = "www.shop" + random.nextInt(Math.max(1, hosts)) + ".example.org";
            String path = List.of("/", "/api/v1/users", "/static/a/b.css").get(i % 3);
            heads[i] = hostile ? head(dots + host, slashes) : head(host, path);
        }
    }

    private static RouteTable table(int hosts) {
        var routes = new ArrayList<RouteConfig>();
        for (int i = 0; i < hosts; i++) {
            // One in eight is a wildcard.
            String name = "shop" + i + ".example.org";
            var host =
                    i % 8 == 0
                            ? new HostPattern(name, true)
                            : new HostPattern("www." + name, false);
            for (String path : List.of("/", "/api/", "/static/")) {
                var action = new RouteAction.ToBackend("b" + i);
                routes.add(
                        new RouteConfig(
                                host,
                                path,
                                List.of(),
                                List.of(),
                                action,
                                null,
                                HeaderEdits.NONE,
                                HeaderEdits.NONE));
            }
        }
        return RouteTable.compile(
                routes,
                null,
                "web",
                new RouteFactory("http", 443, String::length, HeaderEdits.NONE, HeaderEdits.NONE));
    }

    private static RequestHead head(String host, String path) {
        String text = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
        var head = new RequestHead(text.length(), 1);
        System.arraycopy(text.getBytes(US_ASCII), 0, head.fields.bytes(), 0, text.length());
        head.method = Method.GET;
        head.routePathStart = 4;
        head.routePathEnd = 4 + path.length();
        head.hostStart = text.indexOf(host);
        head.hostEnd = head.hostStart + host.length();
        return head;
    }

    @Benchmark
    public @Nullable Route find() {
        return table.find(heads[next++ & REQUESTS - 1]);
    }
}
