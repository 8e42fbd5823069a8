package bascule.proxy;

import bascule.config.ForwardedConfig;
import bascule.config.ListenerConfig;
import bascule.config.RateLimitConfig;
import bascule.http.AddressSet;
import bascule.http.FieldEdits;
import bascule.http.RequestHead;
import bascule.route.RouteTable;
import bascule.tls.ClientPolicy;
import bascule.tls.ServerTls;
import bascule.tls.TlsSession;
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

    /// Null = no host asks anything of clients.
    final @Nullable ServerTls policies;

    final OwnPage.ByStatus pages;

    private final AddressSet trust;
    private final @Nullable RateLimitConfig rateLimitConfig;

    /// @param before those that these take the place of: where a rate limit has not changed, clients do not begin anew. Null at first
    /// @param tls made of the same configuration; null = none
    public ListenerRules(
            ListenerConfig config,
            RouteTable routes,
            @Nullable ServerTls tls,
            @Nullable ListenerRules before) {
        listener = config.name();
        this.routes = routes;
        policies = tls == null || tls.asksNothing() ? null : tls;
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

    /// Does the host of a request ask of clients what was asked on this connection?
    ///
    /// @param tls null = nothing was: the connection is older than the listener's TLS
    boolean admits(@Nullable TlsSession tls, RequestHead head) {
        ServerTls known = policies;
        if (known == null) return true;
        ClientPolicy asked = tls == null ? ClientPolicy.NOTHING : tls.policy();
        return known.policyOf(head.fields.bytes(), head.hostStart, head.hostEnd).equals(asked);
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
