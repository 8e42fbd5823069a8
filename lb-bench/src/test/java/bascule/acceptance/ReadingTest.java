package bascule.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// What is read from hosts, daemons and JVMs.
final class ReadingTest {
    @Test
    void givenLogOfTheJvm_whenRead_thenTheLongestOfEach() {
        Pauses pauses =
                Pauses.of(
                        List.of(
                                "[0.4s][gc          ] GC(0) Pause Young (Allocation Failure) 4M->1M(15M) 2.345ms",
                                "[0.4s][safepoint   ] Safepoint \"SerialCollectForAllocation\", Time since last: 10 ns, Reaching safepoint: 20 ns, At safepoint: 2400000 ns, Total: 2500000 ns, Threads: 0 runnable, 12 total",
                                "[0.5s][gc          ] GC(1) Concurrent Mark Cycle 99.000ms",
                                "[0.9s][gc          ] GC(2) Pause Full (System.gc()) 4M->1M(15M) 12.5ms",
                                "[0.9s][safepoint   ] Safepoint \"ICBufferFull\", Time since last: 10 ns, Reaching safepoint: 20 ns, At safepoint: 4 ns, Total: 100 ns"));

        assertThat(pauses).isEqualTo(new Pauses(2, 12.5, 2, 2.5));
    }

    @Test
    void givenListings_whenCompared_thenWhatCameAndWentButTheHostsOwn() {
        Listing before = new Listing(Set.of("file /etc/hosts f ", "unit-file a.service enabled"));
        Listing after =
                new Listing(
                        Set.of(
                                "file /etc/hosts f ",
                                "file /var/log/dpkg.log f ",
                                "file /etc/passwd- f ",
                                "user bascule:x:999:999::/:/usr/sbin/nologin"));

        assertThat(after.since(before))
                .containsExactly(
                        "+ user bascule:x:999:999::/:/usr/sbin/nologin",
                        "- unit-file a.service enabled");
    }

    private static final String STATUS =
            """
              FLOATING IP  ADDRESS         OWNER  EPOCH  ELIGIBLE
              public       10.77.0.100/24  edge1      7  %s

              NODE   STATE  ADDRESS     CONFIGURATION
              edge1  up     10.77.0.11  0123abcd4567
              edge2  %s     10.77.0.12  0123abcd4567
            """;

    @Test
    void givenStatus_whenRead_thenWhoOwnsAndWhoMay() {
        assertThat(Moving.owner(STATUS.formatted("yes", "up"))).isEqualTo("edge1");
        assertThat(Moving.mayOwn(STATUS.formatted("yes", "up"), "edge2")).isTrue();
    }

    @Test
    void givenNodeThatIsNotReady_whenRead_thenItMayNotOwn() {
        assertThat(Moving.mayOwn(STATUS.formatted("no: starting", "up"), "edge2")).isFalse();
        assertThat(Moving.mayOwn(STATUS.formatted("yes", "gone"), "edge2")).isFalse();
        assertThat(Moving.mayOwn("no answer", "edge2")).isFalse();
        assertThat(Moving.owner("no answer")).isEmpty();
    }
}
