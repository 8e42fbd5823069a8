package bascule;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.AdminClient.Answer;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a client makes of a daemon that is not there, or of something else in its place.
@Timeout(60)
final class AdminClientIT {
    @TempDir Path folder = Path.of("");
    private ServerSocketChannel listening;

    private Path socket() {
        return folder.resolve("admin.sock");
    }

    @AfterEach
    void close() throws IOException {
        if (listening != null) listening.close();
    }

    private void listen(int backlog) throws IOException {
        listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listening.bind(UnixDomainSocketAddress.of(socket()), backlog);
    }

    /// Answers the next question with these bytes, and then ends.
    ///
    /// @return what was asked
    private CompletableFuture<String> answer(String bytes) throws IOException {
        listen(10);
        return CompletableFuture.supplyAsync(
                () -> {
                    try (SocketChannel peer = listening.accept()) {
                        ByteBuffer asked = ByteBuffer.allocate(1024);
                        peer.read(asked);
                        ByteBuffer out = ByteBuffer.wrap(bytes.getBytes(ISO_8859_1));
                        while (out.hasRemaining()) peer.write(out);
                        return new String(asked.array(), 0, asked.position(), ISO_8859_1);
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
    }

    private Answer ask() throws IOException {
        return new AdminClient(socket()).get("/status");
    }

    private String failure() {
        try {
            throw new AssertionError(ask());
        } catch (IOException e) {
            String start = "cannot talk to " + socket() + ": ";
            assertThat(e.getMessage()).startsWith(start);
            return e.getMessage().substring(start.length());
        }
    }

    @Test
    void givenAnswer_whenAsked_thenItsStatusAndBody() throws Exception {
        CompletableFuture<String> asked =
                answer(
                        "HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 4\r\n\r\n\u00c3\u00a9!\n");

        assertThat(ask()).isEqualTo(new Answer(404, "\u00e9!\n"));
        assertThat(asked.get())
                .isEqualTo(
                        "GET /status HTTP/1.1\r\nHost: bascule\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }

    @Test
    void givenNoSocket_whenAsked_thenNoDaemon() {
        assertThat(failure())
                .isEqualTo(
                        "no daemon listens there (expected: a running bascule; --socket PATH for another)");
    }

    @Test
    void givenSocketOfADeadDaemon_whenAsked_thenNoDaemon() throws IOException {
        listen(1);
        listening.close();

        assertThat(socket()).exists();
        assertThat(failure()).startsWith("no daemon listens there ");
    }

    @Test
    void givenSomeFile_whenAsked_thenNoDaemon() throws IOException {
        Files.createFile(socket());

        assertThat(failure()).startsWith("no daemon listens there ");
    }

    @Test
    void givenNameTooLongForASocket_whenAsked_thenSaidSo() {
        Path file = folder.resolve("a".repeat(100));

        assertThatThrownBy(() -> new AdminClient(file).get("/status"))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("cannot talk to " + file + ": ");
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "'', closed without an answer",
                "'HTTP/1.1 200 OK\r\nContent-Le', no HTTP answer",
                "'HTTP/1.1 200 OK\r\n\r\n', no HTTP answer",
                "'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', no HTTP answer",
                "'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n', no HTTP answer",
                "'HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n', an answer of 99999999 bytes",
                "'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd', the answer breaks off",
                "'SSH-2.0-OpenSSH_9.6\r\n\r\n', no HTTP answer",
                "'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', no HTTP answer",
            })
    void givenSomethingElse_whenAsked_thenSaidWhat(String bytes, String what) throws IOException {
        answer(bytes);

        assertThat(failure()).isEqualTo(what + " (expected: a daemon of bascule)");
    }

    @Test
    void givenHeadWithoutEnd_whenAsked_thenNotReadForEver() throws IOException {
        answer("HTTP/1.1 200 OK\r\nA: " + "a".repeat(100_000));

        assertThat(failure()).startsWith("no HTTP answer ");
    }

    @Test
    void givenSilence_whenPatienceEnds_thenSaidSo() throws IOException {
        listen(10); // The kernel connects; nobody accepts.
        var client = new AdminClient(socket());

        assertThatThrownBy(() -> client.ask("GET", "/status", Duration.ofSeconds(1)))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot talk to " + socket() + ": no answer within 1 s");
    }

    @Test
    void givenFullQueue_whenPatienceEnds_thenSaidSo() throws IOException {
        listen(1);
        var client = new AdminClient(socket());
        try (var first = SocketChannel.open(StandardProtocolFamily.UNIX);
                var second = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            for (SocketChannel each : new SocketChannel[] {first, second}) {
                each.configureBlocking(false);
                each.connect(UnixDomainSocketAddress.of(socket()));
            }

            assertThatThrownBy(() -> client.ask("GET", "/status", Duration.ofSeconds(1)))
                    .isInstanceOf(IOException.class)
                    .hasMessage("cannot talk to " + socket() + ": no answer within 1 s");
        }
    }
}
