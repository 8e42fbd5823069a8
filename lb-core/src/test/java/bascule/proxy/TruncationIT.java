package bascule.proxy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.SocketException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A response that breaks off, behind each of its bytes: the client gets a 502, or sees that something is missing, never
/// what looks like a whole response.
final class TruncationIT {
    enum Response {
        LENGTH(1, false, "Content-Length: 20||01234567890123456789"),
        CHUNKED(1, false, "Transfer-Encoding: chunked||a;x=y|0123456789|5|01234|0|X: y||"),
        /// Its chunks are taken apart, and its end is the connection's.
        DECHUNKED(0, false, "Transfer-Encoding: chunked||a|0123456789|5|01234|0|X: y||"),
        /// Only by a reset can it break off.
        UNTIL_CLOSE(1, true, "|0123456789");

        final String request;
        final String bytes;
        final boolean reset;

        /// @param rest behind the status line; `|` ends a line
        Response(int version, boolean reset, String rest) {
            request = "GET / HTTP/1." + version + "\r\nHost: a\r\n\r\n";
            this.reset = reset;
            bytes = ("HTTP/1.1 200 OK|Server: s|" + rest).replace("|", "\r\n");
        }
    }

    @ParameterizedTest
    @EnumSource
    void givenResponse_whenItBreaksOffBehindAnyByte_thenTheClientIsNeverToldThatItIsWhole(
            Response response) throws Exception {
        byte[] bytes = response.bytes.getBytes(ISO_8859_1);
        int headEnd = response.bytes.indexOf("\r\n\r\n") + 4;
        int visible = 0;
        try (Origin origin = new Origin();
                RunningDaemon daemon =
                        RunningDaemon.start(
                                """
                                loops = 1
                                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 9 }
                                backends.web.servers = ["%s"]
                                """
                                        .formatted(origin.address()))) {
            int end = response.reset ? bytes.length + 1 : bytes.length;
            for (int cut = 0; cut < end; cut++) {
                try (Wire client = Wire.connect(daemon.address("web"))) {
                    client.send(response.request);
                    try (Wire server = origin.accept()) {
                        server.receiveHead();
                        server.send(bytes, 0, cut);
                        if (response.reset) server.reset();
                    }
                    if (check(client, cut < headEnd, "cut behind byte " + cut)) visible++;
                }
            }
            assertThat(visible).isEqualTo(end);
            daemon.awaitNothingOpen();
        }
    }

    private static boolean check(Wire client, boolean withinHead, String where) throws IOException {
        var received = new StringBuilder();
        try {
            for (int next; (next = client.receive()) >= 0; ) {
                received.append((char) next);
                if (received.indexOf("502 Bad Gateway\n") > 0) { // Its body: all of it is there.
                    assertThat(withinHead).as(where).isTrue();
                    return true;
                }
            }
        } catch (SocketException reset) {
            return true;
        }
        throw new AssertionError(where + ": a clean end behind\n" + received);
    }
}
