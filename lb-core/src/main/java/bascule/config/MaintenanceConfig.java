package bascule.config;

import static java.time.Duration.ofDays;
import static java.time.Duration.ofSeconds;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A `maintenance` block of a backend: its requests are answered with 503 and no server is asked.
///
/// @param page null = the usual short text
/// @param retryAfter the `Retry-After` of the answer; [Duration#ZERO] = none
/// @param except clients that are served all the same
public record MaintenanceConfig(@Nullable PageFile page, Duration retryAfter, List<Cidr> except) {
    private static final Kind<Duration> RETRY_AFTER =
            Kind.duration(ofSeconds(1), ofDays(7)).or(Kind.OFF, Duration.ZERO);

    public MaintenanceConfig {
        except = List.copyOf(except);
    }

    static MaintenanceConfig read(Section at) {
        return new MaintenanceConfig(
                at.find("page", PageFile.kind(at.folder())),
                at.get("retry-after", RETRY_AFTER, Duration.ZERO),
                at.list("except", Cidr.KIND, 0, 10_000));
    }
}
