package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.http.FieldEdits;
import bascule.http.FieldName;
import bascule.http.HeaderBlock;
import bascule.http.ResponseHead;
import bascule.http1.HeadWriter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/// The head that a client gets for the head a server sent: without what concerned our hop, with what concerns the client's. A
/// head that needs no change is not touched. One per loop.
final class ResponseRewriter {
    /// What the client is told about its connection.
    enum Persistence {
        /// Nothing: HTTP/1.1 persists by itself.
        UNSAID,
        /// To a client of HTTP/1.0 that asked for it.
        KEEP_ALIVE,
        CLOSE,
        /// A 101 that was asked for.
        UPGRADE
    }

    private static final byte[] HTTP_1_1 = "HTTP/1.1 ".getBytes(US_ASCII);
    private static final byte[] CONNECTION_CLOSE = "Connection: close\r\n".getBytes(US_ASCII);
    private static final byte[] CONNECTION_KEEP_ALIVE =
            "Connection: keep-alive\r\n".getBytes(US_ASCII);
    private static final byte[] CONNECTION_UPGRADE = "Connection: Upgrade\r\n".getBytes(US_ASCII);

    private final HeadWriter out;
    private final ByteBufAllocator allocator;
    private int headLength;

    ResponseRewriter(HeadWriter out, ByteBufAllocator allocator) {
        this.out = out;
        this.allocator = allocator;
    }

    /// An interim response, which operators want nothing of.
    ByteBuf rewriteInterim(ResponseHead head, ByteBuf in) {
        return rewrite(head, in, Persistence.UNSAID, false, FieldEdits.NONE, Sticky.NO_COOKIE);
    }

    /// @param in owned by the callee; begins with `head`
    /// @param dropChunked does the client know no chunks? Then there is no body in them, and no word about them (RFC 9112 §6.1)
    /// @param edits have the last word on all lines but those of framing and of the connection; lines that they drop are nominated
    /// @param cookie a line of our own, with its CR LF; or empty
    ByteBuf rewrite(
            ResponseHead head,
            ByteBuf in,
            Persistence persistence,
            boolean dropChunked,
            FieldEdits edits,
            byte[] cookie) {
        HeaderBlock fields = head.fields;
        if (edits != FieldEdits.NONE) edits.mark(fields);
        int more = edits.added().length + cookie.length;
        int count = fields.count();
        int line = 0;
        while (line < count && keep(fields, line, persistence, dropChunked)) line++;
        if (line == count
                && persistence == Persistence.UNSAID
                && head.minorVersion == 1
                && more == 0) {
            headLength = head.length;
            return in;
        }
        out.clear();
        out.put(HTTP_1_1);
        byte[] bytes = fields.bytes();
        int statusLine = HTTP_1_1.length;
        out.put(bytes, statusLine, count == 0 ? head.length - 2 : fields.lineStart(0));
        int run = 0;
        for (; line < count; line++) {
            if (keep(fields, line, persistence, dropChunked)) continue;
            out.putLines(fields, run, line);
            run = line + 1;
        }
        out.putLines(fields, run, count);
        switch (persistence) {
            case UNSAID -> {}
            case KEEP_ALIVE -> out.put(CONNECTION_KEEP_ALIVE);
            case CLOSE -> out.put(CONNECTION_CLOSE);
            case UPGRADE -> out.put(CONNECTION_UPGRADE);
        }
        if (more > 0) {
            out.put(edits.added());
            out.put(cookie);
        }
        out.put('\r');
        out.put('\n');
        headLength = out.length();
        return out.replace(in, head.length, allocator);
    }

    /// Bytes of the head rewritten last.
    int headLength() {
        return headLength;
    }

    private static boolean keep(
            HeaderBlock fields, int line, Persistence persistence, boolean dropChunked) {
        return switch (fields.name(line)) {
            case FieldName.CONNECTION,
                    FieldName.KEEP_ALIVE,
                    FieldName.PROXY_CONNECTION,
                    FieldName.TE ->
                    false;
            case FieldName.UPGRADE -> persistence == Persistence.UPGRADE;
            case FieldName.TRANSFER_ENCODING, FieldName.TRAILER -> !dropChunked;
            default -> !fields.nominated(line);
        };
    }
}
