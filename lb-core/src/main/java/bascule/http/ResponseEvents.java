package bascule.http;

import bascule.net.Failure;
import io.netty.buffer.ByteBuf;

/// What an exchange hears of its server.
public interface ResponseEvents {
    /// The connection stands; the request may be sent.
    void backConnected(long nowNanos);

    /// An interim response (1xx but 101).
    ///
    /// @param in owned by the callee: exactly the head
    void interimResponse(ResponseHead head, ByteBuf in, long nowNanos);

    /// The final response has begun.
    ///
    /// @param in owned by the callee: the head from the reader index on, [ResponseHead#length] bytes, behind it the bytes of
    ///     the body that came along (without chunk framing if it is to be stripped). Everything before the head is free to write over
    /// @param last is the whole response in `in`?
    void response(ResponseHead head, ByteBuf in, boolean last, long nowNanos);

    /// More of the body, or bytes of a tunnel.
    ///
    /// @param in owned by the callee
    /// @param last does the response end here?
    void responseBody(ByteBuf in, boolean last, long nowNanos);

    /// A burst of body bytes has ended; they should go out.
    void responseBurstEnded();

    /// The server will send no more on a tunnel.
    void responseInputEnded();

    /// The back takes more, after it had not.
    void backWritable(long nowNanos);

    /// The server failed, at whatever stage.
    void backFailed(Failure failure, long nowNanos);
}
