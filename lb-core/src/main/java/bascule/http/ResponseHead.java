package bascule.http;

/// A response's head (RFC 9110 §6), read and found clean. Offsets count in [HeaderBlock#bytes()]. Reused like its
/// header block.
public final class ResponseHead {
    public final HeaderBlock fields;

    /// Length of the whole head, final CR LF included.
    public int length;

    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    public int minorVersion;

    /// 100 to 599.
    public int status;

    /// The reason phrase, maybe empty.
    public int reasonStart;

    public int reasonEnd;

    /// How the body ends (RFC 9112 §6.3), with regard to the request's method.
    public Framing framing = Framing.NONE;

    /// What Content-Length says: bytes of the body for [Framing#LENGTH], 0 for an empty one, of the body that there
    /// might have been for a response to HEAD or a 304. -1 without it, and for 1xx and 204, where it is dropped.
    public long contentLength;

    /// May the connection to the server carry another request (RFC 9112 §9.3)? Not after a 204 that announced a body.
    public boolean keepAlive;

    /// Line of the Upgrade field of a 101, else -1.
    public int upgradeLine;

    public ResponseHead(int capacityBytes, int capacityLines) {
        fields = new HeaderBlock(capacityBytes, capacityLines);
    }

    /// Is it an interim response, to be followed by another (RFC 9110 §15.2)? 101 is final for HTTP.
    public boolean interim() {
        return status < 200 && status != 101;
    }
}
