package bascule.proxy;

import bascule.config.MaintenanceConfig;
import bascule.http.AddressSet;
import bascule.http.ClientAddress;
import org.jspecify.annotations.Nullable;

/// A backend that is not to be asked, but by a few. Immutable, shared by all loops.
final class Maintenance {
    static final int STATUS = 503;
    static final String REASON = "maintenance";

    private final @Nullable OwnPage page;
    private final int retryAfterSeconds;
    private final AddressSet except;

    Maintenance(MaintenanceConfig config) {
        page = OwnPage.of(config.page());
        retryAfterSeconds = Math.toIntExact(config.retryAfter().toSeconds());
        except = AddressSet.of(config.except());
    }

    /// @param client see [ClientFinder]
    boolean turnsAway(ClientAddress client) {
        return !except.contains(client);
    }

    /// Null = the listener's for 503, or our own short text.
    @Nullable OwnPage page() {
        return page;
    }

    /// 0 = none.
    int retryAfterSeconds() {
        return retryAfterSeconds;
    }
}
