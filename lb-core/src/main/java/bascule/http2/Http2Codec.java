package bascule.http2;

import bascule.http.ResponseHead;
import bascule.http1.HeadLimits;
import bascule.http1.Http1Codec;
import bascule.http1.ResponseParser;
import bascule.net.Loop;
import java.util.ArrayDeque;

/// What all HTTP/2 connections of one loop share: scratch for one field block at a time, in and out, the reader of what crosses the
/// seam, and streams to be used again. Confined to its loop.
public final class Http2Codec {
    /// Most streams kept for later, of those that were open at once.
    private static final int MOST_SPARE = 4096;

    /// Heads that cross the seam were bounded before; edits may have added to them.
    static final HeadLimits SEAM = new HeadLimits(1024 * 1024, 2048, 8 * 1024);

    final Loop loop;
    final Http1Codec http1;
    final DecodedFields decoded = new DecodedFields();
    final HpackWriter block = new HpackWriter();
    final ResponseParser responseParser = new ResponseParser();
    final RequestText requestText = new RequestText();
    private ResponseHead responseHead = new ResponseHead(64 * 1024, 512);
    private final ArrayDeque<Http2FrontStream> spare = new ArrayDeque<>();

    /// @param http1 of the same loop
    public Http2Codec(Http1Codec http1) {
        this.http1 = http1;
        loop = http1.loop();
    }

    /// Never the one that [Http1Codec] reads into: that is in use.
    ResponseHead responseHead() {
        return responseHead;
    }

    /// For one that did not fit: from now on they may be as long as [#SEAM] says.
    ResponseHead largestResponseHead() {
        if (responseHead.fields.capacityBytes() < SEAM.headBytes())
            responseHead = new ResponseHead(SEAM.headBytes(), SEAM.headerCount());
        return responseHead;
    }

    Http2FrontStream lend() {
        Http2FrontStream stream = spare.pollLast();
        return stream == null ? new Http2FrontStream(this) : stream;
    }

    void takeBack(Http2FrontStream stream) {
        if (spare.size() < MOST_SPARE) spare.addLast(stream);
    }
}
