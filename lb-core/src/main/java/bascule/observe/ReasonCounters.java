package bascule.observe;

import java.util.function.ObjLongConsumer;

/// Counters by reason. Reasons are constants of the code, so they are found by identity first; there are few, and those
/// beyond [#LIMIT] share `other`. One writer for the counts; a reason may be announced by any thread.
final class ReasonCounters {
    static final int LIMIT = 48;
    private static final String OTHER = "other";

    private final String[] reasons = new String[LIMIT + 1];
    private final Counters counts = new Counters(LIMIT + 1);
    private volatile int size;

    /// For the writer only.
    void increment(String reason) {
        counts.add(indexOf(reason), 1);
    }

    /// From now on the series stands there, at 0.
    void expect(String reason) {
        var _ = indexOf(reason);
    }

    void forEach(ObjLongConsumer<String> each) {
        int end = size;
        for (int i = 0; i < end; i++) each.accept(reasons[i], counts.get(i));
    }

    private int indexOf(String reason) {
        int end = size;
        for (int i = 0; i < end; i++) if (same(reasons[i], reason)) return i;
        for (int i = 0; i < end; i++) if (reasons[i].equals(reason)) return i;
        return register(reason);
    }

    @SuppressWarnings(
            "ReferenceEquality") // The point: a constant is found without a look at its characters.
    private static boolean same(String one, String other) {
        return one == other;
    }

    private synchronized int register(String reason) {
        int end = size;
        for (int i = 0; i < end; i++) if (reasons[i].equals(reason)) return i;
        if (end > LIMIT) return LIMIT;
        reasons[end] = end == LIMIT ? OTHER : reason;
        size = end + 1;
        return end;
    }
}
