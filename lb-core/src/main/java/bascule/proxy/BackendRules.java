package bascule.proxy;

import bascule.backend.Backend;
import bascule.config.BackendConfig;
import bascule.config.CheckConfig;
import bascule.config.MaintenanceConfig;
import bascule.config.StickyConfig;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What the configuration says of the requests to one backend, and of its servers as they are now; prepared once and shared by all
/// loops. Immutable.
public final class BackendRules {
    /// Without checks nobody knows when a server will be back.
    private static final int UNCHECKED_SECONDS = 5;

    /// Null = none.
    final @Nullable Maintenance maintenance;

    final @Nullable Sticky sticky;

    /// When to ask again if no server can be chosen: by then each has been checked once more.
    final int noServerSeconds;

    private BackendRules(
            @Nullable Maintenance maintenance, @Nullable Sticky sticky, int noServerSeconds) {
        this.maintenance = maintenance;
        this.sticky = sticky;
        this.noServerSeconds = noServerSeconds;
    }

    /// @param key asked only where it is needed
    public static BackendRules of(Backend backend, Supplier<StickyKey> key) {
        BackendConfig config = backend.config();
        MaintenanceConfig maintenance = config.maintenance();
        StickyConfig sticky = config.sticky();
        CheckConfig check = config.check();
        return new BackendRules(
                maintenance == null ? null : new Maintenance(maintenance),
                sticky == null
                        ? null
                        : new Sticky(backend.name(), sticky, key.get(), backend.servers()),
                check == null
                        ? UNCHECKED_SECONDS
                        : Math.toIntExact(Math.ceilDiv(check.every().toMillis(), 1000)));
    }
}
