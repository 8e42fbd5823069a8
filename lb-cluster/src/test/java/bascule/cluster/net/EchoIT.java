package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.testing.Namespace;
import java.net.InetAddress;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EchoIT {
    private Namespace here;
    private Namespace there;

    @BeforeEach
    void open() throws Exception {
        here = Namespace.orSkip();
        there = Namespace.orSkip();
        Namespace.join(here, "lan0", there, "lan1");
        here.run("ip", "addr", "add", "10.9.0.1/24", "dev", "lan0");
        here.run("ip", "addr", "add", "fd00:9::1/64", "dev", "lan0", "nodad");
        there.run("ip", "addr", "add", "10.9.0.2/24", "dev", "lan1");
        there.run("ip", "addr", "add", "fd00:9::2/64", "dev", "lan1", "nodad");
        here.run("ip", "route", "add", "10.77.0.9", "via", "10.9.0.2");
        here.run("ip", "-6", "route", "add", "fd00:77::9", "via", "fd00:9::2");
        there.run("ip", "addr", "add", "10.77.0.9/32", "dev", "lo");
        there.run("ip", "addr", "add", "fd00:77::9/128", "dev", "lo", "nodad");
    }

    @AfterEach
    void close() throws Exception {
        if (here != null) here.close();
        if (there != null) there.close();
    }

    @ParameterizedTest
    @CsvSource({"10.77.0.9, 1 0", "10.77.0.9, 0 0", "fd00:77::9, 1 0", "fd00:77::9, 0 0"})
    void givenWitnessBehindRouter_whenAsked_thenAnsweredOnceEach_whenGone_thenNot(
            String witness, String pingGroups) throws Exception {
        here.run(
                "sysctl",
                "-qw",
                "net.ipv4.ping_group_range="
                        + pingGroups); // Of the namespace; `1 0` leaves only the raw socket.
        InetAddress address = FrameTest.inet(witness);
        Semaphore answered = new Semaphore(0);
        try (Echo echo = here.inside(() -> Echo.open(address, answered::release));
                Echo other = here.inside(() -> Echo.open(address, () -> {}))) {
            for (int i = 0; i < 5; i++) {
                other.ask(); // Its answer is nothing to us.
                echo.ask();
                assertThat(answered.tryAcquire(5, TimeUnit.SECONDS)).isTrue();
            }
            here.run("ping", "-c", "1", witness);
            assertThat(answered.tryAcquire(100, TimeUnit.MILLISECONDS)).isFalse();

            there.run("ip", "addr", "flush", "dev", "lo");
            echo.ask();
            assertThat(answered.tryAcquire(300, TimeUnit.MILLISECONDS)).isFalse();
            here.run("ip", "link", "set", "lan0", "down");
            echo.ask(); // No route: not answered, and no fault.
            assertThat(answered.tryAcquire(100, TimeUnit.MILLISECONDS)).isFalse();
        }
    }
}
