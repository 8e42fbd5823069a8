package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReleaseOnDeathTest {
    @TempDir Path folder;
    private final List<IOException> failures = new CopyOnWriteArrayList<>();

    @Test
    void givenAddresses_whenListed_thenInTheFileAndGoneWithTheLast() throws IOException {
        var list = new ReleaseOnDeath(folder, failures::add);
        Path file = folder.resolve(ReleaseOnDeath.FILE);

        list.list(List.of("203.0.113.10/32 eth0", "2001:db8::10/128 eth0"));
        assertThat(Files.readAllLines(file))
                .containsExactly("203.0.113.10/32 eth0", "2001:db8::10/128 eth0");

        list.list(List.of());
        assertThat(file).doesNotExist();
        assertThat(failures).isEmpty();
    }

    @Test
    void givenFileOfAnEarlierRun_whenMade_thenItIsGone() throws IOException {
        Path file =
                Files.writeString(folder.resolve(ReleaseOnDeath.FILE), "203.0.113.10/32 eth0\n");

        assertThat(new ReleaseOnDeath(folder, failures::add)).isNotNull();

        assertThat(file).doesNotExist();
    }

    @Test
    void givenFolderThatIsGone_whenListed_thenTold() throws IOException {
        Path gone = Files.createDirectory(folder.resolve("gone"));
        var list = new ReleaseOnDeath(gone, failures::add);
        Files.delete(gone);

        list.list(List.of("203.0.113.10/32 eth0"));

        assertThat(failures).hasSize(1);
    }

    @Test
    void givenNoFolder_whenListed_thenNothing() {
        new ReleaseOnDeath(null, failures::add).list(List.of("203.0.113.10/32 eth0"));
        new ReleaseOnDeath(folder.resolve("none"), failures::add).list(List.of("x"));

        assertThat(failures).isEmpty();
    }
}
