package bascule.health;

/// Rules for tests.
final class Samples {
    private Samples() {}

    /// A reading of the clock; no constant, whose sums the compiler would object to.
    static long beforeTheClockWraps() {
        return Long.MAX_VALUE - 5;
    }

    static Rules ejecting(int errors, long within, long duration, int atMostPercent) {
        return new Rules(false, 1, 1, errors, within, duration, atMostPercent, 0);
    }

    static Rules checking(int rise, int fall) {
        return new Rules(true, rise, fall, 0, 0, 0, 0, 0);
    }
}
