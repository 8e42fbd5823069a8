package bascule.config;

import com.typesafe.config.ConfigObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/// Holds the text of `bascule.conf` against the loader: each key is there, with its true default, its bounds and unit in the
/// comment above, and no other key is. Lines are told apart by how they begin: `# ` explains, `#key` is a default, `#>` an example.
record ReferenceFile(String text) {
    private static final Path FILE = Configs.folder().resolve("bascule.conf");

    /// With the defaults as settings.
    String withDefaults() {
        return text.replaceAll("(?m)^( *)#([a-z}])", "$1$2");
    }

    /// With the examples as settings.
    String withExamples() {
        return text.replaceAll("(?m)^( *)#> ?", "$1");
    }

    /// What an operator would be misled by; empty if all is well.
    List<String> complaints() {
        var complaints = new ArrayList<String>();
        for (String each : List.of(text, withDefaults(), withExamples())) {
            List<Problem> problems =
                    Configs.problems(ConfigurationLoader.parse(each, FILE, Map.of()));
            if (!problems.isEmpty())
                complaints.add(
                        "does not load: "
                                + Configs.lines(problems).replace(FILE.getParent() + "/", ""));
        }
        if (!complaints.isEmpty()) return complaints;
        complainOfDefaults(complaints);

        SequencedMap<String, String> known = knownKeys();
        var lines =
                new TreeMap<
                        String,
                        Integer>(); // The line of each key, or minus that if only an example has
        // it.
        keys(withExamples(), -1, lines);
        keys(withDefaults(), 1, lines);
        var missing = new TreeSet<>(known.keySet());
        missing.removeAll(lines.keySet());
        for (String key : missing) complaints.add(key + ": is known, and not in the file");
        lines.forEach(
                (key, line) -> {
                    String expected = known.get(key);
                    if (expected == null) complaints.add(key + ": is in the file, and not known");
                    else if (!prose(line).contains(expected))
                        complaints.add(key + ": its comment does not say: " + expected);
                });
        return complaints;
    }

    private void complainOfDefaults(List<String> complaints) {
        List<String> shipped = EffectiveConfiguration.render(parse(text)).lines().toList();
        List<String> defaults =
                EffectiveConfiguration.render(parse(withDefaults())).lines().toList();
        for (int i = 0; i < Math.max(shipped.size(), defaults.size()); i++) {
            String truth = i < shipped.size() ? shipped.get(i).strip() : "nothing";
            String said = i < defaults.size() ? defaults.get(i).strip() : "nothing";
            if (!truth.equals(said)) complaints.add("default: " + truth + ", not " + said);
        }
        // Of what is only in examples, the comment alone says the default.
        Configuration least =
                Configs.parse(
                        "listeners.x { bind = \":1\", routes = [{ respond = 200 }], redirect { port = 1 } }\n"
                                + "backends.x.servers = [\"10.0.0.1:80\"]");
        ServerConfig server = least.backends().getFirst().servers().getFirst();
        var respond =
                (RouteAction.Respond) least.listeners().getFirst().routes().getFirst().action();
        RedirectConfig redirect = least.listeners().getFirst().redirect();
        var said =
                List.of(
                        "1 to 256, default " + server.weight(),
                        "on or off, default " + (server.backup() ? "on" : "off"),
                        "307 or 308; default " + redirect.status(),
                        "characters, default " + (respond.body().isEmpty() ? "none" : "some"),
                        "parameters, default \"" + respond.contentType() + '"');
        for (String each : said) {
            if (!prose(-1).contains(each)) complaints.add("no comment says: " + each);
        }
    }

    private static Configuration parse(String text) {
        return Configs.loaded(ConfigurationLoader.parse(text, FILE, Map.of()));
    }

    private SequencedMap<String, String> knownKeys() {
        var problems = new Problems();
        var sources = new Sources(Map.of(), problems);
        ConfigObject root = sources.parse(withExamples(), FILE);
        var reading = new Reading(problems, sources.places(), Configs.folder());
        Section.root(reading, root, Configuration::read);
        var known = new TreeMap<String, String>();
        reading.keys()
                .forEach((key, expected) -> known.put(plain(key.replace("[]", "")), expected));
        return known;
    }

    private static void keys(String text, int sign, Map<String, Integer> lines) {
        for (Outline.Entry entry : Outline.of(text, "", "").entries()) {
            String key =
                    plain(entry.path().replaceAll("\\[.*?]", ""))
                            .replaceFirst(
                                    "^(listeners|backends|cluster\\.nodes|floating-ips)\\.[^.]+",
                                    "$1.*")
                            .replaceFirst("(tls\\.hosts)\\.\"[^\"]*\"", "$1.*")
                            .replaceFirst("(error-pages|-headers\\.(set|add))\\..*", "$1")
                            .replaceFirst("^let\\..*", "let");
            if (key.endsWith(".*")) continue;
            int line = sign * entry.place().line();
            if (sign > 0) lines.merge(key, line, (old, now) -> old > 0 ? old : now);
            else lines.putIfAbsent(key, line);
        }
    }

    /// The header edits of a route are those of a listener, and explained once.
    private static String plain(String key) {
        return key.replaceFirst("\\.routes\\.(request|response)-headers\\.", ".$1-headers.");
    }

    /// The comment right above a line; of an example, all there are.
    private String prose(int line) {
        List<String> all = text.lines().toList();
        var prose = new ArrayList<String>();
        if (line < 0) {
            for (String each : all) if (isProse(each)) prose.add(each);
        } else {
            int first = line - 1;
            while (first > 0 && isProse(all.get(first - 1))) first--;
            prose.addAll(all.subList(first, line - 1));
        }
        return String.join(" ", prose).replaceAll("\\s*#\\s+", " ");
    }

    private static boolean isProse(String line) {
        return line.strip().startsWith("# ");
    }
}
