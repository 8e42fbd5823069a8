package bascule.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.harness.Recording;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// What was broken has to stand in the report.
final class ReportTest {
    private static final String BROKEN = "**broken**";

    private static String report(Recording.Result result, boolean holds)
            throws IOException, InterruptedException {
        Recording recording = new Recording(1);
        recording.begin(0, 0);
        recording.end(0, 1_000_000, result);
        View view = View.of("client", recording, 200_000_000, Long.MIN_VALUE, Bar.none(1));
        Step step =
                new Step(
                        "step", "a deed", List.of(view), List.of(new Step.Fact("a|b", holds)), 1.5);
        return Report.text(
                List.of(
                        new Report.Walked(
                                Release.DEBIAN_12, List.of(step), Map.of("memory, MB", 88.04))),
                new Packages(Path.of("new.deb"), Path.of("old.deb"), "given"),
                "packaging/acceptance",
                Path.of("."),
                61);
    }

    @Test
    void givenStepThatKept_whenWritten_thenItsFiguresAndNothingBroken()
            throws IOException, InterruptedException {
        assertThat(report(Recording.Result.GOOD, true))
                .contains(
                        "Written by `packaging/acceptance` on 2",
                        ", in 1 min 1 s. Commit ",
                        "`new.deb`")
                .contains("| step | client | 1 | 0 | 0 | 1 | 0 | 0 failed, ≥ 1 sent | kept |")
                .contains("| **step**: a deed | 1.5 s | kept |", "a\\|b", "| memory, MB | 88.0 |")
                .doesNotContain(BROKEN);
    }

    @Test
    void givenRequestThatFailed_whenWritten_thenBroken() throws IOException, InterruptedException {
        assertThat(report(Recording.Result.REFUSED, true))
                .contains(
                        "| 1 | 1 | 1 | 0 | 0 | 0 failed, ≥ 1 sent | **broken**: 1 failed; 1 refused |")
                .contains("| **step**: a deed | 1.5 s | **broken** |");
    }

    @Test
    void givenFactThatDoesNotHold_whenWritten_thenBroken()
            throws IOException, InterruptedException {
        assertThat(report(Recording.Result.GOOD, false))
                .contains("| | a\\|b | **broken** |", "| **step**: a deed | 1.5 s | **broken** |");
    }
}
