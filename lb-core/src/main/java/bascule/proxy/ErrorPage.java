package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.FieldEdits;
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
    private static final byte[] DATE = "Date".getBytes(US_ASCII);
    private static final byte[] CONTENT_TYPE = "Content-Type".getBytes(US_ASCII);
    private static final byte[] LOCATION = "Location".getBytes(US_ASCII);
    private static final byte[] RETRY_AFTER = "Retry-After".getBytes(US_ASCII);
    private static final byte[] CACHE_CONTROL = "Cache-Control".getBytes(US_ASCII);
    private static final byte[] NO_STORE = "no-store".getBytes(US_ASCII);
    private static final byte[] ALLOW = "Allow".getBytes(US_ASCII);
    private static final byte[] ALLOWED =
            "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH".getBytes(US_ASCII);

    /// The type of content that every message of gRPC has, or begins with.
    static final byte[] GRPC = "application/grpc".getBytes(US_ASCII);

    private static final byte[] GRPC_STATUS = "Grpc-Status".getBytes(US_ASCII);
    private static final byte[] GRPC_MESSAGE = "Grpc-Message".getBytes(US_ASCII);
    private static final byte[] NONE = {};

    /// Most that the head of a page has beside its location and what operators add.
    private static final int HEAD_BYTES = 1024;

    private final HeadWriter out;
    private final ByteBufAllocator allocator;
    private byte[] location = {};
    private final byte[][] statusLines = new byte[600][];
    private final byte[][] bodies = new byte[600][];
    private FieldEdits edits = FieldEdits.NONE;
    private long dateSecond;
    private byte[] date = NONE;
    private int headLength;

    ErrorPage(HeadWriter out, ByteBufAllocator allocator) {
        this.out = out;
        this.allocator = allocator;
    }

    /// An error with a page for people: the operator's own, or status and reason phrase.
    ///
    /// @param own null = none. A page that may say something else tomorrow is kept by no cache
    /// @param retryAfterSeconds 0 = untold
    /// @param edits what operators want of each response
    ByteBuf error(
            int status,
            @Nullable OwnPage own,
            int retryAfterSeconds,
            FieldEdits edits,
            boolean head,
            boolean http10,
            boolean keepAlive,
            long wallMillis) {
        byte[] body = own == null ? body(status) : own.body();
        begin(status, edits, wallMillis);
        content(status, own == null ? TEXT_PLAIN : own.contentType(), body);
        if (status == 405) field(ALLOW, ALLOWED, ALLOWED.length);
        if (own != null) field(CACHE_CONTROL, NO_STORE, NO_STORE.length);
        if (retryAfterSeconds > 0) {
            byte[] seconds = Integer.toString(retryAfterSeconds).getBytes(US_ASCII);
            field(RETRY_AFTER, seconds, seconds.length);
        }
        return end(status, body, head, http10, keepAlive);
    }

    /// An error for a client of gRPC, whatever page operators have: trailers alone, which over HTTP/2 are a head without a body.
    ///
    /// @param status of HTTP, for which it gets the one that clients would take it for
    ByteBuf grpc(int status, FieldEdits edits, long wallMillis) {
        begin(200, edits, wallMillis);
        field(CONTENT_TYPE, GRPC, GRPC.length);
        byte[] number = Integer.toString(grpcStatus(status)).getBytes(US_ASCII);
        field(GRPC_STATUS, number, number.length);
        byte[] message = HttpResponseStatus.valueOf(status).toString().getBytes(US_ASCII);
        field(GRPC_MESSAGE, message, message.length);
        put("Content-Length: 0\r\n");
        return end(200, NONE, false, false, true);
    }

    /// As clients map it where a proxy answers in HTTP (gRPC, "HTTP to gRPC Status Code Mapping").
    static int grpcStatus(int status) {
        return switch (status) {
            case 400 -> 13; // INTERNAL
            case 401 -> 16; // UNAUTHENTICATED
            case 403 -> 7; // PERMISSION_DENIED
            case 404 -> 12; // UNIMPLEMENTED
            case 429, 502, 503, 504 -> 14; // UNAVAILABLE
            default -> 2; // UNKNOWN
        };
    }

    /// What a route's `respond` says.
    ByteBuf respond(
            Route.Respond route, boolean head, boolean http10, boolean keepAlive, long wallMillis) {
        begin(route.status(), route.responseEdits(), wallMillis);
        content(route.status(), route.contentType(), route.body());
        return end(route.status(), route.body(), head, http10, keepAlive);
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
        FieldEdits wanted = route.responseEdits();
        if (length < 0 || length > longest - wanted.growthBytes()) return null;
        begin(route.status(), wanted, wallMillis);
        content(route.status(), TEXT_PLAIN, NONE);
        field(LOCATION, location, length);
        return end(route.status(), NONE, false, http10, keepAlive);
    }

    private void begin(int status, FieldEdits edits, long wallMillis) {
        this.edits = edits;
        out.clear();
        out.put(statusLine(status));
        byte[] now = date(wallMillis);
        field(DATE, now, now.length);
    }

    private void field(byte[] name, byte[] value, int length) {
        if (edits != FieldEdits.NONE && edits.drops(name)) return;
        out.put(name);
        out.put(':');
        out.put(' ');
        out.put(value, 0, length);
        out.put('\r');
        out.put('\n');
    }

    private static boolean bodiless(int status) {
        return status == 204 || status == 304;
    }

    private void content(int status, byte[] contentType, byte[] body) {
        if (bodiless(status)) return;
        if (body.length > 0) field(CONTENT_TYPE, contentType, contentType.length);
        put("Content-Length: ");
        put(Integer.toString(body.length));
        put("\r\n");
    }

    private ByteBuf end(int status, byte[] body, boolean head, boolean http10, boolean keepAlive) {
        if (!keepAlive) put("Connection: close\r\n");
        else if (http10) put("Connection: keep-alive\r\n");
        out.put(edits.added());
        put("\r\n");
        headLength = out.length();
        boolean withBody = !head && !bodiless(status);
        int length = out.length() + (withBody ? body.length : 0);
        ByteBuf page = ReceiveBuffers.allocate(allocator, length);
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
