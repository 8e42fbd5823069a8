package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// All proxies side by side: in every round each gets one slice of the same load, and the order turns round from one to
/// the next.
final class Compare {
    private static final int NATIVE_WARMUP_SECONDS = 1;

    private Compare() {}

    /// @return whether every row is a result
    static boolean run(Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        Origin origin = Origin.start(bed, Bed.LOAD_CPU);
        Contender.Setup setup = Contender.Setup.of(options, origin, bed);
        List<Contender> contenders = new ArrayList<>();
        for (Proxy proxy : options.proxies()) {
            try {
                contenders.add(Contender.start(proxy, setup, bed));
            } catch (Unavailable e) {
                report.saySkipped(proxy, e);
            }
        }
        boolean fine = true;
        for (Workload load : options.workloads()) {
            if (!load.client().isInstalled(bed)) {
                Report.say("%s skipped: %s is not there", load.name(), load.client().tool);
                fine = false;
                continue;
            }
            fine &= run(load, contenders, options, bed, report);
        }
        return fine;
    }

    private static boolean run(
            Workload load, List<Contender> all, Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        List<Contender> contenders = new ArrayList<>();
        for (Contender each : all) {
            String unfit = each.unfitFor(load);
            if (unfit.isEmpty()) contenders.add(each);
            else report.saySkipped(each.proxy(), new Unavailable(load.name() + ": " + unfit));
        }
        for (Contender each : contenders) {
            int seconds = each.proxy().isJvm() ? options.warmupSeconds() : NATIVE_WARMUP_SECONDS;
            if (seconds > 0) Slice.take(bed, load, each.portFor(load), seconds);
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
