package bascule.config;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigUtil;
import java.util.ArrayList;
import java.util.List;

/// Where things stand in the text of one file: every key, every `${…}` and every `include` with its line. Typesafe Config
/// forgets most of this: of two equal keys nothing is left of the first, a value from the environment has no line, and the
/// line of a block is a guess as soon as a value spans lines.
///
/// Reads structure only, and trusts the text to parse. On text that does not it ends as well, with an outline of no use.
final class Outline {
    /// How deep blocks and lists may nest. Beyond some thousand the parser behind us would exhaust its stack.
    static final int MAX_DEPTH = 64;

    /// What stands behind a key.
    enum Shape {
        /// `{…}`, also behind or before something else; merges with what was there.
        BLOCK,
        /// A scalar or a list; replaces what was there.
        VALUE,
        /// Substitutions only: a block or a value, nobody knows before they are resolved.
        REFERENCE,
        /// Exactly one `${?…}`: replaces what was there, if it is set.
        OPTIONAL,
        /// `+=`, or a value that mentions what was there.
        APPEND
    }

    /// One key. A dotted one stands for every block on its way too.
    ///
    /// @param block the path of the block that it stands in
    /// @param key the last part of its path; empty for an element of a list
    record Entry(String block, String key, Shape shape, Place place) {
        String path() {
            return key.isEmpty() ? block : join(block, key);
        }

        Entry as(Shape known) {
            return new Entry(block, key, known, place);
        }
    }

    /// One `${name}` or `${?name}`, within the value of `path`.
    record Reference(String name, boolean isRequired, String path, Place place) {}

    /// One `include`, within the block `path`.
    record Include(String target, String path, Place place) {}

    private static final String ENDS_UNQUOTED = "$\"{}[]:=,+#`^?!@*&\\";

    private final List<Entry> entries = new ArrayList<>();
    private final List<Reference> references = new ArrayList<>();
    private final List<Include> includes = new ArrayList<>();
    private final String file;
    private final String text;
    private int at;
    private int line = 1;
    private int depth;
    private int tooDeepLine;
    private int appended;

    private Outline(String text, String file) {
        this.text = text;
        this.file = file;
    }

    /// @param file the name for places
    /// @param path the block that the text belongs in; empty = the root
    static Outline of(String text, String file, String path) {
        var outline = new Outline(text, file);
        while (outline.at < text.length()) outline.fields(path);
        return outline;
    }

    String file() {
        return file;
    }

    /// In the order of the text, a block before what it holds.
    List<Entry> entries() {
        return entries;
    }

    List<Reference> references() {
        return references;
    }

    List<Include> includes() {
        return includes;
    }

    /// The line on which nesting exceeded [#MAX_DEPTH], where reading ended; 0 = nowhere.
    int tooDeepLine() {
        return tooDeepLine;
    }

    /// The path of a key within a block, as messages and `${…}` write it.
    static String join(String path, String key) {
        String quoted = isPlain(key) ? key : ConfigUtil.quoteString(key);
        return path.isEmpty() ? quoted : path + "." + quoted;
    }

