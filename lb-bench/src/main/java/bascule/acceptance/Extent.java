package bascule.acceptance;

/// How much a walk does, and how strictly it looks at the clock.
///
/// @param trials       of each step that breaks something
/// @param pauseSeconds of the run that looks for pauses; 0: none
/// @param stretch      of bars of times; what a client waits at most is never stretched
record Extent(int trials, int pauseSeconds, int stretch) {
    private static final int TRIALS = 3;
    private static final int PAUSE_SECONDS = 600;

    /// A build's machine is anybody's, and as slow as the others make it.
    private static final int STRETCH_IN_BUILD = 3;

    /// @param first is it the first of the releases?
    static Extent of(Options options, boolean first) {
        return new Extent(
                options.full() ? TRIALS : 1,
                options.full() && first ? PAUSE_SECONDS : 0,
                options.inBuild() ? STRETCH_IN_BUILD : 1);
    }
}
