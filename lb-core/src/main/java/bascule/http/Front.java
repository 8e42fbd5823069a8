package bascule.http;

/// A client's connection, whatever version of HTTP it speaks: what its listener may do to it. Confined to its loop.
public interface Front {
    /// Who is at the other end; only while the connection stands.
    ClientInfo client();

    /// The daemon stops: what runs may end, nothing new begins, and a connection without a request is closed.
    void drain(long nowNanos);

    /// The grace time is over, or the client is no longer let in: ends whatever runs.
    void stop();
}
