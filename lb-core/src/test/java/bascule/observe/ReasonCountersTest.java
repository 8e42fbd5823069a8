package bascule.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReasonCountersTest {
    private final ReasonCounters counters = new ReasonCounters();

    @Test
    void givenExpectedReason_whenNothingHappened_thenItStandsAtZero() {
        counters.expect("field");

        assertEquals(Map.of("field", 0L), counts());
    }

    @Test
    void givenEqualReasonsOfTwoStrings_whenCounted_thenTheyAreOne() {
        counters.increment("field");
        counters.increment(new String("field"));
        counters.increment("host");

        assertEquals(Map.of("field", 2L, "host", 1L), counts());
    }

    @Test
    void givenMoreReasonsThanTheLimit_whenCounted_thenTheRestIsOther() {
        for (int i = 0; i < ReasonCounters.LIMIT + 5; i++) counters.increment("reason-" + i);
        counters.increment("reason-0");

        assertEquals(ReasonCounters.LIMIT + 1, counts().size());
        assertEquals(5, counts().get("other"));
        assertEquals(2, counts().get("reason-0"));
    }

    private Map<String, Long> counts() {
        var counts = new LinkedHashMap<String, Long>();
        counters.forEach(counts::put);
        return counts;
    }
}
