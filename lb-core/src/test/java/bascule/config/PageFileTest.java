package bascule.config;

import static bascule.config.Configs.WEB;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PageFileTest {
    private static final int MAX = 256 << 10;

    @TempDir Path folder;

    @BeforeEach
    void makePages() throws IOException {
        Files.createDirectory(folder.resolve("pages"));
    }

    private Path write(String name, byte[] content) throws IOException {
        return Files.write(folder.resolve("pages").resolve(name), content);
    }

    /// A file with this error page for 503, in a folder of its own.
    private LoadResult load(String page) {
        String text =
                "listeners.http { bind = \":80\", backend = web, error-pages.503 = \"pages/%s\" }"
                                .formatted(page)
                        + WEB;
        return ConfigurationLoader.parse(text, folder.resolve("bascule.conf"), Map.of());
    }

    private String problem(String page) {
        List<Problem> problems = Configs.problems(load(page));
        assertThat(problems).hasSize(1);
        return problems.getFirst().toString();
    }

    @ParameterizedTest
    @CsvSource({
        "a.html, text/html; charset=utf-8",
        "a.b.json, application/json",
        "a.txt, text/plain; charset=utf-8",
    })
    void givenPage_whenLoaded_thenItsBytesAndTheTypeOfItsName(String name, String type)
            throws IOException {
        byte[] bytes = "<p>é</p>".getBytes(UTF_8);
        Path file = write(name, bytes);

        PageFile page = Configs.loaded(load(name)).listeners().getFirst().errorPages().get(503);

        assertThat(page).isNotNull();
        assertThat(page.file()).isEqualTo(file);
        assertThat(page.contentType()).isEqualTo(type);
        assertThat(page.content().copy()).isEqualTo(bytes);
        assertThat(page.content().length()).isEqualTo(bytes.length);
    }

    @Test
    void givenPageChangedInPlace_whenLoadedAgain_thenAnotherHash() throws IOException {
        write("a.html", new byte[] {'a'});
        Configuration first = Configs.loaded(load("a.html"));
        Configuration again = Configs.loaded(load("a.html"));
        write("a.html", new byte[] {'b'});
        Configuration changed = Configs.loaded(load("a.html"));

        assertThat(again).isEqualTo(first);
        assertThat(changed.hash()).isNotEqualTo(first.hash());
        assertThat(changed.listeners()).isNotEqualTo(first.listeners());
    }

    @Test
    void givenPageOfMaintenanceChangedInPlace_whenLoadedAgain_thenAnotherHash() throws IOException {
        String text =
                "listeners.http { bind = \":80\", backend = web }\n"
                        + "backends.web { servers = \"10.0.0.1:80\", maintenance = pages/a.html }";
        Path main = Files.writeString(folder.resolve("bascule.conf"), text);
        write("a.html", new byte[] {'a'});
        Configuration first = Configs.load(main);
        write("a.html", new byte[] {'b'});
        Configuration changed = Configs.load(main);

        assertThat(first.backends().getFirst().maintenance()).isNotNull();
        assertThat(changed.hash()).isNotEqualTo(first.hash());
    }

    @Test
    void givenPage_whenRendered_thenItsFingerprintIsThatOfSha256sum() throws IOException {
        write("a.txt", "abc".getBytes(UTF_8));

        String text = EffectiveConfiguration.render(Configs.loaded(load("a.txt")));

        // FIPS 180-2, appendix B.1.
        assertThat(text)
                .contains(
                        "503 = \"%s\" # sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
                                .formatted(folder.resolve("pages/a.txt")));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, MAX})
    void givenPageWithinItsBounds_whenLoaded_thenWhole(int length) throws IOException {
        write("a.txt", new byte[length]);

        PageFile page = Configs.loaded(load("a.txt")).listeners().getFirst().errorPages().get(503);

        assertThat(page).isNotNull();
        assertThat(page.content().length()).isEqualTo(length);
    }

    @ParameterizedTest
    @CsvSource({"0, is empty", "262145, is too large", "1000000, is too large"})
    void givenPageBeyondItsBounds_whenLoaded_thenRefused(int length, String what)
            throws IOException {
        write("a.txt", new byte[length]);

        assertThat(problem("a.txt")).contains("bascule.conf:1: ", "pages/a.txt: " + what);
    }

    @Test
    void givenDeviceBehindLink_whenLoaded_thenRefusedRatherThanReadForEver() throws IOException {
        Files.createSymbolicLink(folder.resolve("pages/a.txt"), Path.of("/dev/zero"));

        assertThat(problem("a.txt")).contains("is no file");
    }

    @Test
    void givenFileThatFailsWhenRead_whenLoaded_thenRefusedWithTheReason() throws IOException {
        // The first page of a process is never mapped.
        Files.createSymbolicLink(folder.resolve("pages/a.txt"), Path.of("/proc/self/mem"));

        assertThat(problem("a.txt")).contains("cannot be read: Input/output error");
    }

    @Test
    void givenFileOfAnother_whenLoaded_thenRefused() throws IOException {
        assumeFalse("root".equals(System.getProperty("user.name")), "root may read everything");
        Path file = write("a.txt", new byte[1]);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));

        assertThat(problem("a.txt")).contains("cannot be read: permission denied");
    }

    @Test
    void givenArraysOfItsMaker_whenChanged_thenTheContentIsNot() {
        byte[] bytes = {'a', 'b', 'c'};
        PageContent content = PageContent.of(bytes);
        bytes[0] = 'x';
        content.copy()[1] = 'x';

        assertThat(content).isEqualTo(PageContent.of("abc".getBytes(UTF_8)));
        assertThat(content).hasSameHashCodeAs(PageContent.of("abc".getBytes(UTF_8)));
        assertThat(content).isNotEqualTo(PageContent.of("abd".getBytes(UTF_8)));
        assertThat(content).isNotEqualTo(PageContent.of("ab".getBytes(UTF_8)));
    }
}
