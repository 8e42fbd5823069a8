package bascule.acceptance;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/// The steps, on one bed, in their order: each finds the pair well and leaves it well. A step that cannot be done is broken, and
/// the walk goes on, unless there is nothing to go on with.
final class Walk {
    /// A step's work: it adds to what was found.
    private interface Work {
        void run(Found found) throws IOException, InterruptedException, Unavailable;
    }

    private final Pair pair;
    private final Release release;
    private final Packages packages;
    private final Extent extent;
    private final Path folder;
    private final Consumer<String> say;
    private final List<Step> steps = new ArrayList<>();
    private final Map<String, Double> figures = new LinkedHashMap<>();

    /// @param folder for the journals of steps that are broken
    Walk(
            Bed bed,
            Release release,
            Packages packages,
            Extent extent,
            Path folder,
            Consumer<String> say) {
        pair = new Pair(bed);
        this.release = release;
        this.packages = packages;
        this.extent = extent;
        this.folder = folder;
        this.say = say;
    }

    List<Step> steps() {
        return List.copyOf(steps);
    }

    /// What was measured, by its name with its unit.
    Map<String, Double> figures() {
        return figures;
    }

    void run() throws IOException, InterruptedException {
        Installing installing = new Installing(pair, release, packages, extent.stretch());
        boolean there =
                step(
                        "install",
                        "the file installed on two bare hosts at once",
                        installing::install);
        if (!there) return;
        step("shipped", "as installed, nothing edited", installing::shipped);
        boolean formed =
                step(
                        "pair",
                        "one key made, one file written, both the same on both hosts, both restarted",
                        installing::pair);
        if (formed) runPair(installing);
        step("remove", "`dpkg --remove`", installing::remove);
        step("purge", "`dpkg --purge`", installing::purge);
        step(
                "upgrade",
                "an older package on both; then the new one as the README says, the one that serves last",
                new Moving(pair, packages)::upgrade);
    }

    private void runPair(Installing installing) throws IOException, InterruptedException {
        Serving serving = new Serving(pair, extent.stretch());
        Faults faults = new Faults(pair, extent.stretch());
        Moving moving = new Moving(pair, packages);
        step("idle", "the pair as it was formed, 15 s after its start", installing::idle);
        step("start", "restarted without load, to READY", serving::start);
        step("bad-file", "a file with a fault, and a restart", serving::badFile);
        step("reload", "`systemctl reload` of a good and of a bad file", serving::reload);
        repeat("restart", "`systemctl restart` of the owner under load", serving::restart);
        step("loops", "`loops` 4, then 2, then 4, a restart each", serving::loops);
        step("listener", "a listener taken out of the file, and a restart", serving::listener);
        repeat("kill", "kill -9 of the owner's daemon", faults::kill);
        repeat("stop", "SIGSTOP of the owner's daemon, until the watchdog ends it", faults::stop);
        repeat("cable", "the owner's port of the bridge down for 2 s", faults::cable);
        step("handover", "`bascule handover` on the owner", moving::handOver);
        step("networkd", "systemd-networkd restarted on the owner", faults::networkd);
        step("lone-planted", "a stopped daemon, an address that nobody has", faults::planted);
        repeat("lone-restart", "`systemctl restart`, the other node stopped", serving::loneRestart);
        repeat("lone-kill", "kill -9, the other node stopped", faults::loneKill);
        int pauseSeconds = extent.pauseSeconds();
        if (pauseSeconds > 0)
            step(
                    "pauses",
                    "under load for " + pauseSeconds + " s",
                    found -> serving.pauses(found, pauseSeconds));
    }

    private void repeat(String name, String what, Work work)
            throws IOException, InterruptedException {
        int trials = extent.trials();
        for (int i = 0; i < trials; i++) {
            String trial = trials == 1 ? "" : " (" + (i + 1) + " of " + trials + ")";
            step(name, what + trial, work);
        }
    }

    /// @return could it be done?
    private boolean step(String name, String what, Work work)
            throws IOException, InterruptedException {
        long begun = System.nanoTime();
        Found found = new Found();
        boolean done = true;
        try {
            work.run(found);
        } catch (Unavailable e) {
            done = false;
            found.fact(false, "%s", e.why());
        } catch (IOException | IllegalStateException e) {
            // A process that went while it was looked at, or a client that is stuck.
            done = false;
            found.fact(false, "%s", e);
        }
        figures.putAll(found.figures());
        Step step = found.step(name, what, (System.nanoTime() - begun) / 1e9);
        steps.add(step);
        List<String> broken = step.broken();
        say.accept(
                String.format(
                        Locale.ROOT,
                        "%-13s %5.1f s  %s",
                        name,
                        step.seconds(),
                        broken.isEmpty() ? "kept" : "BROKEN: " + String.join("; ", broken)));
        for (View each : step.views()) say.accept("    " + each.line());
        for (Step.Fact each : step.facts()) if (each.holds()) say.accept("    " + each.text());
        if (!broken.isEmpty()) keep(name, begun);
        return done;
    }

    /// What both hosts have said since.
    private void keep(String name, long since) throws IOException, InterruptedException {
        Path to = folder.resolve(release.codename() + "-" + steps.size() + "-" + name);
        Files.createDirectories(to);
        for (Edge edge : pair.edges()) {
            List<String> lines = new ArrayList<>();
            lines.add(
                    edge.run("journalctl", "--boot", "--output=short-monotonic", "--lines=400")
                            .output());
            lines.add("---- status");
            lines.add(edge.run("systemctl", "status", "--lines=0", Edge.UNIT).output());
            lines.add(edge.status());
            lines.add("---- the step began at " + since / 1e9);
            Files.write(to.resolve(edge.name() + ".log"), lines);
        }
        say.accept("    kept: " + to);
    }
}
