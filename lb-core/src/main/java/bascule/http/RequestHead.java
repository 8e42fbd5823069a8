package bascule.http;

/// A request's head (RFC 9110 §6), read and found clean. Offsets count in [HeaderBlock#bytes()]. Reused like its
/// header block.
public final class RequestHead {
    /// Forms of the request target that are forwarded (RFC 9112 §3.2); the authority form belongs to CONNECT, which is
    /// refused.
    public enum TargetForm {
        ORIGIN,
        ABSOLUTE,
        ASTERISK
    }

    public final HeaderBlock fields;

    /// Length of the whole head, final CR LF included.
    public int length;

    public Method method = Method.OTHER;
    public int methodStart;
    public int methodEnd;

    /// The target as received.
    public int targetStart;

    public int targetEnd;
    public TargetForm form = TargetForm.ORIGIN;

    /// The path without the query; in the absolute form with an empty path, `pathStart == pathEnd`; in the asterisk
    /// form the asterisk.
    public int pathStart;

    public int pathEnd;

    /// The normalized path for routing: percent-decoded and dot-resolved. The same array and range as the path where
    /// nothing had to change; otherwise [#decodedPath]. An empty path is `/`; the asterisk is `*`, which no route
    /// begins with.
    public byte[] routePath;

    public int routePathStart;
    public int routePathEnd;

    /// The host that the request is meant for, from the target or the Host field: without port, brackets kept, as
    /// received. Empty (`hostStart == hostEnd`) in HTTP/1.0 without Host.
    public int hostStart;

    public int hostEnd;

    /// The end of host and port together, as in Host; equals [#hostEnd] without a port.
    public int authorityEnd;

    /// 0 or 1: HTTP/1.0 or HTTP/1.1. A request of HTTP/2 reads like one of HTTP/1.1.
    public int minorVersion;

    /// Did it come over HTTP/2?
    public boolean http2;

    /// Bytes of the body, 0 without one; -1 if [#chunked].
    public long contentLength;

    public boolean chunked;

    /// May the client send another request on this connection (RFC 9112 §9.3)?
    public boolean keepAlive;

    /// Does the client wait for a 100 before it sends the body that it has announced (RFC 9110 §10.1.1)? Never in
    /// HTTP/1.0.
    public boolean expectContinue;

    /// Line of the Upgrade field if the request asks to switch protocols and Connection says `upgrade`; else -1. Never
    /// an h2c upgrade, which Bascule does not pass on.
    public int upgradeLine;

    /// Are trailers welcome to the client (`TE: trailers` with `Connection: TE`, RFC 9110 §10.1.4)?
    public boolean acceptsTrailers;

    /// Scratch for a path that had to be decoded, as long as the longest head.
    public final byte[] decodedPath;

    public RequestHead(int capacityBytes, int capacityLines) {
        fields = new HeaderBlock(capacityBytes, capacityLines);
        decodedPath = new byte[capacityBytes];
        routePath = fields.bytes();
    }

    /// What the client speaks.
    public Protocol protocol() {
        if (http2) return Protocol.HTTP_2;
        return minorVersion == 0 ? Protocol.HTTP_1_0 : Protocol.HTTP_1_1;
    }

    public boolean hasBody() {
        return chunked || contentLength > 0;
    }
}
