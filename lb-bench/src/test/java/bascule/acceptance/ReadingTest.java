package bascule.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// What is read from kernels, hosts and JVMs.
final class ReadingTest {
    @Test
    void givenBothVersionsOfControlGroups_whenRead_thenTheTwoThatSystemdUses() {
        assertThat(
                        Cgroups.roots(
                                List.of(
                                        "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
                                        "31 25 0:27 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,name=systemd",
                                        "32 25 0:28 / /sys/fs/cgroup/unified rw shared:3 - cgroup2 cgroup2 rw",
                                        "33 25 0:28 /a /mnt rw - cgroup2 cgroup2 rw")))
                .containsExactly(
                        Path.of("/sys/fs/cgroup/systemd"), Path.of("/sys/fs/cgroup/unified"));
    }

    @Test
    void givenVersionTwoAlone_whenRead_thenThatOne() {
        assertThat(
                        Cgroups.roots(
                                List.of(
                                        "30 25 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw")))
                .containsExactly(Path.of("/sys/fs/cgroup"));
    }

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
}
