package bascule.http2;

import bascule.http.Rejection;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.Loop;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.collection.IntObjectHashMap;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/// One HTTP/2 connection, to a client or to a server (RFC 9113): settings, windows, the table of streams, and the bounds that hold for
/// all of it.
///
/// All that happens in one turn of the loop goes out with one flush at its end: whoever has written calls [#later]. DATA goes out in
/// turns, a frame of each stream that may send.
abstract class Http2Connection extends Connection {
    /// Longest DATA that is sent to a peer who would take more, for streams have to take turns.
    private static final int LONGEST_SENT = 64 * 1024;

    /// As much may wait to be sent on all streams together before each has room only while nothing of it waits.
    static final int MOST_QUEUED = 1024 * 1024;

    /// Control frames written while the peer takes nothing; then no more of its frames are read.
    private static final int MOST_CONTROL = 16 * 1024;

    /// How long a connection that we end stays half open, so that the peer can read what we said last, and how much of what it still
    /// sends is thrown away.
    private static final long LINGER_NANOS = 2_000_000_000;

    private static final long LINGER_BYTES = 1 << 20;

    /// How long it may take, in times of a stall, until a peer that reads slowly has our last bytes.
    private static final int LONGEST_LINGER = 10;

    /// When the last stream is named after the peer was told that the connection ends, unless it answers a PING before.
    private static final long GRACE_NANOS = 1_000_000_000;

    private static final long GRACE_PING = 0x62617363756c65L;

    static final int DEFAULT_WINDOW = 65_535;

    /// For each DATA frame of ours a peer may update windows so often, and once more for so many of its bytes, or let us send so many
    /// frames that are small only because the window is. More are glitches. There are clients that update two windows for each 4 KiB that
    /// they have read, and read them when all is sent, which may be 16 MiB.
    private static final int CRUMBS_PER_FRAME = 4;

    private static final int BYTES_PER_CRUMB = 512;

    private static final int FIRST_CRUMBS = 1000;

    private static final int MOST_CRUMBS = 32 * 1024;

    private static final int SMALL_BYTES = 256;

    private static final long LONGEST_WAIT_NANOS = 3600_000_000_000L;

    private enum Phase {
        OPEN,
        /// Our last frame is written; what still comes is thrown away.
        LINGER,
        CLOSED
    }

    private enum Leaving {
        NO,
        /// The peer knows; what it had sent by then is still served.
        ANNOUNCED,
        /// The last stream is named.
        NAMED
    }

    final Http2Codec codec;
    final Http2Bounds bounds;
    private final boolean client;
    private final FrameReader reader;
    private final FrameWriter writer;
    private final IntObjectHashMap<Http2Stream> streams = new IntObjectHashMap<>(8);
    private final ClosedStreams closedStreams;
    private final ReadyStreams ready = new ReadyStreams();
    private final ArrayList<Http2Stream> touched = new ArrayList<>();
    private final ArrayList<Http2Stream> cramped = new ArrayList<>();
    private final ArrayList<Http2Stream> dead = new ArrayList<>();
    private final Glitches glitches = new Glitches(Glitches.FORGIVEN_PER_SECOND);
    private final Glitches resets = new Glitches(Glitches.RESETS_FORGIVEN_PER_SECOND);
    private final Runnable turn = this::turn;
    private Phase phase = Phase.OPEN;
    private Leaving leaving = Leaving.NO;
    private boolean turnComes;
    private boolean inputEnded;
    private boolean peerLeaves;

    // What comes.
    private @Nullable Http2Stream dataStream;
    private int receiveWindow;
    private int receiveCredit;
    private long saidBeforePing;
    private int crumbsLeft = FIRST_CRUMBS;
    private boolean settingsSeen;

    // What goes.
    private long sendWindow = DEFAULT_WINDOW;
    private int peerStreamWindow = DEFAULT_WINDOW;
    private int peerFrameBytes = FrameReader.FRAME_LIMIT;
    private int peerStreams = Integer.MAX_VALUE;
    private boolean peerTakesConnect;
    private int queuedBytes;
    private long dataBytes;

