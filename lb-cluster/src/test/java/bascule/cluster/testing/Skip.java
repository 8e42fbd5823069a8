package bascule.cluster.testing;

import org.junit.jupiter.api.Assumptions;

/// What a test needs of the machine, and the machine has not: the test is skipped with a line that says so. Where the environment says
/// `CI=true` all has to be there, and it fails.
public final class Skip {
    private Skip() {}

    /// @param line what is missing
    /// @return never: to be thrown, so that the compiler knows that it ends there
    public static AssertionError forWantOf(String line) {
        return forWantOf("true".equals(System.getenv("CI")), line);
    }

    static AssertionError forWantOf(boolean isDuty, String line) {
        if (isDuty) throw new AssertionError(line);
        return Assumptions.abort(line);
    }
}
