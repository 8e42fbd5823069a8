package bascule.packaging;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Makes `bascule.conf(5)` of the file that explains every key, so that both say the same: man(7) on standard output.
///
/// The file's lines are told apart by how they begin: `# ` explains, `#key` is a default, `#>` an example. What explains stands above
/// its key.
final class ManPage {
    private static final Pattern LINE = Pattern.compile("( *)(#>|#)? ?(.*)");

    /// `name = value`, `name { …` or `name: …`; quotes around the name are kept.
    private static final Pattern KEY =
            Pattern.compile("([A-Za-z][A-Za-z0-9.-]*)\\s*(=|\\{)\\s*(.*)");

    /// An entry of a table in what explains: `   name   text`, and its further lines.
    private static final Pattern ENTRY = Pattern.compile(" {2,3}(\\S+|\\S+ \\S+) {2,}(\\S.*)");

    private static final Pattern MORE = Pattern.compile(" {4,}(\\S.*)");

    private final List<String> page = new ArrayList<>();

    /// What explains, since the last key.
    private final List<String> prose = new ArrayList<>();

    /// Names of the blocks that are open.
    private final Deque<String> blocks = new ArrayDeque<>();

    private ManPage() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 3) {
            System.err.println("usage: ManPage FILE DAY VERSION");
            System.exit(2);
        }
        List<String> file = Files.readAllLines(Path.of(arguments[0]));
        System.out.print(render(file, arguments[1], arguments[2]));
    }

    /// @param day as 2026-11-20
    static String render(List<String> file, String day, String version) {
        var made = new ManPage();
        made.page.add(".TH BASCULE.CONF 5 %s \"Bascule %s\" \"Bascule\"".formatted(day, version));
        made.page.addAll(List.of(".nh", ".ad l"));
        made.page.addAll(
                List.of(
                        ".SH NAME",
                        "bascule.conf \\- configuration of the bascule(8) load balancer"));
        made.page.addAll(
                List.of(
                        ".SH SYNOPSIS",
                        "/etc/bascule/bascule.conf",
                        ".br",
                        "/etc/bascule/conf.d/*.conf"));
        int at = made.head(file);
        made.page.add(".SH KEYS");
        made.page.add(
                "Each key stands here with its path; names that are yours are those of an example. What follows the sign = is the default, or, after \\(lqfor example\\(rq, an example.");
        for (String line : file.subList(at, file.size())) made.line(line);
        made.page.addAll(List.of(".SH SEE ALSO", ".BR bascule (8)"));
        return String.join("\n", made.page) + "\n";
    }

    /// All above the first line that is no comment.
    ///
    /// @return its index
    private int head(List<String> file) {
        int at = 0;
        page.add(".SH DESCRIPTION");
        while (at < file.size() && !file.get(at).isBlank()) {
            String text = file.get(at++).substring(1);
            if (!text.startsWith(" Bascule: ")) prose.add(text);
        }
        flush();
        return at;
    }

    private void line(String line) {
        if (line.isBlank()) {
            return;
        }
        Matcher parts = LINE.matcher(line);
        if (!parts.matches()) throw new IllegalStateException(line);
        String mark = parts.group(2) == null ? "" : parts.group(2);
        String text = line.strip().substring(mark.length());
        if (mark.equals("#") && (text.isEmpty() || text.startsWith(" "))) {
            prose.add(text);
            return;
        }
        setting(text.strip(), mark.equals("#>"));
    }

    private void setting(String text, boolean isExample) {
        if (text.startsWith("}") || text.startsWith("]")) {
            if (text.startsWith("}")) blocks.pollLast();
            return;
        }
        Matcher key = KEY.matcher(text);
        if (!key.matches()) {
            if (isExample) example(text);
            return;
        }
        String path = String.join(".", blocks) + (blocks.isEmpty() ? "" : ".") + key.group(1);
        boolean opens = key.group(2).equals("{") && key.group(3).isEmpty();
        boolean isNew = !prose.isEmpty() || !isExample || opens;
        if (isNew) {
            page.add(".TP");
            String value =
                    opens
                            ? ""
                            : key.group(2).equals("=")
                                    ? " = " + key.group(3)
                                    : " { " + key.group(3);
            page.add(
                    "\\fB"
                            + escaped(path)
                            + "\\fR"
                            + escaped(isExample && !opens ? ", for example" + value : value));
            flush();
        } else example(text);
        if (opens) blocks.addLast(key.group(1));
    }

    /// A further line of one.
    private void example(String text) {
        page.addAll(List.of(".br", ".nf", escaped(text), ".fi"));
    }

    /// Says what has been gathered.
    private void flush() {
        boolean inTable = false;
        boolean began = false;
        for (String each : prose) {
            Matcher entry = ENTRY.matcher(each);
            Matcher more = MORE.matcher(each);
            if (each.isBlank()) {
                if (inTable) page.add(".RE");
                inTable = false;
                if (began) page.add(".sp");
            } else if (entry.matches()) {
                if (!inTable) page.add(".RS");
                inTable = true;
                page.addAll(
                        List.of(
                                ".TP",
                                "\\fI" + escaped(entry.group(1)) + "\\fR",
                                escaped(entry.group(2))));
            } else if (inTable && more.matches()) {
                page.add(escaped(more.group(1)));
            } else {
                if (inTable) page.addAll(List.of(".RE"));
                inTable = false;
                String text = each.strip();
                if (text.startsWith("- ")) page.add(".br");
                page.add(escaped(text));
            }
            began = true;
        }
        if (inTable) page.add(".RE");
        prose.clear();
    }

    /// So that roff shows what stands there: no line begins with a request, no hyphen is one to break at.
    private static String escaped(String text) {
        String all =
                text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("`", "");
        return all.startsWith(".") || all.startsWith("'") ? "\\&" + all : all;
    }
}
