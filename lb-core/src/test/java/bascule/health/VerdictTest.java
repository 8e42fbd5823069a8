package bascule.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class VerdictTest {
    @ParameterizedTest
    @CsvSource({
        "'',      d", // Down until the first pass,
        "+,       u", // which suffices.
        "-,       d",
        "-+,      d",
        "-++,     u", // Rise 2.
        "-+-+,    d",
        "+-,      u",
        "+--,     u",
        "+---,    d", // Fall 3.
        "+--+--,  u", // Only consecutive results flip a verdict.
        "+---+,   d",
        "+---++,  u",
        "+---++-, u",
    })
    void givenResults_whenRise2Fall3_then(String results, String expected) {
        assertEquals(expected, after(results) ? "u" : "d");
    }

    private static boolean after(String results) {
        Verdict verdict = Verdict.UNSEEN;
        for (char result : results.toCharArray()) verdict = verdict.after(result == '+', 2, 3);
        return verdict.up();
    }

    @Test
    void givenResultsAgainst_whenCountedAnew_thenVerdictStaysAndAllAreNeededAgain() {
        Verdict up = Verdict.UNSEEN.after(true, 2, 3).after(false, 2, 3).after(false, 2, 3).anew();

        assertTrue(up.up());
        assertTrue(up.after(false, 2, 3).after(false, 2, 3).up());
        assertFalse(up.after(false, 2, 3).after(false, 2, 3).after(false, 2, 3).up());
    }

    @Test
    void givenNoCheckBefore_whenOneIsAdded_thenUpUntilFallResultsSpeakAgainstIt() {
        Verdict trusted = Verdict.TRUSTED;

        assertTrue(trusted.after(false, 2, 2).up());
        assertFalse(trusted.after(false, 2, 2).after(false, 2, 2).up());
    }

    /// The model looks at the whole history each time.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void givenAnyResults_whenJudged_thenAsTheHistorySays(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            int rise = 1 + random.nextInt(4);
            int fall = 1 + random.nextInt(4);
            double passes = random.nextDouble();
            Verdict verdict = Verdict.UNSEEN;
            List<Boolean> history = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                boolean passed = random.nextDouble() < passes;
                history.add(passed);
                verdict = verdict.after(passed, rise, fall);
                assertEquals(
                        model(history, rise, fall),
                        verdict.up(),
                        () -> "seed " + seed + " rise " + rise + " fall " + fall + history);
            }
        }
    }

    /// Up, if since the last run of `fall` failures there was a run of `rise` passes; the first result counts as any run.
    private static boolean model(List<Boolean> history, int rise, int fall) {
        boolean up = history.getFirst();
        for (int end = 1; end <= history.size(); end++) {
            if (isRun(history, end, rise, true)) up = true;
            if (isRun(history, end, fall, false)) up = false;
        }
        return up;
    }

    private static boolean isRun(List<Boolean> history, int end, int length, boolean of) {
        if (end < length) return false;
        return history.subList(end - length, end).stream().allMatch(result -> result == of);
    }
}
