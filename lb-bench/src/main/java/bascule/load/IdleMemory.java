package bascule.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// What a kept connection costs while it does nothing: a fresh process, a short warm-up, then N connections that have
/// seen one request each. Growth of the resident set, divided by N; for a JVM that includes garbage, so its live heap
/// is read as well, in another process, because a forced collection would spoil the first figure.
final class IdleMemory {
    private static final int WARMUP_SECONDS = 1;
    private static final long SETTLE_MILLIS = 1_000;

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
                fine &= measure(proxy, Measure.RESIDENT, setup, count, bed, report);
                if (proxy.isJvm())
                    fine &= measure(proxy, Measure.LIVE_HEAP, setup, count, bed, report);
            }
        }
        return fine;
    }

    private enum Measure {
        RESIDENT,
        LIVE_HEAP
    }

    private static boolean measure(
            Proxy proxy, Measure what, Contender.Setup setup, int count, Bed bed, Report report)
            throws IOException, InterruptedException {
        Contender started;
        try {
            started = Contender.start(proxy, setup, bed);
        } catch (Unavailable e) {
            report.saySkipped(proxy, e);
            return true;
        }
        try {
            warmUp(started, bed);
            switch (what) {
                case RESIDENT -> resident(started, count, bed, report);
                case LIVE_HEAP -> liveHeap(started, count, bed, report);
            }
            return true;
        } catch (Unavailable e) {
            report.sayFailed(proxy, e);
            return false;
        } finally {
            bed.end(started.child());
        }
    }

    private static void resident(Contender of, int count, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        long before = Proc.usage(of.child().process().toHandle()).residentBytes();
        Child client = hold(of, count, bed);
        long after = Proc.usage(of.child().process().toHandle()).residentBytes();
        say(of, "resident", count, before, after, client, report);
    }

    private static void liveHeap(Contender of, int count, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        try (Jvm jvm = Jvm.attach(of.child().pid())) {
            long before = jvm.liveHeapBytes();
            Child client = hold(of, count, bed);
            long after = jvm.liveHeapBytes();
            say(of, "live heap", count, before, after, client, report);
        }
    }

    private static void warmUp(Contender of, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        Slice.take(bed, Workload.warmUp(), of.port(), WARMUP_SECONDS);
        Thread.sleep(SETTLE_MILLIS);
    }

    private static Child hold(Contender of, int count, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        List<String> command =
                new ArrayList<>(
                        List.of(bed.nativeTool("idle"), "" + of.port(), "/100", "" + count));
        command.addAll(Workload.HEADERS);
        Child client = bed.start(Bed.LOAD_CPU, "idle", command);
        client.await("held ", 0, Duration.ofSeconds(60));
        Thread.sleep(SETTLE_MILLIS);
        return client;
    }

    private static void say(
            Contender of,
            String what,
            int count,
            long before,
            long after,
            Child client,
            Report report)
            throws IOException, InterruptedException, Unavailable {
        client.process().getOutputStream().close();
        int alive = Integer.parseInt(client.await("alive ", 0, Duration.ofSeconds(10)));
        if (alive < count) {
            throw new Unavailable(
                    "%d of %d connections were closed meanwhile".formatted(count - alive, count));
        }
        double each = (double) (after - before) / count;
        Report.say(
                "%-10s %11d %9.1f MB %9.1f MB  %.0f B %s",
                of.proxy(), count, before / 1e6, after / 1e6, each, what);
        report.add(
                report.line("idle")
                        .put("proxy", of.proxy().toString())
                        .put("what", what)
                        .put("connections", count)
                        .put("beforeBytes", before)
                        .put("afterBytes", after)
                        .put("bytesPerConnection", each));
    }
}
