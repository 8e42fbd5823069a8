package bascule.admin;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.observe.Metrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What each path answers to GET.
///
/// @param ready is every listener open, and the daemon not about to stop
record Pages(Metrics metrics, Supplier<Status> status, BooleanSupplier ready) {
    /// @param code 200, or 503 for what is not ready
    record Page(int code, String contentType, byte[] body) {}

    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String INDEX =
            """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <title>Bascule</title>
            <h1>Bascule</h1>
            <ul>
            <li><a href="/status">/status</a>: this node, its listeners, backends and servers, as JSON
            <li><a href="/metrics">/metrics</a>: for Prometheus
            <li><a href="/ready">/ready</a>: 200 while every listener is open and the daemon is not stopping, else 503
            <li><a href="/live">/live</a>: 200 while the daemon runs
            </ul>
            """;

    /// @param accept the request's Accept field
    /// @return null for an unknown path
    @Nullable Page page(String path, @Nullable String accept) {
        return switch (path) {
            case "/" -> new Page(200, "text/html; charset=utf-8", INDEX.getBytes(US_ASCII));
            case "/metrics" -> metrics(Metrics.contentType(accept));
            case "/status" -> new Page(200, "application/json", StatusJson.write(status.get()));
            case "/ready" -> ready.getAsBoolean() ? text(200, "ready") : text(503, "not ready");
            case "/live" -> text(200, "live");
            default -> null;
        };
    }

    static Page text(int code, String text) {
        return new Page(code, TEXT, (text + "\n").getBytes(US_ASCII));
    }

    private Page metrics(String contentType) {
        var out = new ByteArrayOutputStream(64 << 10);
        try {
            metrics.scrape(out, contentType);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // Memory does not fail this way.
        }
        return new Page(200, contentType, out.toByteArray());
    }
}
