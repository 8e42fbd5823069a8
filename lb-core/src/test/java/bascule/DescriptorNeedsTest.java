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
    void givenSocketsThatAreThere_whenTheyAreThoseWanted_thenTheyAreNotCountedTwice() {
        String atLimit = DescriptorNeeds.lacking(configuration(), limit());

        assertThat(DescriptorNeeds.lacking(configuration(), LOOPS * BINDS)).isNull();
        // 2 for the client, 1 idle one to its server.
        assertThat(atLimit)
                .startsWith((limit() + 3 + 264) + " file descriptors may be needed")
                .contains(limit() + 264 + " of the daemon's own");
    }

    @Test
    void givenFewSocketsThatAreThere_whenMoreAreWanted_thenThoseAreCounted() {
        assertThat(DescriptorNeeds.lacking(configuration(), 0)).isNull();
    }

    private static int limit() {
        return (int) Math.min(1 << 20, Descriptors.limit());
    }
}
