package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.health.ProbeResult.Failed;
import bascule.health.ProbeResult.Passed;
import bascule.health.ProbeResult.Skipped;
import bascule.testing.Origin;
import bascule.testing.Wire;
import io.netty.channel.ChannelException;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.BindException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.channels.spi.SelectorProvider;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ProbeIT {
    private static final MultiThreadIoEventLoopGroup GROUP =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private static final EventLoop LOOP = GROUP.next();
    private static final String PATIENT = "{ http = /healthz, timeout = 20s, every = 20s }";
    private static final String HASTY = "{ http = /healthz, timeout = 300ms }";

    @AfterAll
    static void end() {
        GROUP.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }

    /// One probe under way.
    private static final class Asked implements Probe.Asker {
        final CompletableFuture<ProbeResult> result = new CompletableFuture<>();
        final CompletableFuture<Void> closed = new CompletableFuture<>();

        @Override
        public void answered(ProbeResult of) {
            if (!result.complete(of)) throw new AssertionError("twice: " + of);
        }

        @Override
        public void closed() {
            if (!result.isDone()) throw new AssertionError("closed without a result");
            if (!closed.complete(null)) throw new AssertionError("closed twice");
        }

        ProbeResult result() {
            return result.orTimeout(30, TimeUnit.SECONDS).join();
        }

        /// Waits for the end of the connection, too.
        ProbeResult end() {
            closed.orTimeout(30, TimeUnit.SECONDS).join();
            return result.join();
        }
    }

    private static Asked ask(String address, String check) {
        return ask(address, check, Probe.Sockets.SYSTEM);
    }

    private static Asked ask(String address, String check, Probe.Sockets sockets) {
        var asked = new Asked();
        LOOP.execute(
                () ->
                        new Probe(
                                        LOOP,
                                        sockets,
                                        Samples.server(address),
                                        Samples.PLAIN,
                                        Samples.check(check),
                                        asked)
                                .start());
        return asked;
    }

    private static ProbeResult answered(String check, String answer) throws IOException {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), check);
            try (Wire wire = origin.accept()) {
                wire.receiveHead();
                wire.send(answer);
                wire.sendEnd();
                return asked.end();
            }
        }
    }

    @Test
    void givenHealthyServer_whenAsked_thenARequestWithItsAddressAsHost() throws IOException {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), "{ http = \"/healthz?deep=1\" }");
            try (Wire wire = origin.accept()) {
                assertEquals(
                        "GET /healthz?deep=1 HTTP/1.1\r\nhost: "
                                + origin.address()
                                + "\r\nuser-agent: bascule-check\r\naccept: */*\r\n"
                                + "connection: close\r\n\r\n",
                        wire.receiveHead());
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                assertThat(((Passed) asked.end()).text()).startsWith("200 in ");
                assertEquals(Wire.End.CLEAN, wire.awaitEnd());
            }
        }
    }

    @Test
    void givenHost_whenAsked_thenItIsSent() throws IOException {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), "{ http = /, host = www.example.org }");
            try (Wire wire = origin.accept()) {
                assertThat(wire.receiveHead()).contains("host: www.example.org\r\n");
            }
            asked.end();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "200, true",
        "204, true",
        "399, true",
        "400, false",
        "404, false",
        "500, false",
        "503, false"
    })
    void givenStatus_whenNothingElseIsExpected_then2xxAnd3xxPass(int status, boolean passes)
            throws IOException {
        ProbeResult result =
                answered(PATIENT, "HTTP/1.1 " + status + " X\r\nContent-Length: 0\r\n\r\n");

        assertEquals(passes, result instanceof Passed);
        assertThat(result.text()).startsWith(status + " in ");
    }

    @ParameterizedTest
    @CsvSource({"200, false", "404, true", "503, true", "504, false"})
    void givenExpectedStatus_whenAnswered_thenOnlyThatPasses(int status, boolean passes)
            throws IOException {
        ProbeResult result =
                answered(
                        "{ http = /, expect = [\"404\", \"500-503\"] }",
                        "HTTP/1.1 " + status + " X\r\nContent-Length: 0\r\n\r\n");

        assertEquals(passes, result instanceof Passed, result::text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.0 200 OK\r\n\r\nbody until the end",
                "HTTP/1.1 200\r\n\r\n",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nbroken",
            })
    void givenGoodHead_whenAnswered_thenPassedWhateverFollows(String answer) throws IOException {
        assertInstanceOf(Passed.class, answered(PATIENT, answer));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SSH-2.0-OpenSSH_9.9\r\n\r\n",
                "\u0015\u0003\u0001\u0000\u0002\u0002\n\r\n\r\n",
                "HTTP/1.1 OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
                "200 OK\r\n\r\n",
            })
    void givenGarbage_whenAnswered_thenNotHttp(String answer) throws IOException {
        assertEquals(new Failed("answer is not HTTP"), answered(PATIENT, answer));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n"})
    void givenPartOfAHead_whenTheServerCloses_thenFailed(String answer) throws IOException {
        assertInstanceOf(Failed.class, answered(PATIENT, answer));
    }

    @Test
    void givenPartOfAHead_whenTheServerResets_thenFailed() throws IOException {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), PATIENT);
            try (Wire wire = origin.accept()) {
                wire.receiveHead();
                wire.send("HTTP/1.1 20");
                wire.reset();
            }
            assertThat(((Failed) asked.end()).text()).containsIgnoringCase("connection reset");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {PATIENT, "{ tcp = on }"})
    void givenNobodyListens_whenAsked_thenRefused(String check) throws IOException {
        String address;
        try (Origin origin = new Origin()) {
            address = origin.address();
        }

        assertEquals(new Failed("connection refused"), ask(address, check).end());
    }

    @Test
    void givenHangingServer_whenAsked_thenFailedInTime() throws IOException {
        try (Origin origin = new Origin()) {
            assertEquals(new Failed("no answer within 300 ms"), ask(origin.address(), HASTY).end());
        }
    }

    @Test
    void givenServerThatDripsItsHead_whenAsked_thenTheTimeIsForAllOfIt() throws Exception {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), HASTY);
            try (Wire wire = origin.accept()) {
                wire.receiveHead();
                wire.send("HTTP/1.1 200 OK\r\n");
                while (!asked.closed.isDone()) {
                    wire.send("A: b\r\n");
                    Thread.sleep(20);
                }
            } catch (SocketException closed) {
                // It did not wait.
            }
            assertEquals(new Failed("no answer within 300 ms"), asked.end());
        }
    }

    /// What the server sends first, and then over and over; `|` is a line end.
    @ParameterizedTest
    @CsvSource({
        "'',                      XXXXXXXXXXXXXXXXXXXXXXXX",
        "'HTTP/1.1 200 X',        XXXXXXXXXXXXXXXXXXXXXXXX",
        "'HTTP/1.1 200 OK|A: X',  XXXXXXXXXXXXXXXXXXXXXXXX",
        "'HTTP/1.1 200 OK|',      'A: XXXXXXXXXXXXXXXXXXX|'",
        "'',                      'HTTP/1.1 100 Continue||'",
    })
    void givenEndlessHead_whenAsked_thenGivenUp(String first, String more) throws IOException {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), PATIENT);
            try (Wire wire = origin.accept()) {
                wire.receiveHead();
                wire.send(first.replace("|", "\r\n"));
                String many = more.replace("|", "\r\n").repeat(100);
                for (long sent = 0; sent < 50_000_000; sent += many.length()) wire.send(many);
                throw new AssertionError("read on and on");
            } catch (IOException closed) {
                // As it should be.
            }

            assertEquals(new Failed("head of the answer is longer than 64 KiB"), asked.end());
        }
    }

    @Test
    void givenEndlessBody_whenAsked_thenPassedAtOnceAndClosedSoon() throws IOException {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), PATIENT);
            long sent = 0;
            try (Wire wire = origin.accept()) {
                wire.receiveHead();
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
                assertInstanceOf(Passed.class, asked.result());
                while (sent < 100_000_000) {
                    wire.send(new byte[10_000]);
                    sent += 10_000;
                }
            } catch (IOException closed) {
                // As it should be.
            }
            asked.end();
            assertTrue(sent < 50_000_000, () -> "read on and on");
        }
    }

    @Test
    void givenBodyThatNeverComes_whenAsked_thenPassedAtOnceAndClosedInTime() throws IOException {
        try (Origin origin = new Origin()) {
            Asked asked = ask(origin.address(), HASTY);
            try (Wire wire = origin.accept()) {
                wire.receiveHead();
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
                assertInstanceOf(Passed.class, asked.end());
                assertEquals(Wire.End.CLEAN, wire.awaitEnd());
            }
        }
    }

    @Test
    void givenTcpCheck_whenAsked_thenConnectedAndClosedWithoutAByte() throws IOException {
        try (Origin origin = new Origin()) {
            ProbeResult result = ask(origin.address(), "{ tcp = on }").end();

            assertThat(((Passed) result).text()).startsWith("connected in ");
            try (Wire wire = origin.accept()) {
                assertEquals(Wire.End.CLEAN, wire.awaitEnd());
            }
        }
    }

    @Test
    void givenNoSocketLeft_whenAsked_thenSkippedAndNotHeldAgainstTheServer() throws IOException {
        try (Origin origin = new Origin()) {
            Probe.Sockets none =
                    _ -> {
                        throw new ChannelException("no", new IOException("Too many open files"));
                    };

            assertEquals(
                    new Skipped("too many open files"), ask(origin.address(), PATIENT, none).end());
        }
    }

    @Test
    void givenNoPortLeft_whenAsked_thenSkippedAndNotHeldAgainstTheServer() throws IOException {
        try (Origin origin = new Origin()) {
            Probe.Sockets none =
                    family ->
                            new NioSocketChannel(SelectorProvider.provider(), family) {
                                @Override
                                protected boolean doConnect(SocketAddress to, SocketAddress from)
                                        throws BindException {
                                    throw new BindException("Cannot assign requested address");
                                }
                            };

            assertEquals(
                    new Skipped("cannot assign requested address"),
                    ask(origin.address(), PATIENT, none).end());
        }
    }

    @Test
    void givenProbeUnderWay_whenAborted_thenClosedWithoutAnAnswer() throws IOException {
        try (Origin origin = new Origin()) {
            var closed = new CompletableFuture<Void>();
            Probe.Asker asker =
                    new Probe.Asker() {
                        @Override
                        public void answered(ProbeResult result) {
                            closed.completeExceptionally(new AssertionError(result.toString()));
                        }

                        @Override
                        public void closed() {
                            closed.complete(null);
                        }
                    };
            Probe probe =
                    new Probe(
                            LOOP,
                            Probe.Sockets.SYSTEM,
                            Samples.server(origin.address()),
                            Samples.PLAIN,
                            Samples.check(PATIENT),
                            asker);
            LOOP.execute(probe::start);
            try (Wire wire = origin.accept()) {
                wire.receiveHead();
                LOOP.execute(probe::abort);
                assertEquals(Wire.End.CLEAN, wire.awaitEnd());
            }
            closed.orTimeout(30, TimeUnit.SECONDS).join();
        }
    }

    @Test
    void givenIpv6Server_whenAsked_thenItsSocketIsOfThatFamily() {
        var families = new CompletableFuture<SocketProtocolFamily>();
        Probe.Sockets none =
                family -> {
                    families.complete(family);
                    throw new ChannelException("enough");
                };
        ask("::1:80", PATIENT, none).end();

        assertEquals(SocketProtocolFamily.INET6, families.join());
    }
}
