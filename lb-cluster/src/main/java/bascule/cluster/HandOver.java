package bascule.cluster;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What came of a planned hand-over of one floating IP.
///
/// @param steps in their order: `drained`, `taken`, `released`
/// @param failure why the owner is the same as before; null if it is not
public record HandOver(
        String floatingIp,
        @Nullable String from,
        @Nullable String to,
        List<Step> steps,
        @Nullable String failure) {
    /// @param millis since the step before, or since the order
    public record Step(String name, double millis) {}

    static final List<String> STEPS = List.of("drained", "taken", "released");

    public HandOver {
        steps = List.copyOf(steps);
    }
}
