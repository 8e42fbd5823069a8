package bascule.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// Collects the faults of one load.
final class Problems {
    private final Set<Problem> found =
            new LinkedHashSet<>(); // A value that is used twice is still one fault.

    void add(Place place, String path, String message) {
        found.add(new Problem(place.file(), place.line(), visible(path), visible(message)));
    }

    /// A problem is one line, and the terminal that shows it takes no orders from the file.
    private static String visible(String text) {
        var visible = new StringBuilder();
        text.codePoints()
                .forEach(
                        c -> {
                            int type = Character.getType(c);
                            boolean isHidden =
                                    type == Character.CONTROL
                                            || type == Character.FORMAT
                                            || type == Character.SURROGATE
                                            || type == Character.LINE_SEPARATOR
                                            || type == Character.PARAGRAPH_SEPARATOR;
                            if (isHidden) visible.append(String.format("\\u%04x", c));
                            else visible.appendCodePoint(c);
                        });
        return visible.toString();
    }

    /// Forgets all others: after this one they would be guesses.
    void addAlone(Place place, String path, String message) {
        found.clear();
        add(place, path, message);
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    /// @param files in the order in which they were read
    List<Problem> sorted(List<String> files) {
        var sorted = new ArrayList<>(found);
        sorted.sort(
                Comparator.comparingInt((Problem problem) -> files.indexOf(problem.file()))
                        .thenComparingInt(Problem::line));
        return sorted;
    }
}
