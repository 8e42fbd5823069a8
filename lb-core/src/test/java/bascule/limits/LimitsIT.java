package bascule.limits;

import static bascule.limits.Subject.GET;
import static bascule.limits.Subject.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Answer;
import bascule.testing.Wire;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Limits in bytes and in counts: what is just within one passes, what is beyond is answered as it should be, is counted and logged
/// under its reason, and reaches no server.
@Timeout(60)
final class LimitsIT {
    private static final String LIMITS =
            "limits { connections = 100, request-line = 64B, headers = 1KiB, header-count = 10, body = 100B }";

    @TempDir Path folder = Path.of("");

    private static String head(String target, int headBytes, int fields) {
        var head = new StringBuilder("GET " + target + " HTTP/1.1\r\nHost: a\r\n");
        for (int i = 2; i < fields; i++) head.append("a: b\r\n");
        int rest = headBytes - head.length() - "x: \r\n\r\n".length();
        return head.append("x: ")
                .append("v".repeat(Math.max(0, rest)))
                .append("\r\n\r\n")
                .toString();
    }

    static Stream<Arguments> within() {
        String longest = "/" + "p".repeat(64 - "GET / HTTP/1.1".length());
        return Stream.of(
                Arguments.of("request line", head(longest, 0, 2)),
                Arguments.of("headers", head("/", 1024, 2)),
                Arguments.of("header count", head("/", 0, 10)),
                Arguments.of(
                        "body",
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
                                + "b".repeat(100)),
                Arguments.of(
                        "chunked body",
                        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                + ("32\r\n" + "b".repeat(50) + "\r\n").repeat(2)
                                + "0\r\n\r\n"));
    }

