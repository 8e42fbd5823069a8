package bascule.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StickyKeyTest {
    @TempDir Path folder = Path.of("");

    @Test
    void givenNoKey_whenLoaded_thenOneIsMadeAndFoundAgain() throws Exception {
        Path state = folder.resolve("not/there");

        String token = StickyKey.load(state).token("web", "s1");

        Path file = state.resolve(StickyKey.FILE);
        assertEquals(32, Files.size(file));
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(token, StickyKey.load(state).token("web", "s1"));
        try (var files = Files.list(state)) {
            assertThat(files).containsExactly(file); // Nothing is left beside it.
        }
        assertNotEquals(token, StickyKey.load(folder).token("web", "s1"));
    }

    @Test
    void givenBrokenKey_whenLoaded_thenItIsReplaced() throws Exception {
        Files.write(folder.resolve(StickyKey.FILE), new byte[31]);
        Files.write(folder.resolve(StickyKey.FILE + ".new"), new byte[7]); // Of a crash.

        String token = StickyKey.load(folder).token("web", "s1");

        assertEquals(32, Files.size(folder.resolve(StickyKey.FILE)));
        assertEquals(token, StickyKey.load(folder).token("web", "s1"));
    }

    @Test
    void givenFolderThatCannotBe_whenLoaded_thenThereIsAKeyForThisRun() throws Exception {
        Path file = folder.resolve("file");
        Files.writeString(file, "x");

        String token = StickyKey.load(file).token("web", "s1");

        assertThat(token).hasSize(22);
        assertNotEquals(token, StickyKey.load(file).token("web", "s1"));
        assertEquals("x", Files.readString(file));
    }
}
