package bascule.cluster.group;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jgroups.Address;
import org.jspecify.annotations.Nullable;

/// Turns views of members, which are starts of nodes, into views of nodes: a node that has started anew between two views was away in
/// between, even if no view said so. For one thread at a time.
final class Attendance {
    private final int self;
    private @Nullable Map<Integer, Address> before;

    Attendance(int self) {
        this.self = self;
    }

    /// @param now the members by node; of two starts of a node the later
    /// @return the views to tell, in this order; none if nothing is new
    List<Set<Integer>> changed(Map<Integer, Address> now) {
        Map<Integer, Address> known = before;
        before = Map.copyOf(now);
        Set<Integer> there = Set.copyOf(now.keySet());
        if (known == null) return List.of(there);
        // Who is new itself has met nobody.
        boolean isNew = !Objects.equals(known.get(self), now.get(self));
        Set<Integer> stayed = new HashSet<>();
        for (Map.Entry<Integer, Address> each : now.entrySet()) {
            boolean same = each.getValue().equals(known.get(each.getKey()));
            if (each.getKey() == self || same && !isNew) stayed.add(each.getKey());
        }
        List<Set<Integer>> news = new ArrayList<>();
        if (now.keySet().stream().anyMatch(n -> known.containsKey(n) && !stayed.contains(n)))
            news.add(Set.copyOf(stayed));
        if (!news.isEmpty() || !there.equals(known.keySet())) news.add(there);
        return news;
    }
}
