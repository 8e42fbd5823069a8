package bascule.http2;

import bascule.http.Rejection;
import bascule.net.Connection;
import bascule.net.Failure;
import bascule.net.Loop;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.DefaultHttp2FrameReader;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Flags;
import io.netty.handler.codec.http2.Http2FrameListener;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.collection.IntObjectHashMap;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/// One HTTP/2 connection, to a client or to a server (RFC 9113): frames in and out, settings, windows, the table of streams, and the
/// bounds that hold for all of it. Netty reads the frames but for DATA, whose payload goes on as it comes, and decodes HPACK; what goes
/// out is written here.
///
/// All that happens in one turn of the loop goes out with one flush at its end: whoever has written calls [#later]. Small frames
/// of all streams share a buffer. DATA goes out in turns, a frame of each stream that may send.
abstract class Http2Connection extends Connection {
    /// What a peer may send on one stream, and on all together, before it was passed on.
    static final int STREAM_WINDOW = 256 * 1024;

    static final int CONNECTION_WINDOW = 1024 * 1024;

    /// Longest frame that is accepted; it is what every peer starts with (RFC 9113 §4.2), so it need not be said.
    static final int FRAME_LIMIT = 16 * 1024;

    /// A peer may want no longer ones either; longer than this none gets, for streams have to take turns.
    private static final int LONGEST_SENT = 64 * 1024;

    /// As much may wait to be sent on all streams together before each has room only while nothing of it waits.
    static final int MOST_QUEUED = 1024 * 1024;

    /// Control frames written while the peer takes nothing; then no more of its frames are read.
    private static final int MOST_CONTROL = 16 * 1024;

    private static final int ROOM_BYTES = 16 * 1024; // Of the buffer that small frames share.

    /// A field block may come in so many small frames. Each costs us more than the peer.
    private static final int MOST_CONTINUATIONS = 64;

    /// How long a connection that we end stays half open, so that the peer can read what we said last, and how much of what it still
    /// sends is thrown away.
    private static final long LINGER_NANOS = 2_000_000_000;

    private static final long LINGER_BYTES = 1 << 20;

    /// When the last stream is named after the peer was told that the connection ends, unless it answers a PING before.
    private static final long GRACE_NANOS = 1_000_000_000;

    private static final long GRACE_PING = 0x62617363756c65L;

    private static final int DEFAULT_WINDOW = 65_535;
    private static final int MOST_CLOSED = 128; // Streams that are remembered as closed.

    /// Updates of windows that a peer may send for each DATA frame of ours, and in advance; more are glitches.
    private static final int UPDATES_PER_FRAME = 4;

    private static final int MOST_UPDATES = 1000;

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
    private final DefaultHttp2FrameReader reader;
    private final FrameListener listener = new FrameListener();
    private final IntObjectHashMap<Http2Stream> streams = new IntObjectHashMap<>(8);
    private final ArrayList<Http2Stream> touched = new ArrayList<>();
    private final ArrayList<Http2Stream> roomy = new ArrayList<>();
    private final ArrayList<Http2Stream> dead = new ArrayList<>();
    private final Glitches glitches = new Glitches();
    private final Runnable turn = this::turn;
    private Phase phase = Phase.OPEN;
    private Leaving leaving = Leaving.NO;
    private boolean turnComes;
    private boolean inputEnded;
    private boolean peerLeaves;

    // What comes.
    private int prefaceSeen;
    private boolean settingsSeen;
    private @Nullable ByteBuf pending; // The beginning of a frame.
    private boolean blockOpen; // Between HEADERS and the last of its CONTINUATIONs.
    private int blockStream;
    private @Nullable Http2Stream dataStream;
    private int dataLeft;
    private int paddingLeft;
    private boolean dataLast;
    private long partialSinceNanos;
    private int receiveWindow = CONNECTION_WINDOW;
    private int receiveCredit;
    private int updatesLeft = MOST_UPDATES;

    // What goes.
    private long sendWindow = DEFAULT_WINDOW;
    private int peerStreamWindow = DEFAULT_WINDOW;
    private int peerFrameBytes = FRAME_LIMIT;
    private int peerStreams = Integer.MAX_VALUE;
    private boolean peerTakesConnect;
    private boolean blockWritten;
    private @Nullable ByteBuf room;
    private int queuedBytes;
    private int controlBytes;
    private @Nullable Http2Stream firstReady;
    private @Nullable Http2Stream lastReady;

