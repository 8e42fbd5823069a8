package bascule.http1;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HeadFuzz {
    /// Heads per seed; under `-Plong` a hundred times as many.
    private static final int HEADS = Boolean.getBoolean("bascule.long") ? 3_000_000 : 30_000;

    private final HeadComparison comparison = new HeadComparison();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyRequest_whenParsed_thenSaysWhatTheReferenceSays(long seed) {
        WireGenerator heads = new WireGenerator(seed);
        Map<String, Integer> verdicts = new TreeMap<>();
        for (int i = 0; i < HEADS; i++) {
            String wire = heads.request();
            String said = comparison.request(wire, comparison.limits(wire));
            String expected = Reference.request(wire, comparison.limits(wire), Fault.NONE);
            assertEquals(expected, said, "seed " + seed + ", head " + i + ": " + Wire.show(wire));
            verdicts.merge(said.startsWith("bytes=") ? "good" : said, 1, Integer::sum);
        }
        for (String verdict :
                Set.of(
                        "good",
                        "REQUEST_LINE",
                        "TARGET",
                        "FIELD",
                        "HOST",
                        "FRAMING",
                        "METHOD",
                        "VERSION",
                        "more"))
            assertTrue(
                    verdicts.getOrDefault(verdict, 0) > HEADS / 500,
                    () -> "too few " + verdict + ": " + verdicts);
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5, 6})
    void givenAnyResponse_whenParsed_thenSaysWhatTheReferenceSays(long seed) {
        WireGenerator heads = new WireGenerator(seed);
        for (int i = 0; i < HEADS; i++) {
            String wire = heads.response();
            boolean toHead = i % 5 == 0;
            String said = comparison.response(wire, comparison.limits(wire), toHead);
            String expected = Reference.response(wire, comparison.limits(wire), toHead, Fault.NONE);
            assertEquals(expected, said, "seed " + seed + ", head " + i + ": " + Wire.show(wire));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {9, 10})
    void givenAnyHead_whenCutAnywhere_thenSaysMoreOrWhatItSaysOfTheWhole(long seed) {
        WireGenerator heads = new WireGenerator(seed);
        for (int i = 0; i < HEADS / 50; i++) {
            String request = heads.request();
            String response = heads.response();
            checkPrefixes(
                    "seed " + seed,
                    request,
                    wire -> comparison.request(wire, comparison.limits(request)));
            checkPrefixes(
                    "seed " + seed,
                    response,
                    wire -> comparison.response(wire, comparison.limits(response), false));
        }
    }

    private static void checkPrefixes(String seed, String wire, UnaryOperator<String> parse) {
        String whole = parse.apply(wire);
        boolean answered = false;
        for (int length = 0; length <= wire.length(); length++) {
            String said = parse.apply(wire.substring(0, length));
            answered |= !said.equals(Described.MORE);
            int at = length;
            assertEquals(
                    answered ? whole : Described.MORE,
                    said,
                    () -> seed + ", " + at + " of: " + Wire.show(wire));
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void givenFaultInOneOfTwoReaders_whenRequestsAreCompared_thenIsSeen(Fault fault) {
        WireGenerator heads = new WireGenerator(7);
        for (int i = 0; i < 20_000; i++) {
            String wire = heads.request();
            HeadLimits limits = comparison.limits(wire);
            if (!comparison.request(wire, limits).equals(Reference.request(wire, limits, fault)))
                return;
        }
        throw new AssertionError(fault + " was not seen");
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "LAST_LENGTH_WINS",
                "SIGNED_LENGTH",
                "LENGTH_WRAPS",
                "LENGTH_BESIDE_CHUNKED",
                "CODING_BEFORE_CHUNKED",
                "CHUNKED_IN_HTTP_1_0",
                "LINE_FEED_ALONE",
                "FOLDED_LINE",
                "BLANK_BEFORE_COLON",
                "NUL_IN_VALUE",
                "NOMINATION_FORGOTTEN",
                "CLOSE_LOSES"
            })
    void givenFaultInOneOfTwoReaders_whenResponsesAreCompared_thenIsSeen(Fault fault) {
        WireGenerator heads = new WireGenerator(8);
        for (int i = 0; i < 20_000; i++) {
            String wire = heads.response();
            HeadLimits limits = comparison.limits(wire);
            if (!comparison
                    .response(wire, limits, false)
                    .equals(Reference.response(wire, limits, false, fault))) return;
        }
        throw new AssertionError(fault + " was not seen");
    }
}
