package bascule.admin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SocketFileIT {
    @TempDir Path folder = Path.of("");
    private Path path = Path.of("");
    private SocketFile bound;

    @BeforeEach
    void path() {
        path = folder.resolve("admin.sock");
    }

    @AfterEach
    void close() throws IOException {
        if (bound != null) bound.channel().close();
    }

    private SocketFile bind() throws IOException {
        bound = SocketFile.bind(path);
        return bound;
    }

    private boolean isHeard() {
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    @Test
    void givenFreeName_whenBound_thenItIsHeardAndOnlyOwnerAndGroupMayConnect() throws IOException {
        bind();

        assertThat(isHeard()).isTrue();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-rw----");
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all).containsExactly(path);
        }
    }

    /// What a watcher of the folder sees of the name: that it is there, renamed, whole. There is no later change of it.
    @Test
    void givenFreeName_whenBound_thenItAppearsOnceAndIsNeverChanged() throws Exception {
        try (var watch = folder.getFileSystem().newWatchService()) {
            folder.register(
                    watch,
                    StandardWatchEventKinds.ENTRY_CREATE,
                    StandardWatchEventKinds.ENTRY_MODIFY,
                    StandardWatchEventKinds.ENTRY_DELETE);
            bind();
            Files.createFile(folder.resolve("end"));

            int created = 0;
            for (boolean ended = false; !ended; ) {
                WatchKey key = watch.poll(30, TimeUnit.SECONDS);
                assertThat(key).isNotNull();
                for (WatchEvent<?> event : key.pollEvents()) {
                    if (Path.of("end").equals(event.context())) ended = true;
                    if (!Path.of("admin.sock").equals(event.context())) continue;
                    assertThat(event.kind()).isEqualTo(StandardWatchEventKinds.ENTRY_CREATE);
                    created++;
                }
                key.reset();
            }
            assertThat(created).isEqualTo(1);
        }
    }

    @Test
    void givenSocketOfADeadDaemon_whenBound_thenItIsReplaced() throws IOException {
        ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        dead.bind(UnixDomainSocketAddress.of(path));
        dead.close(); // The name stays.
        assertThat(path).exists();
        assertThat(isHeard()).isFalse();

        bind();

        assertThat(isHeard()).isTrue();
    }

    @Test
    void givenSocketOfALivingDaemon_whenBoundAgain_thenRefusedAndTheFirstGoesOn()
            throws IOException {
        bind();

        assertThatThrownBy(() -> SocketFile.bind(path))
                .isInstanceOf(IOException.class)
                .hasMessage(path + ": another daemon listens there (expected: a socket for each)");
        assertThat(isHeard()).isTrue();
    }

    /// It accepts nobody, and its queue is full: a connect would wait.
    @Test
    void givenSocketOfADaemonThatHangs_whenBoundAgain_thenRefusedAtOnce() throws IOException {
        try (var hangs = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                var first = SocketChannel.open(StandardProtocolFamily.UNIX);
                var second = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            hangs.bind(UnixDomainSocketAddress.of(path), 1);
            for (SocketChannel each : new SocketChannel[] {first, second}) {
                each.configureBlocking(false);
                each.connect(UnixDomainSocketAddress.of(path));
            }

            assertThatThrownBy(() -> SocketFile.bind(path)).hasMessageContaining("another daemon");
        }
    }

    @Test
    void givenSomethingElseOfThatName_whenBound_thenRefusedAndLeftAlone() throws IOException {
        Files.writeString(path, "precious");

        assertThatThrownBy(() -> SocketFile.bind(path))
                .hasMessage(path + ": is there and no socket (expected: a socket, or nothing)");
        assertThat(path).hasContent("precious");
    }

    @Test
    void givenLinkToASocket_whenBound_thenRefusedAndLeftAlone() throws IOException {
        Path target = folder.resolve("target");
        try (var other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(target));
        }
        Files.createSymbolicLink(path, target);

        assertThatThrownBy(() -> SocketFile.bind(path)).hasMessageContaining("no socket");
        assertThat(path).isSymbolicLink();
    }

    @ParameterizedTest
    @CsvSource({
        "nowhere/admin.sock, 'no such folder (expected: one that exists)'",
        "file/admin.sock, 'no such folder (expected: one that exists)'",
    })
    void givenNoFolder_whenBound_thenRefusedAndNoneIsMade(String name, String what)
            throws IOException {
        Files.createFile(folder.resolve("file"));
        Path there = folder.resolve(name);

        assertThatThrownBy(() -> SocketFile.bind(there)).hasMessage(there + ": " + what);
        assertThat(folder.resolve("nowhere")).doesNotExist();
    }

    @Test
    void givenLongName_whenBound_thenRefusedWithWhatWouldDo() throws IOException {
        Path file = Path.of("/" + "a".repeat(106));
        Path longFolder = Path.of("/" + "a".repeat(95) + "/admin.sock");

        assertThatThrownBy(() -> SocketFile.bind(file))
                .hasMessage(file + ": is too long (expected: up to 106 bytes)");
        assertThatThrownBy(() -> SocketFile.bind(longFolder))
                .hasMessage(
                        longFolder + ": its folder has a name too long (expected: up to 94 bytes)");
    }

    @Test
    void givenLongestFolder_whenBound_thenHeard() throws IOException {
        int more = 94 - folder.toString().getBytes(UTF_8).length - 1;
        path = Files.createDirectory(folder.resolve("a".repeat(more))).resolve("admin.sock");

        bind();

        assertThat(isHeard()).isTrue();
    }

    @Test
    void givenBound_whenRemoved_thenTheNameIsGone() throws IOException {
        bind().remove();

        assertThat(path).doesNotExist();
    }

    @Test
    void givenNameOfAnotherByNow_whenRemoved_thenItStays() throws IOException {
        SocketFile first = bind();
        Files.delete(path);
        try (var _ = first.channel()) {
            bind();
            first.remove();
        }

        assertThat(path).exists();
        assertThat(isHeard()).isTrue();
    }

    @Test
    void givenNameThatIsGone_whenRemoved_thenNothing() throws IOException {
        SocketFile file = bind();
        Files.delete(path);

        file.remove();

        assertThat(path).doesNotExist();
    }
}