    // The numbers of streams: the last one that the peer opened, of those the last one that was
    // served, and the last one of ours.
    private int lastPeerStream;
    private int lastServed;
    private int lastOurStream;

    // Time.
    private long partialSinceNanos;
    private long completed; // Frames by then.
    private long idleSinceNanos;
    private long graceNanos;
    private long stalledSinceNanos; // Its socket.
    private long stalledBytes;
    private long closedSinceNanos; // Its window.
    private long closedBytes;
    private long lingerBytes;
    private long lingerEndNanos;

    /// @param client do we open the streams?
    Http2Connection(Http2Codec codec, Http2Bounds bounds, boolean client) {
        super(codec.loop);
        this.codec = codec;
        this.bounds = bounds;
        this.client = client;
        lastOurStream = client ? -1 : 0;
        receiveWindow = bounds.connectionWindow();
        closedStreams = new ClosedStreams(bounds.streams());
        // Twice the limit: what is too large for us should be answered, what is beyond all measure
        // need not.
        reader =
                new FrameReader(new Incoming(), loop.allocator(), !client, 2L * bounds.headBytes());
        writer = new FrameWriter(loop.allocator(), this::write);
    }

    // ---- what subclasses hear

    /// The peer opened a stream; [#begin] makes it one.
    abstract void peerOpened(int id, DecodedFields fields, boolean last, long nowNanos);

    /// The peer will open no more streams, and takes none of ours above `lastStream`.
    abstract void peerLeaves(int lastStream, long nowNanos);

    /// The peer's settings have come, for the first time or anew.
    abstract void settingsChanged(long nowNanos);

    /// The peer has answered a PING.
    ///
    /// @return was it one of ours?
    abstract boolean answered(long ping, long nowNanos);

    /// A stream has ended; there may be room for another.
    abstract void streamEnded();

    /// Something was refused, for the metrics.
    abstract void rejected(Rejection rejection);

    /// No stream can be opened any more, though the connection is not closed yet; those that there are will be told. May be called again.
    abstract void ends();

    /// The connection is closed, for whatever reason; its streams have been told. Called once.
    abstract void gone();

    /// Nobody here knows the stream any more.
    abstract void recycle(Http2Stream stream);

    /// A bug, or no memory.
    abstract void bug(Throwable cause);

    // ---- the beginning

    /// What we say first: to be called when the connection stands.
    final void start(long now) {
        idleSinceNanos = now;
        partialSinceNanos = now; // The first frame of the peer's is due.
        if (client) {
            writer.room(Frames.prefaceLength()).writeBytes(Frames.preface());
            writer.settings(
                    Frames.ENABLE_PUSH,
                    0,
                    Frames.INITIAL_WINDOW_SIZE,
                    bounds.streamWindow(),
                    Frames.MAX_HEADER_LIST_SIZE,
                    bounds.headBytes());
        } else {
            writer.settings(
                    Frames.MAX_CONCURRENT_STREAMS,
                    bounds.streams(),
                    Frames.INITIAL_WINDOW_SIZE,
                    bounds.streamWindow(),
                    Frames.MAX_HEADER_LIST_SIZE,
                    bounds.headBytes(),
                    Frames.ENABLE_CONNECT_PROTOCOL,
                    1,
                    Frames.NO_RFC7540_PRIORITIES,
                    1);
        }
        writer.windowUpdate(0, bounds.connectionWindow() - DEFAULT_WINDOW);
        loop.wheel().schedule(this, now + Math.min(bounds.headNanos(), bounds.idleNanos()));
        later();
    }

    final Loop loop() {
        return loop;
    }

    // ---- what comes

    @Override
    protected void received(ByteBuf in) {
        switch (phase) {
            case OPEN -> {
                try {
                    reader.read(context(), in);
                    if (phase == Phase.OPEN) received();
                } finally {
                    in.release();
                }
            }
            case LINGER -> {
                lingerBytes -= in.readableBytes();
                in.release();
                if (lingerBytes < 0) close();
            }
            case CLOSED -> in.release();
        }
    }

