package bascule;

import bascule.cluster.key.ClusterKey;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Files of clusters, for tests that start no daemon.
///
/// @param folder where the file and its key are
record Pair(Path folder) {
    static final String FLOATING = "floating-ips { public = 203.0.113.10/24 }\n";

    static Pair in(Path folder) throws IOException {
        ClusterKey.generate(folder.resolve("cluster.key"));
        return new Pair(folder);
    }

    /// @param nodes as in the file
    /// @param more further lines
    Configuration load(String nodes, String more) throws IOException {
        return load("cluster { key-file = cluster.key, nodes { " + nodes + " } }\n" + more);
    }

    /// @param text what stands before a listener and its backend
    Configuration load(String text) throws IOException {
        LoadResult result = ConfigurationLoader.load(file(text), Map.of());
        if (result instanceof LoadResult.Loaded(Configuration configuration)) return configuration;
        throw new AssertionError(result);
    }

    Path file(String text) throws IOException {
        String all =
                text
                        + """

                        listeners.http { bind = ":80", backend = web }
                        backends.web.servers = ["10.0.0.9:80"]
                        """;
        return Files.writeString(folder.resolve("bascule.conf"), all);
    }
}
