package bascule.node;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.key.ClusterKey;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DutiesTest {
    @TempDir Path folder = Path.of("");

    @Test
    void givenFloatingIps_whenRead_thenEachHasItsListenersAndAllThatTheyLeadTo() throws Exception {
        ClusterKey.generate(folder.resolve("cluster.key"));
        LoadResult read =
                ConfigurationLoader.parse(
                        """
                        cluster { nodes { a = 10.0.0.2, b = 10.0.0.3 }, key-file = cluster.key }
                        floating-ips {
                          all = "203.0.113.10/24", one { address = "203.0.113.11/24", require = [api] }
                          bare { address = "203.0.113.12/24", require = [] }
                        }
                        admin.socket = off
                        listeners {
                          web { bind = ":8080", backend = web, limits.connections = 10
                                routes = [{ path = /a/, backend = api }, { path = /b, respond = 200 }, { path = /c, backend = api }] }
                          api { bind = ":8081", backend = api, limits.connections = 10 }
                        }
                        backends { web.servers = ["10.0.1.1:80"], api.servers = ["10.0.1.2:80"] }
                        """,
                        folder.resolve("bascule.conf"),
                        Map.of());
        if (!(read instanceof LoadResult.Loaded(Configuration configuration)))
            throw new AssertionError(read);

        assertThat(Duties.of(configuration))
                .containsExactlyInAnyOrder(
                        new Duty("all", List.of("api", "web"), List.of("api", "web")),
                        new Duty("one", List.of("api"), List.of("api")),
                        new Duty("bare", List.of(), List.of()));
    }
}
