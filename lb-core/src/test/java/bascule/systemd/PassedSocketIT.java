package bascule.systemd;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import bascule.net.SegmentFilter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

final class PassedSocketIT {
    @Test
    void givenNoSocket_whenFiltered_thenThatFailsAndSaysWhich() {
        var address = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 80);
        var none = new PassedSocket(1 << 20, "web.0.0", false, address);

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> none.filter(SegmentFilter.NO_NEWCOMERS.instructions()))
                .withMessageStartingWith("filter on web.0.0: Bad file descriptor");
    }
}