    // Streams.
    private int lastPeerStream; // Of those that the peer opened.
    private int lastServed;
    private int lastOurStream; // Of those that we opened.
    private int @Nullable [] closedStreams; // Negative where we reset them.
    private int closedCount;

    private long idleSinceNanos;
    private long graceNanos;
    private long stalledSinceNanos;
    private long stalledBytes;
    private long writtenBytes;
    private long remaining;

    /// @param client do we open the streams?
    Http2Connection(Http2Codec codec, Http2Bounds bounds, boolean client) {
        super(codec.loop);
        this.codec = codec;
        this.bounds = bounds;
        this.client = client;
        lastOurStream = client ? -1 : 0;
        prefaceSeen = client ? Frames.prefaceLength() : 0;
        reader =
                new DefaultHttp2FrameReader(
                        new Decoder(2L * bounds.headBytes()), MOST_CONTINUATIONS);
    }

    // ---- what subclasses hear

    /// The peer opened a stream; [#begin] makes it one.
    abstract void peerOpened(int id, DecodedFields fields, boolean last, long nowNanos);

    /// The peer will open no more streams, and takes none of ours above `lastStream`.
    abstract void peerLeaves(int lastStream, long nowNanos);

    /// The peer's settings have come, for the first time or anew.
    abstract void settingsChanged(long nowNanos);

    /// A stream has ended; there may be room for another.
    abstract void streamEnded(long nowNanos);

    /// Something was refused, for the metrics.
    abstract void rejected(Rejection rejection);

    /// The connection closes, for whatever reason; its streams have been told. Called once.
    abstract void gone();

    /// Somebody may use the stream again.
    abstract void recycle(Http2Stream stream);

    /// A bug, or no memory.
    abstract void bug(Throwable cause);

    // ---- the beginning

    /// What we say first: to be called when the connection stands.
    final void start(long now) {
        idleSinceNanos = now;
        partialSinceNanos = now; // The first frame of the peer's is due.
        if (client) room(Frames.prefaceLength()).writeBytes(Frames.preface());
        int count = client ? 3 : 5;
        ByteBuf to = room(Frames.HEADER_BYTES + 6 * count);
        Frames.writeHeader(to, 6 * count, Frames.SETTINGS, 0, 0);
        setting(to, Frames.INITIAL_WINDOW_SIZE, STREAM_WINDOW);
        setting(to, Frames.MAX_HEADER_LIST_SIZE, bounds.headBytes());
        if (client) {
            setting(to, Frames.ENABLE_PUSH, 0);
        } else {
            setting(to, Frames.MAX_CONCURRENT_STREAMS, bounds.streams());
            setting(to, Frames.ENABLE_CONNECT_PROTOCOL, 1);
            setting(to, Frames.NO_RFC7540_PRIORITIES, 1);
        }
        writeWindowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
        loop.wheel().schedule(this, now + Math.min(bounds.headNanos(), bounds.idleNanos()));
        later();
    }

