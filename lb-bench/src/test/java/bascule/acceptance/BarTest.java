package bascule.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.harness.Recording;
import bascule.harness.Recording.Result;
import org.junit.jupiter.api.Test;

/// The judge: each fault is planted, and has to be seen.
final class BarTest {
    private static final long MILLI = 1_000_000;
    private static final int SENT = 100;

    /// The daemon's process was gone between request 50 and 51.
    private static final long GONE_NANOS = 505 * MILLI;

    /// A request every 10 ms, each answered after 2 ms, but these.
    private static Recording recording(Result result, int... numbers) {
        Recording recording = new Recording(SENT);
        for (int i = 0; i < SENT; i++) {
            long begun = i * 10 * MILLI;
            recording.begin(begun, begun);
            Result its = Result.GOOD;
            for (int each : numbers) if (each == i) its = result;
            recording.end(i, begun + 2 * MILLI, its);
        }
        return recording;
    }

    private static View view(Bar bar, Recording recording) {
        return View.of("client", recording, 200 * MILLI, GONE_NANOS, bar);
    }

    @Test
    void givenAllAnswered_whenJudged_thenKept() {
        Recording all = recording(Result.GOOD);

        assertThat(view(Bar.none(SENT), all).broken()).isEmpty();
        assertThat(view(Bar.inFlight(SENT), all).broken()).isEmpty();
        assertThat(view(Bar.outage(SENT, 0), all).broken()).isEmpty();
        assertThat(view(Bar.counted(SENT), all).broken()).isEmpty();
    }

    @Test
    void givenTooFewSent_whenJudged_thenBrokenWhateverTheBar() {
        Recording all = recording(Result.GOOD);

        for (Bar bar :
                new Bar[] {
                    Bar.none(SENT + 1),
                    Bar.inFlight(SENT + 1),
                    Bar.outage(SENT + 1, 1_000),
                    Bar.counted(SENT + 1)
                }) assertThat(view(bar, all).broken()).containsExactly("only 100 sent");
    }

    @Test
    void givenOneOfEachKindOfFailure_whenNoneMayFail_thenBroken() {
        for (Result each :
                new Result[] {
                    Result.LATE,
                    Result.REFUSED,
                    Result.BROKEN,
                    Result.UNREACHABLE,
                    Result.ERROR,
                    Result.OPEN
                })
            assertThat(view(Bar.none(SENT), recording(each, 7)).broken())
                    .as("%s", each)
                    .contains("1 failed");
    }

    @Test
    void givenKill_whenOnlyThoseUnderWayBreak_thenKept() {
        assertThat(view(Bar.inFlight(SENT), recording(Result.BROKEN, 49, 50)).broken()).isEmpty();
    }

    @Test
    void givenKill_whenOneThatBeganLaterBreaks_thenBroken() {
        assertThat(view(Bar.inFlight(SENT), recording(Result.BROKEN, 50, 51)).broken())
                .containsExactly("1 failed that were not in flight");
    }

    @Test
    void givenKill_whenOneUnderWayIsRefusedOrLate_thenBroken() {
        assertThat(view(Bar.inFlight(SENT), recording(Result.REFUSED, 50)).broken())
                .containsExactly("1 refused", "1 failed that were not in flight");
        assertThat(view(Bar.inFlight(SENT), recording(Result.LATE, 50)).broken())
                .containsExactly("1 failed that were not in flight");
    }

    @Test
    void givenNoKill_whenOneBreaks_thenItWasNotInFlight() {
        View view =
                View.of(
                        "client",
                        recording(Result.BROKEN, 50),
                        200 * MILLI,
                        Long.MIN_VALUE,
                        Bar.inFlight(SENT));

        assertThat(view.broken()).containsExactly("1 failed that were not in flight");
    }

    @Test
    void givenOutage_whenLongerThanTheBar_thenBroken() {
        Recording out = recording(Result.LATE, 20, 21, 22); // 30 ms, and 2 until a good one.

        assertThat(view(Bar.outage(SENT, 32), out).broken()).isEmpty();
        assertThat(view(Bar.outage(SENT, 31), out).broken()).containsExactly("out for 32 ms");
    }

    @Test
    void givenOneThatWaitsLong_whenJudged_thenItIsOutAndHasNotFailed() {
        Recording recording = recording(Result.GOOD);
        recording.end(20, 200 * MILLI + 201 * MILLI, Result.GOOD);

        assertThat(view(Bar.none(SENT), recording).broken()).isEmpty();
        assertThat(view(Bar.outage(SENT, 11), recording).broken())
                .containsExactly("out for 12 ms"); // Until the next one is answered.
    }

    @Test
    void givenPlantedFault_whenSomeGoThrough_thenBroken() {
        int[] all = new int[SENT];
        for (int i = 0; i < SENT; i++) all[i] = i;

        assertThat(view(Bar.planted(SENT), recording(Result.REFUSED, all)).broken()).isEmpty();
        assertThat(view(Bar.planted(SENT), recording(Result.REFUSED, 1, 2)).broken())
                .containsExactly("98 went through");
    }

    @Test
    void givenBar_whenAllIsDone_thenOnlyWhoIsCountedOrPlantedNeedsNoService() {
        assertThat(Bar.none(SENT).wantsService()).isTrue();
        assertThat(Bar.inFlight(SENT).wantsService()).isTrue();
        assertThat(Bar.outage(SENT, 100).wantsService()).isTrue();
        assertThat(Bar.counted(SENT).wantsService()).isFalse();
        assertThat(Bar.planted(SENT).wantsService()).isFalse();
    }

    @Test
    void givenStep_whenNothingWasLookedAt_thenBroken() {
        Step step = new Step("empty", "", java.util.List.of(), java.util.List.of(), 0);

        assertThat(step.broken()).containsExactly("nothing was looked at");
    }
}
