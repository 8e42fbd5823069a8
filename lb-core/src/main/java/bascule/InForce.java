package bascule;

import bascule.config.Configuration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// The configuration that the daemon runs on, and what came of the last reload.
///
/// @param since when it was loaded
/// @param lastResult of the last attempt to load one: `loaded`, `refused` or `failed`
/// @param lastReload when that was; null if there was none since the start
record InForce(
        Configuration configuration,
        Instant since,
        String lastResult,
        @Nullable Instant lastReload) {
    static InForce now(Configuration configuration, @Nullable Instant reload) {
        return new InForce(configuration, Instant.now(), "loaded", reload);
    }

    /// The same configuration but for certificates.
    InForce with(Configuration next) {
        return new InForce(next, since, lastResult, lastReload);
    }

    InForce still(String result) {
        return new InForce(configuration, since, result, Instant.now());
    }
}
