package bascule.drill;

import bascule.harness.Circumstances;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/// `DRILLS.md`.
final class Report {
    private Report() {}

    /// For a table: whole milliseconds; `–` for none, `stays` for an address that did not go.
    static String millis(double value) {
        if (Double.isNaN(value)) return "–";
        if (Double.isInfinite(value)) return "stays";
        return String.format(Locale.ROOT, value < 10 && value > 0 ? "%.1f" : "%.0f", value);
    }

    static String text(List<Run.Result> results, String command, Path checkout, long seconds)
            throws IOException, InterruptedException {
        var text = new StringBuilder();
        text.append("# Drills\n\n");
        text.append(
                """
                %s; Java %s; %s; %s; %s.

                Two hosts in network namespaces on a bridge, real daemons with their launcher's options, two servers (nginx) on a
                network of their own. A client opens a connection every 10 ms, asks for a short page and gives up after 200 ms.
                Keepalived: VRRPv3, an advertisement every 0.1 s, HAProxy and a check script every second (`fall 2`), on the same bench
                in the same run. The trials of both take turns: while one is measured, the other waits, or gets its pair well again.

                - **failed**: requests that got no complete answer 200 in time, while the fault lasted; median and worst of the trials.
                - **outage**: from the start of the first of these to the end of the first good one after it; the sum, if there were several.
                - **on return**: requests that failed after the fault was over.
                - **two live owners**: for so long two running daemons both had the address and (asked every 5 ms) both said they own it;
                  keepalived has no other word than the address.
                  Who goes on after a SIGSTOP counts from 50 ms on; until then what it has is left over.
                - **leftover**: for so long the address stayed on the host that was dead, hung or cut off. Looked at for 3 s at most.
                - **moves**: how often the address came to a host, the worst trial.
                """
                        .formatted(
                                Circumstances.text(command, checkout, seconds),
                                System.getProperty("java.vm.version", ""),
                                Circumstances.line(checkout, "keepalived", "--version"),
                                Circumstances.line(checkout, "haproxy", "-v"),
                                Circumstances.line(checkout, "nginx", "-v")));
        text.append(
                "\n## In short\n\n| fault | bar | Bascule | keepalived | |\n|---|---|---|---|---|\n");
        for (Run.Result each : results) {
            List<String> broken = each.broken();
            text.append(
                    "| [%s](#%s) | %s | %s | %s | %s |\n"
                            .formatted(
                                    each.drill().what(),
                                    each.drill().name(),
                                    bar(each.drill()),
                                    brief(each.drill(), each.bascule()),
                                    brief(each.drill(), each.rivals()),
                                    each.bascule().isEmpty()
                                            ? "not run"
                                            : broken.isEmpty()
                                                    ? "kept"
                                                    : "**broken**: " + String.join("; ", broken)));
        }
        for (Run.Result each : results) append(text, each);
        return text.toString();
    }

    private static String bar(Drill drill) {
        return String.join(", ", drill.limits().stream().map(Drill.Limit::text).toList());
    }

    private static String brief(Drill drill, List<Outcome> every) {
        List<Outcome> all = every.stream().filter(each -> each.sent() > 0).toList();
        if (all.isEmpty()) return "–";
        if (!drill.special().isEmpty())
            return pair(all, Outcome::special)
                    + " "
                    + drill.special()
                    + "; "
                    + pair(all, Outcome::failed)
                    + " failed";
        return pair(all, Outcome::outage) + " ms; " + pair(all, Outcome::failed) + " failed";
    }

    /// Median and worst.
    private static String pair(List<Outcome> all, ToDoubleFunction<Outcome> figure) {
        List<Double> values = Stats.of(all, figure);
        return millis(Stats.median(values)) + " / " + millis(Stats.most(values));
    }

    private static String worst(List<Outcome> all, ToDoubleFunction<Outcome> figure) {
        return millis(Stats.most(Stats.of(all, figure)));
    }

    private static void append(StringBuilder text, Run.Result result) {
        Drill drill = result.drill();
        text.append(
                "\n## " + drill.name() + "\n\n" + drill.what() + ". Bar: " + bar(drill) + ".\n\n");
        text.append("| | trials | requests | failed p50 / worst | outage ms p50 / worst");
        text.append(" | on return | two live owners ms | leftover ms p50 / worst | moves |");
        if (!drill.special().isEmpty()) text.append(" " + drill.special() + " p50 / worst |");
        text.append("\n|---|---|---|---|---|---|---|---|---|");
        text.append(drill.special().isEmpty() ? "\n" : "---|\n");
        appendRow(text, "Bascule", drill, result.bascule());
        appendRow(text, "keepalived 0.1 s", drill, result.rivals());
    }

    private static void appendRow(
            StringBuilder text, String name, Drill drill, List<Outcome> every) {
        if (every.isEmpty()) return;
        List<Outcome> all = every.stream().filter(each -> each.sent() > 0).toList();
        text.append(
                "| %s | %d | %d | %s | %s | %s | %s | %s | %s |"
                        .formatted(
                                name,
                                all.size(),
                                all.stream().mapToInt(Outcome::sent).sum(),
                                pair(all, Outcome::failed),
                                pair(all, Outcome::outage),
                                worst(all, Outcome::healing),
                                worst(all, Outcome::bothLive),
                                pair(all, Outcome::leftover),
                                worst(all, Outcome::moves)));
        if (!drill.special().isEmpty()) text.append(" " + pair(all, Outcome::special) + " |");
        text.append("\n");
        List<String> faults = new ArrayList<>();
        for (Outcome each : every) if (!each.fault().isEmpty()) faults.add(each.fault());
        if (!faults.isEmpty()) text.append("\n" + name + ": " + String.join("; ", faults) + "\n");
    }
}
