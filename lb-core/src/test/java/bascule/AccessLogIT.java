package bascule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.admin.Commands;
import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.testing.Answer;
import bascule.testing.Origin;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The access log as the daemon writes it.
final class AccessLogIT {
    @TempDir Path folder = Path.of("");

    private RunningDaemon start(String format, String server) {
        return RunningDaemon.startWith(configuration(format, file(), server));
    }

    private static String configuration(String format, Path file, String server) {
        return """
            admin.http = "127.0.0.1:0"
            shutdown.grace = off
            loops = 2
            logging { access = %s, file = "%s" }
            listeners.http {
              bind = "127.0.0.1:0", limits.connections = 100
              routes = [{ path = /own/, respond { status = 200, body = ok } }]
              backend = web
            }
            backends.web { servers = [{ name = a, address = "%s" }] }
            """
                .formatted(format, file, server);
    }

    private Path file() {
        return folder.resolve("access.log");
    }

    @Test
    void givenLoad_whenTheFileIsMovedAwayAgainAndAgain_thenOneWholeLineForEachRequest()
            throws Exception {
        int clients = 4;
        int moves = 0;
        var enough = new AtomicBoolean();
        var sent = new ArrayList<Future<Integer>>();
        try (RunningDaemon daemon = start("combined", "127.0.0.1:1");
                ExecutorService threads = Executors.newFixedThreadPool(clients)) {
            for (int client = 0; client < clients; client++) {
                int name = client;
                sent.add(threads.submit(() -> load(daemon.address("http"), name, enough)));
            }
            try {
                while (moves < 30) {
                    if (Files.exists(file())) Files.move(file(), moved(moves++));
                    daemon.reopenLogs();
                    Thread.sleep(20);
                }
            } finally {
                enough.set(true);
            }
            for (Future<Integer> each : sent) each.get();
            assertEquals(0, daemon.metric("bascule_access_log_dropped_total"));
        }

        var seen = new HashMap<String, Integer>();
        for (int i = 0; i <= moves; i++) {
            Path each = i == moves ? file() : moved(i);
            if (!Files.exists(each)) continue; // The last reopening may not have come.
            String text = Files.readString(each);
            assertTrue(text.isEmpty() || text.endsWith("\n"), each.toString());
            for (String line : text.lines().toList()) {
                Matcher parsed = LINE.matcher(line);
                assertTrue(parsed.matches(), line);
                seen.merge(parsed.group("request"), 1, Integer::sum);
            }
        }
        int all = 0;
        for (int client = 0; client < clients; client++) {
            int requests = sent.get(client).get();
            all += requests;
            for (int number = 0; number < requests; number++) {
                String request = "GET /own/" + client + "/" + number + " HTTP/1.1";
                assertEquals(1, seen.getOrDefault(request, 0), request);
            }
        }
        assertEquals(all, seen.size());
    }

    @Test
    void givenLoad_whenReloadsChangeFileAndFormat_thenOneLineForEachRequestInOneOfThem()
            throws Exception {
        String[][] turns = {{"json", "a"}, {"combined", "b"}, {"combined", "a"}, {"json", "a"}};
        int clients = 3;
        var now = new AtomicInteger();
        Supplier<LoadResult> source =
                () -> {
                    String[] turn = turns[now.get() % turns.length];
                    return ConfigurationLoader.parse(
                            configuration(turn[0], folder.resolve(turn[1]), "127.0.0.1:1"),
                            Path.of("test.conf"),
                            Map.of());
                };
        if (!(source.get() instanceof LoadResult.Loaded(Configuration first)))
            throw new AssertionError(source.get());
        var enough = new AtomicBoolean();
        var sent = new ArrayList<Future<Integer>>();
        Daemon daemon = Daemon.start(first, source);
        InetSocketAddress http = daemon.addresses("http").getFirst();
        try (ExecutorService threads = Executors.newFixedThreadPool(clients)) {
            for (int client = 0; client < clients; client++) {
                int name = client;
                sent.add(threads.submit(() -> load(http, name, enough)));
            }
            try {
                while (now.incrementAndGet() < 20) {
                    assertInstanceOf(Commands.Reloaded.class, daemon.reload().get());
                    Thread.sleep(10);
                }
            } finally {
                enough.set(true);
            }
            for (Future<Integer> each : sent) each.get();
        } finally {
            daemon.stop();
        }

        Pattern either = Pattern.compile("GET /own/(\\d+/\\d+) |\"target\":\"/own/(\\d+/\\d+)\"");
        var seen = new HashSet<String>();
        var formats = new HashSet<Character>();
        for (String name : new String[] {"a", "b"}) {
            for (String line : Files.readAllLines(folder.resolve(name))) {
                Matcher request = either.matcher(line);
                assertTrue(request.find(), line);
                assertTrue(
                        line.endsWith("\"reason\":\"complete\"}") || LINE.matcher(line).matches(),
                        line);
                assertTrue(
                        seen.add(request.group(1) == null ? request.group(2) : request.group(1)),
                        line);
                formats.add(line.charAt(0));
            }
        }
        int all = 0;
        for (Future<Integer> each : sent) all += each.get();
        assertEquals(all, seen.size());
        assertEquals(Set.of('1', '{'), formats);
    }

