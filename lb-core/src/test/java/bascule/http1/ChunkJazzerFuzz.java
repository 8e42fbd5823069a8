package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/// Coverage-guided, ten minutes in a JVM of its own under `-Plong`; see the profile in `lb-core/pom.xml`. What it finds
/// becomes a transcript.
@Tag("long")
class ChunkJazzerFuzz {
    private static final HeadLimits LIMITS = new HeadLimits(100, 4, 0);

    static Stream<byte[]> seeds() {
        return Transcript.all("chunked").map(transcript -> transcript.wire().getBytes(ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "10m")
    void givenAnyBytes_whenReadAsChunks_thenSaysWhatTheReferenceSays(byte[] bytes) {
        String wire = new String(bytes, ISO_8859_1);
        String half = wire.substring(0, wire.length() / 2);
        assertEquals(
                ReferenceChunks.read(wire, LIMITS, ReferenceChunks.Fault.NONE),
                ChunkReader.read(
                        LIMITS, wire.length() % 2 == 0, half, wire.substring(half.length())),
                () -> Wire.show(wire));
    }
}
