package bascule.proxy;

import bascule.config.ForwardedConfig;
import bascule.config.ListenerConfig;
import bascule.config.RateLimitConfig;
import bascule.http.AddressSet;
import bascule.http.FieldEdits;
import bascule.route.RouteTable;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What the configuration says of the requests of one listener, prepared once and shared by all loops. Immutable but for the
/// buckets of the rate limit.
public final class ListenerRules {
    final String listener;
    final RouteTable routes;
    final ForwardedConfig forwarded;
    final long tunnelNanos;

    /// Null = none.
    final @Nullable RateLimit rateLimit;

    final OwnPage.ByStatus pages;

    private final AddressSet trust;
    private final @Nullable RateLimitConfig rateLimitConfig;

    /// @param before those that these take the place of: where a rate limit has not changed, clients do not begin anew. Null at first
    public ListenerRules(ListenerConfig config, RouteTable routes, @Nullable ListenerRules before) {
        listener = config.name();
        this.routes = routes;
        forwarded = config.forwarded();
        tunnelNanos = config.tunnelTimeout().toNanos();
        pages = new OwnPage.ByStatus(config.errorPages());
        trust = AddressSet.of(config.trust());
        RateLimitConfig limit = config.rateLimit();
        rateLimitConfig = limit;
        if (limit == null) rateLimit = null;
        else if (before != null && Objects.equals(limit, before.rateLimitConfig))
            rateLimit = before.rateLimit;
        else rateLimit = new RateLimit(limit.requests(), limit.per(), limit.burst());
    }

    /// Peers whose forwarded fields count.
    public AddressSet trust() {
        return trust;
    }

    /// For answers to what no route was found for.
    FieldEdits responseEdits() {
        return routes.responseEdits();
    }
}
