package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ReferenceFileTest {
    private static String shipped() throws IOException {
        return Files.readString(Configs.folder().resolve("bascule.conf"));
    }

    @Test
    void givenShippedFile_whenHeldAgainstTheLoader_thenEveryKeyIsThereAsItIs() throws IOException {
        assertThat(new ReferenceFile(shipped()).complaints()).isEmpty();
    }

    @Test
    void givenShippedFile_whenLoaded_thenItListensAndForwardsOnThisHost() throws IOException {
        Configuration all = Configs.load(Configs.folder().resolve("bascule.conf"));

        assertThat(all.listeners()).hasSize(1);
        assertThat(all.backends().getFirst().servers())
                .allMatch(
                        server ->
                                server.address() instanceof ServerAddress.Ip(InetSocketAddress to)
                                        && to.getAddress().isLoopbackAddress());
    }

    /// Plants a slip of the pen and sees it caught.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            commentCharacter = '~',
            textBlock =
                    """
                    #connections = 20000   | #connections = 10000   | default: connections = 20000, not connections = 10000
                    #idle = 60s            | #idle = 30s            | default: idle = 1m, not idle = 30s
                    #transport = epoll     | #transport = nio       | default: transport = epoll, not transport = nio
                    weight    1 to 256, default 1 | weight 1 to 256, default 2 | no comment says: 1 to 256, default 1
                    1 to 1000000.          | 1 to 100000.           | listeners.*.limits.connections: its comment does not say: 1 to 1000000
                    on or off: finds loops | finds loops            | listeners.*.forwarded.via: its comment does not say: on or off
                    #body-idle = 30s       | # body-idle = 30s      | listeners.*.limits.body-idle: is known, and not in the file
                    #loops = auto          | # loops                | loops: is known, and not in the file
                    #body-idle = 30s       | #body-idel = 30s       | does not load: bascule.conf:
                    backup = on            | bakcup = on            | does not load: bascule.conf:
                    #level = info          | #level = inof          | does not load: bascule.conf:
                    """)
    void givenSlip_whenHeldAgainstTheLoader_thenCaught(String from, String to, String complaint)
            throws IOException {
        assertThat(shipped()).contains(from);

        var reference = new ReferenceFile(shipped().replace(from, to));

        assertThat(reference.complaints()).anyMatch(each -> each.startsWith(complaint));
    }
}
