package bascule.http2;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.DefaultHttp2FrameReader;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Flags;
import io.netty.handler.codec.http2.Http2FrameListener;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import org.jspecify.annotations.Nullable;

/// From the bytes of a connection to its frames (RFC 9113 §4). Netty's reader is given one whole frame at a time, and decodes HPACK;
/// DATA is read here, so that its payload goes on as it comes, and a field block that is whole is decoded where it lies. Of a frame that is cut, no more is kept than the frame.
final class FrameReader {
    /// Longest frame that is accepted; it is what every peer starts with (RFC 9113 §4.2), so it need not be said.
    static final int FRAME_LIMIT = 16 * 1024;

    /// A field block may come in so many small frames. Each costs us more than the peer.
    private static final int MOST_CONTINUATIONS = 64;

    private static final int PRIORITY_BYTES = 5;

    private final FrameEvents events;
    private final ByteBufAllocator allocator;
    private final Decoder decoder;
    private final DefaultHttp2FrameReader reader;
    private final Listener listener = new Listener();
    private int prefaceSeen;
    private boolean settingsSeen;
    private @Nullable ByteBuf pending; // The beginning of a frame.
    private boolean blockOpen; // Between HEADERS and the last of its CONTINUATIONs.
    private int blockStream;
    private boolean blockLast;
    private long completed;
    private int dataLeft;
    private int paddingLeft;
    private boolean dataLast;

    /// @param preface does the peer begin with it?
    /// @param mostBytes longest field block, as it comes and as a list of headers
    FrameReader(FrameEvents events, ByteBufAllocator allocator, boolean preface, long mostBytes) {
        this.events = events;
        this.allocator = allocator;
        prefaceSeen = preface ? 0 : Frames.prefaceLength();
        decoder = new Decoder(mostBytes);
        reader = new DefaultHttp2FrameReader(decoder, MOST_CONTINUATIONS);
    }

    /// Reads all of `in`, unless the connection ends before.
    void read(ChannelHandlerContext context, ByteBuf in) {
        if (prefaceSeen < Frames.prefaceLength() && !preface(in)) return;
        boolean more = true;
        while (more && events.reads() && in.isReadable()) {
            if (dataLeft + paddingLeft > 0) data(in);
            else more = pending == null ? frame(context, in) : fill(context, in);
        }
        if (!events.reads() || !in.isReadable()) return;
        int bytes = Math.max(in.readableBytes(), 256);
        pending = allocator.directBuffer(bytes).writeBytes(in);
    }

    /// Is the peer in the middle of something that it has to end soon?
    boolean isPartial() {
        return pending != null || blockOpen || !settingsSeen;
    }

    /// Frames so far, or field blocks of several: grows whenever something ends that should not take long.
    long completed() {
        return completed;
    }

    /// Has the peer said nothing at all?
    boolean isSilent() {
        return prefaceSeen == 0;
    }

    void close() {
        ByteBuf rest = pending;
        pending = null;
        if (rest != null) rest.release();
        reader.close();
    }

    /// @return whether it is complete
    private boolean preface(ByteBuf in) {
        int same = Frames.matching(in, prefaceSeen);
        in.skipBytes(same);
        prefaceSeen += same;
        if (prefaceSeen == Frames.prefaceLength()) return true;
        if (in.isReadable()) broken(Http2Error.PROTOCOL_ERROR);
        return false;
    }

