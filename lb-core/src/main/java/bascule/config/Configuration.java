package bascule.config;

import java.time.Duration;
import java.util.List;

/// Everything that one daemon runs on: the effective configuration, every default filled in.
///
/// @param listeners sorted by name, at least one
/// @param backends sorted by name; every backend that a listener or a route names is among them
/// @param shutdownGrace how long running exchanges may take to end after a stop was asked for
/// @param loops number of event loops; 0 = one per core
/// @param hash SHA-256 over [EffectiveConfiguration#render], 64 lower-case hex digits: equal on two nodes exactly when both
///     run the same configuration, whatever their files look like
public record Configuration(
        List<ListenerConfig> listeners,
        List<BackendConfig> backends,
        AdminConfig admin,
        LoggingConfig logging,
        Duration shutdownGrace,
        int loops,
        TransportKind transport,
        String hash) {
    public Configuration {
        listeners = List.copyOf(listeners);
        backends = List.copyOf(backends);
    }
}