    private void received() {
        boolean partial = reader.isPartial();
        if (!partial || reader.completed() != completed) partialSinceNanos = 0;
        completed = reader.completed();
        if (partial && partialSinceNanos == 0) {
            partialSinceNanos = loop.nanoTime();
            loop.wheel().scheduleBy(this, partialSinceNanos + bounds.headNanos());
        }
        if (!writable() && writer.controlBytes() > MOST_CONTROL) setReading(false);
        later();
    }

    @Override
    protected void receivedAll() {
        deliver();
        later();
    }

    private void deliver() {
        if (touched.isEmpty()) return;
        long now = loop.nanoTime();
        for (int i = 0; i < touched.size(); i++) { // One may touch another.
            Http2Stream stream = touched.get(i);
            stream.touched = false;
            if (!stream.closed()) stream.deliver(now);
        }
        touched.clear();
    }

    /// Lets [Http2Stream#deliver] be called, soon.
    final void touch(Http2Stream stream) {
        if (stream.touched || stream.closed()) return;
        stream.touched = true;
        touched.add(stream);
        later();
    }

    private final class Incoming implements FrameEvents {
        @Override
        public boolean reads() {
            return phase == Phase.OPEN;
        }

        @Override
        public void dataBegun(int id, int length, int overhead) {
            dataStream = null;
            receiveWindow -= length;
            if (receiveWindow < 0) {
                fail(Http2Error.FLOW_CONTROL_ERROR);
                return;
            }
            Http2Stream stream = streams.get(id);
            if (stream == null && isIdle(id)) {
                fail(Http2Error.PROTOCOL_ERROR);
            } else if (stream != null && !stream.peerEnded && stream.accept(length)) {
                dataStream = stream;
                if (overhead > 0) stream.consumed(overhead);
            } else {
                consumed(length);
                if (stream != null && !stream.peerEnded)
                    streamError(id, Http2Error.FLOW_CONTROL_ERROR);
                else if (stream != null || !closedStreams.wasResetByUs(id))
                    streamError(id, Http2Error.STREAM_CLOSED);
            }
        }

        @Override
        public void data(ByteBuf in, int bytes) {
            Http2Stream stream = dataStream;
            if (stream == null) in.skipBytes(bytes); // Its room was given back before.
            else stream.take(in, bytes);
        }

        @Override
        public void dataEnded(boolean last) {
            Http2Stream stream = dataStream;
            dataStream = null;
            if (stream == null || !last) return;
            stream.peerEnded = true;
            stream.inputEnded(loop.nanoTime());
            if (stream.localEnded && stream.passedOn()) stream.close();
        }

        @Override
        public Http2Headers fieldsOf(int id) {
            Http2Stream stream = streams.get(id);
            boolean trailers = stream != null && stream.expectsTrailers();
            return codec.decoded.begin(trailers, bounds.headBytes(), bounds.headerCount());
        }

        @Override
        public void headers(int id, boolean last) {
            DecodedFields fields = codec.decoded;
            fields.end();
            Http2Stream stream = streams.get(id);
            if (stream == null) opened(id, fields, last);
            else if (stream.peerEnded) streamError(id, Http2Error.STREAM_CLOSED);
            else stream.fields(fields, last, loop.nanoTime());
        }

        private void opened(int id, DecodedFields fields, boolean last) {
            if (client ? isIdle(id) : (id & 1) == 0) {
                fail(Http2Error.PROTOCOL_ERROR);
                return;
            }
            if (client) return; // It has not heard yet that we gave the stream up.
            if (id <= lastPeerStream) {
                if (closedStreams.wasResetByUs(id)) return;
                boolean known = closedStreams.contains(id);
                fail(known ? Http2Error.STREAM_CLOSED : Http2Error.PROTOCOL_ERROR);
                return;
            }
            lastPeerStream = id;
            if (leaving == Leaving.NAMED) { // It was told that nobody looks at this one.
                closedStreams.add(id, true);
            } else if (streams.size() >= bounds.streams()) {
                rejected(Rejection.STREAMS);
                closedStreams.add(id, true);
                writeReset(id, Http2Error.REFUSED_STREAM);
                glitch(Glitches.REFUSED);
            } else {
                lastServed = id;
                peerOpened(id, fields, last, loop.nanoTime());
            }
        }