    /// Goes on with a frame that came in part.
    ///
    /// @return whether it was completed
    private boolean fill(ChannelHandlerContext context, ByteBuf in) {
        ByteBuf begun = pending;
        if (begun == null) return true;
        while (events.reads()) {
            if (frame(context, begun)) {
                if (pending == begun) { // Else the connection ended meanwhile.
                    pending = null;
                    begun.release();
                }
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
    private boolean frame(ChannelHandlerContext context, ByteBuf in) {
        int at = in.readerIndex();
        int readable = in.readableBytes();
        if (readable < Frames.HEADER_BYTES) return false;
        int length = in.getUnsignedMedium(at);
        byte type = in.getByte(at + 3);
        int flags = in.getUnsignedByte(at + 4);
        int id = in.getInt(at + 5) & Integer.MAX_VALUE;
        if (length > FRAME_LIMIT) {
            broken(Http2Error.FRAME_SIZE_ERROR);
            return true;
        }
        if (!settingsSeen && (type != Frames.SETTINGS || (flags & Frames.ACK) != 0)) {
            broken(Http2Error.PROTOCOL_ERROR);
            return true;
        }
        // RFC 9113 §6.2. Before the frame is all there, or DATA would be waited for.
        if (blockOpen && type != Frames.CONTINUATION) {
            broken(Http2Error.PROTOCOL_ERROR);
            return true;
        }
        if (type == Frames.DATA) {
            boolean begun = beginData(in, length, flags, id);
            if (begun) completed++;
            return begun;
        }
        int end = at + Frames.HEADER_BYTES + length;
        if (readable < Frames.HEADER_BYTES + length) return false;
        if (type == Frames.HEADERS || type == Frames.CONTINUATION) {
            blockOpen = (flags & Frames.END_HEADERS) == 0;
            if (type == Frames.HEADERS) {
                blockStream = id;
                blockLast = (flags & Frames.END_STREAM) != 0;
            }
            if (length == 0) events.idle(Glitches.EMPTY);
            if (!events.reads()) return true;
        }
        if (!blockOpen) completed++;
        int writerIndex = in.writerIndex();
        in.writerIndex(end);
        try {
            if (type == Frames.HEADERS && !blockOpen && id != 0) headers(in, flags, id);
            else reader.readFrame(context, in, listener);
        } catch (Http2Exception.HeaderListSizeException error) { // In order, but for its size.
            reader.close(); // Else it waits for more of the block.
            events.tooLarge(Http2Exception.streamId(error), blockLast);
        } catch (Http2Exception error) {
            // A block that was not decoded leaves the table of its fields behind (RFC 9113 §4.3).
            boolean block = type == Frames.HEADERS || type == Frames.CONTINUATION;
            events.broken(block ? 0 : Http2Exception.streamId(error), error.error());
        } finally {
            in.setIndex(end, writerIndex);
        }
        return true;
    }

    /// Reads a field block that is in one frame.
    ///
    /// @param in that frame
    private void headers(ByteBuf in, int flags, int id) throws Http2Exception {
        in.skipBytes(Frames.HEADER_BYTES);
        int needed =
                ((flags & Frames.PADDED) == 0 ? 0 : 1)
                        + ((flags & Frames.WITH_PRIORITY) == 0 ? 0 : PRIORITY_BYTES);
        if (in.readableBytes() < needed) {
            broken(Http2Error.FRAME_SIZE_ERROR);
            return;
        }
        int padding = (flags & Frames.PADDED) == 0 ? 0 : in.readUnsignedByte();
        if ((flags & Frames.WITH_PRIORITY) != 0) {
            int dependency = in.readInt() & Integer.MAX_VALUE;
            in.skipBytes(1); // Nobody asks for its weight any more (RFC 9113 §5.3.2).
            if (dependency == id) {
                broken(Http2Error.PROTOCOL_ERROR);
                return;
            }
        }
        if (in.readableBytes() < padding) {
            broken(Http2Error.PROTOCOL_ERROR);
            return;
        }
        in.writerIndex(in.writerIndex() - padding);
        if (in.readableBytes() > decoder.maxHeaderListSizeGoAway()) {
            broken(Http2Error.ENHANCE_YOUR_CALM);
            return;
        }
        decoder.decodeHeaders(id, in);
        events.headers(id, (flags & Frames.END_STREAM) != 0);
    }

    private void broken(Http2Error code) {
        events.broken(0, code);
    }

    /// @return false if the length of the padding is not there yet
    private boolean beginData(ByteBuf in, int length, int flags, int id) {
        int head = Frames.HEADER_BYTES;
        int padding = 0;
        if ((flags & Frames.PADDED) != 0) {
            if (length == 0) {
                broken(Http2Error.FRAME_SIZE_ERROR);
                return true;
            }
            if (in.readableBytes() == head) return false;
            padding = in.getUnsignedByte(in.readerIndex() + head++);
            if (padding >= length) {
                broken(Http2Error.PROTOCOL_ERROR);
                return true;
            }
        }
        in.skipBytes(head);
        if (id == 0) {
            broken(Http2Error.PROTOCOL_ERROR);
            return true;
        }
        int overhead = head - Frames.HEADER_BYTES + padding;
        dataLeft = length - overhead;
        paddingLeft = padding;
        dataLast = (flags & Frames.END_STREAM) != 0;
        events.dataBegun(id, length, overhead);
        if (dataLeft == 0) {
            if (!dataLast) events.idle(Glitches.EMPTY);
            if (events.reads()) events.dataEnded(dataLast);
        }
        return true;
    }

    /// Goes on with a DATA frame.
    private void data(ByteBuf in) {
        if (dataLeft > 0) {
            int bytes = Math.min(dataLeft, in.readableBytes());
            dataLeft -= bytes;
            events.data(in, bytes);
            if (dataLeft == 0) events.dataEnded(dataLast);
            return;
        }
        int bytes = Math.min(paddingLeft, in.readableBytes());
        in.skipBytes(bytes);
        paddingLeft -= bytes;
    }

    /// Of the DATA frame that is being read, payload that has not come yet.
    int dataLeft() {
        return dataLeft;
    }

    /// The HPACK decoder, which fills what it is told to, instead of a map of its own.
    private final class Decoder extends DefaultHttp2HeadersDecoder {
        Decoder(long mostBytes) {
            super(false, mostBytes);
        }

        @Override
        protected Http2Headers newHeaders() {
            return events.fieldsOf(blockStream);
        }
    }

    private final class Listener implements Http2FrameListener {
        @Override
        public int onDataRead(
                ChannelHandlerContext context,
                int id,
                ByteBuf data,
                int padding,
                boolean endOfStream) {
            throw new IllegalStateException("DATA is read elsewhere");
        }

        @Override
        public void onHeadersRead(
                ChannelHandlerContext context,
                int id,
                Http2Headers headers,
                int padding,
                boolean endStream) {
            events.headers(id, endStream);
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
            events.headers(id, endStream);
        }

        @Override
        public void onPriorityRead(
                ChannelHandlerContext context,
                int id,
                int dependency,
                short weight,
                boolean exclusive) {
            events.priority();
        }

        @Override
        public void onRstStreamRead(ChannelHandlerContext context, int id, long code) {
            events.peerReset(id, code);
        }

        @Override
        public void onSettingsAckRead(ChannelHandlerContext context) {
            events.settingsTaken();
        }

        @Override
        public void onSettingsRead(ChannelHandlerContext context, Http2Settings settings) {
            settingsSeen = true;
            events.settings(settings);
        }

        @Override
        public void onPingRead(ChannelHandlerContext context, long data) {
            events.ping(data);
        }

        @Override
        public void onPingAckRead(ChannelHandlerContext context, long data) {
            events.pong(data);
        }

        @Override
        public void onPushPromiseRead(
                ChannelHandlerContext context,
                int id,
                int promised,
                Http2Headers headers,
                int padding) {
            broken(Http2Error.PROTOCOL_ERROR); // We allow none, and clients never send one.
        }

        @Override
        public void onGoAwayRead(
                ChannelHandlerContext context, int lastStream, long code, ByteBuf text) {
            events.goAway(lastStream, code);
        }

        @Override
        public void onWindowUpdateRead(ChannelHandlerContext context, int id, int bytes) {
            events.windowUpdate(id, bytes);
        }

        @Override
        public void onUnknownFrame(
                ChannelHandlerContext context,
                byte type,
                int id,
                Http2Flags flags,
                ByteBuf payload) {
            events.idle(Glitches.UNKNOWN); // RFC 9113 §5.5: ignored.
        }
    }
}
