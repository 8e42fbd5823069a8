package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;

/// What the running daemon allocates for a request: in its loops, and in all its threads together.
///
/// Two idle readings come first. They show what asking costs, and are printed, not subtracted. Then the load runs while
/// the metrics are scraped, and the difference over the whole run, opening of the connections included, is divided by
/// its requests.
final class Allocation {
    private static final int IDLE_SECONDS = 5;
    private static final int SCRAPE_SECONDS = 5;
    private static final int LONGEST_SECONDS = 600;

    /// Runs of the client that may be needed until enough was sent; more would mean that the rate collapsed.
    private static final int MOST_RUNS = 5;

    private Allocation() {}

    private record Daemon(long pid, int port, String path, String metricsUrl) {}

    static boolean run(Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        boolean fine = true;
        if (options.pid() > 0) {
            URI url = URI.create(options.url());
            if (!"127.0.0.1".equals(url.getHost()) || url.getPort() < 0) {
                throw new Unavailable("--url: " + url + " (expected: http://127.0.0.1:PORT/PATH)");
            }
            Daemon daemon =
                    new Daemon(options.pid(), url.getPort(), url.getPath(), options.metrics());
            for (Workload load : options.workloads()) {
                fine &= run(daemon, load.withPath(daemon.path), options, bed, report);
            }
            return fine;
        }
        Origin origin = Origin.start(bed, Bed.LOAD_CPU);
        for (Workload load : options.workloads()) {
            Contender started;
            try {
                started =
                        Contender.start(
                                Proxy.BASCULE, Contender.Setup.of(options, origin, bed), bed);
            } catch (Unavailable e) {
                report.saySkipped(Proxy.BASCULE, e);
                return false;
            }
            String unfit = started.unfitFor(load);
            if (!unfit.isEmpty()) {
                report.saySkipped(Proxy.BASCULE, new Unavailable(load.name() + ": " + unfit));
                bed.end(started.child());
                continue;
            }
            Daemon daemon =
                    new Daemon(
                            started.child().pid(),
                            started.portFor(load),
                            load.path(),
                            started.metricsUrl());
            fine &= run(daemon, load, options, bed, report);
            bed.end(started.child());
        }
        return fine;
    }

    private static boolean run(
            Daemon daemon, Workload load, Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        Report.say("%s: %s: allocation of process %d", load.name(), load.what(), daemon.pid);
        double perSecond = warmUp(daemon, load, options, bed);
        try (Jvm jvm = Jvm.attach(daemon.pid)) {
            Jvm.Allocated first = jvm.allocated();
            Thread.sleep(IDLE_SECONDS * 1_000L);
            Jvm.Allocated second = jvm.allocated();
            Thread.sleep(IDLE_SECONDS * 1_000L);
            Jvm.Allocated third = jvm.allocated();
            say("idle, first " + IDLE_SECONDS + " s", second.since(first));
            say("idle, next " + IDLE_SECONDS + " s", third.since(second));
            if (!third.since(second).hasLoops()) {
                Report.say(
                        "FAILED: no thread whose name starts with %s", Jvm.Allocated.LOOP_PREFIX);
                return false;
            }
            if (!daemon.metricsUrl.isEmpty()) {
                Http.get(daemon.metricsUrl);
                say("one scrape", jvm.allocated().since(third));
            }

            AtomicInteger scrapes = new AtomicInteger();
            Thread scraping =
                    Thread.ofPlatform().daemon().start(() -> scrape(daemon.metricsUrl, scrapes));
            long requests = 0;
            Slice last = new Slice.Dropped("not run");
            Jvm.Allocated before = jvm.allocated();
            long began = System.nanoTime();
            for (int i = 0; i < MOST_RUNS && requests < options.requests(); i++) {
                double needed = (options.requests() - requests) / perSecond * 1.1 + 2;
                last = Slice.take(bed, load, daemon.port, (int) Math.min(LONGEST_SECONDS, needed));
                if (!(last instanceof Slice.Measured measured)) break;
                requests += measured.requests();
            }
            Jvm.Delta grown = jvm.allocated().since(before);
            double seconds = (System.nanoTime() - began) / 1e9;
            scraping.interrupt();
            scraping.join();

            boolean scraped =
                    daemon.metricsUrl.isEmpty()
                            || scrapes.get() >= (int) seconds / SCRAPE_SECONDS - 1;
            boolean fine =
                    last instanceof Slice.Measured && requests >= options.requests() && scraped;
            say("under load, %.0f s, %d scrapes".formatted(seconds, scrapes.get()), grown);
            if (!fine) {
                Report.say(
                        "FAILED: %,d requests (expected: %,d), %d scrapes: %s",
                        requests, options.requests(), scrapes.get(), last);
                report.add(
                        report.line("allocation")
                                .put("workload", load.name())
                                .put("failed", last.toString()));
                return false;
            }
            double loops = (double) grown.loops() / requests;
            double all = (double) grown.all() / requests;
            Report.say(
                    "%,d requests: %.2f B per request in the loops, %.2f B in all threads",
                    requests, loops, all);
            report.add(
                    report.line("allocation")
                            .put("workload", load.name())
                            .put("failed", false)
                            .put("requests", requests)
                            .put("seconds", seconds)
                            .put("scrapes", scrapes.get())
                            .put("idleLoopsBytes", third.since(second).loops())
                            .put("idleAllBytes", third.since(second).all())
                            .put("idleSeconds", IDLE_SECONDS)
                            .put("loopsBytes", grown.loops())
                            .put("allBytes", grown.all())
                            .put("loopsPerRequest", loops)
                            .put("allPerRequest", all));
            return true;
        }
    }

    /// @return requests per second in its last seconds
    private static double warmUp(Daemon daemon, Workload load, Options options, Bed bed)
            throws IOException, InterruptedException, Unavailable {
        if (options.warmupSeconds() > 0) {
            Slice.take(bed, load, daemon.port, options.warmupSeconds());
        }
        Slice last = Slice.take(bed, load, daemon.port, options.seconds());
        if (last instanceof Slice.Measured measured)
            return measured.requests() / measured.seconds();
        throw new Unavailable("warm-up: " + last);
    }

    private static void scrape(String url, AtomicInteger count) {
        if (url.isEmpty()) return;
        try {
            while (true) {
                Thread.sleep(SCRAPE_SECONDS * 1_000L);
                Http.get(url);
                count.incrementAndGet();
            }
        } catch (InterruptedException _) {
            // The run is over.
        } catch (IOException e) {
            Report.say("scrape failed: %s", e);
        }
    }

    private static void say(String when, Jvm.Delta delta) {
        Report.say("%s: loops %,d B, all threads %,d B", when, delta.loops(), delta.all());
        Report.say("    %s", delta.greatest(6));
    }
}
