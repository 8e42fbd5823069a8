/// HTTP/2 on the wire (RFC 9113, RFC 7541, RFC 8441): frames to streams, each of which speaks HTTP/1.1 at the seam of
/// `bascule.http`. Knows framing, flow control and its floods; knows nothing of routes, servers or TLS. Called by
/// `bascule.listen` and `bascule.backend`. All of it is confined to the event loop of the connection it serves.
@NullMarked
package bascule.http2;

import org.jspecify.annotations.NullMarked;
