package bascule.http2;

import bascule.net.Deadline;
import bascule.net.Failure;
import bascule.net.ReceiveBuffers;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.Http2Error;
import org.jspecify.annotations.Nullable;

/// One stream: its windows, what waits to be sent, and what came and was not passed on yet (RFC 9113 §5). What it all means is its
/// subclasses' business. Used again; after [#close()] it belongs to nobody until its connection's turn ends.
///
/// What waits to be sent is bounded by whoever asks [#hasRoom()], what came by the window that we give.
abstract class Http2Stream extends Deadline {
    /// As much may wait to be sent before there is no room, and so little must be left until there is some again.
    static final int HIGH_BYTES = 128 * 1024;

    static final int LOW_BYTES = 64 * 1024;

    /// What is no longer than this is copied into one buffer with what else goes out.
    static final int COPIED_BYTES = 2 * 1024;

    /// Smallest and largest buffer for what waits, when what comes is small.
    private static final int FITTED_BYTES = 512;

    private static final int MOST_FITTED_BYTES = 16 * 1024;

    private static final int KEPT_PIECES = 16; // Of the queue, when the stream is used again.

    private @Nullable Http2Connection connection;
    private int id;

    /// Has the peer sent its END_STREAM, have we sent ours?
    boolean peerEnded;

    boolean localEnded;
    private boolean answered; // Has a field block of ours gone out?
    private boolean closed = true;

    // What comes.
    private int receiveWindow;
    private int receiveCredit; // Passed on, and not yet given back to the window.
    private @Nullable ByteBuf received;

    // What goes.
    private long sendWindow;
    private @Nullable ByteBuf[] pieces = new ByteBuf[4];
    private int firstPiece;
    private int pieceCount;
    private boolean lastFitted; // Is the last piece a buffer of our own, with room behind?
    private int queuedBytes;
    private boolean endQueued;
    private @Nullable ByteBuf trailers;
    private boolean full;
    private long sentBytes;

    /// For the connection's list of streams that have something to send and may.
    boolean ready;

    @Nullable Http2Stream previousReady;
    @Nullable Http2Stream nextReady;

    /// For the connection's list of streams that something came for.
    boolean touched;

    /// @param peerWindow what the peer lets a new stream send
    final void begin(Http2Connection connection, int id, int peerWindow) {
        this.connection = connection;
        this.id = id;
        peerEnded = false;
        localEnded = false;
        answered = false;
        closed = false;
        receiveWindow = connection.bounds.streamWindow();
        receiveCredit = 0;
        sendWindow = peerWindow;
        endQueued = false;
        full = false;
        sentBytes = 0;
    }

    final Http2Connection connection() {
        Http2Connection known = connection;
        if (known == null) throw new IllegalStateException("no stream yet");
        return known;
    }

    final int id() {
        return id;
    }

    final boolean closed() {
        return closed;
    }

    /// Has a field block been sent?
    final boolean answered() {
        return answered;
    }

    // ---- what the connection tells

    /// A field block that is not the first one of a stream that the peer opened. Its stream may be reset by it.
    abstract void fields(DecodedFields fields, boolean last, long nowNanos);

    /// Does the next block end the message?
    abstract boolean expectsTrailers();

    /// END_STREAM came with DATA; what came before it may still lie in [#takeReceived()].
    abstract void inputEnded(long nowNanos);

    /// Has all been passed on that has to be before the stream may close in order? If not, it closes itself, once it has.
    boolean passedOn() {
        return true;
    }

    /// What came since the last call may be passed on. At the end of each burst, and after [Http2Connection#touch].
    abstract void deliver(long nowNanos);

    /// The peer gave the stream up; it is closed.
    ///
    /// @param code as it came
    abstract void peerReset(long code, long nowNanos);

    /// The peer broke a rule on the stream: it was reset by us, and is closed.
    abstract void broken(long nowNanos);

    /// The connection ends; the stream is closed.
    abstract void lost(Failure failure);

    /// There is room again, after [#hasRoom()] had said that there is none.
    abstract void roomAgain(long nowNanos);

    /// All is sent, END_STREAM too; the peer's is still missing.
    abstract void sentAll();

    /// The peer has taken nothing of what waits for [Http2Bounds#stallNanos()].
    abstract void stalled(long nowNanos);

    // ---- what comes

    /// @return whether the peer kept within its window
    final boolean accept(int bytes) {
        receiveWindow -= bytes;
        return receiveWindow >= 0;
    }

    /// Takes so many bytes of `in`.
    final void take(ByteBuf in, int bytes) {
        ByteBuf to = received;
        if (to == null)
            to =
                    received =
                            ReceiveBuffers.allocate(
                                    connection().loop().allocator(), Math.max(bytes + 16, 512));
        to.writeBytes(in, bytes);
        connection().touch(this);
    }

