package bascule.http2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/// What a client of HTTP/2 and an exchange get to see of each other.
final class Http2FrontTest {
    @Test
    void givenGet_whenAnswered_thenFieldsAndData() {
        try (var client = Client.greeted()) {
            client.send(
                    Frame.headers(1, Frame.block(Client.request("GET", "/a?b", "x-y", "z")), true));
            assertEquals(
                    "GET /a?b HTTP/1.1\r\nHost: example.org\r\nx-y: z\r\n\r\n",
                    client.server.last().head);
            client.server
                    .last()
                    .send(
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Odd: 1\r\nContent-Length: 5\r\n\r\nhello");
            client.server.last().end();

            List<Frame> frames = client.frames();
            assertThat(frames).map(Frame::toString).containsExactly("HEADERS 1", "DATA 1 5 last");
            assertThat(client.fields(frames.getFirst()))
                    .hasToString(
                            "{:status=200, content-type=text/plain, x-odd=1, content-length=5}");
            assertEquals("hello", frames.getLast().text());
        }
    }
}
