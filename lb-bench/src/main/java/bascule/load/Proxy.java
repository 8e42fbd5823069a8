package bascule.load;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What can be put to the test.
enum Proxy {
    /// As the distribution ships it: buffers of 16 KiB. All ratios are against it.
    HAPROXY,
    /// With `tune.bufsize 65536`.
    HAPROXY64,
    NGINX,
    BASCULE,
    /// The native relay that does nothing but framing: the physical limit. Without log, checks and timeouts.
    FLOOR,
    /// No proxy: the origin itself, on the proxy's CPU. It must be far cheaper than all others.
    ORIGIN;

    boolean isJvm() {
        return this == BASCULE;
    }

    static Optional<Proxy> named(String name) {
        return Stream.of(values()).filter(proxy -> proxy.toString().equals(name)).findFirst();
    }

    static String names() {
        return Stream.of(values()).map(Proxy::toString).collect(Collectors.joining(","));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
