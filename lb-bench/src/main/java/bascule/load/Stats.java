package bascule.load;

import java.util.Collection;

/// Order statistics of a few numbers; NaN of none.
final class Stats {
    private Stats() {}

    static double median(Collection<Double> of) {
        return quantile(of, 0.5);
    }

    static double least(Collection<Double> of) {
        return quantile(of, 0);
    }

    /// The value at that share of the sorted numbers, between two neighbours by straight line.
    static double quantile(Collection<Double> of, double share) {
        if (of.isEmpty()) return Double.NaN;
        double[] sorted = of.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        double at = share * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
    }
}
