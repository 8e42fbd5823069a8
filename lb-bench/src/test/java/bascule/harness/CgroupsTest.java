package bascule.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class CgroupsTest {
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
}
