package bascule.limits;

import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.function.DoublePredicate;
import org.awaitility.Awaitility;

/// The daemon in a process of its own, as users run it, and one connection to its admin port that is kept: when descriptors run
/// out, there is no other.
final class Child implements AutoCloseable {
    final BasculeProcess process;
    final Proc proc;
    private Wire admin;

    private Child(BasculeProcess process) throws IOException {
        this.process = process;
        proc = new Proc(process.pid());
        admin = Wire.connect(loopback(process.adminPort()));
    }

    /// @param jvm options of the JVM
    /// @param configuration with `admin.http = "127.0.0.1:0"`
    static Child start(String jvm, String configuration) throws IOException {
        return new Child(
                BasculeProcess.bascule()
                        .environment("BASCULE_JAVA_OPTS", jvm)
                        .serve(configuration));
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    /// Where the listener `http` is bound.
    InetSocketAddress address() {
        return loopback(process.port("http"));
    }

    /// The sum of all samples of a metric that have all these labels; 0 if there are none yet.
    double metric(String name, String... labels) {
        try {
            return scrape().sum(name, labels);
        } catch (IOException idle) {
            // The admin port keeps no connection for longer than ten seconds.
        }
        try {
            admin.close();
            admin = Wire.connect(loopback(process.adminPort()));
            return scrape().sum(name, labels);
        } catch (IOException e) {
            throw new AssertionError("no metrics: " + process.err(), e);
        }
    }

    private Scrape scrape() throws IOException {
        admin.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        return new Scrape(Answer.read(admin, false).body());
    }

    void awaitMetric(DoublePredicate enough, String name, String... labels) {
        Awaitility.await(name)
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> enough.test(metric(name, labels)));
    }

    @Override
    public void close() throws IOException {
        admin.close();
        process.close();
    }
}
