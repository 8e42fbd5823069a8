package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;

/// One slice of load on one proxy, and what it cost on either side.
///
/// @param cpuMicros     of the whole proxy, per request; NaN or 0, like all below, if the slice is not a result
/// @param originMicros  of the origin, per request
/// @param own           share of its CPU that the proxy used itself
/// @param proxyBusy     share of that CPU that was in use, by anyone: far above `own`, others disturbed
/// @param loadBusy      the same of the CPU of client and origin
/// @param stolen        share of both that the host gave away
/// @param logged        access lines per request; 0 if there is no log
record Sample(
        Slice slice,
        double cpuMicros,
        double originMicros,
        long residentBytes,
        double own,
        double proxyBusy,
        double loadBusy,
        double stolen,
        double logged) {
    /// After the client's end the proxy still closes connections and writes its log: that belongs to the slice.
    private static final long SETTLE_MILLIS = 100;

    static Sample take(Bed bed, Contender of, Workload load, int seconds)
            throws IOException, InterruptedException, Unavailable {
        bed.requireOpen();
        if (!of.child().process().isAlive()) {
            return without(new Slice.Failed(of.proxy() + " has ended: " + of.child().tail()));
        }
        of.accessLog().takeLines();
        long answeredBefore = of.servers().answered();
        Proc.CpuTime proxyTime = Proc.cpuTime(Bed.PROXY_CPU);
        Proc.CpuTime loadTime = Proc.cpuTime(Bed.LOAD_CPU);
        Proc.Usage originBefore = Proc.usage(of.servers().child().process().toHandle());
        Proc.Usage before = Proc.usage(of.child().process().toHandle());
        Slice slice = Slice.take(bed, load, of.portFor(load), seconds);
        Thread.sleep(SETTLE_MILLIS);
        bed.requireOpen();
        if (!of.child().process().isAlive()) {
            return without(new Slice.Failed(of.proxy() + " ended: " + of.child().tail()));
        }
        Proc.Usage after = Proc.usage(of.child().process().toHandle());
        Proc.Usage originAfter = Proc.usage(of.servers().child().process().toHandle());
        Proc.CpuTime proxyTimeAfter = Proc.cpuTime(Bed.PROXY_CPU);
        Proc.CpuTime loadTimeAfter = Proc.cpuTime(Bed.LOAD_CPU);
        long answered = of.servers().answered() - answeredBefore;
        long lines = of.accessLog().takeLines();
        if (!(slice instanceof Slice.Measured(long requests, double took, _, _)))
            return without(slice);
        if (answered < requests) {
            return without(
                    new Slice.Failed(
                            "the servers answered %d of %d requests"
                                    .formatted(answered, requests)));
        }
        if (!before.pids().equals(after.pids())) {
            return without(
                    new Slice.Failed(
                            "processes changed: %s, then %s"
                                    .formatted(before.pids(), after.pids())));
        }
        double cpuSeconds = after.cpuSeconds() - before.cpuSeconds();
        return new Sample(
                slice,
                cpuSeconds * 1e6 / requests,
                (originAfter.cpuSeconds() - originBefore.cpuSeconds()) * 1e6 / requests,
                after.residentBytes(),
                cpuSeconds / took,
                proxyTimeAfter.busyShareSince(proxyTime),
                loadTimeAfter.busyShareSince(loadTime),
                (proxyTimeAfter.stolenShareSince(proxyTime)
                                + loadTimeAfter.stolenShareSince(loadTime))
                        / 2,
                (double) lines / requests);
    }

    private static Sample without(Slice slice) {
        double none = Double.NaN;
        return new Sample(slice, none, none, 0, none, none, none, none, none);
    }
}