    static Stream<Arguments> beyond() {
        String longer = "/" + "p".repeat(65 - "GET / HTTP/1.1".length());
        return Stream.of(
                Arguments.of("GET /\r\n\r\n", 400, "request-line"),
                Arguments.of("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "field"),
                Arguments.of("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method"),
                Arguments.of("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "version"),
                Arguments.of(head(longer, 0, 2), 414, "request-line-too-long"),
                Arguments.of("GET /" + "p".repeat(2000), 414, "request-line-too-long"),
                Arguments.of(head("/", 1025, 2), 431, "headers"),
                Arguments.of("GET / HTTP/1.1\r\nHost: a\r\nx: " + "v".repeat(2000), 431, "headers"),
                Arguments.of(head("/", 0, 11), 431, "header-count"),
                Arguments.of(
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413, "body"),
                Arguments.of(
                        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n",
                        413,
                        "body"),
                Arguments.of(
                        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                + "65\r\n"
                                + "b".repeat(101),
                        413,
                        "body"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("within")
    void givenRequestAtALimit_whenSent_thenItPasses(String what, String request)
            throws IOException {
        try (Subject subject = Subject.in(folder).listener(LIMITS).start();
                Wire client = subject.connect(request);
                Wire server = subject.origin.accept()) {
            Answer forwarded = Answer.read(server, false);
            server.send(OK);

            assertEquals(200, Answer.read(client, false).status(), what);
            assertThat(forwarded.content()).hasSize(what.contains("body") ? 100 : 0);
            assertThat(subject.rejected()).isZero();
        }
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("beyond")
    void givenRequestBeyondALimit_whenSent_thenAnsweredClosedCountedAndNotForwarded(
            String request, int status, String reason) throws IOException {
        try (Subject subject = Subject.in(folder).listener(LIMITS).start();
                Wire client = subject.connect(request)) {
            Answer answer = Answer.read(client, false);

            assertEquals(status, answer.status());
            assertEquals("close", answer.field("Connection"));
            client.awaitEnd();
            subject.awaitRejected(reason, 1);
            subject.awaitLogged(1, status, reason);
            assertThat(subject.origin.poll()).isNull();
        }
    }

    @Test
    void givenChunkedBodyThatGrowsBeyond_whenItDoes_then413AndTheServerGetsNoMoreAndNoEnd()
            throws IOException {
        try (Subject subject = Subject.in(folder).listener(LIMITS).start();
                Wire client =
                        subject.connect(
                                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                        + "50\r\n"
                                        + "b".repeat(80)
                                        + "\r\n");
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            assertEquals("50\r\n" + "b".repeat(80) + "\r\n", server.receive(86));

            client.send("50\r\n" + "c".repeat(80) + "\r\n0\r\n\r\n");

            assertEquals(413, Answer.read(client, false).status());
            assertEquals(
                    Wire.End.RESET, server.awaitEnd()); // A FIN could pass for the end of a body.
            client.awaitEnd();
            subject.awaitRejected("body", 1);
            subject.awaitLogged(1, 413, "body");
        }
    }

    @Test
    void givenBodyBeyondWhileTheResponseRuns_whenSeen_thenTheResponseIsCutVisibly()
            throws IOException {
        try (Subject subject = Subject.in(folder).listener(LIMITS).start();
                Wire client =
                        subject.connect(
                                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
                Wire server = subject.origin.accept()) {
            server.receiveHead();
            server.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
            assertThat(client.receiveHead()).startsWith("HTTP/1.1 200 ");
            assertEquals("first", client.receive(5));

            client.send("65\r\n" + "c".repeat(101));

            assertEquals(Wire.End.RESET, client.awaitEnd());
            assertEquals(Wire.End.RESET, server.awaitEnd());
            subject.awaitRejected("body", 1);
            subject.awaitLogged(1, 200, "body");
        }
    }

    /// One is served, so many more may wait behind it at a time.
    @ParameterizedTest
    @CsvSource({"3, 4, 4", "3, 5, 4", "3, 50, 4", "1, 3, 2"})
    void givenRequestsAhead_whenMoreThanAllowedWait_thenThoseAllowedAreAnsweredAndTheRestIsNot(
            int allowed, int sent, int answered) throws IOException {
        String listener =
                "limits { connections = 100, pipelined = %d }, routes = [{ path = /, respond = 204 }]"
                        .formatted(allowed);
        try (Subject subject = Subject.in(folder).listener(listener).start();
                Wire client = subject.connect(GET.repeat(sent))) {
            for (int i = 1; i <= answered; i++) {
                Answer answer = Answer.read(client, false);
                assertEquals(204, answer.status());
                assertEquals(
                        i == answered && answered < sent ? "close" : null,
                        answer.field("Connection"));
            }
            if (answered < sent) {
                client.awaitEnd();
                subject.awaitRejected("pipelined", 1);
            } else {
                client.send(GET);
                assertEquals(204, Answer.read(client, false).status());
                assertThat(subject.rejected()).isZero();
            }
            subject.awaitLog(answered == sent ? sent + 1 : answered);
        }
    }

    /// A client that keeps three requests under way is within the limit, however long it goes on.
    @Test
    void givenThreeRequestsAtATimeForLong_whenTheirSumIsBeyond_thenNothingIsRefused()
            throws Exception {
        String listener = "limits { connections = 100, pipelined = 3 }";
        try (Subject subject = Subject.in(folder).listener(listener).start();
                Wire client = subject.connect(GET.repeat(3));
                Wire server = subject.origin.accept()) {
            for (int i = 0; i < 50; i++) {
                server.receiveHead();
                server.send(OK);
                Answer answer = Answer.read(client, false);
                assertEquals(200, answer.status());
                assertThat(answer.field("Connection")).isNull();
                client.send(GET);
                Thread.sleep(5); // It is read ahead, which shows nowhere.
            }
            assertThat(subject.rejected()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void givenAllConnectionsTaken_whenMoreCome_thenClosedAndCountedUntilSomeAreFree(int loops)
            throws IOException {
        String listener = "limits { connections = 5 }, routes = [{ path = /, respond = 204 }]";
        try (Subject subject =
                Subject.in(folder).listener(listener).top("loops = " + loops).start()) {
            List<Wire> taken = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                Wire client = subject.connect(GET);
                assertEquals(204, Answer.read(client, false).status());
                taken.add(client);
            }
            assertThat(subject.daemon.metric("bascule_connections_open")).isEqualTo(5);

            for (int i = 1; i <= 10; i++) {
                try (Wire refused = subject.connect()) {
                    refused.awaitEnd();
                }
            }
            subject.awaitRejected("connections", 10);
            taken.getFirst().send(GET); // Those inside are served as before.
            assertEquals(204, Answer.read(taken.getFirst(), false).status());

            for (Wire client : taken) client.close();
            subject.daemon.awaitMetric(0, "bascule_connections_open");
            for (int i = 0; i < 5; i++) {
                taken.set(i, subject.connect(GET));
                assertEquals(204, Answer.read(taken.get(i), false).status());
            }
            for (Wire client : taken) client.close();
            assertThat(subject.rejected()).isEqualTo(10);
        }
    }
}
