package bascule.drill;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/// Drills one after the other, on a bench for each system. The trials of both take turns: while one is measured, the other
/// waits, or gets its pair well again for its next.
final class Run {
    /// @param rivals outcomes of keepalived
    record Result(Drill drill, List<Outcome> bascule, List<Outcome> rivals) {
        /// What is wrong with Bascule's; empty if nothing.
        List<String> broken() {
            List<String> all = new ArrayList<>();
            if (bascule.isEmpty()) return all;
            for (Drill.Limit limit : drill.limits())
                if (!limit.holds().test(bascule)) all.add(limit.text());
            for (Outcome each : bascule)
                if (!each.fault().isEmpty() && !all.contains(each.fault())) all.add(each.fault());
            return all;
        }
    }

    private final Path checkout;
    private final boolean keepAll;
    private final Consumer<String> say;
    private final ReentrantLock turn = new ReentrantLock(true);

    /// @param say what happens, a line each; from two threads
    Run(Path checkout, boolean keepAll, Consumer<String> say) {
        this.checkout = checkout;
        this.keepAll = keepAll;
        this.say = say;
    }

    /// @param trials of Bascule
    /// @param rivals of keepalived
    List<Result> run(List<Drill> drills, ToIntFunction<Drill> trials, ToIntFunction<Drill> rivals)
            throws IOException, InterruptedException, Unavailable {
        FutureTask<List<List<Outcome>>> others = new FutureTask<>(() -> all(drills, rivals, false));
        // Another pair, for it would keep the first from its work.
        FutureTask<List<List<Outcome>>> slow =
                new FutureTask<>(
                        () ->
                                all(
                                        drills,
                                        each -> isSlow(each) ? trials.applyAsInt(each) : 0,
                                        true));
        Thread.ofPlatform().name("rivals").daemon().start(others);
        Thread.ofPlatform().name("slow").daemon().start(slow);
        List<List<Outcome>> own =
                all(drills, each -> isSlow(each) ? 0 : trials.applyAsInt(each), true);
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < drills.size(); i++) {
            Drill drill = drills.get(i);
            List<Outcome> mine = isSlow(drill) ? outcome(slow).get(i) : own.get(i);
            results.add(new Result(drill, mine, outcome(others).get(i)));
        }
        return results;
    }

    private static boolean isSlow(Drill drill) {
        return drill.name().equals(Drills.SLOW);
    }

    private static List<List<Outcome>> outcome(FutureTask<List<List<Outcome>>> of)
            throws IOException, InterruptedException {
        try {
            return of.get();
        } catch (ExecutionException e) {
            throw new IOException(e);
        }
    }

    /// @return for each drill the outcomes of its trials
    private List<List<Outcome>> all(
            List<Drill> drills, ToIntFunction<Drill> trials, boolean bascule)
            throws IOException, InterruptedException, Unavailable {
        List<List<Outcome>> all = new ArrayList<>();
        if (drills.stream().mapToInt(trials).sum() == 0) {
            drills.forEach(_ -> all.add(List.of()));
            return all;
        }
        try (Bench bench = Bench.start(bascule, checkout, turn)) {
            for (Drill drill : drills) {
                List<Outcome> some = new ArrayList<>();
                for (int i = 0, most = trials.applyAsInt(drill); i < most; i++)
                    some.add(trial(drill, bench, i));
                all.add(List.copyOf(some));
            }
        }
        return all;
    }

    private Outcome trial(Drill drill, Bench bench, int number)
            throws IOException, InterruptedException, Unavailable {
        Outcome outcome;
        List<String> course;
        try {
            bench.install(drill.setup());
            Trial trial = drill.body().run(bench);
            outcome = trial.end();
            course = trial.course();
        } catch (IOException | Unavailable | IllegalStateException e) {
            String why = String.valueOf(e.getMessage());
            outcome = Outcome.failed(why);
            course = List.of(why);
        } finally {
            if (turn.isHeldByCurrentThread()) turn.unlock();
        }
        List<Outcome> alone = List.of(outcome);
        boolean breaks =
                !outcome.fault().isEmpty()
                        || drill.limits().stream().anyMatch(each -> !each.holds().test(alone));
        if (keepAll || breaks && bench.isBascule() || !outcome.fault().isEmpty()) {
            Path folder =
                    checkout.resolve("lb-bench/target/drills")
                            .resolve(
                                    drill.name()
                                            + (bench.isBascule() ? "-bascule-" : "-keepalived-")
                                            + (number + 1));
            bench.keep(folder, course);
            outcome = outcome.withFolder(folder.toString());
        }
        say.accept(line(drill, bench, number, outcome, breaks && bench.isBascule()));
        if (!outcome.fault().isEmpty()) bench.renew();
        return outcome;
    }

    private static String line(
            Drill drill, Bench bench, int number, Outcome outcome, boolean breaks) {
        var line = new StringBuilder();
        line.append(
                String.format(
                        Locale.ROOT,
                        "%-11s %-10s %2d: outage %4s ms, %3d of %4d failed",
                        drill.name(),
                        bench.isBascule() ? "bascule" : "keepalived",
                        number + 1,
                        Report.millis(outcome.outage()),
                        outcome.failed(),
                        outcome.sent()));
        if (!outcome.causes().isEmpty()) line.append(' ').append(outcome.causes());
        if (outcome.healing() > 0) line.append(", on return " + outcome.healing());
        if (outcome.bothLive() > 0)
            line.append(", two live owners " + Report.millis(outcome.bothLive()) + " ms");
        if (!Double.isNaN(outcome.leftover()))
            line.append(", leftover " + Report.millis(outcome.leftover()));
        line.append(", moves " + (outcome.moves() - outcome.healingMoves()));
        if (outcome.healingMoves() > 0) line.append(" + " + outcome.healingMoves());
        if (!Double.isNaN(outcome.special()))
            line.append(", " + Report.millis(outcome.special()) + " " + drill.special());
        if (outcome.lag() > 20) line.append(", client late by " + Report.millis(outcome.lag()));
        if (!outcome.fault().isEmpty()) line.append(", FAILED: " + outcome.fault());
        if (breaks) line.append("  <-- " + outcome.folder());
        return line.toString();
    }
}
