package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.http.Method;
import bascule.http.ResponseHead;
import bascule.http1.Http1Codec;
import bascule.http1.ResponseParser;
import bascule.testing.Allocation;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.AsciiString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What is ours between HPACK and the seam makes no object, in either direction, from the buffers that connections use.
final class AllocationTest {
    private static final ByteBufAllocator UNWATCHED = new UnpooledByteBufAllocator(true, true);

    /// The same buffer again and again, watched by nobody: what the pool does is not asked here.
    private static final class OneBuffer extends AbstractByteBufAllocator {
        private final ByteBuf buffer = UNWATCHED.directBuffer(64 * 1024);

        OneBuffer() {
            super(true);
        }

        @Override
        public ByteBuf directBuffer(int bytes) {
            return buffer.retain().clear();
        }

        @Override
        protected ByteBuf newHeapBuffer(int bytes, int most) {
            throw new AssertionError();
        }

        @Override
        protected ByteBuf newDirectBuffer(int bytes, int most) {
            throw new AssertionError();
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }

        void end() {
            buffer.release();
        }
    }

    private final OneBuffer allocator = new OneBuffer();

    @AfterEach
    void release() {
        allocator.end();
    }

    private static final String[] REQUEST =
            Client.request(
                    "GET",
                    "/shop/list.html?page=2",
                    "user-agent",
                    "Mozilla/5.0 (X11; Linux x86_64)",
                    "accept",
                    "*/*",
                    "cookie",
                    "a=b",
                    "cookie",
                    "c=d",
                    "x-odd",
                    "value");

    private static final String RESPONSE =
            """
            HTTP/1.1 200 OK
            Date: Fri, 20 Nov 2026 12:00:00 GMT
            Server: x
            Content-Type: text/html; charset=utf-8
            X-Odd: value
            Content-Length: 100

            """;

    private static AsciiString[] strings(String[] fields) {
        var strings = new AsciiString[fields.length];
        for (int i = 0; i < fields.length; i++) strings[i] = new AsciiString(fields[i]);
        return strings;
    }

    @Test
    void givenRequest_whenItBecomesText_thenNothingIsAllocated() {
        var fields = new DecodedFields();
        var text = new RequestText();
        AsciiString[] request = strings(REQUEST);
        Runnable translate =
                () -> {
                    fields.begin(false, 8192, 100);
                    for (int i = 0; i < request.length; i += 2)
                        fields.add(request[i], request[i + 1]);
                    fields.end();
                    if (text.check(fields) != null) throw new AssertionError();
                    text.write(fields, true, null, allocator).release();
                };
        assertEquals(0, Allocation.perOperation(translate));
    }

    @Test
    void givenResponse_whenItBecomesFrames_thenNothingIsAllocated() {
        ByteBuf in = UNWATCHED.directBuffer();
        in.writeBytes(RESPONSE.replace("\n", "\r\n").getBytes(ISO_8859_1));
        var parser = new ResponseParser();
        var head = new ResponseHead(64 * 1024, 256);
        var block = new HpackWriter();
        var writer = new FrameWriter(allocator, ByteBuf::release);
        Runnable translate =
                () -> {
                    parser.parse(in, Http1Codec.RESPONSE_LIMITS, Method.GET, head);
                    block.clear();
                    block.status(head.status);
                    Http2FrontStream.put(head.fields, block);
                    writer.headers(1, block, false);
                    Frames.writeHeader(writer.room(9), 0, Frames.DATA, Frames.END_STREAM, 1);
                    writer.finish();
                };
        assertEquals(0, Allocation.perOperation(translate));
        in.release();
    }

    /// The fault, planted: one String per field.
    @Test
    void givenTranslationThatMakesStrings_whenMeasured_thenIsSeen() {
        AsciiString[] request = strings(REQUEST);
        Runnable translate =
                () -> {
                    for (AsciiString text : request)
                        if (new String(text.array(), 0, text.length(), ISO_8859_1).isEmpty())
                            throw new AssertionError();
                };
        assertTrue(Allocation.perOperation(translate) > 0);
    }
}
