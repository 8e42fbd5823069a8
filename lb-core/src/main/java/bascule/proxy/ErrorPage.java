package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.RequestHead;
import bascule.http1.HeadWriter;
import bascule.net.ReceiveBuffers;
import bascule.route.Route;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The answers that Bascule gives itself: errors, `respond` and `redirect`. One per loop.
final class ErrorPage {
    private static final DateTimeFormatter IMF_FIXDATE = // RFC 9110 §5.6.7
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);
    private static final byte[] TEXT_PLAIN = "text/plain; charset=utf-8".getBytes(US_ASCII);
    private static final byte[] ALLOW =
            "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n".getBytes(US_ASCII);
    private static final byte[] RETRY_AFTER = "Retry-After: 1\r\n".getBytes(US_ASCII);
    private static final byte[] NONE = {};

    /// Most that the head of a page has beside its location.
    private static final int HEAD_BYTES = 1024;

    private final HeadWriter out;
    private final ByteBufAllocator allocator;
    private byte[] location = {};
    private final byte[][] statusLines = new byte[600][];
    private final byte[][] bodies = new byte[600][];
    private long dateSecond;
    private byte[] date = NONE;
    private int headLength;

    ErrorPage(HeadWriter out, ByteBufAllocator allocator) {
        this.out = out;
        this.allocator = allocator;
    }

    /// An error: status and its reason phrase, for people.
    ByteBuf error(int status, boolean head, boolean http10, boolean keepAlive, long wallMillis) {
        byte[] more = status == 405 ? ALLOW : status == 503 ? RETRY_AFTER : NONE;
        return page(status, TEXT_PLAIN, body(status), more, head, http10, keepAlive, wallMillis);
    }

    /// What a route's `respond` says.
    ByteBuf respond(
            Route.Respond route, boolean head, boolean http10, boolean keepAlive, long wallMillis) {
        return page(
                route.status(),
                route.contentType(),
                route.body(),
                NONE,
                head,
                http10,
                keepAlive,
                wallMillis);
    }

    /// A redirect, or null if its location is not to be told: no host is known, or it is too long.
    @Nullable ByteBuf redirect(
            Route.Redirect route,
            RequestHead request,
            byte[] authority,
            boolean http10,
            boolean keepAlive,
            long wallMillis) {
        int longest = out.capacity() - HEAD_BYTES;
        if (location.length < longest) location = new byte[longest];
        int length = route.location(request, authority, location);
        if (length < 0) return null;
        byte[] field = new byte[length + 12];
        System.arraycopy("Location: ".getBytes(US_ASCII), 0, field, 0, 10);
        System.arraycopy(location, 0, field, 10, length);
        field[length + 10] = '\r';
        field[length + 11] = '\n';
        return page(route.status(), TEXT_PLAIN, NONE, field, false, http10, keepAlive, wallMillis);
    }

    private ByteBuf page(
            int status,
            byte[] contentType,
            byte[] body,
            byte[] more,
            boolean head,
            boolean http10,
            boolean keepAlive,
            long wallMillis) {
        boolean bodiless = status == 204 || status == 304;
        out.clear();
        out.put(statusLine(status));
        put("Date: ");
        out.put(date(wallMillis));
        if (!bodiless) {
            if (body.length > 0) {
                put("\r\nContent-Type: ");
                out.put(contentType);
            }
            put("\r\nContent-Length: ");
            put(Integer.toString(body.length));
        }
        put("\r\n");
        out.put(more);
        if (!keepAlive) put("Connection: close\r\n");
        else if (http10) put("Connection: keep-alive\r\n");
        put("\r\n");
        headLength = out.length();
        boolean withBody = !head && !bodiless;
        ByteBuf page = ReceiveBuffers.allocate(allocator, out.length() + body.length);
        page = out.replace(page, 0, allocator);
        return withBody ? page.writeBytes(body) : page;
    }

    /// Bytes of the head of the page made last.
    int headLength() {
        return headLength;
    }

    private void put(String ascii) {
        out.put(ascii.getBytes(US_ASCII));
    }

    private byte[] statusLine(int status) {
        byte[] line = statusLines[status];
        if (line == null)
            line =
                    statusLines[status] =
                            ("HTTP/1.1 " + HttpResponseStatus.valueOf(status) + "\r\n")
                                    .getBytes(US_ASCII);
        return line;
    }

    private byte[] body(int status) {
        byte[] body = bodies[status];
        if (body == null)
            body = bodies[status] = (HttpResponseStatus.valueOf(status) + "\n").getBytes(US_ASCII);
        return body;
    }

    private byte[] date(long wallMillis) {
        long second = wallMillis / 1000;
        if (second != dateSecond) {
            dateSecond = second;
            date = IMF_FIXDATE.format(Instant.ofEpochSecond(second)).getBytes(US_ASCII);
        }
        return date;
    }
}
