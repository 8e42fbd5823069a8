package bascule.http2;

import bascule.http.ResponseHead;
import bascule.http1.HeadLimits;
import bascule.http1.Http1Codec;
import bascule.http1.ResponseParser;
import bascule.net.Loop;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// What all HTTP/2 connections of one loop share: scratch for one field block at a time, in and out, the reader of what crosses the
/// seam, and streams to be used again. Confined to its loop.
public final class Http2Codec {
    /// Most streams kept for later, of those that were open at once, for each side.
    private static final int MOST_SPARE = 4096;

    /// Heads that cross the seam were bounded before; edits may have added to them.
    static final HeadLimits SEAM = new HeadLimits(1024 * 1024, 2048, 8 * 1024);

    final Loop loop;
    final Http1Codec http1;
    final DecodedFields decoded = new DecodedFields();
    final HpackWriter block = new HpackWriter();
    final ResponseParser responseParser = new ResponseParser();
    final RequestText requestText = new RequestText();
    final RequestBlock requestBlock = new RequestBlock();
    final ResponseText responseText = new ResponseText();
    private ResponseHead responseHead = new ResponseHead(64 * 1024, 512);
    private final ArrayDeque<Http2FrontStream> spare = new ArrayDeque<>();
    private final ArrayDeque<Http2BackStream> spareBack = new ArrayDeque<>();

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

    /// @param connection null = none yet
    Http2BackStream lendBack(Http2Back.Home home, @Nullable Http2Back connection) {
        Http2BackStream known = spareBack.pollLast();
        Http2BackStream stream = known == null ? new Http2BackStream(this) : known;
        stream.renew(home, connection);
        return stream;
    }

    void takeBack(Http2BackStream stream) {
        if (spareBack.size() < MOST_SPARE) spareBack.addLast(stream);
    }
}
