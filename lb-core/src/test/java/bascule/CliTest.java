package bascule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.config.AdminConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Where commands look for a daemon if they are not told.
final class CliTest {
    private static final String VALID =
            """
            listeners.http { bind = "127.0.0.1:8080", backend = web }
            backends.web.servers = ["127.0.0.1:9001"]
            """;

    @TempDir Path folder = Path.of("");

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("bascule.conf"), text);
    }

    @Test
    void givenSocketInTheFile_whenLookedFor_thenThat() throws IOException {
        Path file = file(VALID + "admin.socket = run/my.sock\n");

        assertThat(Cli.defaultSocket(file)).isEqualTo(folder.resolve("run/my.sock"));
    }

    /// Whose daemon must be found all the same, to refuse it.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "listeners.http.bnd = 1\nadmin.socket = my.sock\n",
                "admin { socket = my.sock, http = nonsense, htpp = 1 }\n",
            })
    void givenFileWithFaults_whenLookedFor_thenItsSocket(String text) throws IOException {
        assertThat(Cli.defaultSocket(file(text))).isEqualTo(folder.resolve("my.sock"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                VALID,
                VALID + "admin.socket = ${?NOT_SET}\n",
                "admin.socket = \"\"\n",
                "admin { socket = my.sock",
                ""
            })
    void givenNoneInTheFile_whenLookedFor_thenTheUsualOne(String text) throws IOException {
        assertThat(Cli.defaultSocket(file(text))).isEqualTo(AdminConfig.SOCKET);
    }

    @Test
    void givenNoFile_whenLookedFor_thenTheUsualOne() throws IOException {
        assertThat(Cli.defaultSocket(folder.resolve("none.conf"))).isEqualTo(AdminConfig.SOCKET);
    }

    @Test
    void givenOffInTheFile_whenLookedFor_thenSaidSo() throws IOException {
        Path file = file(VALID + "admin.socket = off\n");

        assertThatThrownBy(() -> Cli.defaultSocket(file))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "cannot talk to a daemon: admin.socket is off in "
                                + file
                                + " (expected: a socket there, or --socket PATH)");
    }
}