    /// The first `keys` keys of a path.
    static String outermost(String path, int keys) {
        boolean isQuoted = false;
        int left = keys;
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c == '"') isQuoted = !isQuoted;
            else if (c == '\\') i++;
            else if (!isQuoted && (c == '[' || c == '.' && --left == 0))
                return path.substring(0, i);
        }
        return path;
    }

    private static String join(List<String> keys) {
        String path = "";
        for (String key : keys) path = join(path, key);
        return path;
    }

    private static boolean isPlain(String key) {
        for (int i = 0; i < key.length(); i++) {
            char c = key.charAt(i);
            boolean plain = Character.isLetterOrDigit(c) || c == '-' || c == '_';
            if (!plain) return false;
        }
        return !key.isEmpty();
    }

    private static List<String> split(String expression) {
        try {
            return ConfigUtil.splitPath(expression);
        } catch (ConfigException _) {
            return List.of(expression); // The parser refuses it too, and says why.
        }
    }

    /// Reads fields up to the end of their block.
    private void fields(String path) {
        while (true) {
            skipBlank(true);
            if (at >= text.length()) return;
            switch (text.charAt(at)) {
                case '}' -> {
                    advance();
                    return;
                }
                case '{' -> { // The braces that may stand around a whole file.
                    advance();
                    if (enter()) fields(path);
                    depth--;
                }
                default -> {
                    if (isInclude()) include(path);
                    else field(path);
                }
            }
        }
    }

    private void field(String path) {
        int keyLine = line;
        String key = key();
        if (key.isEmpty()) {
            advance(); // Nothing that begins a key: the parser will name it.
            return;
        }
        skipBlank(false);
        boolean isAppend = at + 1 < text.length() && text.startsWith("+=", at);
        if (isAppend) advance();
        if (isAppend || isAt('=') || isAt(':')) {
            advance();
            skipBlank(false);
        } else if (!isAt('{')) {
            return;
        }
        var place = new Place(file, keyLine);
        List<String> keys = split(key);
        if (isTooDeep(keys.size())) return;
        String block = path;
        for (String each : keys.subList(0, keys.size() - 1)) {
            entries.add(new Entry(block, each, Shape.BLOCK, place));
            block = join(block, each);
        }
        int slot = entries.size();
        var entry = new Entry(block, keys.getLast(), Shape.BLOCK, place);
        entries.add(entry);
        String within = isAppend ? entry.path() + "[+" + appended++ + "]" : entry.path();
        Shape shape = value(within);
        entries.set(slot, entry.as(isAppend ? Shape.APPEND : shape));
    }

    /// The text of a key; empty if there is none here.
    private String key() {
        int start = at;
        while (at < text.length() && !isComment()) {
            char c = text.charAt(at);
            if (c == '"') quoted();
            else if (c == '\n' || ENDS_UNQUOTED.indexOf(c) >= 0) break;
            else advance();
        }
        return text.substring(start, at).strip();
    }

    private boolean isInclude() {
        if (!text.startsWith("include", at)) return false;
        int end = at + "include".length();
        if (end >= text.length()) return true;
        char next = text.charAt(end);
        return isBlank(next) || ENDS_UNQUOTED.indexOf(next) >= 0;
    }

    private void include(String path) {
        int start = line;
        while (at < text.length() && !isAt('"') && !isAt('\n')) advance();
        int from = at;
        if (isAt('"')) quoted();
        List<String> target = split(text.substring(from, at));
        includes.add(new Include(String.join(".", target), path, new Place(file, start)));
        while (isAt(')') || isAt(' ')) advance();
    }

    /// Reads all that one key or one element of a list stands for: pieces side by side, up to the end of line.
    private Shape value(String path) {
        boolean hasBlock = false;
        boolean hasOther = false;
        boolean mentionsItself = false;
        int first = references.size();
        int pieces = 0;
        int elements = 0;
        while (true) {
            while (at < text.length() && isBlank(text.charAt(at)) && !isAt('\n')) advance();
            if (at >= text.length() || isComment()) break;
            char c = text.charAt(at);
            if (c == '\n' || c == ',' || c == '}' || c == ']') break;
            switch (c) {
                case '{' -> {
                    hasBlock = true;
                    advance();
                    if (enter()) fields(path);
                    depth--;
                }
                case '[' -> {
                    advance();
                    // Behind a substitution nobody knows where counting starts; such an element has
                    // no path of its own.
                    boolean isCounted = pieces == 0 || elements > 0;
                    if (enter()) elements = elements(path, isCounted ? elements : -1);
                    depth--;
                    hasOther = true;
                }
                case '"' -> {
                    quoted();
                    hasOther = true;
                }
                case '$' -> mentionsItself |= reference(path).equals(path);
                default -> {
                    advance();
                    hasOther = true;
                }
            }
            pieces++;
        }
        if (mentionsItself) return Shape.APPEND;
        if (hasBlock) return Shape.BLOCK;
        if (hasOther || references.size() == first) return Shape.VALUE;
        boolean isOptional = pieces == 1 && !references.getLast().isRequired();
        return isOptional ? Shape.OPTIONAL : Shape.REFERENCE;
    }

    /// Reads the elements of a list up to its end.
    ///
    /// @param index of the first, or -1 if that is not known
    /// @return the index behind the last
    private int elements(String path, int index) {
        int next = index;
        while (true) {
            skipBlank(true);
            if (at >= text.length()) return next;
            if (isAt(']')) {
                advance();
                return next;
            }
            String element = path + "[" + (next < 0 ? "+" + appended++ : next) + "]";
            if (next >= 0) next++;
            int slot = entries.size();
            var entry = new Entry(element, "", Shape.VALUE, new Place(file, line));
            entries.add(entry);
            int before = at;
            entries.set(slot, entry.as(value(element)));
            if (at == before) advance();
        }
    }

    /// Reads `${…}`; its name in the one spelling.
    private String reference(String path) {
        int start = line;
        advance();
        if (!isAt('{')) return "";
        advance();
        boolean isOptional = isAt('?');
        if (isOptional) advance();
        int from = at;
        while (at < text.length() && !isAt('}')) {
            if (isAt('"')) quoted();
            else advance();
        }
        List<String> keys = split(text.substring(from, at).strip());
        if (isAt('}')) advance();
        if (isTooDeep(keys.size())) return "";
        String name = join(keys);
        references.add(new Reference(name, !isOptional, path, new Place(file, start)));
        return name;
    }

    /// Skips `"…"` or `"""…"""`.
    private void quoted() {
        if (text.startsWith("\"\"\"", at)) {
            int end = text.indexOf("\"\"\"", at + 3);
            end = end < 0 ? text.length() : end + 3;
            while (end < text.length() && text.charAt(end) == '"')
                end++; // Of four quotes the first belongs to the text.
            while (at < end) advance();
            return;
        }
        advance();
        while (at < text.length() && !isAt('"')) {
            if (isAt('\\')) advance();
            if (at < text.length()) advance();
        }
        if (at < text.length()) advance();
    }

    private boolean enter() {
        depth++;
        return !isTooDeep(0);
    }

    private boolean isTooDeep(int keys) {
        if (depth + keys <= MAX_DEPTH) return false;
        if (tooDeepLine == 0) tooDeepLine = line;
        at = text.length();
        return true;
    }

    /// Skips white space, ends of line and comments.
    private void skipBlank(boolean alsoCommas) {
        while (at < text.length()) {
            if (isComment()) {
                while (at < text.length() && !isAt('\n')) advance();
            } else if (isBlank(text.charAt(at)) || alsoCommas && isAt(',')) {
                advance();
            } else {
                return;
            }
        }
    }

    private boolean isComment() {
        return isAt('#') || text.startsWith("//", at);
    }

    private boolean isAt(char c) {
        return at < text.length() && text.charAt(at) == c;
    }

    private void advance() {
        if (text.charAt(at++) == '\n') line++;
    }

    private static boolean isBlank(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\ufeff';
    }
}
