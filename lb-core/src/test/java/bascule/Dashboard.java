package bascule;

import bascule.testing.BasculeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;

/// The queries of the Grafana dashboard that is shipped.
final class Dashboard {
    private Dashboard() {}

    static Json read() throws IOException {
        return Json.parse(
                Files.readString(BasculeProcess.ROOT.resolve("packaging/grafana/bascule.json")));
    }

    /// By `ROW/PANEL REF`; with all that can be chosen chosen, and a window of five minutes.
    static Map<String, String> queries() throws IOException {
        var queries = new TreeMap<String, String>();
        String row = "";
        for (Json panel : read().get("panels").list()) {
            String title = panel.get("title").text();
            if (panel.get("type").text().equals("row")) row = title;
            for (Json target : panel.get("targets").list()) {
                String key = row + "/" + title + " " + target.get("refId").text();
                String query = chosen(target.get("expr").text());
                if (queries.put(key, query) != null) throw new AssertionError("twice: " + key);
            }
        }
        return queries;
    }

    private static String chosen(String expression) {
        String chosen =
                expression
                        .replace("$__rate_interval", "5m")
                        .replaceAll("\"\\$(cluster|instance|listener|backend)\"", "\".*\"");
        if (chosen.contains("$")) throw new AssertionError("not known: " + expression);
        return chosen;
    }
}
