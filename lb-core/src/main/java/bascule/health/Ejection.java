package bascule.health;

import java.util.ArrayList;
import java.util.List;

/// Whether exchanges through a server failed too often. Times are `System.nanoTime()`.
sealed interface Ejection {
    /// Some exchanges that failed together.
    ///
    /// @param count 1 or more
    record Burst(long atNanos, int count) {}

    /// In use.
    ///
    /// @param failures oldest first, none more than the window can still need: their count less that of the oldest is below
    ///     `eject.errors`, so there are at most as many bursts as that
    record Trusted(List<Burst> failures) implements Ejection {
        static final Trusted NO_FAILURES = new Trusted(List.of());

        public Trusted {
            failures = List.copyOf(failures);
        }
    }

    /// Out of use until then.
    record Ejected(long untilNanos) implements Ejection {}

    /// Exchanges failed.
    ///
    /// @param mayEject is there room under `eject.at-most`? If not, the failures stay in the window, and the next one after there
    ///     is room ejects
    default Ejection after(int count, Rules rules, boolean mayEject, long now) {
        return switch (this) {
            case Ejected ejected -> ejected; // These exchanges had begun before.
            case Trusted(List<Burst> failures) -> {
                if (rules.ejectErrors() == 0) yield Trusted.NO_FAILURES;
                var recent = new ArrayList<Burst>(failures.size() + 1);
                long sum = count;
                for (Burst burst : failures) {
                    if (now - burst.atNanos >= rules.withinNanos()) continue;
                    recent.add(burst);
                    sum += burst.count;
                }
                recent.add(new Burst(now, count));
                if (sum >= rules.ejectErrors() && mayEject)
                    yield new Ejected(now + rules.ejectNanos());
                while (sum - recent.getFirst().count >= rules.ejectErrors())
                    sum -= recent.removeFirst().count;
                yield new Trusted(recent);
            }
        };
    }

    /// Time has passed.
    default Ejection at(long now) {
        return switch (this) {
            case Trusted trusted -> trusted;
            case Ejected(long until) -> now - until >= 0 ? Trusted.NO_FAILURES : this;
        };
    }
}
