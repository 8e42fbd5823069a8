package bascule.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class FoundTest {
    private static Step step(double value, double most) {
        Found found = new Found();
        found.measured("memory", "MB", value, most);
        assertThat(found.figures()).containsEntry("memory, MB", value).hasSize(1);
        return found.step("idle", "", 0);
    }

    @Test
    void givenFigureAboveItsBar_whenJudged_thenBroken() {
        assertThat(step(90, 90).broken()).isEmpty();
        assertThat(step(90.1, 90).broken()).containsExactly("memory 90.1 MB (≤ 90.0)");
    }

    @Test
    void givenFigureThatIsNoNumber_whenJudged_thenBroken() {
        assertThat(step(Double.NaN, 90).broken()).hasSize(1);
    }

    @Test
    void givenFigureWithoutBar_whenJudged_thenCounted() {
        Step step = step(1_000, Double.POSITIVE_INFINITY);

        assertThat(step.broken()).isEmpty();
        assertThat(step.facts())
                .extracting(Step.Fact::text)
                .containsExactly("memory 1000.0 MB (counted)");
    }
}
