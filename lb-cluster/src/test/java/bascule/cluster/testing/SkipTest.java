package bascule.cluster.testing;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

final class SkipTest {
    @Test
    void givenSomethingMissing_whenOnCi_thenTheTestFails() {
        assertThatThrownBy(() -> Skip.forWantOf(true, "root is missing"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("root is missing");
    }

    @Test
    void givenSomethingMissing_whenElsewhere_thenTheTestIsSkippedWithALine() {
        assertThatThrownBy(() -> Skip.forWantOf(false, "root is missing"))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("root is missing");
    }
}
