package bascule.acceptance;

import java.util.ArrayList;
import java.util.List;

/// One step of the walk, and what came of it.
///
/// @param name    one word
/// @param what    is done
/// @param views   of the clients
/// @param facts   that were looked up
/// @param seconds it took
record Step(String name, String what, List<View> views, List<Fact> facts, double seconds) {
    /// @param text  as a person would say it, with the figure
    /// @param holds is it as it has to be?
    record Fact(String text, boolean holds) {}

    Step {
        views = List.copyOf(views);
        facts = List.copyOf(facts);
    }

    /// What breaks it; empty if nothing.
    List<String> broken() {
        List<String> all = new ArrayList<>();
        for (View view : views)
            for (String each : view.broken()) all.add(view.what() + ": " + each);
        for (Fact fact : facts) if (!fact.holds()) all.add(fact.text());
        if (views.isEmpty() && facts.isEmpty()) all.add("nothing was looked at");
        return all;
    }
}
