package bascule.observe;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.AccessLogFormat;
import bascule.testing.Allocation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AllocationTest {
    static volatile Object sink = new Object();

    @Test
    void givenHistogram_whenRecording_thenNothingIsAllocated() {
        var histogram = new LogLinearHistogram();
        long[] nanos = {1};

        assertEquals(0, Allocation.perOperation(() -> histogram.record(nanos[0] += 997)));
    }

    @Test
    void givenCounters_whenCounting_thenNothingIsAllocated() {
        var loop = new LoopMetrics();
        ExchangeMetrics exchange = loop.exchange("http", "web", "a");
        ListenerMetrics listener = loop.listener("http");
        ServerMetrics server = loop.server("web", "a");
        BackendMetrics backend = loop.backend("web");

        assertEquals(
                0,
                Allocation.perOperation(
                        () -> {
                            exchange.completed(200);
                            exchange.aborted();
                            exchange.received(100);
                            exchange.sent(1000);
                            listener.opened();
                            listener.rejected("field");
                            listener.acceptError("descriptors");
                            listener.closed();
                            server.connectionOpened();
                            server.idle(1);
                            backend.begun();
                            backend.retried("connect");
                            loop.lag(5);
                            loop.connections(7);
                        }));
    }

    @ParameterizedTest
    @EnumSource(value = AccessLogFormat.class, names = "OFF", mode = EnumSource.Mode.EXCLUDE)
    void givenUsedAccessLine_whenWritingTheNext_thenNothingIsAllocated(AccessLogFormat format) {
        AccessLine.ListenerPart listener = AccessLine.listenerPart("http");
        byte[] client = "192.0.2.17:51234".getBytes(US_ASCII);
        byte[] head =
                "GET /caf\u00e9/\"quoted\"?a=1 HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
                        .getBytes(ISO_8859_1);
        int targetEnd = new String(head, US_ASCII).indexOf(" HTTP/");
        int host = new String(head, US_ASCII).indexOf("www");
        LoopAccessLog log = Lines.ring(); // Soon full: dropping must not allocate either.
        log.format(format);
        AccessLine first = log.line(null);
        long[] wall = {1_795_000_000_000L};

        byte[] tls = AccessLine.tlsPart(null);
        assertEquals(
                0,
                Allocation.perOperation(
                        () -> {
                            AccessLine line = log.line(first);
                            line.begin(
                                    listener,
                                    client,
                                    tls,
                                    wall[0] += 37,
                                    head,
                                    0,
                                    3,
                                    4,
                                    targetEnd,
                                    host,
                                    host + 15,
                                    11);
                            if (line.wantsFields()) line.fields(head, 0, 3, 4, 7, host, host + 15);
                            line.requestId(head, host, host + 15);
                            line.end(
                                    log,
                                    200,
                                    "complete",
                                    "web",
                                    "10.0.1.11:80",
                                    123,
                                    4567,
                                    567,
                                    -1,
                                    -1,
                                    1_234_567,
                                    2_345_678,
                                    0,
                                    false);
                        }));
        assertTrue(log.dropped() > 0);
    }

    @Test
    void givenPlantedAllocation_whenCounted_thenItIsSeen() {
        assertTrue(Allocation.perOperation(() -> sink = new byte[8]) >= 16);
    }
}
