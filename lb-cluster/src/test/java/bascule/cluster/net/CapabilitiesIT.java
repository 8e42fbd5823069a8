package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.testing.Namespace;
import org.junit.jupiter.api.Test;

class CapabilitiesIT {
    @Test
    void givenNeitherCapability_whenUsed_thenReadingWorksAndEachRefusalSaysWhatIsMissing()
            throws Exception {
        try (Namespace namespace = Namespace.orSkip()) {
            String said =
                    namespace.run(
                            "setpriv",
                            "--bounding-set",
                            "-net_admin,-net_raw",
                            System.getProperty("java.home") + "/bin/java",
                            "--enable-native-access=ALL-UNNAMED",
                            "--illegal-native-access=deny",
                            "-cp",
                            System.getProperty("java.class.path"),
                            WithoutCapabilities.class.getName());

            assertThat(said.lines())
                    .containsExactly(
                            "missing [CAP_NET_ADMIN, CAP_NET_RAW]",
                            "listed false of 1",
                            "put 192.0.2.1 on interface 1 (needs CAP_NET_ADMIN): operation not permitted (EPERM)",
                            "renew 192.0.2.1 on interface 1 (needs CAP_NET_ADMIN): operation not permitted (EPERM)",
                            "remove 192.0.2.1 on interface 1 (needs CAP_NET_ADMIN): operation not permitted (EPERM)",
                            "packet socket on lo (needs CAP_NET_RAW): operation not permitted (EPERM)",
                            "raw ICMP socket (needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range): operation not permitted (EPERM)",
                            "left open 0");
        }
    }

    @Test
    void givenRoot_whenAsked_thenNothingIsMissing() throws Exception {
        Namespace.orSkip().close();

        assertThat(Capabilities.missing()).isEmpty();
    }
}
