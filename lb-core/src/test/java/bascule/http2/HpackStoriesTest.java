package bascule.http2;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Field blocks that other people's encoders made of the same lists (`src/test/resources/hpack`), read as a connection reads them.
final class HpackStoriesTest {
    private record Block(List<String> fields, Map<String, byte[]> wires) {}

    private static List<Block> story(String number) throws IOException {
        Path file = Path.of("src/test/resources/hpack/story_" + number + ".txt");
        var blocks = new ArrayList<Block>();
        for (String line : Files.readAllLines(file, US_ASCII)) {
            if (line.startsWith("#")) continue;
            if (line.isEmpty()) {
                blocks.add(new Block(new ArrayList<>(), new LinkedHashMap<>()));
            } else if (line.startsWith("> ")) {
                String[] words = line.split(" ", 3);
                blocks.getLast().wires.put(words[1], HexFormat.of().parseHex(words[2]));
            } else {
                blocks.getLast().fields.add(line);
            }
        }
        return blocks;
    }

    @ParameterizedTest
    @ValueSource(strings = {"02", "08", "12", "20", "24", "28"})
    void givenStory_whenDecoded_thenTheListsAreThoseOfItsAuthors(String number) throws IOException {
        List<Block> blocks = story(number);
        for (String encoder : blocks.getFirst().wires.keySet()) {
            try (var reader = new Reader()) {
                for (Block block : blocks)
                    assertEquals(block.fields, reader.read(block.wires.get(encoder)), encoder);
            }
        }
    }

    /// A table that lost one entry would still decode much of it: the test must see that.
    @ParameterizedTest
    @ValueSource(strings = {"02", "20"})
    void givenStoryWithoutItsSecondBlock_whenDecoded_thenSomethingElseComesOut(String number)
            throws IOException {
        List<Block> blocks = story(number);
        boolean differs = false;
        try (var reader = new Reader()) {
            for (int i = 0; i < blocks.size() && !differs; i++) {
                if (i == 1) continue;
                List<String> said = reader.read(blocks.get(i).wires.get("python-hpack"));
                differs = !said.equals(blocks.get(i).fields);
            }
        }
        assertTrue(differs);
    }

    private static final class Reader implements FrameEvents, AutoCloseable {
        private final EmbeddedChannel channel =
                new EmbeddedChannel(new ChannelInboundHandlerAdapter());
        private final FrameReader reader =
                new FrameReader(this, UnpooledByteBufAllocator.DEFAULT, false, 128 * 1024);
        private int stream = -1;
        private final List<String> said = new ArrayList<>();
        private boolean open = true;

        Reader() {
            read(Frame.settings());
        }

        private void read(Frame frame) {
            ByteBuf in = Unpooled.wrappedBuffer(frame.bytes());
            reader.read(channel.pipeline().firstContext(), in);
        }

        List<String> read(byte[] block) {
            said.clear();
            stream += 2;
            read(Frame.headers(stream, block, true));
            return said;
        }

        @Override
        public void close() {
            reader.close();
            channel.close();
        }

        @Override
        public void tooLarge(int id, boolean last) {
            throw new AssertionError("too large: " + id);
        }

        @Override
        public boolean reads() {
            return open;
        }

        @Override
        public Http2Headers fieldsOf(int id) {
            return new DefaultHttp2Headers(false) {
                @Override
                public Http2Headers add(CharSequence name, CharSequence value) {
                    said.add(name + ": " + value);
                    return this;
                }
            };
        }

        @Override
        public void headers(int id, boolean last) {}

        @Override
        public void broken(int id, Http2Error code) {
            open = false;
            said.add(code.toString());
        }

        @Override
        public void settings(Http2Settings settings) {}

        @Override
        public void dataBegun(int id, int length, int overhead) {
            throw new AssertionError();
        }

        @Override
        public void data(ByteBuf in, int bytes) {
            throw new AssertionError();
        }

        @Override
        public void dataEnded(boolean last) {
            throw new AssertionError();
        }

        @Override
        public void priority() {
            throw new AssertionError();
        }

        @Override
        public void peerReset(int id, long code) {
            throw new AssertionError();
        }

        @Override
        public void settingsTaken() {
            throw new AssertionError();
        }

        @Override
        public void ping(long data) {
            throw new AssertionError();
        }

        @Override
        public void pong(long data) {
            throw new AssertionError();
        }

        @Override
        public void goAway(int lastStream, long code) {
            throw new AssertionError();
        }

        @Override
        public void windowUpdate(int id, int bytes) {
            throw new AssertionError();
        }

        @Override
        public void idle(int cost) {
            throw new AssertionError();
        }
    }
}