    private Path moved(int number) {
        return folder.resolve("access.log." + number);
    }

    /// @return requests answered
    private static int load(InetSocketAddress http, int client, AtomicBoolean enough)
            throws IOException {
        int number = 0;
        try (Wire wire = Wire.connect(http)) {
            while (!enough.get()) {
                wire.send("GET /own/" + client + "/" + number++ + " HTTP/1.1\r\nHost: h\r\n\r\n");
                assertEquals(200, Answer.read(wire, false).status());
            }
        }
        return number;
    }

    private static final Pattern LINE =
            Pattern.compile(
                    "127\\.0\\.0\\.1 - - \\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000]"
                            + " \"(?<request>[^\"]*)\" (?<status>\\d{3}) (?<bytes>\\d+)"
                            + " \"(?<referer>[^\"]*)\" \"(?<agent>[^\"]*)\""
                            + " host=(?<host>-|\"[^\"]*\") request_id=(?<id>-|\"[^\"]*\") listener=\"http\""
                            + " backend=(?<backend>-|\"web\") server=(?<server>-|\"a\")"
                            + " queue_ms=(?<queue>\\S+) connect_ms=(?<connect>\\S+)"
                            + " first_byte_ms=(?<first>\\S+) total_ms=(?<total>\\d+\\.\\d{3})"
                            + " retries=(?<retries>\\d+) reused=(?<reused>true|false)"
                            + " upgraded=(?<upgraded>true|false) reason=(?<reason>\\S+)");

    @Test
    void givenCombined_whenProxied_thenFieldsOfTheHeadAndBytesOfTheBody() throws Exception {
        try (var origin = new Origin();
                RunningDaemon daemon = start("combined", origin.address());
                Wire client = Wire.connect(daemon.address("http"))) {
            client.send(
                    crlf(
                            """
                            GET /a?b="c HTTP/1.1
                            Host: www.example.org
                            User-Agent: say "hi" \\ 1\t2
                            REFERER: https://example.org/
                            Referer: second

                            """));
            try (Wire server = origin.accept()) {
                Answer request = Answer.read(server, false);
                server.send(
                        crlf(
                                """
                                HTTP/1.1 200 OK
                                Transfer-Encoding: chunked
                                Keep-Alive: x

                                5
                                hello
                                0

                                """));
                assertEquals("hello", Answer.read(client, false).body());
                client.send("HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n");
                var _ = Answer.read(server, false);
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
                var _ = Answer.read(client, true);
                client.send("GET /early HTTP/1.1\r\nHost: h\r\n\r\n");
                var _ = Answer.read(server, false);
                server.send(
                        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                                + "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n...");
                assertEquals(103, Answer.read(client, false).status());
                assertEquals("...", Answer.read(client, false).body());
                client.send("GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n");
                Answer refused = Answer.read(client, false);

                List<Matcher> lines = lines(4);
                Matcher first = lines.get(0);
                assertEquals("GET /a?b=\\x22c HTTP/1.1", first.group("request"));
                assertEquals("15", first.group("bytes"));
                assertEquals("https://example.org/", first.group("referer"));
                assertEquals("say \\x22hi\\x22 \\x5C 1\\x092", first.group("agent"));
                assertEquals("\"www.example.org\"", first.group("host"));
                assertEquals('"' + request.field("x-request-id") + '"', first.group("id"));
                assertEquals("false", first.group("reused"));
                assertThat(first.group("connect")).matches("\\d+\\.\\d{3}");
                assertThat(first.group("first")).matches("\\d+\\.\\d{3}");
                assertEquals("HEAD /head HTTP/1.1", lines.get(1).group("request"));
                assertEquals("0", lines.get(1).group("bytes"));
                assertEquals("true", lines.get(1).group("reused"));
                assertEquals("-", lines.get(1).group("connect"));
                assertEquals("404", lines.get(2).group("status"));
                assertEquals("3", lines.get(2).group("bytes"));
                assertEquals("-", lines.get(3).group("request"));
                assertEquals("400", lines.get(3).group("status"));
                assertEquals("" + refused.content().length, lines.get(3).group("bytes"));
                assertThat(lines.get(3).group("reason")).isNotEqualTo("complete");
            }
        }
    }

