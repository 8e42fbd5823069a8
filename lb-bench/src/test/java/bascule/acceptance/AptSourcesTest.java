package bascule.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AptSourcesTest {
    @TempDir Path folder = Path.of("");

    private AptSources read(String name, String text) throws IOException, InterruptedException {
        Files.createDirectories(folder.resolve("sources.list.d"));
        Files.writeString(folder.resolve(name), text);
        return AptSources.of(folder, "bookworm", "trixie");
    }

    @Test
    void givenStanzas_whenRead_thenAnotherReleaseFromTheSameMirrors()
            throws IOException, InterruptedException {
        AptSources sources =
                read(
                        "sources.list.d/debian.sources",
                        """
                        Types: deb deb-src
                        # where
                        URIs: http://mirror.example/debian
                        Suites: bookworm bookworm-updates
                        Components: main contrib
                        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

                        Types: deb
                        URIs: http://mirror.example/security
                        Suites: bookworm-security
                        Components: main
                        Signed-By:
                         -----BEGIN PGP PUBLIC KEY BLOCK-----
                         .
                         abc

                        Enabled: no
                        Types: deb
                        URIs: http://off.example
                        Suites: bookworm
                        Components: main
                        """);

        assertThat(sources.lines())
                .containsExactly(
                        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian trixie main",
                        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian trixie-updates main",
                        "deb http://mirror.example/security trixie-security main");
    }

    @Test
    void givenLines_whenRead_thenOnlyWhatIsDebians() throws IOException, InterruptedException {
        AptSources sources =
                read(
                        "sources.list",
                        """
                        deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm main non-free # ours
                        deb-src https://mirror.example/debian bookworm main
                        # deb https://old.example/debian bookworm main
                        deb https://other.example/tool bookworm stable
                        deb https://other.example/db bookworm-db main
                        """);

        assertThat(sources.lines())
                .containsExactly(
                        "deb [signed-by=/k.gpg] https://mirror.example/debian trixie main");
    }

    @Test
    void givenNoDebian_whenRead_thenItsOwnArchive() throws IOException, InterruptedException {
        assertThat(read("sources.list", "deb http://ubuntu.example noble main\n").lines())
                .containsExactly("deb http://deb.debian.org/debian trixie main");
    }

    @Test
    void givenDump_whenRead_thenWhatDecidesHowToFetch() {
        String dump =
                """
                APT "";
                Acquire::http "";
                Acquire::http::Proxy "http://proxy.example:3128";
                Acquire::https::Verify-Peer "true";
                Acquire::Languages:: "none";
                Acquire::Check-Valid-Until "false";
                Dir::Cache "var/cache/apt";
                """;

        assertThat(AptSources.options(dump))
                .containsExactly(
                        "Acquire::http::Proxy \"http://proxy.example:3128\";",
                        "Acquire::https::Verify-Peer \"true\";",
                        "Acquire::Check-Valid-Until \"false\";");
    }
}
