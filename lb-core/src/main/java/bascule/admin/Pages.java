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
    /// @param policy of a page that browsers run: what they may load and do for it; null for all else
    record Page(int code, String contentType, byte[] body, @Nullable String policy) {
        Page(int code, String contentType, byte[] body) {
            this(code, contentType, body, null);
        }
    }

    private static final String TEXT = "text/plain; charset=utf-8";

    /// @param accept the request's Accept field
    /// @return null for an unknown path
    @Nullable Page page(String path, @Nullable String accept) {
        return switch (path) {
            case "/" -> StatusPage.PAGE;
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
