package bascule.testing;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

final class PeersTest {
    private static final String PATH = "/nowhere:/bin";

    @Test
    void givenInstalled_whenRequired_thenTheTestGoesOn() {
        assertThatCode(() -> Peers.require(true, PATH, "sh", "ls")).doesNotThrowAnyException();
    }

    @Test
    void givenMissing_whenRequired_thenTheTestIsSkippedAndSaysWhatIsMissing() {
        assertThatThrownBy(() -> Peers.require(false, PATH, "sh", "no-such-1", "no-such-2"))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("not installed: no-such-1, no-such-2 (");
    }

    @Test
    void givenMissingInContinuousIntegration_whenRequired_thenTheTestFails() {
        assertThatThrownBy(() -> Peers.require(true, PATH, "no-such-1"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("no-such-1");
    }
}
