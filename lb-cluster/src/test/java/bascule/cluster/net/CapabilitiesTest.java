package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.util.List;
import org.junit.jupiter.api.Test;

class CapabilitiesTest {
    @Test
    void givenStatusOfProcess_whenRead_thenNamesWhatIsMissing() throws Exception {
        assertThat(
                        Capabilities.missing(
                                List.of(
                                        "Name:\tjava",
                                        "CapPrm:\t0000000000000000",
                                        "CapEff:\t000001ffffffffff")))
                .isEmpty();
        assertThat(Capabilities.missing(List.of("CapEff:\t0000000000003400"))).isEmpty();
        assertThat(Capabilities.missing(List.of("CapEff:\t0000000000001000")))
                .containsExactly("CAP_NET_RAW");
        assertThat(Capabilities.missing(List.of("CapEff:\t0000000000002000")))
                .containsExactly("CAP_NET_ADMIN");
        assertThat(Capabilities.missing(List.of("CapEff:\t0000000000000000")))
                .containsExactly("CAP_NET_ADMIN", "CAP_NET_RAW");
        assertThatIOException()
                .isThrownBy(() -> Capabilities.missing(List.of("CapPrm:\t0")))
                .withMessageContaining("CapEff");
    }
}
