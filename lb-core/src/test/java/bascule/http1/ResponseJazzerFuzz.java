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
class ResponseJazzerFuzz {
    private final HeadComparison comparison = new HeadComparison();

    static Stream<byte[]> seeds() {
        return Transcript.all("response").map(transcript -> transcript.wire().getBytes(ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "10m")
    void givenAnyBytes_whenReadAsResponse_thenSaysWhatTheReferenceSays(byte[] bytes) {
        String wire = new String(bytes, ISO_8859_1);
        HeadLimits limits = comparison.limits(wire);
        assertEquals(
                Reference.response(wire, limits, false, Fault.NONE),
                comparison.response(wire, limits, false),
                () -> Wire.show(wire));
    }
}
