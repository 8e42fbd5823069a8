package bascule.load;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// All proxies side by side: in every round each gets one slice of the same load, and the order turns round from one to the next.
final class Compare {
    private static final int NATIVE_WARMUP_SECONDS = 1;

    private Compare() {}

    /// @return whether every row is a result
    static boolean run(Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        Origin origin = Origin.start(bed, Bed.LOAD_CPU);
        List<Contender> contenders = new ArrayList<>();
        for (Proxy proxy : options.proxies()) {
            try {
                contenders.add(Contender.start(proxy, Contender.Setup.of(options, origin), bed));
            } catch (Unavailable e) {
                report.saySkipped(proxy, e);
            }
        }
        boolean fine = true;
        for (Workload load : options.workloads()) {
            fine &= run(load, contenders, options, bed, report);
        }
        return fine;
    }

    private static boolean run(
            Workload load, List<Contender> all, Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        List<Contender> contenders = new ArrayList<>();
        for (Contender each : all) {
            if (load.client() == Workload.Client.CHURN && each.proxy() == Proxy.FLOOR) {
                // It passes `Connection: close` on and keeps a pool all the same: what it did would
                // not be this workload.
                report.saySkipped(each.proxy(), new Unavailable("has no part in " + load.name()));
            } else {
                contenders.add(each);
            }
        }
        for (Contender each : contenders) {
            int seconds = each.proxy().isJvm() ? options.warmupSeconds() : NATIVE_WARMUP_SECONDS;
            if (seconds > 0) Slice.take(bed, load, each.port(), seconds);
        }
        List<Row> rows = contenders.stream().map(each -> new Row(each.proxy())).toList();
        for (int round = 1; round <= options.rounds(); round++) {
            for (int i = 0; i < rows.size(); i++) {
                int which = round % 2 == 1 ? i : rows.size() - 1 - i;
                Contender contender = contenders.get(which);
                Sample sample = Sample.take(bed, contender, load, options.seconds());
                rows.get(which).add(round, sample);
                report.addSample(load, contender.proxy(), round, sample);
            }
        }
        report.addRows(load, rows, options);
        return rows.stream().noneMatch(row -> row.failed(options.rounds()));
    }
}
