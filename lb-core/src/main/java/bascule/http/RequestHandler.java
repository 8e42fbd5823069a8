package bascule.http;

import io.netty.buffer.ByteBuf;

/// Where exchanges begin: one per listener and loop.
public interface RequestHandler {
    /// A request has come. The handler attaches to the front whoever shall hear of the rest.
    ///
    /// @param in owned by the callee: the head from the reader index on, [RequestHead#length] bytes, behind it the bytes of the
    ///     body that came along. Everything before the head is free to write over
    /// @param complete is the whole request in `in`?
    /// @param mayKeepAlive does the front allow another request after this one?
    void begin(
            FrontStream front,
            RequestHead head,
            ByteBuf in,
            boolean complete,
            boolean mayKeepAlive,
            long nowNanos);

    /// Bytes came that are no request. The front is answered and closed.
    void refuse(FrontStream front, Rejection rejection, long nowNanos);
}
