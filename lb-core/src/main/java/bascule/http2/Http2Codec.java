package bascule.http2;

import bascule.http1.Http1Codec;
import bascule.net.Loop;

/// What all HTTP/2 connections of one loop share: scratch for one field block at a time, in and out. Confined to its loop.
public final class Http2Codec {
    final Loop loop;
    final Http1Codec http1;
    final DecodedFields decoded = new DecodedFields();
    final HpackWriter block = new HpackWriter();

    /// @param http1 of the same loop
    public Http2Codec(Http1Codec http1) {
        this.http1 = http1;
        loop = http1.loop();
    }
}