        @Override
        public void priority() {
            glitch(Glitches.PRIORITY);
        }

        @Override
        public void peerReset(int id, long code) {
            Http2Stream stream = streams.get(id);
            if (stream != null) {
                // Taken back before it was answered, it has cost us more than the peer.
                if (!stream.answered() && !resetByPeer()) return;
                if (stream.closed()) return;
                stream.close();
                stream.peerReset(code, loop.nanoTime());
            } else if (isIdle(id)) {
                fail(Http2Error.PROTOCOL_ERROR);
            } else {
                glitch(Glitches.UNKNOWN);
            }
        }

        @Override
        public void settings(Http2Settings settings) {
            if (settingsSeen && !glitch(Glitches.SETTINGS)) return;
            settingsSeen = true;
            if (client && Boolean.TRUE.equals(settings.pushEnabled())) {
                fail(Http2Error.PROTOCOL_ERROR);
                return;
            }
            Long most = settings.maxConcurrentStreams();
            if (most != null) peerStreams = (int) Math.min(most, Integer.MAX_VALUE);
            Integer frame = settings.maxFrameSize();
            if (frame != null) peerFrameBytes = Math.min(frame, LONGEST_SENT);
            Long connect = settings.get((char) Frames.ENABLE_CONNECT_PROTOCOL);
            if (connect != null) peerTakesConnect = connect == 1;
            Integer window = settings.initialWindowSize();
            if (window != null && !streamWindow(window)) {
                fail(Http2Error.FLOW_CONTROL_ERROR);
                return;
            }
            writer.settingsAck();
            settingsChanged(loop.nanoTime());
        }

        private boolean streamWindow(int bytes) {
            long more = (long) bytes - peerStreamWindow;
            peerStreamWindow = bytes;
            for (Http2Stream stream : streams.values()) if (!stream.widen(more)) return false;
            return true;
        }

        @Override
        public void settingsTaken() {
            glitch(Glitches.PING);
        }

        @Override
        public void ping(long data) {
            // gRPC asks so how far it is to us, each time that something has come.
            long said = dataBytes + writer.blocks();
            boolean free = said != saidBeforePing;
            saidBeforePing = said;
            if (free || glitch(Glitches.PING)) writer.ping(data, true);
        }

        @Override
        public void pong(long data) {
            if (leaving == Leaving.ANNOUNCED && data == GRACE_PING) nameLast();
            else if (!answered(data, loop.nanoTime())) glitch(Glitches.PING);
        }

        @Override
        public void goAway(int lastStream, long code) {
            peerLeaves = true;
            if (glitch(Glitches.SETTINGS)) peerLeaves(lastStream, loop.nanoTime());
        }

        @Override
        public void windowUpdate(int id, int bytes) {
            if (!crumb()) return;
            if (id == 0) {
                sendWindow += bytes;
                if (sendWindow > Integer.MAX_VALUE) fail(Http2Error.FLOW_CONTROL_ERROR);
                return;
            }
            Http2Stream stream = streams.get(id);
            if (stream == null) {
                if (isIdle(id)) fail(Http2Error.PROTOCOL_ERROR);
            } else if (!stream.widen(bytes)) {
                streamError(id, Http2Error.FLOW_CONTROL_ERROR);
            }
        }

        @Override
        public void idle(int cost) {
            glitch(cost);
        }

        @Override
        public void broken(int id, Http2Error code) {
            if (id == 0) fail(code);
            else streamError(id, code);
        }

        @Override
        public void tooLarge(int id, boolean last) {
            DecodedFields fields = codec.decoded;
            if (fields.excess == null) fields.excess = Rejection.HEADERS_TOO_LARGE;
            headers(id, last);
        }
    }

