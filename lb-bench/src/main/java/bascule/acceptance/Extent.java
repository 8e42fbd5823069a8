package bascule.acceptance;

/// How much a walk does, and how strictly it looks at the clock.
///
/// @param trials       of each step that breaks something
/// @param pauseSeconds of the run that looks for pauses; 0: none
/// @param startMillis  that a start may take
record Extent(int trials, int pauseSeconds, double startMillis) {
    private static final int TRIALS = 3;
    private static final int PAUSE_SECONDS = 600;
    private static final double START_MILLIS = 1_000;

    /// A build's machine is anybody's, and as slow as the others make it. Even so no client may wait for longer.
    private static final double START_IN_BUILD_MILLIS = 3_000;

    /// @param first is it the first of the releases?
    static Extent of(Options options, boolean first) {
        return new Extent(
                options.full() ? TRIALS : 1,
                options.full() && first ? PAUSE_SECONDS : 0,
                options.inBuild() ? START_IN_BUILD_MILLIS : START_MILLIS);
    }
}
