package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HeldAddressesTest {
    @TempDir Path folder;
    private final List<IOException> failures = new ArrayList<>();

    @Test
    void givenAddresses_whenReadAgain_thenTheSameAndGarbageIsLeftOut() throws IOException {
        var held = new HeldAddresses(folder, failures::add);
        InetAddress four = InetAddress.ofLiteral("203.0.113.10");
        InetAddress six = InetAddress.ofLiteral("2001:db8::10");
        assertThat(held.earlier()).isEmpty();
        held.keep(List.of(four, six));
        assertThat(held.earlier()).containsExactly(four, six);
        Files.writeString(folder.resolve(HeldAddresses.FILE), "\nx.example\n203.0.113.10\n");
        assertThat(held.earlier()).containsExactly(four);
        assertThat(failures).isEmpty();
    }
}