    /// Counts what is allowed, but should not be done too often.
    ///
    /// @return whether the connection goes on
    final boolean glitch(int cost) {
        if (phase != Phase.OPEN) return false;
        if (glitches.add(cost, loop.nanoTime())) return true;
        tooMuch();
        return false;
    }

    private boolean resetByPeer() {
        if (phase != Phase.OPEN) return false;
        if (resets.add(Glitches.RESET_BY_PEER, loop.nanoTime())) return true;
        tooMuch();
        return false;
    }

    private void tooMuch() {
        fail(Http2Error.ENHANCE_YOUR_CALM, Rejection.GLITCHES);
    }

    private void earn(int bytes) {
        int more = CRUMBS_PER_FRAME + bytes / BYTES_PER_CRUMB;
        crumbsLeft = Math.min(crumbsLeft + more, MOST_CRUMBS);
    }

    private boolean crumb() {
        if (crumbsLeft == 0) return glitch(Glitches.CRUMBS);
        crumbsLeft--;
        return true;
    }

    /// The peer broke a rule on one stream.
    private void streamError(int id, Http2Error code) {
        streamError(id, code, Rejection.FRAMES);
    }

    final void streamError(int id, Http2Error code, Rejection reason) {
        rejected(reason);
        if (!glitch(Glitches.RESET_BY_US)) return;
        Http2Stream stream = streams.get(id);
        if (stream == null) {
            writeReset(id, code);
            closedStreams.add(id, true);
        } else {
            stream.reset(code);
            stream.broken(loop.nanoTime());
        }
    }

    // ---- streams

    /// Makes `stream` that of this number.
    final void begin(Http2Stream stream, int id) {
        stream.begin(this, id, peerStreamWindow);
        streams.put(id, stream);
    }

    /// May we open another stream?
    final boolean mayOpen() {
        return phase == Phase.OPEN
                && !peerLeaves
                && leaving == Leaving.NO
                && streams.size() < peerStreams
                && lastOurStream < Integer.MAX_VALUE - 2;
    }

    /// Opens a stream; its field block has to be the next thing that is sent on any new one.
    final void open(Http2Stream stream) {
        lastOurStream += 2;
        begin(stream, lastOurStream);
    }

    /// Most streams that the peer takes at a time.
    final int peerStreams() {
        return peerStreams;
    }

    /// Does the peer take streams for WebSocket (RFC 8441 §3)?
    final boolean peerTakesConnect() {
        return peerTakesConnect;
    }

    /// Have the peer's settings come?
    final boolean settingsSeen() {
        return settingsSeen;
    }

    /// Since when there is no stream.
    final long idleSinceNanos() {
        return idleSinceNanos;
    }

    final int streamCount() {
        return streams.size();
    }

    /// Does nothing that comes matter any more?
    final boolean isOver() {
        return phase != Phase.OPEN;
    }

    /// The streams that are open now; they may be closed one by one.
    final Http2Stream[] streams() {
        return streams.values().toArray(new Http2Stream[0]);
    }

    /// Has a stream of that number never been opened?
    private boolean isIdle(int id) {
        return (id & 1) == (client ? 1 : 0) ? id > lastOurStream : id > lastPeerStream;
    }

    /// @param byReset did we give it up before its end?
    final void closed(Http2Stream stream, boolean byReset) {
        int id = stream.id();
        streams.remove(id);
        closedStreams.add(id, byReset);
        if (stream.localEnded && stream.peerEnded) glitches.forgive();
        if (dataStream == stream) {
            consumed(reader.dataLeft());
            dataStream = null;
        }
        ready.remove(stream);
        cramped.remove(stream);
        dead.add(stream);
        if (streams.isEmpty()) idleSinceNanos = loop.nanoTime();
        later();
        streamEnded();
    }

    // ---- what goes

    final FrameWriter writer() {
        return writer;
    }

