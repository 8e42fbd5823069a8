package bascule.cluster.ownership;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What this node knows of another.
final class Other {
    /// Asked so often, and no answer: the last question may still be on its way, those before it are not.
    private static final int ASKS = 4;

    /// So many times [Timings#silence] where there is reason to wait: for a node that the view holds, and of two nodes for one that was never
    /// heard: it may take a while until two understand each other.
    private static final int PATIENCE = 4;

    /// For so long after it could not run, a node reads what is old.
    private static final int RESUMED_TICKS = 2;

    static final long NEVER = Event.UNPROVEN;

    private final Timings times;
    private final boolean onlyOne;
    private @Nullable Beat beat;
    private boolean readable;
    private long heardNanos = NEVER;
    private long contactNanos = NEVER;
    private boolean wasAway;
    private long provenNanos = NEVER;
    private long quietNanos;
    private long anewNanos;
    private int asks;
    private boolean addressed;
    private long resumedNanos = NEVER;
    private boolean inView;
    private boolean left = true; // Who never came is not there.
    private int refusals;
    private long refusedNanos = NEVER;
    private final long[] voteEpoch;
    private final long[] voteNanos;
    private final long[] fitNanos;
    private final long[] fitterNanos;
    private String strange = "";

    /// @param onlyOne are there but two nodes?
    Other(Timings times, boolean onlyOne, int floatingIps, long nowNanos) {
        this.times = times;
        this.onlyOne = onlyOne;
        quietNanos = nowNanos;
        anewNanos = nowNanos;
        voteEpoch = new long[floatingIps];
        voteNanos = never(floatingIps);
        fitNanos = never(floatingIps);
        fitterNanos = never(floatingIps);
    }

    private static long[] never(int count) {
        var never = new long[count];
        Arrays.fill(never, NEVER);
        return never;
    }

    // ---- what happens

    /// @param why it is no node of ours; empty if it is, or is not there
    void stranger(String why) {
        strange = why;
    }

    /// @param sameRules do its claims mean what ours do?
    void heard(Beat told, boolean sameRules, int self, long proven, long now) {
        if (heardNanos == NEVER || now - heardNanos >= times.silence()) {
            wasAway = isAway(now);
            contactNanos = now;
        }
        beat = told;
        readable = sameRules;
        heardNanos = now;
        quietNanos = now;
        if (proven != NEVER && (provenNanos == NEVER || proven - provenNanos > 0))
            provenNanos = proven;
        asks = 0;
        addressed = false;
        left = false;
        refusals = 0;
        for (int i = 0; i < voteEpoch.length; i++) {
            if (!readable || told.claims().get(i).promisedTo() != self) {
                voteNanos[i] = NEVER;
            } else if (proven != NEVER) {
                voteEpoch[i] = told.claims().get(i).promisedEpoch();
                voteNanos[i] = proven;
            }
        }
    }

    /// It is sent a beat, in a turn of the loop if that asks for an answer.
    void sent(boolean asking) {
        addressed = true;
        if (asking) asks++;
    }

    /// @return does that call for another question at once?
    boolean refused(long now) {
        // It says nothing of what was sent before it was heard, or before this node was away.
        if (!addressed || isWithin(resumedNanos, RESUMED_TICKS * times.tick(), now)) return false;
        refusals++;
        refusedNanos = now;
        return refusals == 1;
    }

    /// @return does that call for a question at once?
    boolean view(boolean holds) {
        boolean lost = inView && !holds;
        inView = holds;
        left |= lost;
        return lost;
    }

    /// This node could not run for a while: what was told meanwhile may not have been read yet.
    void resumed(long now) {
        resumedNanos = now;
        asks = 0;
        refusals = 0;
    }

    /// This node could not run for long: maybe it was the one that was away.
    void startAnew(long now) {
        quietNanos = now;
        anewNanos = now;
    }

