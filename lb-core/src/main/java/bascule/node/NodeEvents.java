package bascule.node;

import bascule.cluster.ClusterStatus;
import bascule.cluster.OwnershipChange;
import bascule.observe.ClusterSample;
import bascule.observe.Events;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/// What operators hear of a cluster: events when something is different from what was told before, and counts. Told on one thread; counts
/// may be asked by any.
final class NodeEvents {
    /// Of `floating_ip_changes_total`, so that each series begins at 0.
    static final List<String> REASONS =
            List.of(
                    "start",
                    "dead",
                    "silent",
                    "released",
                    "unfit",
                    "fitter",
                    "preempt",
                    "handover",
                    "stop",
                    "isolated",
                    "carrier",
                    "gap",
                    "beaten",
                    "failed",
                    "yielded",
                    "unanswered",
                    "kept",
                    "returned");

    /// An address without an owner is told of after so many seconds: each start and many a fail-over have a moment without one.
    private static final int UNOWNED_LOOKS = 3;

    private final String self;
    private final Map<String, Integer> unowned = new HashMap<>();
    private final Map<String, String> owners = new HashMap<>();
    private final Map<String, Boolean> gone = new HashMap<>();
    private final Map<String, String> differing = new HashMap<>();
    private final Map<String, Map<String, AtomicLong>> changes = new ConcurrentHashMap<>();

    NodeEvents(String self, List<String> floatingIps) {
        this.self = self;
        for (String each : floatingIps) {
            var reasons = new ConcurrentHashMap<String, AtomicLong>();
            for (String reason : REASONS) reasons.put(reason, new AtomicLong());
            changes.put(each, reasons);
        }
    }

    /// Tells of each new owner, and of what this node itself takes and lets go of; what it goes through on the way is told, too, but not remembered
    /// among the changes.
    void changed(OwnershipChange change) {
        boolean news = change.before().owns() != change.after().owns();
        if (news) count(change);
        String owner = change.owner() == null ? "nobody" : change.owner();
        Object[] about = {
            "name",
            change.floatingIp(),
            "timeline",
            change.timeline(),
            "owner",
            owner,
            "epoch",
            change.epoch(),
            "phase",
            change.after().name().toLowerCase(Locale.ROOT),
            "reason",
            change.reason()
        };
        if (!change.detail().isEmpty()) {
            about = Arrays.copyOf(about, about.length + 2);
            about[about.length - 2] = "detail";
            about[about.length - 1] = change.detail();
        }
        if (change.owner() != null) {
            String known = owner + " " + change.epoch();
            news |= !known.equals(owners.put(change.floatingIp(), known));
        }
        if (news) Events.changed("floating-ip-changed", about);
        else Events.info("floating-ip-phase", about);
    }

    private void lookAtOwners(ClusterStatus status) {
        for (ClusterStatus.FloatingIp each : status.floatingIps()) {
            if (each.owner() != null) {
                unowned.remove(each.name());
                continue;
            }
            int looks = unowned.merge(each.name(), 1, Integer::sum);
            if (looks != UNOWNED_LOOKS) continue;
            String reason = each.reason();
            Events.worsened(
                    "floating-ip-without-owner",
                    "name",
                    each.name(),
                    "here",
                    reason == null ? "fit" : reason);
        }
    }

    private void count(OwnershipChange change) {
        changes.computeIfAbsent(change.floatingIp(), _ -> new ConcurrentHashMap<>())
                .computeIfAbsent(change.reason(), _ -> new AtomicLong())
                .incrementAndGet();
    }

    /// The same once a second.
    void lookAgain(ClusterStatus status, String hash) {
        look(status, hash);
        lookAtOwners(status);
    }

    /// Tells what is different from the last time.
    ///
    /// @param hash of the configuration in force here
    void look(ClusterStatus status, String hash) {
        for (ClusterStatus.Node each : status.nodes()) {
            if (each.name().equals(self)) continue;
            boolean isGone = each.state().equals("gone");
            Boolean wasGone = gone.put(each.name(), isGone);
            if (isGone && Boolean.FALSE.equals(wasGone))
                Events.worsened("node-gone", "node", each.name(), "address", each.address());
            if (!isGone && !Boolean.FALSE.equals(wasGone))
                Events.changed("node-joined", "node", each.name(), "address", each.address());
            String theirs = each.configHash();
            if (theirs != null && !isGone) compare(each.name(), theirs, hash);
        }
    }

    private void compare(String node, String theirs, String hash) {
        if (theirs.equals(hash)) {
            if (differing.remove(node) != null)
                Events.changed("config-equal", "node", node, "config", hash);
        } else {
            String pair = theirs + " " + hash;
            if (pair.equals(differing.put(node, pair))) return;
            Events.worsened("config-differs", "node", node, "theirs", theirs, "config", hash);
        }
    }

    /// @param hash of the configuration in force here
    ClusterSample sample(ClusterStatus status, String hash, Map<String, Long> dropped) {
        long there = 0;
        long others = 0;
        for (ClusterStatus.Node each : status.nodes()) {
            boolean isSelf = each.name().equals(self);
            if (isSelf || !each.state().equals("gone")) there++;
            String theirs = each.configHash();
            if (!isSelf && theirs != null && !theirs.equals(hash)) others++;
        }
        var owned = new LinkedHashMap<String, Boolean>();
        for (ClusterStatus.FloatingIp each : status.floatingIps())
            owned.put(each.name(), self.equals(each.owner()));
        var counts = new LinkedHashMap<String, Map<String, Long>>();
        changes.forEach(
                (name, reasons) -> {
                    var values = new LinkedHashMap<String, Long>();
                    reasons.forEach((reason, count) -> values.put(reason, count.get()));
                    counts.put(name, values);
                });
        return new ClusterSample(there, others, owned, counts, dropped);
    }
}