    @Test
    void givenCombined_whenThereIsNoAnswer_then499() throws Exception {
        try (var origin = new Origin();
                RunningDaemon daemon = start("combined", origin.address())) {
            try (Wire client = Wire.connect(daemon.address("http"))) {
                client.send("GET /gone HTTP/1.1\r\nHost: h\r\n\r\n");
                try (Wire server = origin.accept()) {
                    var _ = Answer.read(server, false);
                    client.reset();
                    Matcher line = lines(1).getFirst();

                    assertEquals("499", line.group("status"));
                    assertEquals("0", line.group("bytes"));
                    assertEquals("\"a\"", line.group("server"));
                }
            }
        }
    }

    @Test
    void givenJson_whenProxied_thenTheKeysInTheirOrder() throws Exception {
        try (var origin = new Origin();
                RunningDaemon daemon = start("json", origin.address());
                Wire client = Wire.connect(daemon.address("http"))) {
            client.send("GET /a HTTP/1.1\r\nHost: h\r\nReferer: r\r\n\r\n");
            try (Wire server = origin.accept()) {
                var _ = Answer.read(server, false);
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                var _ = Answer.read(client, false);
                Awaitility.await().until(() -> Files.readString(file()).endsWith("\n"));
            }
        }

        assertThat(Files.readString(file()))
                .matches(
                        "\\{\"time\":\"[^\"]*Z\",\"listener\":\"http\",\"client\":\"127\\.0\\.0\\.1:\\d+\",\"method\":\"GET\","
                                + "\"host\":\"h\",\"target\":\"/a\",\"protocol\":\"HTTP/1\\.1\",\"tls\":null,\"cipher\":null,\"sni\":null,\"resumed\":null,\"request_id\":\"[0-9a-f]{32}\","
                                + "\"status\":200,\"received\":\\d+,\"sent\":\\d+,\"backend\":\"web\",\"server\":\"a\","
                                + "\"queue_ms\":(null|\\d+\\.\\d{3}),\"connect_ms\":\\d+\\.\\d{3},\"first_byte_ms\":\\d+\\.\\d{3},"
                                + "\"total_ms\":\\d+\\.\\d{3},\"retries\":0,\"reused\":false,\"upgraded\":false,"
                                + "\"reason\":\"complete\"}\n");
    }

    @Test
    void givenOff_whenAsked_thenNoFileAndNoThread() throws Exception {
        try (RunningDaemon daemon = start("off", "127.0.0.1:1")) {
            assertEquals(200, Answer.get(daemon.address("http"), "/own/").status());
            daemon.reopenLogs();

            assertThat(Thread.getAllStackTraces().keySet())
                    .noneMatch(thread -> thread.getName().equals("access-log"));
        }
        assertThat(file()).doesNotExist();
    }

    private static String crlf(String text) {
        return text.replace("\n", "\r\n");
    }

    private List<Matcher> lines(int count) throws IOException {
        Awaitility.await().until(() -> Files.readString(file()).lines().count() == count);
        var parsed = new ArrayList<Matcher>();
        for (String line : Files.readAllLines(file())) {
            Matcher each = LINE.matcher(line);
            assertTrue(each.matches(), line);
            parsed.add(each);
        }
        return parsed;
    }
}