    /// What came and was not passed on, with [ReceiveBuffers#HEADROOM] in front; or null. The caller owns it, and says when it is
    /// [#consumed].
    final @Nullable ByteBuf takeReceived() {
        ByteBuf taken = received;
        received = null;
        return taken;
    }

    final boolean hasReceived() {
        return received != null;
    }

    /// So many bytes need no room any more: the peer may send as many again.
    final void consumed(int bytes) {
        Http2Connection of = connection();
        of.consumed(bytes);
        receiveCredit += bytes;
        if (receiveCredit < of.bounds.streamWindow() / 2 || peerEnded || closed) return;
        int credit = receiveCredit;
        receiveWindow += credit;
        receiveCredit = 0;
        of.writeWindowUpdate(id, credit);
    }

    // ---- what goes

    /// Sends a field block at once; nothing may be waiting before it.
    final void sendFields(HpackWriter block, boolean last) {
        if (closed) return;
        answered = true;
        connection().writer().headers(id, block, last);
        connection().later();
        if (last) ended();
    }

    /// Sends bytes as the windows allow.
    ///
    /// @param out owned by the callee
    final void queue(ByteBuf out) {
        int bytes = out.readableBytes();
        if (closed || endQueued || bytes == 0) {
            out.release();
            return;
        }
        if (pieceCount > 0 || sendWindow <= 0 || !connection().sendsNow()) hold(out, bytes);
        else add(out, false);
        queuedBytes += bytes;
        connection().queued(bytes);
        if (sendWindow > 0) connection().ready(this);
        else awaitWindow();
    }

    /// What has to wait, waits in a buffer of its size: else a peer that opens no window would hold a whole receive buffer for every few
    /// bytes that came for it, and the bounds, which count bytes, would not see it.
    private void hold(ByteBuf out, int bytes) {
        if (pieceCount > 0 && lastFitted) {
            ByteBuf last = pieces[firstPiece + pieceCount - 1 & pieces.length - 1];
            if (last != null && last.capacity() - last.writerIndex() >= bytes) {
                last.writeBytes(out);
                out.release();
                return;
            }
        }
        if (out.capacity() <= 2 * bytes) {
            add(out, false);
            return;
        }
        // What comes bit by bit comes on.
        int room = Math.clamp(queuedBytes, FITTED_BYTES, MOST_FITTED_BYTES);
        ByteBuf fitted;
        try {
            fitted =
                    connection()
                            .loop()
                            .allocator()
                            .directBuffer(Frames.HEADER_BYTES + Math.max(bytes, room))
                            .setIndex(Frames.HEADER_BYTES, Frames.HEADER_BYTES);
        } catch (OutOfMemoryError none) {
            add(out, false); // Which is there, at least.
            return;
        }
        fitted.writeBytes(out);
        out.release();
        add(fitted, true);
    }

    private void add(ByteBuf out, boolean fitted) {
        lastFitted = fitted;
        if (pieceCount == pieces.length) {
            @Nullable ByteBuf[] more = new ByteBuf[pieces.length * 2];
            for (int i = 0; i < pieceCount; i++)
                more[i] = pieces[firstPiece + i & pieces.length - 1];
            pieces = more;
            firstPiece = 0;
        }
        pieces[firstPiece + pieceCount++ & pieces.length - 1] = out;
    }

    /// END_STREAM behind what waits.
    final void queueEnd() {
        if (closed || endQueued) return;
        endQueued = true;
        if (queuedBytes == 0 || sendWindow > 0) connection().ready(this);
    }

    /// Trailers behind what waits, with END_STREAM.
    ///
    /// @param block owned by the callee: a field block
    final void queueTrailers(ByteBuf block) {
        if (closed || endQueued) {
            block.release();
            return;
        }
        trailers = block;
        queueEnd();
    }

    /// Is there room for more? If not, [#roomAgain] will tell.
    final boolean hasRoom() {
        if (closed) return true; // It is thrown away.
        if (queuedBytes < HIGH_BYTES && (queuedBytes == 0 || !connection().full())) return true;
        if (!full) connection().wantsRoom(this);
        full = true;
        return false;
    }

    /// Would [#hasRoom()] say yes by now, and for a while?
    final boolean hasRoomAgain() {
        return queuedBytes <= LOW_BYTES && !connection().full();
    }

    final void tellOfRoom(long now) {
        full = false;
        roomAgain(now);
    }

    final boolean waits() {
        return queuedBytes > 0;
    }

    final int queuedBytes() {
        return queuedBytes;
    }

    /// Bytes of DATA sent so far, to see whether there is progress.
    final long sentBytes() {
        return sentBytes;
    }

