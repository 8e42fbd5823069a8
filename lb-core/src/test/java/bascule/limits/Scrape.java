package bascule.limits;

import java.util.Arrays;

/// The text of `/metrics`.
record Scrape(String text) {
    /// The sum of all samples of a metric that have all these labels, each written as in `backend="web"`; 0 if there is none.
    double sum(String name, String... labels) {
        return text.lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .filter(line -> Arrays.stream(labels).allMatch(line::contains))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }
}
