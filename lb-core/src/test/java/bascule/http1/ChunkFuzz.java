package bascule.http1;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkFuzz {
    /// Bodies per seed; under `-Plong` a hundred times as many.
    private static final int BODIES = Boolean.getBoolean("bascule.long") ? 2_000_000 : 20_000;

    private static final HeadLimits LIMITS = new HeadLimits(100, 4, 0);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyChunks_whenCutAnywhere_thenAreReadAsTheReferenceReadsThem(long seed) {
        WireGenerator bodies = new WireGenerator(seed);
        Map<String, Integer> verdicts = new TreeMap<>();
        for (int i = 0; i < BODIES; i++) {
            String wire = bodies.chunks();
            int first = bodies.below(wire.length() + 1);
            int second = first + bodies.below(wire.length() - first + 1);
            String expected = ReferenceChunks.read(wire, LIMITS, ReferenceChunks.Fault.NONE);
            String said =
                    ChunkReader.read(
                            LIMITS,
                            i % 2 == 0,
                            wire.substring(0, first),
                            wire.substring(first, second),
                            wire.substring(second));
            assertEquals(
                    expected,
                    said,
                    "seed "
                            + seed
                            + ", body "
                            + i
                            + ", cut at "
                            + first
                            + " and "
                            + second
                            + ": "
                            + Wire.show(wire));
            verdicts.merge(said.substring(0, said.indexOf('\n')), 1, Integer::sum);
        }
        for (String verdict : new String[] {"END", "NEED_MORE", "MALFORMED", "BAD_TRAILER"})
            assertTrue(
                    verdicts.getOrDefault(verdict, 0) > BODIES / 100,
                    () -> "too few " + verdict + ": " + verdicts);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void givenFaultInOneOfTwoReaders_whenBodiesAreCompared_thenIsSeen(ReferenceChunks.Fault fault) {
        WireGenerator bodies = new WireGenerator(4);
        for (int i = 0; i < 20_000; i++) {
            String wire = bodies.chunks();
            if (!ChunkReader.read(LIMITS, false, wire)
                    .equals(ReferenceChunks.read(wire, LIMITS, fault))) return;
        }
        throw new AssertionError(fault + " was not seen");
    }
}
