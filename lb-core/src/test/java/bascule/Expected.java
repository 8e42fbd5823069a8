package bascule;

import bascule.testing.Prometheus.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a query must answer: by the labels that tell its series apart, written `backend=web,server=one`, a range. Series that stand
/// at nothing (0 or NaN) need not be told.
final class Expected {
    private record Range(double low, double high, boolean must) {
        boolean holds(double value) {
            return value >= low && value <= high;
        }
    }

    private final Map<String, Range> series = new LinkedHashMap<>();

    /// Nothing, or only zeros.
    static Expected nothing() {
        return new Expected();
    }

    private Expected put(String labels, double low, double high, boolean must) {
        series.put(labels, new Range(low, high, must));
        return this;
    }

    /// Just that.
    Expected exactly(String labels, double value) {
        double error = Math.abs(value) * 1e-6;
        return put(labels, value - error, value + error, true);
    }

    /// What Prometheus makes of a count within a window: it extrapolates by up to one step of scraping on some ten seconds.
    Expected counted(String labels, double value) {
        double more = value * 1.06;
        return put(labels, Math.min(value * 0.999, more), Math.max(value * 0.999, more), true);
    }

    /// A share or a percentile: what is extrapolated differs a little from node to node.
    Expected near(String labels, double value) {
        double error = Math.abs(value) * 0.06;
        return put(labels, value - error, value + error, true);
    }

    Expected within(String labels, double low, double high) {
        return put(labels, low, high, true);
    }

    /// What depends on how busy the machine is, and may be missing.
    Expected perhaps(String labels, double low, double high) {
        return put(labels, low, high, false);
    }

    Expected counted(Map<String, Double> all) {
        all.forEach(this::counted);
        return this;
    }

    Expected exactly(Map<String, Double> all) {
        all.forEach(this::exactly);
        return this;
    }

    Expected near(Map<String, Double> all) {
        all.forEach(this::near);
        return this;
    }

    /// @return empty, or a line for each difference
    List<String> differences(List<Sample> samples) {
        var lines = new ArrayList<String>();
        var missing = new ArrayList<>(series.keySet());
        for (Sample sample : samples) {
            List<String> which =
                    series.keySet().stream().filter(each -> isOf(each, sample)).toList();
            boolean isNothing = sample.value() == 0 || Double.isNaN(sample.value());
            if (which.isEmpty() && isNothing) continue;
            if (which.size() != 1) {
                lines.add(
                        which.isEmpty()
                                ? "not expected: " + sample
                                : "of " + which + ": " + sample);
                continue;
            }
            String labels = which.getFirst();
            if (!missing.remove(labels)) lines.add("twice: " + sample);
            Range range = series.get(labels);
            boolean absent = !range.must && isNothing;
            if (!absent && !range.holds(sample.value()))
                lines.add("expected " + range.low + " to " + range.high + ": " + sample);
        }
        for (String each : missing) {
            if (series.get(each).must) lines.add("missing: " + each + " " + series.get(each));
        }
        return lines;
    }

    private static boolean isOf(String labels, Sample sample) {
        if (labels.isEmpty()) return true;
        for (String each : labels.split(",", -1)) {
            String[] pair = each.split("=", 2);
            if (!pair[1].equals(sample.labels().get(pair[0]))) return false;
        }
        return true;
    }

    @Override
    public String toString() {
        return series.toString();
    }
}
