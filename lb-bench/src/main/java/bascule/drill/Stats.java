package bascule.drill;

import java.util.List;
import java.util.function.ToDoubleFunction;

/// Of a few numbers; [Double#NaN] for none.
final class Stats {
    private Stats() {}

    static List<Double> of(List<Outcome> all, ToDoubleFunction<Outcome> figure) {
        return all.stream().map(figure::applyAsDouble).filter(each -> !each.isNaN()).toList();
    }

    static double median(List<Double> values) {
        if (values.isEmpty()) return Double.NaN;
        List<Double> sorted = values.stream().sorted().toList();
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1
                ? sorted.get(half)
                : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }

    static double most(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).max().orElse(Double.NaN);
    }
}