    /// Keeps account of since when it could serve an address, and more than this node.
    void compare(int floatingIp, boolean isFit, boolean isFitter, long now) {
        if (!isFit) fitNanos[floatingIp] = NEVER;
        else if (fitNanos[floatingIp] == NEVER) fitNanos[floatingIp] = now;
        if (!isFitter) fitterNanos[floatingIp] = NEVER;
        else if (fitterNanos[floatingIp] == NEVER) fitterNanos[floatingIp] = now;
    }

    // ---- what follows

    @Nullable Beat beat() {
        return beat;
    }

    /// What it said last of a floating IP; null if it said nothing that this node understands.
    @Nullable Claim claim(int floatingIp) {
        return beat == null || isForeign() ? null : beat.claims().get(floatingIp);
    }

    /// Does it speak of other nodes or floating IPs than this node, or not the same language?
    boolean isForeign() {
        return !strange.isEmpty() || beat != null && !readable;
    }

    /// Why it is foreign, in words.
    String strangeness() {
        return strange.isEmpty() ? "its file names other nodes or floating IPs" : strange;
    }

    boolean isHeard(long now) {
        return isWithin(heardNanos, times.silence(), now) && !isDead();
    }

    boolean isInView() {
        return inView;
    }

    boolean isStopping() {
        return beat != null && beat.stopping();
    }

    /// Is an answer overdue?
    boolean isDoubtful(long now) {
        return now - quietNanos >= 3 * times.tick();
    }

    /// Its process has ended: its connections are closed, and its host says that nobody listens.
    boolean isDead() {
        return left && !inView && refusals >= 2;
    }

    /// The same, and as fresh as an owner's right to stay has to be: who has started since cannot own anything yet.
    boolean isDeadNow(long now) {
        return isDead() && isWithin(refusedNanos, times.hold(), now);
    }

    boolean isGone(long now) {
        return strange.isEmpty() && (isDead() || isSilent(now));
    }

    boolean isSilent(long now) {
        boolean wait = inView || onlyOne && heardNanos == NEVER;
        long enough = wait ? PATIENCE * times.silence() : times.silence();
        if (onlyOne && now - anewNanos < times.returning()) return false;
        return asks >= ASKS && now - quietNanos >= enough;
    }

    /// Was it not heard for so long, or did it end by itself, so that it takes its time, if it comes back, before it takes anything?
    boolean isAway(long now) {
        return isStopping() || !isWithin(heardNanos, times.returning(), now);
    }

    /// What was promised to it is void.
    boolean isForfeit(long now) {
        return now - quietNanos >= times.silence() || isDead();
    }

    boolean hasVotedFor(int floatingIp, long epoch, long withinNanos, long now) {
        return voteEpoch[floatingIp] == epoch && isWithin(voteNanos[floatingIp], withinNanos, now);
    }

    /// It is heard, and has not heard this node: so many beats of ours should have reached it.
    boolean isDeafTo(Pace pace, long now) {
        if (!isWithin(heardNanos, times.hold(), now)) return false;
        boolean met = provenNanos != NEVER && provenNanos - contactNanos > 0;
        if (!met && wasAway) return now - contactNanos >= times.alone();
        long since = met ? provenNanos : contactNanos;
        return pace.between(since, heardNanos) >= times.burstBeats();
    }

    /// Since when it has not been heard, as far as this node can tell.
    long quietNanos() {
        return quietNanos;
    }

    long provenNanos() {
        return provenNanos;
    }

    boolean isFitFor(int floatingIp, long atLeastNanos, long now) {
        return isSince(fitNanos[floatingIp], atLeastNanos, now);
    }

    boolean isFitterFor(int floatingIp, long atLeastNanos, long now) {
        return isSince(fitterNanos[floatingIp], atLeastNanos, now);
    }

    static long later(long one, long other) {
        return one - other > 0 ? one : other;
    }

    static boolean isWithin(long moment, long nanos, long now) {
        return moment != NEVER && now - moment < nanos;
    }

    private static boolean isSince(long moment, long nanos, long now) {
        return moment != NEVER && now - moment >= nanos;
    }
}
