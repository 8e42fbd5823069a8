package bascule.http;

/// A client's connection, whatever version of HTTP it speaks: what its listener may do to it. Confined to its loop.
public interface Front {
    /// Who is at the other end; only while the connection stands.
    ClientInfo client();

    /// What it is in the middle of.
    enum Doing {
        /// Nothing: it waits for a request, and one may be on its way.
        WAITS,
        /// A part of what it will ask for has come: of a handshake, or of a request's head.
        BEGINS,
        /// An exchange, or the end of one that the client has yet to take.
        SERVES,
        /// A tunnel; or no request will follow.
        NEITHER
    }

    Doing doing();

    /// The daemon stops, or the address that the client came by is to leave: what runs may end, nothing new begins, and a connection without
    /// a request is closed once it has rested for a second. May be called again.
    void drain(long nowNanos);

    /// It may stay after all; what was told the client remains true.
    void undrain();

    /// The grace time is over, or the client is no longer let in: ends whatever runs.
    void stop();
}