    final void writeReset(int id, Http2Error code) {
        if (phase != Phase.OPEN) return;
        try {
            writer.reset(id, code);
        } catch (OutOfMemoryError none) { // Who gives a stream up expects no failure.
            failed(none);
            return;
        }
        later();
    }

    final void writeWindowUpdate(int id, int bytes) {
        try {
            writer.windowUpdate(id, bytes);
        } catch (OutOfMemoryError none) {
            failed(none);
            return;
        }
        later();
    }

    /// So many bytes that came need no room any more.
    final void consumed(int bytes) {
        receiveCredit += bytes;
        if (receiveCredit < bounds.connectionWindow() / 2 || phase != Phase.OPEN) return;
        int credit = receiveCredit;
        receiveWindow += credit;
        receiveCredit = 0;
        writeWindowUpdate(0, credit);
    }

    /// Does DATA go out by the end of the turn, as far as the connection is concerned?
    final boolean sendsNow() {
        return sendWindow > 0 && writable();
    }

    final void queued(int bytes) {
        queuedBytes += bytes;
    }

    final void dequeued(int bytes) {
        queuedBytes -= bytes;
    }

    /// Does too much wait on all streams together?
    final boolean full() {
        return queuedBytes >= MOST_QUEUED;
    }

    /// The stream has something to send, and may.
    final void ready(Http2Stream stream) {
        ready.add(stream);
        later();
    }

    /// Lets the loop come back to this connection when it is through with what is there to be read.
    final void later() {
        if (turnComes || phase == Phase.CLOSED) return;
        turnComes = true;
        loop.executor().execute(turn);
    }

    private void turn() {
        turnComes = false;
        try {
            if (phase == Phase.OPEN) {
                deliver();
                sendReady();
                writer.finish();
                flush();
                if (phase == Phase.OPEN) awaitPeer();
                tellOfRoom();
                if (phase == Phase.OPEN && streams.isEmpty() && mayEnd()) finish();
            }
        } catch (RuntimeException | OutOfMemoryError cause) {
            failed(cause);
        }
        recycle();
    }

    /// A stream that is still in a list of this connection's must not begin anew on another one.
    private void recycle() {
        if (phase != Phase.OPEN) { // Nothing is delivered any more.
            for (int i = 0; i < touched.size(); i++) touched.get(i).touched = false;
            touched.clear();
        }
        int kept = 0;
        for (int i = 0; i < dead.size(); i++) {
            Http2Stream stream = dead.get(i);
            if (stream.touched) dead.set(kept++, stream);
            else recycle(stream);
        }
        while (dead.size() > kept) dead.removeLast();
    }

    private boolean mayEnd() {
        return inputEnded || leaving == Leaving.NAMED || peerLeaves;
    }

    /// A frame of each stream in turn, as long as the connection takes them.
    private void sendReady() {
        for (Http2Stream stream; (stream = ready.first()) != null && writable(); ) {
            if (stream.waits() && sendWindow <= 0) break;
            ready.remove(stream);
            if (!stream.maySend()) continue;
            int bytes = stream.write(writer, (int) Math.min(sendWindow, peerFrameBytes));
            sendWindow -= bytes;
            dataBytes += bytes;
            if (bytes >= SMALL_BYTES || !stream.waits()) earn(bytes);
            else if (!crumb()) return;
            if (stream.maySend()) ready.add(stream);
        }
    }

    /// The stream waits for room; it is told once there is some.
    final void wantsRoom(Http2Stream stream) {
        cramped.add(stream);
    }

    private void tellOfRoom() {
        if (cramped.isEmpty() || full()) return;
        long now = loop.nanoTime();
        for (int i = cramped.size() - 1; i >= 0; i--) {
            if (i >= cramped.size()) continue; // One that was told has ended others.
            Http2Stream stream = cramped.get(i);
            if (!stream.hasRoomAgain()) continue;
            cramped.remove(i);
            stream.tellOfRoom(now); // Which may bring it back.
        }
    }

    @Override
    protected void writabilityChanged() {
        if (!writable()) return;
        writer.forgetControl();
        setReading(true);
        later();
    }

