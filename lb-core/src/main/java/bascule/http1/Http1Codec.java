package bascule.http1;

import bascule.http.HeaderBlock;
import bascule.http.Method;
import bascule.http.Rejection;
import bascule.http.RequestHead;
import bascule.http.ResponseHead;
import bascule.net.Loop;
import io.netty.buffer.ByteBuf;

/// The parsers of one loop and the heads they fill: shared by all connections of that loop, since only one is parsed at a time.
public final class Http1Codec {
    /// Longest response head that is accepted of a server, and most of its field lines.
    public static final HeadLimits RESPONSE_LIMITS = new HeadLimits(64 * 1024, 256, 8 * 1024);

    final Loop loop;
    final RequestParser requestParser = new RequestParser();
    final ResponseParser responseParser = new ResponseParser();
    RequestHead requestHead; // Read anew for each head: it may have been replaced by a larger one.
    final ResponseHead responseHead;

    /// @param headBytes, headerCount the largest limits of any listener
    public Http1Codec(Loop loop, int headBytes, int headerCount) {
        this.loop = loop;
        requestHead = new RequestHead(headBytes, headerCount);
        responseHead = new ResponseHead(RESPONSE_LIMITS.headBytes(), RESPONSE_LIMITS.headerCount());
    }

    /// From now on request heads may be as large as this. On the loop, outside of any parsing.
    public void reserve(int headBytes, int headerCount) {
        HeaderBlock fields = requestHead.fields;
        if (fields.capacityBytes() >= headBytes && fields.capacityLines() >= headerCount) return;
        requestHead =
                new RequestHead(
                        Math.max(fields.capacityBytes(), headBytes),
                        Math.max(fields.capacityLines(), headerCount));
    }

    /// The head that requests of this loop are read into. Valid until the next request.
    public RequestHead requestHead() {
        return requestHead;
    }

    /// Reads a request that another version of HTTP was translated to; see [RequestParser#parse].
    public int parseRequest(ByteBuf in, HeadLimits limits) {
        return requestParser.parse(in, limits, requestHead);
    }

    /// The head that responses on this loop are read into. Valid until the next response.
    public ResponseHead responseHead() {
        return responseHead;
    }

    /// Reads a response that another version of HTTP was translated to; see [ResponseParser#parse].
    public int parseResponse(ByteBuf in, Method requestMethod) {
        return responseParser.parse(in, RESPONSE_LIMITS, requestMethod, responseHead);
    }

    /// Why [#parseRequest] returned a code below 0.
    public static Rejection rejection(int code) {
        return RequestParser.rejection(code);
    }

    /// The loop that all connections of this codec live on.
    public Loop loop() {
        return loop;
    }
}
