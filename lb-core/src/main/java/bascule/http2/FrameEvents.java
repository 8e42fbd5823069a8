package bascule.http2;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;

/// What a [FrameReader] has read, frame by frame (RFC 9113 §6).
interface FrameEvents {
    /// Is the connection still to be read? Asked after each frame.
    boolean reads();

    /// A DATA frame has begun; its payload follows in [#data].
    ///
    /// @param length of the frame, which is what counts against windows
    /// @param overhead how much of that is padding, and its length
    void dataBegun(int id, int length, int overhead);

    /// So many bytes of `in` are payload of that frame; the callee moves past them.
    void data(ByteBuf in, int bytes);

    /// All of its payload has come.
    void dataEnded(boolean last);

    /// What a field block is to be decoded into.
    Http2Headers fieldsOf(int id);

    /// The block is decoded.
    void headers(int id, boolean last);

    /// The block is decoded, but is so large that not all of its fields have been kept.
    void tooLarge(int id, boolean last);

    void priority();

    void peerReset(int id, long code);

    void settings(Http2Settings settings);

    void settingsTaken();

    void ping(long data);

    void pong(long data);

    void goAway(int lastStream, long code);

    /// @param bytes at least 1
    void windowUpdate(int id, int bytes);

    /// A frame that may be ignored, or says nothing.
    ///
    /// @param cost of [Glitches]
    void idle(int cost);

    /// The peer broke a rule.
    ///
    /// @param id of the stream, or 0 if it is one of the connection
    void broken(int id, Http2Error code);
}
