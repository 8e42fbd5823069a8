package bascule.http2;

/// What one HTTP/2 connection lets its peer do.
///
/// @param streams most that the peer may have open; 0 = it may open none
/// @param headBytes longest head, as HTTP/1.1 would write it
/// @param headerCount most fields of a head
/// @param headNanos longest time from the first byte of a field block, or any other frame but DATA, to its last
/// @param stallNanos longest wait for the peer to take some of what waits for it
/// @param idleNanos longest time without a stream; `Long.MAX_VALUE` if somebody else looks after that
/// @param streamWindow what it may send on one stream before it was passed on, in bytes
/// @param connectionWindow the same on all streams together, not less than [Http2Connection#DEFAULT_WINDOW]
record Http2Bounds(
        int streams,
        int headBytes,
        int headerCount,
        long headNanos,
        long stallNanos,
        long idleNanos,
        int streamWindow,
        int connectionWindow) {}
