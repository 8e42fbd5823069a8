package bascule.http2;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.Method;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.AsciiString;

/// The head of an HTTP/2 response as HTTP/1.1 writes it (RFC 9113 §8.3.2, RFC 8441 §5); the one strict parser judges it then. One per
/// loop.
final class ResponseText {
    /// What a server may not say, or not in this way.
    static final int MALFORMED = -1;

    private static final byte[] CHUNKED = "Transfer-Encoding: chunked\r\n".getBytes(US_ASCII);
    private static final byte[] NO_CONTENT = "Content-Length: 0\r\n".getBytes(US_ASCII);
    private static final byte[] WEBSOCKET =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
                    .getBytes(US_ASCII);

    /// What all that is added takes beside the server's own bytes.
    private static final int ADDED_BYTES = 256;

    private static final int MOST_STATUS = 599;

    private final byte[][] statusLines = new byte[MOST_STATUS + 1][];

    /// Looks at the pseudo-fields.
    ///
    /// @return 100 to 599, or [#MALFORMED]
    static int status(DecodedFields fields) {
        AsciiString status = fields.status;
        boolean wellFormed =
                fields.fault == null
                        && fields.excess == null
                        && status != null
                        && status.length() == 3
                        && fields.method == null
                        && fields.path == null
                        && fields.scheme == null
                        && fields.authority == null
                        && fields.protocol == null;
        if (!wellFormed || status == null) return MALFORMED;
        int number = 0;
        for (int i = 0; i < 3; i++) {
            int digit = status.byteAt(i) - '0';
            if (digit < 0 || digit > 9) return MALFORMED;
            number = 10 * number + digit;
        }
        return number < 100 || number > MOST_STATUS ? MALFORMED : number;
    }

    /// @param method of the request
    /// @param last is there no body?
    /// @return a buffer with headroom, and room for a little more
    ByteBuf write(
            DecodedFields fields,
            int status,
            Method method,
            boolean last,
            ByteBufAllocator allocator) {
        byte[] line = statusLine(status);
        ByteBuf out =
                ReceiveBuffers.allocate(allocator, line.length + fields.length() + ADDED_BYTES)
                        .writeBytes(line)
                        .writeBytes(fields.lines(), 0, fields.length());
        boolean bare = status < 200 || status == 204 || status == 304 || method == Method.HEAD;
        if (!bare && !fields.hasLength) out.writeBytes(last ? NO_CONTENT : CHUNKED);
        return out.writeByte('\r').writeByte('\n');
    }

    /// The 101 for the 2xx that opens a tunnel.
    ///
    /// @param accept what the client expects
    ByteBuf switching(DecodedFields fields, byte[] accept, ByteBufAllocator allocator) {
        int bytes = WEBSOCKET.length + accept.length + fields.length() + ADDED_BYTES;
        return ReceiveBuffers.allocate(allocator, bytes)
                .writeBytes(WEBSOCKET)
                .writeBytes(accept)
                .writeByte('\r')
                .writeByte('\n')
                .writeBytes(fields.lines(), 0, fields.length())
                .writeByte('\r')
                .writeByte('\n');
    }

    private byte[] statusLine(int status) {
        byte[] line = statusLines[status];
        if (line == null)
            line = statusLines[status] = ("HTTP/1.1 " + text(status) + "\r\n").getBytes(US_ASCII);
        return line;
    }

    private static String text(int status) {
        return HttpResponseStatus.valueOf(status).toString();
    }
}
