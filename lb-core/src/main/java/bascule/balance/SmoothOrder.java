package bascule.balance;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// Cycles of a smooth weighted round robin: each index as often as its weight says, and its places well spread.
final class SmoothOrder {
    private SmoothOrder() {}

    /// One cycle, by the rule known from nginx: at each place everyone earns his weight, and the richest is chosen and pays
    /// the sum of all weights; of equals the first. For weights 5, 1, 1: `a a b a c a a`. At no place is anyone ahead of his
    /// share, or behind it, by much more than one pick.
    ///
    /// The length is the sum of the weights over their greatest common divisor: nothing is rounded, and with weights up to 256
    /// a cycle takes at most 1 KiB per server. Those of equal weight take turns among themselves, so a place costs a look at
    /// each different weight and not at each server: for 1,000 servers of random weights some 30 ms in all.
    ///
    /// @param weights 1 or more each
    /// @return per place of the cycle an index of `weights`
    static int[] of(int[] weights) {
        if (weights.length == 0) return weights;
        int divisor = 0;
        for (int weight : weights) divisor = gcd(weight, divisor);
        var byShare = new TreeMap<Integer, List<Integer>>();
        long sum = 0;
        for (int i = 0; i < weights.length; i++) {
            byShare.computeIfAbsent(weights[i] / divisor, _ -> new ArrayList<>()).add(i);
            sum += weights[i] / divisor;
        }
        int length = Math.toIntExact(sum);
        int[] shares = byShare.keySet().stream().mapToInt(share -> share).toArray();
        int[][] members =
                byShare.values().stream()
                        .map(indexes -> indexes.stream().mapToInt(i -> i).toArray())
                        .toArray(int[][]::new);
        int[] turn = new int[shares.length];
        int[] wealth =
                new int[shares.length]; // Of the member whose turn it is: none of the others has
        // more.
        int[] order = new int[length];
        for (int at = 0; at < length; at++) {
            int richest = 0;
            for (int i = 0; i < shares.length; i++) {
                wealth[i] += shares[i];
                if (wealth[i] > wealth[richest]
                        || wealth[i] == wealth[richest]
                                && members[i][turn[i]] < members[richest][turn[richest]])
                    richest = i;
            }
            order[at] = members[richest][turn[richest]];
            if (++turn[richest]
                    == members[richest].length) { // The next one has paid as often as this one.
                turn[richest] = 0;
                wealth[richest] -= length;
            }
        }
        return order;
    }

    /// The place at which a cycle, entered from its start, would owe everyone what is closest to `debt`, by the sum of squared
    /// differences; of equals the first.
    ///
    /// @param debt in picks, per index
    static int bestStart(int[] order, double[] debt) {
        int length = order.length;
        double[] share = new double[debt.length];
        for (int index : order) share[index] += 1.0 / length;
        // With x = owed at the place - debt: `distance` is |x|², `slope` is x·share, both kept up
        // to date in constant time.
        double slope = 0;
        double shareSquared = 0;
        for (int i = 0; i < debt.length; i++) {
            slope -= debt[i] * share[i];
            shareSquared += share[i] * share[i];
        }
        int[] got = new int[debt.length];
        double distance = 0; // From the start's own, which is the same for all places.
        double least = 0;
        int best = 0;
        for (int at = 1; at < length; at++) {
            distance += 2 * slope + shareSquared; // All earn their share,
            slope += shareSquared;
            int index = order[at - 1];
            double x = at * share[index] - got[index]++ - debt[index];
            distance += 1 - 2 * x; // and one pays for his pick.
            slope -= share[index];
            if (distance < least - 1e-9) {
                least = distance;
                best = at;
            }
        }
        return best;
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