    /// May a frame go out as far as this stream is concerned?
    final boolean maySend() {
        if (closed || localEnded) return false;
        return queuedBytes > 0 ? sendWindow > 0 : endQueued;
    }

    /// @return whether the window is still one
    final boolean widen(long bytes) {
        boolean before = sendWindow > 0;
        sendWindow += bytes;
        if (sendWindow > Integer.MAX_VALUE) return false;
        if (!before && maySend()) connection().ready(this);
        return true;
    }

    /// The peer has to make room first.
    abstract void awaitWindow();

    /// Writes one frame, if [#maySend()].
    ///
    /// @param most bytes that the connection has room for; at least 1 if the stream has bytes
    /// @return how many of them are used up
    final int write(FrameWriter to, int most) {
        if (queuedBytes == 0) {
            writeEnd(to);
            return 0;
        }
        int bytes = (int) Math.min(Math.min(most, queuedBytes), sendWindow);
        ByteBuf first = first();
        boolean copied = bytes <= COPIED_BYTES;
        if (!copied) bytes = Math.min(bytes, first.readableBytes());
        boolean last = endQueued && bytes == queuedBytes && trailers == null;
        int flags = last ? Frames.END_STREAM : 0;
        if (copied) {
            ByteBuf frame = to.room(Frames.HEADER_BYTES + bytes);
            Frames.writeHeader(frame, bytes, Frames.DATA, flags, id);
            copy(frame, bytes);
        } else if (bytes < first.readableBytes()) {
            ByteBuf frame = to.room(Frames.HEADER_BYTES);
            Frames.writeHeader(frame, bytes, Frames.DATA, flags, id);
            to.write(first.readRetainedSlice(bytes));
        } else {
            int start = first.readerIndex() - Frames.HEADER_BYTES;
            // Before the payload there is room that nobody else refers to, mostly.
            if (start >= 0 && first.refCnt() == 1 && !first.isReadOnly()) {
                Frames.setHeader(first, start, bytes, Frames.DATA, flags, id);
                first.readerIndex(start);
            } else {
                ByteBuf frame = to.room(Frames.HEADER_BYTES);
                Frames.writeHeader(frame, bytes, Frames.DATA, flags, id);
            }
            drop();
            to.write(first);
        }
        queuedBytes -= bytes;
        sendWindow -= bytes;
        sentBytes += bytes;
        connection().dequeued(bytes);
        if (last) ended();
        else if (queuedBytes > 0 && sendWindow <= 0) awaitWindow();
        return bytes;
    }

    private void writeEnd(FrameWriter to) {
        ByteBuf block = trailers;
        if (block == null) {
            Frames.writeHeader(to.room(Frames.HEADER_BYTES), 0, Frames.DATA, Frames.END_STREAM, id);
        } else {
            trailers = null;
            try {
                to.trailers(id, block);
            } finally {
                block.release();
            }
        }
        ended();
    }

    private ByteBuf first() {
        ByteBuf first = pieces[firstPiece];
        if (first == null) throw new IllegalStateException("nothing waits");
        return first;
    }

    private void drop() {
        pieces[firstPiece] = null;
        firstPiece = firstPiece + 1 & pieces.length - 1;
        pieceCount--;
    }

    private void copy(ByteBuf to, int bytes) {
        for (int left = bytes; left > 0; ) {
            ByteBuf piece = first();
            int taken = Math.min(left, piece.readableBytes());
            to.writeBytes(piece, taken);
            left -= taken;
            if (piece.isReadable()) continue;
            drop();
            piece.release();
        }
    }

    private void ended() {
        localEnded = true;
        if (!peerEnded) sentAll();
        else if (passedOn()) close();
    }

    // ---- the end

    /// Gives the stream up, whatever waits.
    final void reset(Http2Error code) {
        if (closed) return;
        connection().writeReset(id, code);
        close(true);
    }

    /// Nothing more will come or go.
    final void close() {
        close(false);
    }

    private void close(boolean byReset) {
        if (closed) return;
        closed = true;
        Http2Connection of = connection();
        ByteBuf rest = takeReceived();
        if (rest != null) {
            of.consumed(rest.readableBytes());
            rest.release();
        }
        of.dequeued(queuedBytes);
        queuedBytes = 0;
        while (pieceCount > 0) {
            ByteBuf piece = first();
            drop();
            piece.release();
        }
        if (pieces.length > KEPT_PIECES) pieces = new ByteBuf[KEPT_PIECES];
        firstPiece = 0;
        ByteBuf block = trailers;
        trailers = null;
        if (block != null) block.release();
        of.loop().wheel().remove(this);
        of.closed(this, byReset);
    }
}