    // ---- time

    /// The peer may have to take something, or to make room.
    private void awaitPeer() {
        if (!writable()) awaitSocket();
        if (waitsForWindow()) awaitWindow();
    }

    private void awaitSocket() {
        if (stalledSinceNanos != 0) return;
        stalledSinceNanos = loop.nanoTime();
        stalledBytes = takenBytes();
        loop.wheel().scheduleBy(this, stalledSinceNanos + bounds.stallNanos());
    }

    private void awaitWindow() {
        if (closedSinceNanos != 0) return;
        closedSinceNanos = loop.nanoTime();
        closedBytes = dataBytes;
        loop.wheel().scheduleBy(this, closedSinceNanos + bounds.stallNanos());
    }

    private boolean waitsForWindow() {
        return sendWindow <= 0 && !ready.isEmpty();
    }

    /// Grows with what the peer takes. Over TLS it falls a little with what is written, which takes more room there.
    private long takenBytes() {
        return writer.writtenBytes() - pendingBytes();
    }

    @Override
    protected void expired(long now) {
        switch (phase) {
            case OPEN -> expiredOpen(now);
            case LINGER -> {
                long waiting = pendingBytes();
                if (waiting == 0) {
                    close();
                } else if (waiting < stalledBytes
                        && now - lingerEndNanos < 0) { // Slow, but it reads.
                    stalledBytes = waiting;
                    loop.wheel().schedule(this, now + bounds.stallNanos());
                } else {
                    reset();
                }
            }
            case CLOSED -> {}
        }
    }

    private void expiredOpen(long now) {
        long next = now + Math.min(bounds.idleNanos(), LONGEST_WAIT_NANOS);
        if (partialSinceNanos != 0) {
            long due = partialSinceNanos + bounds.headNanos();
            if (due - now <= 0) {
                tooSlow();
                return;
            }
            next = Math.min(next, due);
        }
        if (pendingBytes() > 0) awaitSocket();
        if (stalledSinceNanos != 0) {
            if (pendingBytes() == 0) {
                stalledSinceNanos = 0;
            } else if (takenBytes() > stalledBytes) {
                stalledBytes = takenBytes();
                stalledSinceNanos = now;
            } else if (stalledSinceNanos + bounds.stallNanos() - now <= 0) {
                end(Failure.CLIENT_STALLED);
                reset();
                return;
            }
            if (stalledSinceNanos != 0)
                next = Math.min(next, stalledSinceNanos + bounds.stallNanos());
        }
        // What a socket takes are answers to PINGs, too: a closed window is seen by DATA.
        if (closedSinceNanos != 0) {
            if (!waitsForWindow()) {
                closedSinceNanos = 0;
            } else if (dataBytes != closedBytes) {
                closedBytes = dataBytes;
                closedSinceNanos = now;
            } else if (closedSinceNanos + bounds.stallNanos() - now <= 0) {
                windowStalled(now);
            }
            if (closedSinceNanos != 0)
                next = Math.min(next, closedSinceNanos + bounds.stallNanos());
        }
        if (leaving == Leaving.ANNOUNCED) {
            if (graceNanos - now <= 0) nameLast();
            else next = Math.min(next, graceNanos);
        }
        if (streams.isEmpty()) {
            long due = idleSinceNanos + bounds.idleNanos();
            if (due - now <= 0) {
                writer.goAway(lastServed, Http2Error.NO_ERROR);
                finish();
                return;
            }
            next = Math.min(next, due);
        }
        loop.wheel().scheduleBy(this, next);
    }

    private void tooSlow() {
        if (reader.isSilent()) {
            close(); // Nothing was asked: nothing to answer.
            return;
        }
        fail(Http2Error.ENHANCE_YOUR_CALM, Rejection.HEADER_TIME);
    }

    /// The peer opens no window: those who wait for it are lost.
    private void windowStalled(long now) {
        closedSinceNanos = 0;
        for (Http2Stream stream; (stream = ready.first()) != null; ) {
            ready.remove(stream);
            stream.stalled(now);
            stream.reset(Http2Error.CANCEL);
        }
    }