    private static void setting(ByteBuf to, int id, int value) {
        to.writeShort(id).writeInt(value);
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
                    read(in);
                } finally {
                    in.release();
                }
            }
            case LINGER -> {
                remaining -= in.readableBytes();
                in.release();
                if (remaining < 0) close();
            }
            case CLOSED -> in.release();
        }
    }

    private void read(ByteBuf in) {
        if (prefaceSeen < Frames.prefaceLength() && !preface(in)) return;
        boolean more = true;
        while (more && phase == Phase.OPEN && in.isReadable()) {
            if (dataLeft + paddingLeft > 0) data(in);
            else more = pending == null ? frame(in) : fill(in);
        }
        if (phase != Phase.OPEN) return;
        if (in.isReadable()) pending = loop.allocator().directBuffer(256).writeBytes(in);
        long now = loop.nanoTime();
        boolean partial = pending != null || blockOpen || !settingsSeen;
        if (!partial) {
            partialSinceNanos = 0;
        } else if (partialSinceNanos == 0) {
            partialSinceNanos = now;
            loop.wheel().schedule(this, now + bounds.headNanos());
        }
        if (!writable() && controlBytes > MOST_CONTROL) setReading(false);
        later();
    }

    /// @return whether it is complete
    private boolean preface(ByteBuf in) {
        int same = Frames.matching(in, prefaceSeen);
        in.skipBytes(same);
        prefaceSeen += same;
        if (prefaceSeen == Frames.prefaceLength()) return true;
        if (in.isReadable()) fail(Http2Error.PROTOCOL_ERROR, Failure.CLIENT_ABORT);
        return false;
    }

    /// Goes on with a frame that came in part.
    ///
    /// @return whether it was completed
    private boolean fill(ByteBuf in) {
        ByteBuf begun = pending;
        if (begun == null) return true;
        while (phase == Phase.OPEN) {
            if (begun.isReadable() && frame(begun)) {
                pending = null;
                begun.release();
                return true;
            }
            int have = begun.readableBytes();
            int needed = Frames.HEADER_BYTES;
            if (have >= needed) {
                int at = begun.readerIndex();
                needed += begun.getByte(at + 3) == Frames.DATA ? 1 : begun.getUnsignedMedium(at);
            }
            int taken = Math.min(needed - have, in.readableBytes());
            if (taken == 0) return false;
            begun.writeBytes(in, taken);
        }
        return false;
    }

    /// Reads one frame, or the beginning of DATA.
    ///
    /// @return false if it is not all there
    private boolean frame(ByteBuf in) {
        int at = in.readerIndex();
        int readable = in.readableBytes();
        if (readable < Frames.HEADER_BYTES) return false;
        int length = in.getUnsignedMedium(at);
        byte type = in.getByte(at + 3);
        int flags = in.getUnsignedByte(at + 4);
        int id = in.getInt(at + 5) & Integer.MAX_VALUE;
        if (length > FRAME_LIMIT) {
            fail(Http2Error.FRAME_SIZE_ERROR);
            return true;
        }
        if (!settingsSeen && (type != Frames.SETTINGS || (flags & Frames.ACK) != 0)) {
            fail(Http2Error.PROTOCOL_ERROR);
            return true;
        }
        if (type == Frames.DATA && !blockOpen) return beginData(in, length, flags, id);
        int end = at + Frames.HEADER_BYTES + length;
        if (readable < Frames.HEADER_BYTES + length) return false;
        if (type == Frames.HEADERS || type == Frames.CONTINUATION) {
            blockOpen = (flags & Frames.END_HEADERS) == 0;
            if (type == Frames.HEADERS) blockStream = id;
            if (length == 0 && !glitch(Glitches.EMPTY)) return true;
        }
        int writerIndex = in.writerIndex();
        in.writerIndex(end);
        try {
            reader.readFrame(context(), in, listener);
        } catch (Http2Exception error) {
            refused(error);
        } finally {
            in.setIndex(end, writerIndex);
        }
        return true;
    }

    private void refused(Http2Exception error) {
        int id = Http2Exception.streamId(error);
        if (id == 0) fail(error.error());
        else streamError(id, error.error());
    }

    /// @return false if the length of the padding is not there yet
    private boolean beginData(ByteBuf in, int length, int flags, int id) {
        boolean padded = (flags & Frames.PADDED) != 0;
        int head = Frames.HEADER_BYTES;
        int padding = 0;
        if (padded) {
            if (length == 0) {
                fail(Http2Error.FRAME_SIZE_ERROR);
                return true;
            }
            if (in.readableBytes() == head) return false;
            padding = in.getUnsignedByte(in.readerIndex() + head++);
            if (padding >= length) {
                fail(Http2Error.PROTOCOL_ERROR);
                return true;
            }
        }
        in.skipBytes(head);
        if (id == 0) {
            fail(Http2Error.PROTOCOL_ERROR);
            return true;
        }
        receiveWindow -= length;
        if (receiveWindow < 0) {
            fail(Http2Error.FLOW_CONTROL_ERROR);
            return true;
        }
        int overhead = head - Frames.HEADER_BYTES + padding;
        dataLeft = length - overhead;
        paddingLeft = padding;
        dataLast = (flags & Frames.END_STREAM) != 0;
        dataStream = null;
        Http2Stream stream = streams.get(id);
        if (stream == null) {
            if (isIdle(id)) {
                fail(Http2Error.PROTOCOL_ERROR);
                return true;
            }
            consumed(length);
            if (!wasResetByUs(id)) streamError(id, Http2Error.STREAM_CLOSED);
        } else if (stream.peerEnded) {
            consumed(length);
            streamError(id, Http2Error.STREAM_CLOSED);
        } else if (!stream.accept(length)) {
            consumed(length);
            streamError(id, Http2Error.FLOW_CONTROL_ERROR);
        } else {
            dataStream = stream;
            if (overhead > 0) stream.consumed(overhead);
        }
        if (dataLeft == 0) {
            if (!dataLast && !glitch(Glitches.EMPTY)) return true;
            dataEnded();
        }
        return true;
    }

    /// Goes on with a DATA frame.
    private void data(ByteBuf in) {
        if (dataLeft > 0) {
            int bytes = Math.min(dataLeft, in.readableBytes());
            dataLeft -= bytes;
            if (dataStream == null) in.skipBytes(bytes); // Its room was given back before.
            else dataStream.take(in, bytes);
            if (dataLeft == 0) dataEnded();
            return;
        }
        int bytes = Math.min(paddingLeft, in.readableBytes());
        in.skipBytes(bytes);
        paddingLeft -= bytes;
    }

    private void dataEnded() {
        Http2Stream stream = dataStream;
        dataStream = null;
        if (stream == null || !dataLast) return;
        stream.peerEnded = true;
        stream.inputEnded(loop.nanoTime());
        if (stream.localEnded) stream.close();
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

    /// Netty's reader tells us what it has read.
    private final class FrameListener implements Http2FrameListener {
        @Override
        public int onDataRead(
                ChannelHandlerContext context,
                int id,
                ByteBuf data,
                int padding,
                boolean endOfStream) {
            throw new IllegalStateException("DATA is read here");
        }

        @Override
        public void onHeadersRead(
                ChannelHandlerContext context,
                int id,
                Http2Headers headers,
                int padding,
                boolean endStream) {
            headers(id, endStream);
        }

        @Override
        public void onHeadersRead(
                ChannelHandlerContext context,
                int id,
                Http2Headers headers,
                int dependency,
                short weight,
                boolean exclusive,
                int padding,
                boolean endStream) {
            headers(id, endStream);
        }

        @Override
        public void onPriorityRead(
                ChannelHandlerContext context,
                int id,
                int dependency,
                short weight,
                boolean exclusive) {
            glitch(Glitches.PRIORITY);
        }

        @Override
        public void onRstStreamRead(ChannelHandlerContext context, int id, long code) {
            int cost = 0;
            Http2Stream stream = streams.get(id);
            if (stream != null) {
                if (!stream.answered()) cost = Glitches.RESET_BY_PEER;
                stream.close();
                stream.peerReset(code, loop.nanoTime());
            } else if (isIdle(id)) {
                fail(Http2Error.PROTOCOL_ERROR);
                return;
            }
            glitch(cost);
        }

        @Override
        public void onSettingsAckRead(ChannelHandlerContext context) {
            glitch(Glitches.PING);
        }

        @Override
        public void onSettingsRead(ChannelHandlerContext context, Http2Settings settings) {
            settings(settings);
        }

        @Override
        public void onPingRead(ChannelHandlerContext context, long data) {
            if (!glitch(Glitches.PING)) return;
            ByteBuf to = control(Frames.HEADER_BYTES + 8);
            Frames.writeHeader(to, 8, Frames.PING, Frames.ACK, 0);
            to.writeLong(data);
        }

        @Override
        public void onPingAckRead(ChannelHandlerContext context, long data) {
            if (leaving == Leaving.ANNOUNCED && data == GRACE_PING) nameLast();
            else glitch(Glitches.PING);
        }

        @Override
        public void onPushPromiseRead(
                ChannelHandlerContext context,
                int id,
                int promised,
                Http2Headers headers,
                int padding) {
            fail(Http2Error.PROTOCOL_ERROR); // We allow none, and clients never send one.
        }

        @Override
        public void onGoAwayRead(
                ChannelHandlerContext context, int lastStream, long code, ByteBuf text) {
            peerLeaves = true;
            Http2Connection.this.peerLeaves(lastStream, loop.nanoTime());
            glitch(Glitches.SETTINGS);
        }

        @Override
        public void onWindowUpdateRead(ChannelHandlerContext context, int id, int bytes) {
            windowUpdate(id, bytes);
        }

        @Override
        public void onUnknownFrame(
                ChannelHandlerContext context,
                byte type,
                int id,
                Http2Flags flags,
                ByteBuf payload) {
            glitch(Glitches.UNKNOWN); // RFC 9113 §5.5: ignored.
        }
    }

    /// The HPACK decoder, which fills what the loop has for that instead of a map of its own.
    private final class Decoder extends DefaultHttp2HeadersDecoder {
        Decoder(long mostBytes) {
            super(false, mostBytes);
        }

        @Override
        protected Http2Headers newHeaders() {
            Http2Stream stream = streams.get(blockStream);
            return codec.decoded.begin(
                    stream != null && stream.expectsTrailers(),
                    bounds.headBytes(),
                    bounds.headerCount());
        }
    }

    private void headers(int id, boolean last) {
        long now = loop.nanoTime();
        DecodedFields fields = codec.decoded;
        fields.end();
        Http2Stream stream = streams.get(id);
        if (stream != null) {
            if (stream.peerEnded) streamError(id, Http2Error.STREAM_CLOSED);
            else stream.fields(fields, last, now);
            return;
        }
        if (client) {
            if (isIdle(id)) fail(Http2Error.PROTOCOL_ERROR);
            return;
        }
        if ((id & 1) == 0) {
            fail(Http2Error.PROTOCOL_ERROR);
            return;
        }
        if (id <= lastPeerStream) {
            int known = closedStream(id);
            if (known < 0) return; // It may not have heard of our RST_STREAM yet.
            fail(known > 0 ? Http2Error.STREAM_CLOSED : Http2Error.PROTOCOL_ERROR);
            return;
        }
        lastPeerStream = id;
        if (leaving == Leaving.NAMED) {
            remember(-id);
            return;
        }
        if (streams.size() >= bounds.streams()) {
            rejected(Rejection.STREAMS);
            remember(-id);
            writeReset(id, Http2Error.REFUSED_STREAM);
            glitch(Glitches.REFUSED);
            return;
        }
        lastServed = id;
        peerOpened(id, fields, last, now);
    }

    private void settings(Http2Settings settings) {
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
        if (window != null) {
            long more = (long) window - peerStreamWindow;
            peerStreamWindow = window;
            for (Http2Stream stream : streams.values()) {
                if (stream.widen(more)) continue;
                fail(Http2Error.FLOW_CONTROL_ERROR);
                return;
            }
        }
        Frames.writeHeader(control(Frames.HEADER_BYTES), 0, Frames.SETTINGS, Frames.ACK, 0);
        settingsChanged(loop.nanoTime());
    }

    private void windowUpdate(int id, int bytes) {
        if (updatesLeft > 0) updatesLeft--;
        else if (!glitch(Glitches.CRUMBS)) return;
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

    /// @return false if that was one too many: the connection ends
    final boolean glitch(int cost) {
        if (glitches.add(cost, loop.nanoTime())) return phase == Phase.OPEN;
        if (phase == Phase.OPEN) {
            rejected(Rejection.GLITCHES);
            fail(Http2Error.ENHANCE_YOUR_CALM);
        }
        return false;
    }

    /// The peer broke a rule on one stream.
    final void streamError(int id, Http2Error code) {
        if (!glitch(Glitches.RESET_BY_US)) return;
        Http2Stream stream = streams.get(id);
        if (stream == null) {
            writeReset(id, code);
            resetByUs(id);
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

    /// Does the peer take streams for WebSocket (RFC 8441 §3)?
    final boolean peerTakesConnect() {
        return peerTakesConnect;
    }

    final int streamCount() {
        return streams.size();
    }

    final @Nullable Http2Stream stream(int id) {
        return streams.get(id);
    }

    final Iterable<Http2Stream> streams() {
        return streams.values();
    }

    /// Has a stream of that number never been opened?
    private boolean isIdle(int id) {
        return (id & 1) == (client ? 1 : 0) ? id > lastOurStream : id > lastPeerStream;
    }

    private void remember(int id) {
        int[] ring = closedStreams;
        if (ring == null) ring = closedStreams = new int[MOST_CLOSED];
        ring[closedCount++ & MOST_CLOSED - 1] = id;
    }

    /// @return positive if it was closed lately, negative if by a reset of ours, 0 if it is not known
    private int closedStream(int id) {
        int[] ring = closedStreams;
        if (ring == null) return 0;
        for (int known : ring) if (known == id || known == -id) return known;
        return 0;
    }

    private boolean wasResetByUs(int id) {
        return closedStream(id) < 0;
    }

    /// The peer may still send on it, for it knows nothing of that yet.
    final void resetByUs(int id) {
        remember(-id);
    }

    final void closed(Http2Stream stream) {
        int id = stream.id();
        if (streams.get(id) != stream) return;
        streams.remove(id);
        if (!wasResetByUs(id)) remember(id);
        if (stream.localEnded && stream.peerEnded) glitches.forgive();
        if (dataStream == stream) {
            consumed(dataLeft);
            dataStream = null;
        }
        unready(stream);
        dead.add(stream);
        if (streams.isEmpty()) idleSinceNanos = loop.nanoTime();
        later();
        streamEnded(loop.nanoTime());
    }

    // ---- what goes

    /// So many bytes that came need no room any more.
    final void consumed(int bytes) {
        receiveCredit += bytes;
        if (receiveCredit < CONNECTION_WINDOW / 2) return;
        writeWindowUpdate(0, receiveCredit);
        receiveWindow += receiveCredit;
        receiveCredit = 0;
    }

    /// A buffer that takes so many bytes more; what is put into it goes out in its turn.
    final ByteBuf room(int bytes) {
        ByteBuf shared = room;
        if (shared != null) {
            if (shared.writableBytes() >= bytes) return shared;
            writeRoom();
        }
        return room = loop.allocator().directBuffer(Math.max(bytes, ROOM_BYTES));
    }

    private ByteBuf control(int bytes) {
        controlBytes += bytes;
        return room(bytes);
    }

    private void writeRoom() {
        ByteBuf shared = room;
        if (shared == null) return;
        room = null;
        if (phase == Phase.CLOSED) {
            shared.release();
            return;
        }
        writtenBytes += shared.readableBytes();
        write(shared);
    }

    /// Writes a buffer of its own behind what was put into [#room].
    final void writeBehind(ByteBuf out) {
        writeRoom();
        writtenBytes += out.readableBytes();
        write(out);
    }

    /// @param block from [Http2Codec#block]
    final void writeHeaders(int id, HpackWriter block, boolean last) {
        int bytes = block.end() - HpackWriter.ROOM;
        int flags = last ? Frames.END_STREAM : 0;
        if (!blockWritten) {
            blockWritten = true;
            noTable(id, block, flags);
            return;
        }
        if (bytes > FRAME_LIMIT) {
            writeLong(id, flags, block.bytes(), HpackWriter.ROOM, block.end());
            return;
        }
        Frames.putHeader(block.bytes(), 0, bytes, Frames.HEADERS, flags | Frames.END_HEADERS, id);
        room(block.end()).writeBytes(block.bytes(), 0, block.end());
        later();
    }

    /// The first block: says before all else that there is no table.
    private void noTable(int id, HpackWriter block, int flags) {
        byte[] whole = new byte[block.end() - HpackWriter.ROOM + 1];
        whole[0] = HpackWriter.NO_TABLE;
        System.arraycopy(block.bytes(), HpackWriter.ROOM, whole, 1, whole.length - 1);
        writeLong(id, flags, whole, 0, whole.length);
    }

    private void writeLong(int id, int flags, byte[] from, int start, int end) {
        byte type = Frames.HEADERS;
        int more = flags;
        for (int at = start; ; ) {
            int bytes = Math.min(FRAME_LIMIT, end - at);
            boolean last = at + bytes == end;
            ByteBuf to = room(Frames.HEADER_BYTES + bytes);
            Frames.writeHeader(to, bytes, type, more | (last ? Frames.END_HEADERS : 0), id);
            to.writeBytes(from, at, bytes);
            if (last) break;
            at += bytes;
            type = Frames.CONTINUATION;
            more = 0;
        }
        later();
    }

    /// Trailers that had to wait.
    ///
    /// @param block owned by the callee
    final void writeHeaders(int id, ByteBuf block) {
        byte[] whole = new byte[block.readableBytes()];
        block.readBytes(whole);
        block.release();
        writeLong(id, Frames.END_STREAM, whole, 0, whole.length);
    }

    final void writeReset(int id, Http2Error code) {
        if (phase != Phase.OPEN) return;
        ByteBuf to = control(Frames.HEADER_BYTES + 4);
        Frames.writeHeader(to, 4, Frames.RST_STREAM, 0, id);
        to.writeInt((int) code.code());
        later();
    }

    final void writeWindowUpdate(int id, int bytes) {
        if (phase != Phase.OPEN) return;
        ByteBuf to = control(Frames.HEADER_BYTES + 4);
        Frames.writeHeader(to, 4, Frames.WINDOW_UPDATE, 0, id);
        to.writeInt(bytes);
        later();
    }

    private void writeGoAway(int lastStream, Http2Error code) {
        ByteBuf to = room(Frames.HEADER_BYTES + 8);
        Frames.writeHeader(to, 8, Frames.GOAWAY, 0, 0);
        to.writeInt(lastStream);
        to.writeInt((int) code.code());
    }

    final void queued(int bytes) {
        queuedBytes += bytes;
    }

    final void dequeued(int bytes) {
        queuedBytes -= bytes;
    }

    final boolean full() {
        return queuedBytes >= MOST_QUEUED;
    }

    final void ready(Http2Stream stream) {
        later();
        if (stream.ready) return;
        stream.ready = true;
        stream.previousReady = lastReady;
        stream.nextReady = null;
        if (lastReady == null) firstReady = stream;
        else lastReady.nextReady = stream;
        lastReady = stream;
    }

    private void unready(Http2Stream stream) {
        if (!stream.ready) return;
        stream.ready = false;
        Http2Stream previous = stream.previousReady;
        Http2Stream next = stream.nextReady;
        if (previous == null) firstReady = next;
        else previous.nextReady = next;
        if (next == null) lastReady = previous;
        else next.previousReady = previous;
        stream.previousReady = null;
        stream.nextReady = null;
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
                writeRoom();
                flush();
                tellOfRoom();
                if (phase == Phase.OPEN && streams.isEmpty() && mayEnd()) finish();
            }
        } catch (RuntimeException | OutOfMemoryError cause) {
            failed(cause);
        }
        for (int i = 0; i < dead.size(); i++) recycle(dead.get(i));
        dead.clear();
    }

    private boolean mayEnd() {
        return inputEnded || leaving == Leaving.NAMED || peerLeaves;
    }

    /// A frame of each stream in turn, as long as the connection takes them.
    private void sendReady() {
        while (firstReady != null && writable()) {
            Http2Stream stream = firstReady;
            if (stream.waits() && sendWindow <= 0) break;
            unready(stream);
            if (!stream.maySend()) continue;
            int bytes = stream.write((int) Math.min(sendWindow, peerFrameBytes));
            sendWindow -= bytes;
            if (updatesLeft < MOST_UPDATES) updatesLeft += UPDATES_PER_FRAME;
            if (stream.maySend()) ready(stream);
            if (stream.mayTellOfRoom()) roomy.add(stream);
        }
        if (firstReady != null || !writable()) awaitPeer();
    }

    /// Some have been told that there is no room because all streams together had too much.
    private void tellOfRoom() {
        if (roomy.isEmpty()) return;
        long now = loop.nanoTime();
        for (int i = 0; i < roomy.size(); i++) roomy.get(i).tellOfRoom(now);
        roomy.clear();
    }

    @Override
    protected void writabilityChanged() {
        if (!writable()) return;
        controlBytes = 0;
        setReading(true);
        later();
    }

    // ---- time

    /// The peer has to take something, or to make room.
    private void awaitPeer() {
        if (stalledSinceNanos != 0) return;
        stalledSinceNanos = loop.nanoTime();
        stalledBytes = taken();
        loop.wheel().schedule(this, stalledSinceNanos + bounds.stallNanos());
    }

    /// Grows with what the peer takes. Over TLS it falls by a little with what is written, which is more there.
    private long taken() {
        return writtenBytes - pendingBytes();
    }

    @Override
    protected void expired(long now) {
        if (phase == Phase.LINGER) {
            expiredLinger(now);
            return;
        }
        if (phase != Phase.OPEN) return;
        long next = now + Math.min(bounds.idleNanos(), 3600_000_000_000L);
        if (partialSinceNanos != 0) {
            long due = partialSinceNanos + bounds.headNanos();
            if (due - now <= 0) {
                if (prefaceSeen == 0) {
                    close(); // Nothing was asked: nothing to answer.
                    return;
                }
                rejected(Rejection.HEADER_TIME);
                fail(Http2Error.ENHANCE_YOUR_CALM);
                return;
            }
            next = Math.min(next, due);
        }
        if (stalledSinceNanos != 0) {
            if (firstReady == null && pendingBytes() == 0) {
                stalledSinceNanos = 0;
            } else if (taken() > stalledBytes) {
                stalledBytes = taken();
                stalledSinceNanos = now;
                next = Math.min(next, now + bounds.stallNanos());
            } else if (stalledSinceNanos + bounds.stallNanos() - now <= 0) {
                stalled(now);
                if (phase != Phase.OPEN) return;
            } else {
                next = Math.min(next, stalledSinceNanos + bounds.stallNanos());
            }
        } else if (pendingBytes() > 0) {
            awaitPeer();
            next = Math.min(next, now + bounds.stallNanos());
        }
        if (leaving == Leaving.ANNOUNCED) {
            if (graceNanos - now <= 0) nameLast();
            else next = Math.min(next, graceNanos);
        }
        if (streams.isEmpty()) {
            long due = idleSinceNanos + bounds.idleNanos();
            if (due - now <= 0) {
                writeGoAway(lastServed, Http2Error.NO_ERROR);
                finish();
                return;
            }
            next = Math.min(next, due);
        }
        loop.wheel().schedule(this, next);
    }

    /// The connection takes nothing: if it is the socket, all is lost; if it is the window, those who wait are.
    private void stalled(long now) {
        stalledSinceNanos = 0;
        if (pendingBytes() > 0) {
            end(Failure.CLIENT_STALLED);
            reset();
            return;
        }
        while (firstReady != null) {
            Http2Stream stream = firstReady;
            unready(stream);
            stream.stalled(now);
            if (!stream.closed()) stream.reset(Http2Error.CANCEL);
        }
    }

    private void expiredLinger(long now) {
        if (pendingBytes() == 0) {
            close();
        } else if (pendingBytes() < stalledBytes) {
            stalledBytes = pendingBytes();
            loop.wheel().schedule(this, now + bounds.stallNanos());
        } else {
            reset();
        }
    }

    // ---- the end

    /// Tells the peer that no more streams are taken after those that it has on the way (RFC 9113 §6.8).
    final void leave(long now) {
        if (phase != Phase.OPEN || leaving != Leaving.NO) return;
        leaving = Leaving.ANNOUNCED;
        graceNanos = now + GRACE_NANOS;
        writeGoAway(Integer.MAX_VALUE, Http2Error.NO_ERROR);
        ByteBuf to = room(Frames.HEADER_BYTES + 8);
        Frames.writeHeader(to, 8, Frames.PING, 0, 0);
        to.writeLong(GRACE_PING);
        loop.wheel().schedule(this, graceNanos);
        later();
    }

    private void nameLast() {
        leaving = Leaving.NAMED;
        writeGoAway(lastServed, Http2Error.NO_ERROR);
        later();
    }

    /// The peer broke a rule of the connection.
    final void fail(Http2Error code) {
        fail(code, Failure.CLIENT_ABORT);
    }

    /// Says why, and closes.
    final void fail(Http2Error code, Failure failure) {
        if (phase != Phase.OPEN) return;
        writeGoAway(lastServed, code);
        end(failure);
        finish();
    }

    /// Ends all streams, tells the peer which ones we have seen, and closes.
    final void leaveNow(Failure failure) {
        if (phase == Phase.OPEN) {
            writeGoAway(lastServed, Http2Error.NO_ERROR);
            end(failure);
            writeRoom();
            flush();
        }
        if (!open() || pendingBytes() == 0) close();
        else reset();
    }

    /// Ends all streams.
    private void end(Failure failure) {
        Http2Stream[] all = streams.values().toArray(new Http2Stream[0]);
        for (Http2Stream stream : all) {
            if (stream.closed()) continue;
            stream.close();
            stream.lost(failure);
        }
    }

    /// Closes once all is written; half first, for a close while the peer still sends is a RST, which destroys what it has not read.
    private void finish() {
        if (phase != Phase.OPEN) return;
        writeRoom();
        phase = Phase.LINGER;
        remaining = LINGER_BYTES;
        flush();
        if (phase != Phase.LINGER) return; // The flush found the peer gone.
        if (pendingBytes() == 0) {
            written();
            return;
        }
        stalledBytes = pendingBytes();
        loop.wheel().schedule(this, loop.nanoTime() + bounds.stallNanos());
        flushAll().addListener(_ -> written());
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
                // Requests that are whole may still be answered.
                Http2Stream[] all = streams.values().toArray(new Http2Stream[0]);
                for (Http2Stream stream : all) {
                    if (stream.closed() || stream.peerEnded && !endsBothWays()) continue;
                    stream.close();
                    stream.lost(Failure.CLIENT_ABORT);
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
        phase = Phase.CLOSED;
        end(Failure.CLIENT_ABORT);
        writeRoom();
        ByteBuf rest = pending;
        pending = null;
        if (rest != null) rest.release();
        reader.close();
        gone();
    }
}
