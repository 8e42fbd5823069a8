package bascule.acceptance;

import bascule.harness.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/// Where this machine gets Debian from (sources.list(5)), put into words for another release: same mirrors, same keys.
///
/// @param lines   one each, `deb [options] URI suite component…`
/// @param options of apt.conf(5), one each: proxies and what else decides how archives are fetched
record AptSources(List<String> lines, List<String> options) {
    private static final String ARCHIVE = "http://deb.debian.org/debian";

    AptSources {
        lines = List.copyOf(lines);
        options = List.copyOf(options);
    }

    /// @param folder `/etc/apt`
    /// @param own    this machine's codename
    /// @param wanted that of the release to install
    static AptSources of(Path folder, String own, String wanted)
            throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>();
        for (Path file : files(folder)) {
            String text = Files.readString(file);
            List<Map<String, String>> entries =
                    file.toString().endsWith(".sources") ? stanzas(text) : oneLines(text);
            for (Map<String, String> each : entries) lines.addAll(lines(each, own, wanted));
        }
        if (lines.isEmpty()) lines.add("deb " + ARCHIVE + " " + wanted + " main");
        Shell.Done dump = Shell.run(List.of("apt-config", "dump"));
        return new AptSources(
                lines.stream().distinct().toList(),
                dump.exitCode() == 0 ? options(dump.output()) : List.of());
    }

    private static List<Path> files(Path folder) throws IOException {
        List<Path> all = new ArrayList<>();
        if (Files.isRegularFile(folder.resolve("sources.list")))
            all.add(folder.resolve("sources.list"));
        Path more = folder.resolve("sources.list.d");
        if (!Files.isDirectory(more)) return all;
        try (Stream<Path> files = Files.list(more)) {
            files.filter(each -> each.toString().matches(".*\\.(list|sources)"))
                    .sorted()
                    .forEach(all::add);
        }
        return all;
    }

    /// The form of several lines: fields by lower-case name; a value that goes on over lines is left out, for it is a key.
    static List<Map<String, String>> stanzas(String text) {
        List<Map<String, String>> all = new ArrayList<>();
        Map<String, String> current = new LinkedHashMap<>();
        for (String line : (text + "\n\n").split("\n", -1)) {
            if (line.startsWith("#")) continue;
            if (line.isBlank()) {
                if (!current.isEmpty()) all.add(current);
                current = new LinkedHashMap<>();
                continue;
            }
            int colon = line.indexOf(':');
            if (Character.isWhitespace(line.charAt(0)) || colon < 0) continue;
            String value = line.substring(colon + 1).strip();
            if (!value.isEmpty())
                current.put(line.substring(0, colon).toLowerCase(Locale.ROOT), value);
        }
        return all;
    }

    /// The form of one line: the same fields.
    static List<Map<String, String>> oneLines(String text) {
        List<Map<String, String>> all = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            String entry = line.strip().replaceAll("\\s+#.*", "");
            Map<String, String> fields = new LinkedHashMap<>();
            if (entry.contains("[") && entry.contains("]")) {
                String options = entry.substring(entry.indexOf('[') + 1, entry.indexOf(']'));
                for (String each : options.strip().split("\\s+"))
                    if (each.contains("="))
                        fields.put(each.replaceAll("=.*", ""), each.replaceAll(".*?=", ""));
                entry = entry.replaceAll("\\[.*?]", " ");
            }
            String[] words = entry.split("\\s+", 4);
            if (words.length < 4) continue;
            fields.put("types", words[0]);
            fields.put("uris", words[1]);
            fields.put("suites", words[2]);
            fields.put("components", words[3]);
            all.add(fields);
        }
        return all;
    }

    /// Only what is Debian's own: this machine's release, with the component `main`.
    private static List<String> lines(Map<String, String> entry, String own, String wanted) {
        List<String> all = new ArrayList<>();
        List<String> components = words(entry, "components");
        boolean off = entry.getOrDefault("enabled", "yes").matches("(?i)no|false|off|0");
        if (off || !words(entry, "types").contains("deb") || !components.contains("main"))
            return all;
        String key = entry.getOrDefault("signed-by", "");
        String options = key.startsWith("/") ? "[signed-by=" + key + "] " : "";
        if (entry.getOrDefault("trusted", "no").equals("yes")) options = "[trusted=yes] ";
        for (String uri : words(entry, "uris")) {
            for (String suite : words(entry, "suites")) {
                if (!suite.matches(own + "(-updates|-security|/updates)?")) continue;
                String its = wanted + suite.substring(own.length());
                all.add("deb " + options + uri + " " + its + " main");
            }
        }
        return all;
    }

    private static List<String> words(Map<String, String> entry, String field) {
        return List.of(entry.getOrDefault(field, "").strip().split("\\s+"));
    }

    /// @param dump of apt-config(8)
    static List<String> options(String dump) {
        return dump.lines()
                .filter(
                        line ->
                                line.matches(
                                        "Acquire::(https?|ftp|Retries|Check-|Proxy|AllowInsecure).*"))
                .filter(line -> !line.matches(".*::? \"\";"))
                .filter(line -> !line.endsWith(" \"\";"))
                .toList();
    }
}
