/// HTTP/1.1 on the wire: bytes to [bascule.http.RequestHead] and [bascule.http.ResponseHead] and back (RFC 9112). Knows
/// framing; knows nothing of routes, servers or TLS. Called by `bascule.proxy`, `bascule.listen` and `bascule.backend`. All
/// of it is confined to the event loop of the channel it serves.
@NullMarked
package bascule.http1;

import org.jspecify.annotations.NullMarked;
