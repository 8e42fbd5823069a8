package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.net.Descriptors;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class DescriptorNeedsTest {
    private static final int LOOPS = 4;
    private static final int BINDS = 2;

    private static Configuration configuration() {
        String text =
                """
                loops = %d
                listeners.web { bind = [":0", "[::]:0"], backend = web, limits.connections = 1 }
                backends.web.servers = ["127.0.0.1:1"]
                """
                        .formatted(LOOPS);
        if (ConfigurationLoader.parse(text, Path.of("test.conf"), Map.of())
                instanceof LoadResult.Loaded(Configuration loaded)) return loaded;
        throw new AssertionError();
    }

    @Test
    void givenSocketsThatAreNotWanted_whenAsked_thenBothHaveToFit() {
        // 2 for the client, 1 idle one to its server.
        int needed = LOOPS * BINDS + 264 + 3;

        assertThat(DescriptorNeeds.lacking(configuration(), 0)).isNull();
        assertThat(DescriptorNeeds.lacking(configuration(), limit() - needed)).isNull();
        assertThat(DescriptorNeeds.lacking(configuration(), limit() - needed + 1))
                .startsWith((limit() + 1) + " file descriptors may be needed")
                .contains((limit() + 1 - 3) + " of the daemon's own");
    }

    private static int limit() {
        return (int) Math.min(1 << 20, Descriptors.limit());
    }
}
