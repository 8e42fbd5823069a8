package bascule.http;

import bascule.net.Failure;
import io.netty.buffer.ByteBuf;

/// What an exchange hears of its client.
public interface RequestEvents {
    /// More of the body, or bytes of a tunnel.
    ///
    /// @param in owned by the callee; validated framing as it came
    /// @param last does the request end here?
    void requestBody(ByteBuf in, boolean last, long nowNanos);

    /// A burst of body bytes has ended; they should go out.
    void requestBurstEnded();

    /// The client broke a rule while sending its body.
    void requestRefused(Rejection rejection, long nowNanos);

    /// The client will send no more on a tunnel.
    void requestInputEnded();

    /// The front takes more, after it had not.
    void frontWritable(long nowNanos);

    /// The client is gone or given up.
    void frontFailed(Failure failure);
}
