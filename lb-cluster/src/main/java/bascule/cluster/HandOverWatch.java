package bascule.cluster;

import bascule.cluster.ownership.Action;
import bascule.cluster.ownership.Claim.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Follows the planned hand-over of one floating IP, for those who have asked for it. On the ownership loop.
final class HandOverWatch {
    private final List<CompletableFuture<HandOver>> asked = new ArrayList<>();
    private List<HandOver.Step> steps = new ArrayList<>();
    private long stepNanos;

    /// One more wants to be told of what goes on.
    CompletableFuture<HandOver> begin(long nowNanos) {
        if (asked.isEmpty()) {
            steps = new ArrayList<>();
            stepNanos = nowNanos;
        }
        var told = new CompletableFuture<HandOver>();
        asked.add(told);
        return told;
    }

    void changed(
            Action.Note note, String name, IntFunction<@Nullable String> nodes, long eventNanos) {
        if (asked.isEmpty()) return;
        Phase after = note.after();
        if (note.before() == Phase.DRAINING && after == Phase.LEAVING) {
            step("drained", eventNanos);
        } else if (after == Phase.STANDBY) {
            step("taken", eventNanos);
            step("released", System.nanoTime());
            String to = nodes.apply(note.owner());
            end(new HandOver(name, null, to, steps, to == null ? note.reason() : null));
        } else if (after == Phase.OWNING) {
            String still = nodes.apply(note.owner());
            String why = note.reason() + (note.detail().isEmpty() ? "" : ": " + note.detail());
            end(new HandOver(name, still, still, steps, why));
        }
    }

    private void step(String name, long atNanos) {
        steps.add(new HandOver.Step(name, Math.max(0, atNanos - stepNanos) / 1e6));
        stepNanos = atNanos;
    }

    /// Tells all who have asked.
    void end(HandOver outcome) {
        List<CompletableFuture<HandOver>> told = List.copyOf(asked);
        asked.clear();
        for (CompletableFuture<HandOver> each : told) each.complete(outcome);
    }
}
