package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// What a kept connection costs while it does nothing: a fresh process, a short warm-up, then N connections that have
/// seen one request each. Growth of the resident set, divided by N; for a JVM that includes garbage, so its live heap
/// is read as well, in another process, because a forced collection would spoil the first figure. That one has a heap that
/// is touched at the start and full to its size, so what its resident set grows by lies outside: live heap and growth
/// together are what a connection really holds.
final class IdleMemory {
    private static final int WARMUP_SECONDS = 1;
    private static final long SETTLE_MILLIS = 1_000;
    private static final String TOUCHED_HEAP = "-Xms256m -Xmx256m -XX:+AlwaysPreTouch";

    /// For the client of the warm-up and the readiness requests.
    private static final int SPARE_CONNECTIONS = 100;

    private IdleMemory() {}

    static boolean run(Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        Origin origin = Origin.start(bed, Bed.LOAD_CPU);
        Report.say(
                "%-10s %11s %12s %12s  %s",
                "proxy", "connections", "RSS before", "RSS after", "per connection");
        boolean fine = true;
        for (int count : options.connections()) {
            Contender.Setup setup =
                    Contender.Setup.of(options, origin, bed)
                            .withConnections(count + SPARE_CONNECTIONS);
            for (Proxy proxy : options.proxies()) {
                if (proxy == Proxy.ORIGIN) continue; // Its buffers are what they are.
                fine &= measure(proxy, Measure.RESIDENT, setup, count, options, bed, report);
                if (!proxy.isJvm()) continue;
                Contender.Setup touched = setup.withJvmOptions(TOUCHED_HEAP);
                fine &= measure(proxy, Measure.LIVE, touched, count, options, bed, report);
            }
        }
        return fine;
    }

    private enum Measure {
        RESIDENT,
        LIVE
    }

    private static boolean measure(
            Proxy proxy,
            Measure what,
            Contender.Setup setup,
            int count,
            Options options,
            Bed bed,
            Report report)
            throws IOException, InterruptedException {
        boolean tls = options.tls();
        return Contender.visit(
                proxy,
                setup,
                bed,
                report,
                started -> {
                    if (tls && started.tlsPort() == 0) throw new Unavailable("no TLS listener");
                    switch (what) {
                        case RESIDENT -> {
                            warmUp(started, tls, WARMUP_SECONDS, bed);
                            resident(started, tls, count, bed, report);
                        }
                        case LIVE -> {
                            warmUp(started, tls, Math.max(1, options.warmupSeconds()), bed);
                            live(started, tls, count, bed, report);
                        }
                    }
                });
    }

    private static void resident(Contender of, boolean tls, int count, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        long before = residentBytes(of);
        Child client = hold(of, tls, count, bed);
        long after = residentBytes(of);
        end(client, count);
        say(of, tls, "resident", count, before, after, report);
    }

    private static void live(Contender of, boolean tls, int count, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        try (Jvm jvm = Jvm.attach(of.child().pid())) {
            long heapBefore = jvm.liveHeapBytes();
            long before = residentBytes(of);
            Child client = hold(of, tls, count, bed);
            long heapAfter = jvm.liveHeapBytes();
            long after = residentBytes(of);
            end(client, count);
            say(of, tls, "live heap", count, heapBefore, heapAfter, report);
            long grown = heapAfter - heapBefore;
            say(of, tls, "live heap and all outside", count, before, after + grown, report);
        }
    }

    private static long residentBytes(Contender of) throws IOException, Unavailable {
        return Proc.usage(of.child().process().toHandle()).residentBytes();
    }

    /// Over TLS by handshakes, which are what the connections to be held will cost most.
    private static void warmUp(Contender of, boolean tls, int seconds, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        Workload load = Workload.warmUp(tls);
        Slice slice = Slice.take(bed, load, of.portFor(load), seconds);
        if (!(slice instanceof Slice.Measured)) throw new Unavailable("warm-up: " + slice);
        Thread.sleep(SETTLE_MILLIS);
    }

    private static Child hold(Contender of, boolean tls, int count, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        List<String> command = new ArrayList<>();
        command.add(bed.nativeTool(tls ? "idle_tls" : "idle"));
        command.addAll(List.of("" + (tls ? of.tlsPort() : of.port()), "/100", "" + count));
        command.addAll(Workload.HEADERS);
        Child client = bed.start(Bed.LOAD_CPU, "idle", command);
        client.await("held ", 0, Duration.ofSeconds(60));
        Thread.sleep(SETTLE_MILLIS);
        return client;
    }

    private static void end(Child client, int count)
            throws IOException, InterruptedException, Unavailable {
        client.process().getOutputStream().close();
        int alive = Integer.parseInt(client.await("alive ", 0, Duration.ofSeconds(10)));
        if (alive < count) {
            throw new Unavailable(
                    "%d of %d connections were closed meanwhile".formatted(count - alive, count));
        }
    }

    private static void say(
            Contender of,
            boolean tls,
            String what,
            int count,
            long before,
            long after,
            Report report)
            throws IOException {
        double each = (double) (after - before) / count;
        Report.say(
                "%-10s %11d %9.1f MB %9.1f MB  %.0f B %s%s",
                of.proxy(), count, before / 1e6, after / 1e6, each, what, tls ? ", TLS" : "");
        report.add(
                report.line("idle")
                        .put("proxy", of.proxy().toString())
                        .put("what", what)
                        .put("tls", tls)
                        .put("connections", count)
                        .put("beforeBytes", before)
                        .put("afterBytes", after)
                        .put("bytesPerConnection", each));
    }
}
