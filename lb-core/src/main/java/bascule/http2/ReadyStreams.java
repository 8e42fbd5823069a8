package bascule.http2;

import org.jspecify.annotations.Nullable;

/// Streams that have something to send and room in their windows, in the order of their turns: linked through themselves.
final class ReadyStreams {
    private @Nullable Http2Stream first;
    private @Nullable Http2Stream last;

    boolean isEmpty() {
        return first == null;
    }

    /// The one whose turn it is, or null.
    @Nullable Http2Stream first() {
        return first;
    }

    /// Puts it at the end, unless it is in the list.
    void add(Http2Stream stream) {
        if (stream.ready) return;
        stream.ready = true;
        Http2Stream before = last;
        stream.previousReady = before;
        stream.nextReady = null;
        if (before == null) first = stream;
        else before.nextReady = stream;
        last = stream;
    }

    /// Takes it out, if it is in the list.
    void remove(Http2Stream stream) {
        if (!stream.ready) return;
        stream.ready = false;
        Http2Stream previous = stream.previousReady;
        Http2Stream next = stream.nextReady;
        if (previous == null) first = next;
        else previous.nextReady = next;
        if (next == null) last = previous;
        else next.previousReady = previous;
        stream.previousReady = null;
        stream.nextReady = null;
    }
}
