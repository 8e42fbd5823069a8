package bascule.admin;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.Cidr;
import bascule.observe.Metrics;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class AdminServerIT {
    private static final InetSocketAddress LOOPBACK =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final AdminServer.Limits LIMITS =
            new AdminServer.Limits(64, Duration.ofSeconds(30));

    private final Metrics metrics = Metrics.create("test", 1);
    private final List<AutoCloseable> opened = new ArrayList<>();
    private volatile boolean ready = true;
    private volatile String askedOn = "";

    private record Response(int status, Map<String, String> headers, byte[] body) {
        String text() {
            return new String(body, UTF_8);
        }

        String header(String name) {
            return headers.getOrDefault(name, "");
        }
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) each.close();
        metrics.close();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /live, 200, text/plain; charset=utf-8",
        "GET, /ready, 200, text/plain; charset=utf-8",
        "GET, /status, 200, application/json",
        "GET, /metrics, 200, text/plain; version=0.0.4; charset=utf-8",
        "GET, /, 200, text/html; charset=utf-8",
        "GET, /live?verbose=1, 200, text/plain; charset=utf-8",
        "GET, /nowhere, 404, text/plain; charset=utf-8",
        "GET, //live, 404, text/plain; charset=utf-8",
        "POST, /live, 405, text/plain; charset=utf-8",
        "DELETE, /nowhere, 405, text/plain; charset=utf-8",
        "TRACE, /live, 405, text/plain; charset=utf-8",
    })
    void givenRequest_whenSent_thenAnsweredAndTheConnectionStays(
            String method, String path, int status, String type) throws IOException {
        Socket client = connect(start());
        for (int i = 0; i < 2; i++) {
            Response response =
                    exchange(client, method + " " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");

            assertEquals(status, response.status());
            assertEquals(type, response.header("content-type"));
            assertEquals("no-store", response.header("cache-control"));
            assertEquals(status == 405 ? "GET, HEAD" : "", response.header("allow"));
            assertThat(response.body()).isNotEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/live", "/status", "/metrics", "/"})
    void givenHead_whenSent_thenTheHeadOfGetAndNoBody(String path) throws IOException {
        Socket client = connect(start());
        Response get = exchange(client, "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        Response head = exchange(client, "HEAD " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");

        assertEquals(200, head.status());
        assertEquals(get.header("content-type"), head.header("content-type"));
        if (!path.equals("/metrics")) { // Which says something else each time.
            assertEquals(get.header("content-length"), head.header("content-length"));
        }
        assertEquals(200, exchange(client, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n").status());
    }

    @Test
    void givenNotReady_whenAsked_then503() throws IOException {
        AdminServer server = start();
        ready = false;

        Response response = get(server, "/ready");

        assertEquals(503, response.status());
        assertEquals("not ready\n", response.text());
    }

    @Test
    void givenStatus_whenAsked_thenItsJsonAndAskedOnTheAdminThread() throws IOException {
        Response response = get(start(), "/status");

        assertEquals(new String(StatusJson.write(Samples.full()), UTF_8), response.text());
        assertThat(askedOn).startsWith("admin");
    }

    @ParameterizedTest
    @CsvSource({"/, DENY, no-referrer", "/status, '', ''", "/live, '', ''"})
    void givenPath_whenAsked_thenThePageForPeopleAloneHasAPolicy(
            String path, String frames, String referrer) throws IOException {
        Response response = get(start(), path);

        assertEquals(
                path.equals("/") ? StatusPage.PAGE.policy() : "",
                response.header("content-security-policy"));
        assertEquals(frames, response.header("x-frame-options"));
        assertEquals(referrer, response.header("referrer-policy"));
        assertEquals("nosniff", response.header("x-content-type-options"));
        assertEquals("same-origin", response.header("cross-origin-resource-policy"));
    }

    @Test
    void givenMetrics_whenAskedForOpenMetrics_thenThat() throws IOException {
        Response response =
                get(start(), "/metrics", "Accept: application/openmetrics-text;version=1.0.0");

        assertThat(response.header("content-type")).startsWith("application/openmetrics-text");
        assertThat(response.text()).endsWith("# EOF\n");
    }

    @ParameterizedTest
    @CsvSource({
        "gzip, gzip",
        "'deflate, GZIP;q=0.5', gzip",
        "gzip;q=0, ''",
        "gzip;q=0.000, ''",
        "br, ''",
    })
    void givenAcceptedCoding_whenAskedForMetrics_thenCompressedOrNot(String accept, String coding)
            throws IOException {
        Response response = get(start(), "/metrics", "Accept-Encoding: " + accept);

        assertEquals(coding, response.header("content-encoding"));
        String text =
                coding.isEmpty()
                        ? response.text()
                        : new String(
                                new GZIPInputStream(new ByteArrayInputStream(response.body()))
                                        .readAllBytes(),
                                UTF_8);
        assertThat(text).contains("\nbascule_build_info{version=\"test\"} 1\n");
    }

    @ParameterizedTest
    @CsvSource({
        "HTTP/1.1, '', false",
        "HTTP/1.1, Connection: close, true",
        "HTTP/1.0, '', true",
        "HTTP/1.0, Connection: keep-alive, false",
    })
    void givenVersionAndConnection_whenAnswered_thenClosedOrKept(
            String version, String field, boolean closed) throws IOException {
        Socket client = connect(start());
        String more = field.isEmpty() ? "" : field + "\r\n";
        exchange(client, "GET /live " + version + "\r\nHost: a\r\n" + more + "\r\n");
        client.setSoTimeout(500);

        assertEquals(closed, isClosed(client));
    }

    @ParameterizedTest
    @CsvSource({
        "'GET /' , 3000, 414",
        "'GET / HTTP/1.1\r\nX: ', 9000, 431",
    })
    void givenTooMuch_whenSent_thenRefusedAndClosed(String start, int length, int status)
            throws IOException {
        Socket client = connect(start());

        Response response = exchange(client, start + "a".repeat(length) + " HTTP/1.1\r\n\r\n");

        assertEquals(status, response.status());
        assertTrue(isClosed(client));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense\r\n\r\n",
                "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                "\u0016\u0003\u0001\r\n\r\n"
            })
    void givenNonsense_whenSent_thenRefusedAndClosed(String bytes) throws IOException {
        Socket client = connect(start());

        assertEquals(400, exchange(client, bytes).status());
        assertTrue(isClosed(client));
    }

    @Test
    void givenLargeBody_whenSent_thenRefused() throws IOException {
        Response response =
                exchange(
                        connect(start()),
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");

        assertEquals(413, response.status());
    }

    @Test
    void givenPeerThatIsNotAllowed_whenItAsks_then403AndClosed() throws IOException {
        AdminServer server =
                start(List.of(Cidr.parse("192.0.2.0/24"), Cidr.parse("2001:db8::/32")), LIMITS);
        Socket client = connect(server);

        assertEquals(403, exchange(client, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").status());
        assertTrue(isClosed(client));
    }

    @Test
    void givenPeerThatIsAllowed_whenItAsks_thenAnswered() throws IOException {
        AdminServer server =
                start(List.of(Cidr.parse("192.0.2.0/24"), Cidr.parse("127.0.0.0/8")), LIMITS);

        assertEquals(200, get(server, "/live").status());
    }

    @Test
    void givenAllConnectionsTaken_whenAnotherComes_thenItIsClosedAndAFreedPlaceIsGivenAgain()
            throws Exception {
        AdminServer server = start(List.of(), new AdminServer.Limits(2, Duration.ofSeconds(30)));
        Socket first = connect(server);
        exchange(first, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
        exchange(connect(server), "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");

        assertTrue(isClosed(connect(server)));
        first.close();
        for (int i = 0; i < 100; i++) {
            try {
                assertEquals(200, get(server, "/live").status());
                return;
            } catch (IOException _) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
        }
        throw new AssertionError("the place stays taken");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET /live HTTP/1.1\r\nHo"})
    void givenClientThatSendsTooLittle_whenPatienceEnds_thenClosed(String bytes) throws Exception {
        Socket client =
                connect(start(List.of(), new AdminServer.Limits(64, Duration.ofMillis(300))));
        long start = System.nanoTime();
        client.getOutputStream().write(bytes.getBytes(ISO_8859_1));

        assertTrue(isClosed(client));
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isBetween(Duration.ofMillis(250), Duration.ofSeconds(20));
    }

    @Test
    void givenClientThatTrickles_whenPatienceEnds_thenClosedAllTheSame() throws Exception {
        Socket client =
                connect(start(List.of(), new AdminServer.Limits(64, Duration.ofMillis(400))));
        long start = System.nanoTime();
        boolean refused = false;
        while (!refused && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(20)) {
            try {
                client.getOutputStream().write('A');
                TimeUnit.MILLISECONDS.sleep(50);
            } catch (IOException _) {
                refused = true;
            }
        }

        assertTrue(refused);
    }

    @Test
    void givenClientThatAsksAndTakesNoAnswer_whenItGoesOn_thenClosed() throws Exception {
        Socket client = connect(start());
        byte[] requests =
                "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200).getBytes(ISO_8859_1);
        boolean refused = false;
        for (int i = 0; !refused && i < 1_000; i++) {
            try {
                client.getOutputStream().write(requests);
            } catch (IOException _) {
                refused = true;
            }
        }

        assertTrue(refused);
    }

    @Test
    void givenPageThatFails_whenAsked_then500AndTheServerGoesOn() throws IOException {
        AdminServer server =
                keep(
                        AdminServer.start(
                                List.of(LOOPBACK),
                                List.of(),
                                metrics,
                                () -> {
                                    throw new IllegalStateException("planted");
                                },
                                () -> true));

        assertEquals(500, get(server, "/status").status());
        assertEquals(200, get(server, "/live").status());
    }

    @Test
    void givenSeveralAddresses_whenStarted_thenRealPortsInOrderAndClosedAtTheEnd()
            throws IOException {
        var other = new InetSocketAddress(InetAddress.getByName("127.0.0.2"), 0);
        AdminServer server =
                AdminServer.start(
                        List.of(LOOPBACK, other), List.of(), metrics, Samples::full, () -> true);
        List<InetSocketAddress> addresses = server.addresses();

        assertEquals(LOOPBACK.getAddress(), addresses.get(0).getAddress());
        assertEquals(other.getAddress(), addresses.get(1).getAddress());
        for (InetSocketAddress address : addresses) assertThat(address.getPort()).isPositive();
        server.close();
        assertThatThrownBy(() -> connect(addresses.getFirst())).isInstanceOf(IOException.class);
    }

    @Test
    void givenTakenAddress_whenStarted_thenRefusedWithTheAddress() throws IOException {
        InetSocketAddress taken = start().addresses().getFirst();

        assertThatThrownBy(
                        () ->
                                AdminServer.start(
                                        List.of(LOOPBACK, taken),
                                        List.of(),
                                        metrics,
                                        Samples::full,
                                        () -> true))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("127.0.0.1:" + taken.getPort());
    }

    private AdminServer start() throws IOException {
        return start(List.of(), LIMITS);
    }

    private AdminServer start(List<Cidr> allow, AdminServer.Limits limits) throws IOException {
        var pages =
                new Pages(
                        metrics,
                        () -> {
                            askedOn = Thread.currentThread().getName();
                            return Samples.full();
                        },
                        () -> ready);
        return keep(AdminServer.start(List.of(LOOPBACK), allow, pages, limits));
    }

    private <T extends AutoCloseable> T keep(T each) {
        opened.add(each);
        return each;
    }

    private Socket connect(AdminServer server) throws IOException {
        return connect(server.addresses().getFirst());
    }

    private Socket connect(InetSocketAddress address) throws IOException {
        var client = keep(new Socket(address.getAddress(), address.getPort()));
        client.setSoTimeout(30_000);
        return client;
    }

    private Response get(AdminServer server, String path, String... fields) throws IOException {
        String more = fields.length == 0 ? "" : String.join("\r\n", fields) + "\r\n";
        return exchange(
                connect(server), "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n");
    }

    private static Response exchange(Socket client, String request) throws IOException {
        client.getOutputStream().write(request.getBytes(ISO_8859_1));
        InputStream in = client.getInputStream();
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int b = in.read();
            if (b < 0) throw new IOException("closed after: " + head);
            head.append((char) b);
        }
        String[] lines = head.toString().split("\r\n");
        var headers = new TreeMap<String, String>();
        for (int i = 1; i < lines.length; i++) {
            String[] field = lines[i].split(": ", 2);
            headers.put(field[0].toLowerCase(Locale.ROOT), field[1]);
        }
        int length =
                request.startsWith("HEAD ") ? 0 : Integer.parseInt(headers.get("content-length"));
        byte[] body = in.readNBytes(length);
        return new Response(Integer.parseInt(lines[0].split(" ")[1]), headers, body);
    }

    /// Does the server close without another byte? A reset is a close too.
    private static boolean isClosed(Socket client) throws IOException {
        try {
            return client.getInputStream().read() < 0;
        } catch (SocketTimeoutException _) {
            return false;
        } catch (SocketException _) {
            return true;
        }
    }
}
