package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.Method;
import bascule.http.RequestHead;
import bascule.http.ResponseHead;
import bascule.testing.Allocation;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Parsing makes no object, of good input or bad, from the buffers that connections read into.
class AllocationTest {
    private static final HeadLimits LIMITS = new HeadLimits(32 * 1024, 100, 8 * 1024);
    private static final int ROUNDS = 1_000_000;

    /// Line ends are CR LF on the wire.
    private static final String[] REQUESTS = {
        """
        GET /shop/list.html?page=2 HTTP/1.1
        Host: www.example.com
        User-Agent: Mozilla/5.0
        Accept: */*
        Connection: keep-alive
        Cookie: a=b

        """,
        """
        POST http://a:80/%41/../b HTTP/1.1
        Host: A
        Content-Length: 5
        Content-Length: 5
        TE: trailers
        Connection: close, TE, Upgrade, x-hop, cookie
        Upgrade: websocket
        Expect: 100-continue
        X-Hop: 1

        """,
        "GET / HTTP/1.1\nHost: [2001:db8::1]:8080\n",
        "GET /a/../../b HTTP/1.1\n",
        "GET / HTTP/1.1\nHost : a\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n"
    };

    private static final String RESPONSE =
            """
            HTTP/1.1 200 OK
            Date: Fri, 20 Nov 2026 12:00:00 GMT
            Server: x
            Content-Length: 100

            """;
    private static final String CHUNKS =
            "5;a=\"b\"\nhello\n5\nworld\n0\nDigest: x\nX-Checksum: 1\n\n";

    private final RequestParser requestParser = new RequestParser();
    private final RequestHead requestHead = new RequestHead(32 * 1024, 100);
    private final ResponseParser responseParser = new ResponseParser();
    private final ResponseHead responseHead = new ResponseHead(32 * 1024, 100);
    private final ChunkedBody body = new ChunkedBody(LIMITS);
    private final ByteBuf[] requests = new ByteBuf[REQUESTS.length];
    private final List<ByteBuf> owned = new ArrayList<>();
    private ByteBuf response;
    private ByteBuf chunks;

    @BeforeEach
    void setUp() {
        for (int i = 0; i < REQUESTS.length; i++) requests[i] = direct(REQUESTS[i]);
        response = direct(RESPONSE);
        chunks = direct(CHUNKS);
    }

    @AfterEach
    void tearDown() {
        owned.forEach(ByteBuf::release);
    }

    /// Without the record of accesses that paranoid leak detection keeps.
    private ByteBuf direct(String wire) {
        ByteBuf buffer =
                PooledByteBufAllocator.DEFAULT
                        .directBuffer(512)
                        .writeBytes(wire.getBytes(ISO_8859_1));
        owned.add(buffer);
        while (buffer.unwrap() != null) buffer = buffer.unwrap();
        return buffer;
    }

    @Test
    void givenMillionHeadsAndBodies_whenParsed_thenNothingIsAllocated() {
        assertEquals(0, Allocation.bytes(() -> parse(() -> {})));
    }

    @Test
    void givenParserThatMakesText_whenGuarded_thenIsSeen() {
        assertTrue(Allocation.bytes(() -> parse(() -> requestHead.fields.value(0))) > ROUNDS);
    }

    private void parse(Runnable planted) {
        int sum = 0;
        for (int i = 0; i < ROUNDS; i++) {
            sum += requestParser.parse(requests[i % requests.length], LIMITS, requestHead);
            sum += responseParser.parse(response, LIMITS, Method.GET, responseHead);
            body.reset();
            sum += body.scan(chunks);
            chunks.readerIndex(0);
            planted.run();
        }
        assertTrue(sum != 0);
    }
}
