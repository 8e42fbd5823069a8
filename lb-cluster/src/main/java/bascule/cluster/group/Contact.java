package bascule.cluster.group;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What is known of the way to another node's membership port, and what an operator should hear of it. Not thread-safe, no clock: times
/// come from outside, in nanoseconds.
final class Contact {
    /// How a connection went.
    enum Seen {
        /// Both are nodes of one cluster and understand each other.
        WELL(null),
        /// Nobody there, or no way: what a node that is down looks like.
        NOTHING(null),
        /// Closed without a word; after 5 s.
        CLOSED(null),
        KEY("cluster-key-refused"),
        VERSION("cluster-version-differs"),
        CLUSTER("cluster-name-differs"),
        NODE("cluster-node-differs");

        final @Nullable String event;

        Seen(@Nullable String event) {
            this.event = event;
        }
    }

    static final String NO_VIEW = "cluster-no-view";
    private static final long SECOND_NANOS = 1_000_000_000;
    static final long NO_VIEW_NANOS = 5 * SECOND_NANOS;
    static final long RESTART_NANOS = 10 * SECOND_NANOS;

    /// So long something that was seen counts for what is.
    private static final long LATELY_NANOS = 3 * SECOND_NANOS;

    /// What is to be told now.
    ///
    /// @param worse or well again
    record Told(boolean worse, String event, String seen) {}

    private Seen last = Seen.NOTHING;
    private String detail = "";
    private long lastNanos;
    private int open;
    private boolean together;
    private boolean answering;
    private long answeringSinceNanos;
    private @Nullable String told;

    Contact(long nowNanos) {
        lastNanos = nowNanos;
    }

    void seen(Seen what, String about, long nowNanos) {
        // It is there, by another connection.
        if (open > 0 && (what == Seen.NOTHING || what == Seen.CLOSED)) return;
        if (isNamed(what) != isNamed(last)) answeringSinceNanos = nowNanos; // A new matter.
        last = what;
        detail = about;
        lastNanos = nowNanos;
    }

    /// Does it say by itself what is wrong?
    private static boolean isNamed(Seen what) {
        return switch (what) {
            case KEY, VERSION, CLUSTER, NODE -> true;
            case WELL, NOTHING, CLOSED -> false;
        };
    }

    /// @param change 1 = a connection with it is open, -1 = it is closed
    void connections(int change) {
        open += change;
    }

    void inView(boolean common) {
        together = common;
        if (common) answering = false;
    }

    private boolean lately(long nowNanos) {
        return nowNanos - lastNanos < LATELY_NANOS;
    }

    /// To be asked several times a second.
    ///
    /// @return null if there is nothing new
    @Nullable Told tick(long nowNanos) {
        boolean answers = !together && (open > 0 || last != Seen.NOTHING && lately(nowNanos));
        if (answers && !answering) answeringSinceNanos = nowNanos;
        answering = answers;
        String now = fault(nowNanos);
        if (Objects.equals(now, told)) return null;
        String before = told;
        if (now == null) {
            // A connection that is tried anew is not yet a better one.
            if (!together && !(last == Seen.WELL && lately(nowNanos)) && !isAway(nowNanos))
                return null;
            told = null;
            return new Told(
                    false, Objects.requireNonNull(before), together ? "in one view" : detail);
        }
        told = now;
        String seen =
                last == Seen.WELL ? "it answers, with the right key, in the same version" : detail;
        return new Told(true, now, seen);
    }

    private boolean isAway(long nowNanos) {
        return open == 0 && !lately(nowNanos);
    }

    private @Nullable String fault(long nowNanos) {
        if (!answering) return null;
        boolean forLong = nowNanos - answeringSinceNanos >= NO_VIEW_NANOS;
        return isNamed(last) ? last.event : forLong ? NO_VIEW : null;
    }

    /// Why what is there cannot be understood, though it has the key: it listens to no beat of ours, and its own are none to us. Empty if nothing
    /// of the kind is there.
    String strangeness(long nowNanos) {
        return switch (last) {
            case VERSION, CLUSTER, NODE -> open > 0 || lately(nowNanos) ? detail : "";
            case WELL, NOTHING, CLOSED, KEY -> "";
        };
    }

    /// Would a new start of ours help? It answers as it should, and yet there is no common view.
    boolean isStuck(long nowNanos) {
        return answering && last == Seen.WELL && nowNanos - answeringSinceNanos >= RESTART_NANOS;
    }

    /// After a new start of ours.
    void again(long nowNanos) {
        answeringSinceNanos = nowNanos;
    }
}
