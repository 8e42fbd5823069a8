package bascule.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EpochsTest {
    @TempDir Path folder;
    private final List<IOException> failures = new CopyOnWriteArrayList<>();

    @Test
    void givenEpochs_whenReadAgain_thenTheSame() {
        try (var epochs = new Epochs(folder, failures::add)) {
            epochs.learn("public", 3);
            epochs.learn("with blank", 7);
            epochs.learn("public", 2); // Older.
        }
        try (var epochs = new Epochs(folder, failures::add)) {
            assertThat(epochs.of("public")).isEqualTo(3);
            assertThat(epochs.of("with blank")).isEqualTo(7);
            assertThat(epochs.of("other")).isZero();
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void givenGarbage_whenRead_thenOnlyWhatIsAnEpoch() {
        assertThat(
                        Epochs.parse(
                                List.of(
                                        "",
                                        " ",
                                        "a",
                                        "a b",
                                        " 5",
                                        "a -1",
                                        "a 0",
                                        "b 9",
                                        "b 4",
                                        "c 9223372036854775807",
                                        "c 549755813889")))
                .containsExactly(java.util.Map.entry("b", 9L));
    }

    @Test
    void givenNoFolder_whenLearned_thenKnownUntilTheEnd() {
        try (var epochs = new Epochs(null, failures::add)) {
            epochs.learn("public", 3);

            assertThat(epochs.of("public")).isEqualTo(3);
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void givenFolderThatIsGone_whenLearned_thenToldAndGoesOn() throws IOException {
        Path gone = Files.createDirectory(folder.resolve("gone"));
        try (var epochs = new Epochs(gone, failures::add)) {
            Files.delete(gone);
            epochs.learn("public", 3);
            assertThat(epochs.of("public")).isEqualTo(3);
        }
        assertThat(failures).hasSize(1);
    }

    @Test
    void givenFileThatIsNoText_whenRead_thenToldAndNothingKnown() throws IOException {
        Files.write(folder.resolve(Epochs.FILE), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        try (var epochs = new Epochs(folder, failures::add)) {
            assertThat(epochs.of("public")).isZero();
            epochs.learn("public", 4);
        }
        assertThat(failures).hasSize(1);
        assertThat(Files.readString(folder.resolve(Epochs.FILE), UTF_8)).isEqualTo("public 4\n");
    }

    @Test
    void givenLinkInPlaceOfTheNewFile_whenWritten_thenItIsNotFollowed() throws IOException {
        Path elsewhere = Files.writeString(folder.resolve("elsewhere"), "precious");
        Files.createSymbolicLink(folder.resolve(Epochs.FILE + ".new"), elsewhere);
        try (var epochs = new Epochs(folder, failures::add)) {
            epochs.learn("public", 3);
        }
        assertThat(failures).isEmpty();
        assertThat(Files.readString(elsewhere)).isEqualTo("precious");
        assertThat(Files.isSymbolicLink(folder.resolve(Epochs.FILE))).isFalse();
        assertThat(Files.readString(folder.resolve(Epochs.FILE))).isEqualTo("public 3\n");
    }

    @Test
    void givenFileThatIsTooLong_whenRead_thenToldAndNothingKnown() throws IOException {
        Files.writeString(
                folder.resolve(Epochs.FILE), "a 1\n".repeat(StateFile.BYTES_MOST / 4 + 1));
        try (var epochs = new Epochs(folder, failures::add)) {
            assertThat(epochs.of("a")).isZero();
        }
        assertThat(failures).hasSize(1);
        assertThat(failures.getFirst()).hasMessageContaining("expected: up to 1048576");
    }

    @Test
    void givenClosed_whenLearned_thenNoFault() {
        var epochs = new Epochs(folder, failures::add);
        epochs.close();
        epochs.learn("public", 3);

        assertThat(epochs.of("public")).isEqualTo(3);
        assertThat(failures).isEmpty();
    }
}
