package bascule.harness;

import java.io.IOException;

/// Waiting for what comes by itself, and no longer than it may take.
public final class Wait {
    private static final int EVERY_MILLIS = 50;

    /// What has to come.
    public interface Condition {
        boolean holds() throws IOException, InterruptedException, Unavailable;
    }

    /// What did not come, and what is there instead; asked when the time is over.
    public interface Why {
        String says() throws IOException, InterruptedException, Unavailable;
    }

    private Wait() {}

    /// Looks every 50 ms.
    ///
    /// @return seconds it took
    /// @throws Unavailable if it does not come in time
    public static double until(int limitMillis, Condition condition, Why why)
            throws IOException, InterruptedException, Unavailable {
        return until(limitMillis, EVERY_MILLIS, condition, why);
    }

    /// The same.
    ///
    /// @param everyMillis it is looked at
    public static double until(int limitMillis, int everyMillis, Condition condition, Why why)
            throws IOException, InterruptedException, Unavailable {
        long begun = System.nanoTime();
        while (!condition.holds()) {
            if (System.nanoTime() - begun > limitMillis * 1_000_000L)
                throw new Unavailable("not within " + limitMillis + " ms: " + why.says());
            Shell.sleep(everyMillis);
        }
        return (System.nanoTime() - begun) / 1e9;
    }
}
