package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.http.Method;
import bascule.http.RequestHead;
import bascule.http.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// One trick per file, each cut at every byte.
class TranscriptsTest {
    private final RequestParser requestParser = new RequestParser();
    private final ResponseParser responseParser = new ResponseParser();
    private final RequestHead requestHead = new RequestHead(600, 12);
    private final ResponseHead responseHead = new ResponseHead(600, 12);

    static Stream<Transcript> requests() {
        return Transcript.all("request");
    }

    static Stream<Transcript> responses() {
        return Stream.concat(Transcript.all("response"), Transcript.all("response-to-head"));
    }

    static Stream<Transcript> chunks() {
        return Transcript.all("chunked");
    }

    @Test
    void givenFolder_whenRead_thenHoldsTranscriptsOfEveryKind() {
        assertThat(requests()).hasSizeGreaterThan(150);
        assertThat(responses()).hasSizeGreaterThan(50);
        assertThat(chunks()).hasSizeGreaterThan(50);
    }

    @ParameterizedTest
    @MethodSource("requests")
    void givenRequest_whenCutAnywhere_thenIsReadAlike(Transcript transcript) {
        check(
                transcript,
                wire ->
                        Described.request(
                                requestParser.parse(wire, transcript.limits(), requestHead),
                                requestHead));
        assertEquals(
                Described.request(
                        requestParser.parse(
                                Wire.buffer(transcript.wire()), transcript.limits(), requestHead),
                        requestHead),
                Reference.request(transcript.wire(), transcript.limits(), Fault.NONE));
    }

    @ParameterizedTest
    @MethodSource("responses")
    void givenResponse_whenCutAnywhere_thenIsReadAlike(Transcript transcript) {
        boolean toHead = transcript.kind().equals("response-to-head");
        Method method = toHead ? Method.HEAD : Method.GET;
        check(
                transcript,
                wire ->
                        Described.response(
                                responseParser.parse(
                                        wire, transcript.limits(), method, responseHead),
                                responseHead));
        assertEquals(
                Described.response(
                        responseParser.parse(
                                Wire.buffer(transcript.wire()),
                                transcript.limits(),
                                method,
                                responseHead),
                        responseHead),
                Reference.response(transcript.wire(), transcript.limits(), toHead, Fault.NONE));
    }

    /// A prefix asks for more, or is answered like the whole already.
    private static void check(Transcript transcript, Function<ByteBuf, String> parse) {
        String wire = transcript.wire();
        String whole = parse.apply(Wire.buffer(wire));
        assertThat(List.of(whole.split("\n", -1)))
                .as(Wire.show(wire))
                .containsAll(transcript.expected());
        boolean good = whole.startsWith("bytes=");
        if (!good) assertEquals(List.of(whole), transcript.expected());
        int headBytes =
                good ? Integer.parseInt(whole.substring(6, whole.indexOf('\n'))) : wire.length();
        boolean answered = false;
        for (int length = 0; length <= wire.length(); length++) {
            String prefix = wire.substring(0, length);
            String said = parse.apply(Wire.buffer(prefix));
            answered |= !said.equals(Described.MORE);
            if (good) assertEquals(length >= headBytes, answered, Wire.show(prefix));
            assertEquals(answered ? whole : Described.MORE, said, Wire.show(prefix));
        }
        // Wherever the bytes lie, and whatever lies around them.
        ByteBuf within =
                Unpooled.buffer()
                        .writeBytes("junk".getBytes(ISO_8859_1))
                        .writeBytes(wire.getBytes(ISO_8859_1));
        within.readerIndex(4);
        assertEquals(whole, parse.apply(within));
        assertEquals(4, within.readerIndex());
        int half = wire.length() / 2;
        ByteBuf parts =
                Unpooled.wrappedBuffer(
                        Wire.buffer(wire.substring(0, half)), Wire.buffer(wire.substring(half)));
        assertEquals(whole, parse.apply(parts));
        assertEquals(0, parts.readerIndex());
    }

    @ParameterizedTest
    @MethodSource("chunks")
    void givenChunks_whenCutAnywhere_thenAreReadAlike(Transcript transcript) {
        String wire = transcript.wire();
        for (boolean strip : new boolean[] {false, true}) {
            String whole = ChunkReader.read(transcript.limits(), strip, wire);
            for (String line : transcript.expected())
                assertThat("\n" + whole + "\n").as(Wire.show(wire)).contains("\n" + line + "\n");
            for (int cut = 0; cut <= wire.length(); cut++)
                assertEquals(
                        whole,
                        ChunkReader.read(
                                transcript.limits(),
                                strip,
                                wire.substring(0, cut),
                                wire.substring(cut)),
                        "cut at " + cut);
            assertEquals(whole, ChunkReader.read(transcript.limits(), strip, wire.split("")));
            assertEquals(
                    whole,
                    ReferenceChunks.read(wire, transcript.limits(), ReferenceChunks.Fault.NONE));
        }
    }
}
