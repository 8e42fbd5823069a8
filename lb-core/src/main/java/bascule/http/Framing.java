package bascule.http;

/// How a message body is delimited (RFC 9112 §6.3).
public enum Framing {
    /// No body at all.
    NONE,
    /// As many bytes as Content-Length says; more than none.
    LENGTH,
    /// Chunked transfer coding, to be passed on as chunks.
    CHUNKED,
    /// A response that ends when the server closes.
    UNTIL_CLOSE
}
