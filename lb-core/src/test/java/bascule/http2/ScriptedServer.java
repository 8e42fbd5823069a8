package bascule.http2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.testing.Origin;
import bascule.testing.Wire;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/// An HTTP/2 server whose every frame the test decides.
final class ScriptedServer implements AutoCloseable {
    private final Origin origin = new Origin();

    ScriptedServer() throws IOException {}

    /// Host and port, as a configuration names a server.
    String address() throws IOException {
        return origin.address();
    }

    /// Waits for a connection, and says hello.
    ///
    /// @param settings ids and values
    Conversation accept(int... settings) throws IOException {
        var accepted = new Conversation(origin.accept());
        accepted.hello(settings);
        return accepted;
    }

    /// Waits for a connection, and says nothing.
    Wire acceptSilently() throws IOException {
        return origin.accept();
    }

    /// A connection that was made and not accepted yet, or null.
    Wire poll() throws IOException {
        return origin.poll();
    }

    @Override
    public void close() throws IOException {
        origin.close();
    }

    /// One connection.
    static final class Conversation implements AutoCloseable {
        final Wire wire;
        private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(true);

        Conversation(Wire wire) {
            this.wire = wire;
        }

        private void hello(int... settings) throws IOException {
            String preface = wire.receive(Frame.PREFACE.length);
            if (!preface.equals(new String(Frame.PREFACE, ISO_8859_1)))
                throw new AssertionError(preface);
            send(Frame.settings(settings), Frame.settingsAck());
        }

        void send(Frame... frames) throws IOException {
            wire.send(Frame.bytes(frames));
        }

        /// The next frame, whatever it is.
        Frame next() throws IOException {
            ByteBuffer head = ByteBuffer.wrap(wire.receive(9).getBytes(ISO_8859_1));
            int first = head.getInt();
            int flags = head.get() & 0xff;
            byte[] payload = wire.receive(first >>> 8).getBytes(ISO_8859_1);
            return new Frame(first & 0xff, flags, head.getInt(), payload);
        }

        /// The next frame that is not about settings and windows. PINGs are answered.
        Frame receive() throws IOException {
            while (true) {
                Frame frame = next();
                switch (frame.type()) {
                    case Frame.SETTINGS, Frame.WINDOW_UPDATE -> {}
                    case Frame.PING -> {
                        if (!frame.has(Frame.ACK))
                            send(Frame.pong(ByteBuffer.wrap(frame.payload()).getLong()));
                    }
                    default -> {
                        return frame;
                    }
                }
            }
        }

        /// The next frame is a head; its fields, in their order.
        Map<String, String> fields(int stream) throws IOException {
            Frame frame = receive();
            if (frame.type() != Frame.HEADERS || frame.stream() != stream)
                throw new AssertionError("no head of stream " + stream + " but " + frame);
            return decode(frame);
        }

        Map<String, String> decode(Frame headers) {
            try {
                Http2Headers decoded =
                        decoder.decodeHeaders(
                                headers.stream(), Unpooled.wrappedBuffer(headers.payload()));
                var fields = new LinkedHashMap<String, String>();
                decoded.forEach(
                        field ->
                                fields.merge(
                                        field.getKey().toString(),
                                        field.getValue().toString(),
                                        (one, other) -> one + "," + other));
                return fields;
            } catch (Http2Exception e) {
                throw new AssertionError(e);
            }
        }

        /// The DATA of a stream up to its end.
        String body(int stream) throws IOException {
            var body = new StringBuilder();
            while (true) {
                Frame frame = receive();
                if (frame.type() != Frame.DATA || frame.stream() != stream)
                    throw new AssertionError("no data of stream " + stream + " but " + frame);
                body.append(frame.text());
                if (frame.has(Frame.END_STREAM)) return body.toString();
            }
        }

        /// Answers a stream with 200 and a body.
        void answer(int stream, String body) throws IOException {
            send(head(stream, false, ":status", "200"), Frame.data(stream, body, true));
        }

        static Frame head(int stream, boolean last, String... fields) {
            return Frame.headers(stream, Frame.block(fields), last);
        }

        /// Waits for the end of the connection; frames before it are skipped.
        void awaitEnd() throws IOException {
            try {
                while (true) next();
            } catch (EOFException end) {
                // As expected.
            }
        }

        /// Sends FIN, and reads no more.
        void end() throws IOException {
            wire.close();
        }

        @Override
        public void close() throws IOException {
            wire.close();
        }
    }
}
