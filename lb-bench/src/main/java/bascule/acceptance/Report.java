package bascule.acceptance;

import bascule.harness.Circumstances;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// `ACCEPTANCE.md`.
final class Report {
    /// One release's walk.
    record Walked(Release release, List<Step> steps, Map<String, Double> figures) {
        Walked {
            steps = List.copyOf(steps);
        }
    }

    private Report() {}

    static String text(
            List<Walked> walks, Packages packages, String command, Path checkout, long seconds)
            throws IOException, InterruptedException {
        var text = new StringBuilder();
        text.append(
                """
                # Acceptance

                %s.

                Two hosts booted with systemd as their first process (systemd-nspawn, in memory) on a bridge; `%s` installed on
                both by `dpkg --install`, the same file and key on both. Servers (nginx) and clients stand on the bridge. A client opens
                a new connection for each request; a request that takes over 3 s counts as failed. Hosts, servers and clients come
                before what else this machine does.
                The access log is off: nothing shall be dropped from the journal that a step looks for.

                - **failed**: no complete answer 200 within 3 s; **refused** are those of them whose connection was refused.
                - **worst wait**: of those that were answered, from the connect to the last byte.
                - **out for**: from the start of the first that failed or took over 200 ms (of those that take half a second: 700 ms) to the end of
                  the first after it that did not, as in the drills.
                - **in flight**: begun before the killed process was gone.

                """
                        .formatted(
                                Circumstances.text(command, checkout, seconds),
                                packages.file().getFileName()));
        for (Walked each : walks) append(text, each);
        return text.toString();
    }

    private static void append(StringBuilder text, Walked walk) {
        text.append("## " + walk.release() + ", systemd " + walk.release().systemd() + "\n\n");
        text.append(
                "| step | client | sent | failed | refused | worst wait ms | out for ms | bar | |\n");
        text.append("|---|---|---|---|---|---|---|---|---|\n");
        for (Step step : walk.steps()) {
            for (View view : step.views()) {
                List<String> broken = view.broken();
                text.append(
                        String.format(
                                Locale.ROOT,
                                "| %s | %s | %d | %d | %d | %.0f | %.0f | %s | %s |%n",
                                step.name(),
                                view.what(),
                                view.summary().sent(),
                                view.summary().failed(),
                                view.refused(),
                                view.summary().slowest(),
                                view.summary().outage(),
                                view.bar().text(),
                                broken.isEmpty()
                                        ? "kept"
                                        : "**broken**: " + String.join("; ", broken)));
            }
        }
        text.append("\n| step | what was looked up | |\n|---|---|---|\n");
        for (Step step : walk.steps()) {
            text.append(
                    "| **%s**: %s | %.1f s | %s |\n"
                            .formatted(
                                    step.name(),
                                    step.what(),
                                    step.seconds(),
                                    step.broken().isEmpty() ? "kept" : "**broken**"));
            for (Step.Fact fact : step.facts())
                text.append(
                        "| | "
                                + fact.text().replace("|", "\\|").replace('\n', ' ')
                                + " | "
                                + (fact.holds() ? "" : "**broken**")
                                + " |\n");
        }
        text.append("\n| measured | |\n|---|---|\n");
        walk.figures()
                .forEach(
                        (name, value) ->
                                text.append(
                                        String.format(
                                                Locale.ROOT, "| %s | %.1f |%n", name, value)));
        text.append("\n");
    }
}
