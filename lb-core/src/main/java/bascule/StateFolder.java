package bascule;

import bascule.config.Configuration;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Where to keep what must outlive a restart.
final class StateFolder {
    private StateFolder() {}

    /// @return null for nowhere: on a host where Bascule is not installed there is no such folder
    static @Nullable Path of(Configuration configuration) {
        boolean there = configuration.stateGiven() || Files.isDirectory(configuration.state());
        return there ? configuration.state() : null;
    }
}