    // ---- the end

    /// Tells the peer that no more streams are taken after those that it has on the way (RFC 9113 §6.8).
    final void leave(long now) {
        if (phase != Phase.OPEN || leaving != Leaving.NO) return;
        leaving = Leaving.ANNOUNCED;
        graceNanos = now + GRACE_NANOS;
        writer.goAway(Integer.MAX_VALUE, Http2Error.NO_ERROR);
        writer.ping(GRACE_PING, false);
        loop.wheel().scheduleBy(this, graceNanos);
        later();
    }

    private void nameLast() {
        leaving = Leaving.NAMED;
        writer.goAway(lastServed, Http2Error.NO_ERROR);
        later();
    }

    /// Ends all streams, tells the peer which ones we have seen, and closes.
    final void leaveNow(Failure failure) {
        if (phase == Phase.OPEN) {
            writer.goAway(lastServed, Http2Error.NO_ERROR);
            end(failure);
            writer.finish();
            flush();
        }
        if (!open() || pendingBytes() == 0) close();
        else reset();
    }

    /// The peer broke a rule of the connection: says so, and closes.
    final void fail(Http2Error code) {
        fail(code, Rejection.FRAMES);
    }

    private void fail(Http2Error code, Rejection reason) {
        if (phase != Phase.OPEN) return;
        rejected(reason);
        writer.goAway(lastServed, code);
        end(Failure.CLIENT_BROKEN);
        finish();
    }

    /// Ends all streams, without a word to the peer.
    private void end(Failure failure) {
        ends();
        for (Http2Stream stream : streams()) end(stream, failure);
    }

    private void end(Http2Stream stream, Failure failure) {
        if (stream.closed()) return;
        try {
            stream.close();
            stream.lost(failure);
        } catch (RuntimeException cause) {
            bug(cause); // The others have to end all the same.
        }
    }

    /// Closes once all is written; half first, for a close while the peer still sends is a RST, which destroys what it has not read.
    private void finish() {
        if (phase != Phase.OPEN) return;
        writer.finish();
        phase = Phase.LINGER;
        ends();
        lingerBytes = LINGER_BYTES;
        flush();
        if (phase != Phase.LINGER) return; // The flush found the peer gone.
        if (pendingBytes() == 0) {
            written();
            return;
        }
        ChannelFuture all = flushAll();
        if (phase != Phase.LINGER) return;
        stalledBytes = pendingBytes(); // With what the future itself has put there.
        long now = loop.nanoTime();
        lingerEndNanos = now + LONGEST_LINGER * bounds.stallNanos();
        loop.wheel().schedule(this, now + bounds.stallNanos());
        all.addListener(_ -> written());
    }

    private void written() {
        if (phase != Phase.LINGER) return;
        if (inputEnded) {
            close();
            return;
        }
        shutdownOutput();
        setReading(true);
        loop.wheel().schedule(this, loop.nanoTime() + LINGER_NANOS);
    }

    @Override
    protected void inputEnded() {
        inputEnded = true;
        switch (phase) {
            case OPEN -> {
                for (Http2Stream stream : streams()) {
                    // Requests that are whole may still be answered, if there is a way.
                    if (!stream.peerEnded || endsBothWays()) end(stream, Failure.CLIENT_ABORT);
                }
                later();
            }
            case LINGER -> {
                if (pendingBytes() == 0) close();
            }
            case CLOSED -> {}
        }
    }

    @Override
    protected void failed(Throwable cause) {
        if (!isPeersDoing(cause)) {
            bug(cause);
            end(Failure.OURS);
        }
        reset(); // A response that was cut must not seem to be complete.
    }

    @Override
    protected void closed() {
        if (phase == Phase.CLOSED) return;
        end(Failure.CLIENT_ABORT);
        phase = Phase.CLOSED;
        writer.drop();
        reader.close();
        gone();
    }
}
