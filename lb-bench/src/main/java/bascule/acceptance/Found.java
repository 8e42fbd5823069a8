package bascule.acceptance;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What a step finds.
final class Found {
    private final List<View> views = new ArrayList<>();
    private final List<Step.Fact> facts = new ArrayList<>();
    private final Map<String, Double> figures = new LinkedHashMap<>();

    void views(List<View> seen) {
        views.addAll(seen);
    }

    /// What the client saw that asked this one.
    View view(String whom) {
        return views.stream()
                .filter(each -> each.what().startsWith(whom))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(whom));
    }

    void fact(boolean holds, String text, Object... values) {
        facts.add(new Step.Fact(String.format(Locale.ROOT, text, values), holds));
    }

    /// A figure for the table of what was measured.
    void figure(String name, String unit, double value) {
        figures.put(name + ", " + unit, value);
    }

    /// A figure that has a bar, which is looked up, too.
    ///
    /// @param most infinite: it is only counted
    void measured(String name, String unit, double value, double most) {
        figure(name, unit, value);
        String bar =
                Double.isInfinite(most) ? "counted" : String.format(Locale.ROOT, "≤ %.1f", most);
        fact(value <= most, "%s %.1f %s (%s)", name, value, unit, bar);
    }

    Map<String, Double> figures() {
        return figures;
    }

    Step step(String name, String what, double seconds) {
        return new Step(name, what, views, facts, seconds);
    }
}
