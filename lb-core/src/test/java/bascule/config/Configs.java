package bascule.config;

import bascule.cluster.key.ClusterKey;
import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What the tests of this package share.
final class Configs {
    /// A backend to complete what is tested.
    static final String WEB = "\nbackends.web.servers = [\"10.0.0.1:80\"]\n";

    private Configs() {}

    static Configuration parse(String text) {
        return parse(text, Map.of());
    }

    static Configuration parse(String text, Map<String, String> environment) {
        return loaded(ConfigurationLoader.parse(text, Path.of("/etc/bascule/x.conf"), environment));
    }

    static Configuration load(Path file) {
        return loaded(ConfigurationLoader.load(file, Map.of()));
    }

    static Configuration loaded(LoadResult result) {
        return switch (result) {
            case LoadResult.Loaded(Configuration configuration) -> configuration;
            case LoadResult.Rejected(List<Problem> problems) ->
                    throw new AssertionError("refused:\n" + lines(problems));
        };
    }

    static List<Problem> problems(LoadResult result) {
        return switch (result) {
            case LoadResult.Loaded _ -> List.of();
            case LoadResult.Rejected(List<Problem> problems) -> problems;
        };
    }

    static String lines(List<Problem> problems) {
        var lines = new StringBuilder();
        for (Problem problem : problems) lines.append(problem).append('\n');
        return lines.toString();
    }

    /// A listener on port 80 with these further lines, complete with its backend.
    static ListenerConfig listener(String lines) {
        String text = "listeners.http { bind = \":80\", backend = web\n" + lines + "\n}" + WEB;
        return parse(text).listeners().getFirst();
    }

    /// The folder `config` of the checkout, in a place where there are the certificates and keys, too, that its examples speak of.
    static Path folder() {
        return Installed.FOLDER;
    }

    private static final class Installed {
        static final Path FOLDER = install();

        private static Path install() {
            Path checkout = Path.of("").toAbsolutePath();
            while (!Files.exists(checkout.resolve("config/bascule.conf")))
                checkout = checkout.getParent();
            Path from = checkout.resolve("config");
            try (Stream<Path> all = Files.walk(from)) {
                Path to = Files.createTempDirectory("bascule-config");
                Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(to)));
                for (Path each : all.filter(path -> !path.equals(from)).toList())
                    Files.copy(each, to.resolve(from.relativize(each)));
                writeCertificates(to.resolve("certs"));
                writeCertificates(to.resolve("examples/certs"));
                ClusterKey.generate(to.resolve("cluster.key"));
                ClusterKey.generate(to.resolve("examples/cluster.key"));
                return to;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static void writeCertificates(Path folder) throws IOException {
            TestAuthority authority = TestAuthority.named("Example CA");
            Files.createDirectory(folder);
            authority.issue("www.example.com").writeApart(folder, "edge");
            for (String each : List.of("servers.ca", "clients.ca", "admins.ca"))
                authority.file(folder.resolve(each));
        }

        private static void delete(Path folder) {
            try (Stream<Path> all = Files.walk(folder)) {
                for (Path each : all.sorted(Comparator.reverseOrder()).toList()) Files.delete(each);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /// The shipped file and every example that is a main file.
    static List<Path> shipped() throws IOException {
        try (Stream<Path> all = Files.walk(folder())) {
            return all.filter(file -> file.toString().endsWith(".conf"))
                    .filter(file -> !file.toString().contains("drop-ins/c"))
                    .sorted()
                    .toList();
        }
    }
}
