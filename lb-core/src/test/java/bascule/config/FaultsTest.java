package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every kind of fault, word by word: `faults/NAME.conf` is refused with the lines of `faults/NAME.txt`, and
/// `faults/NAME/bascule.conf` with those of `faults/NAME/expected.txt`.
final class FaultsTest {
    private static final Map<String, String> ENVIRONMENT =
            Map.of("BAD", "many", "EMPTY", "", "HOST", "10.0.0.1", "LEVEL", "wran");

    static List<Path> faults() throws IOException, URISyntaxException {
        Path folder = Path.of(FaultsTest.class.getResource("/config/faults").toURI());
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(each -> !each.toString().endsWith(".txt")).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("faults")
    void givenFault_whenLoaded_thenRefusedInTheseWords(Path fault) throws IOException {
        boolean isFolder = Files.isDirectory(fault);
        Path main = isFolder ? fault.resolve("bascule.conf") : fault;
        String name = fault.getFileName().toString().replace(".conf", ".txt");
        Path words = isFolder ? fault.resolve("expected.txt") : fault.resolveSibling(name);

        LoadResult result = ConfigurationLoader.load(main, ENVIRONMENT);

        String lines = Configs.lines(Configs.problems(result));
        assertThat(lines.replace(main.getParent() + "/", "")).isEqualTo(Files.readString(words));
    }

    @Test
    void givenNoFile_whenLoaded_thenRefusedWithItsName(@TempDir Path folder) {
        Path file = folder.resolve("bascule.conf");

        LoadResult result = ConfigurationLoader.load(file, Map.of());

        assertThat(Configs.lines(Configs.problems(result)))
                .isEqualTo(file + ": cannot be read: no such file\n");
    }

    @Test
    void givenFolderInPlaceOfFile_whenLoaded_thenRefused(@TempDir Path folder) {
        LoadResult result = ConfigurationLoader.load(folder, Map.of());

        assertThat(Configs.lines(Configs.problems(result)))
                .isEqualTo(folder + ": cannot be read: Is a directory\n");
    }

    @Test
    void givenLongChainOfSubstitutions_whenLoaded_thenRefusedRatherThanThrown() {
        var text = new StringBuilder("let.x0 = 1\n");
        for (int i = 1; i <= 3000; i++) text.append("let.x" + i + " = ${let.x" + (i - 1) + "}\n");

        LoadResult result = ConfigurationLoader.parse(text.toString(), Path.of("x.conf"), Map.of());

        assertThat(Configs.problems(result)).hasSize(1);
    }
}
