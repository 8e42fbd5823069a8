/// HTTP without a version (RFC 9110): heads as bytes and offsets, framing, methods, and the seams where a front stream and
/// a back stream meet one exchange. Knows no wire format, socket, route or server. Called by every layer above; an instance
/// belongs to one event loop.
@NullMarked
package bascule.http;

import org.jspecify.annotations.NullMarked;
