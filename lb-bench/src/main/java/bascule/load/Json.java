package bascule.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/// One JSON object on one line, fields in the order of the calls.
final class Json {
    private final StringBuilder line = new StringBuilder("{");

    Json put(String name, String value) {
        return raw(name, quoted(value));
    }

    Json put(String name, long value) {
        return raw(name, Long.toString(value));
    }

    Json put(String name, boolean value) {
        return raw(name, Boolean.toString(value));
    }

    /// A number that is none (no slice, no pair) is written as null.
    Json put(String name, double value) {
        return raw(
                name, Double.isFinite(value) ? String.format(Locale.ROOT, "%.4f", value) : "null");
    }

    private Json raw(String name, String value) {
        line.append(line.length() > 1 ? "," : "").append(quoted(name)).append(':').append(value);
        return this;
    }

    private static String quoted(String text) {
        StringBuilder to = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') to.append('\\').append(c);
            else if (c < ' ') to.append(String.format("\\u%04x", (int) c));
            else to.append(c);
        }
        return to.append('"').toString();
    }

    void appendTo(Path file) throws IOException {
        Files.writeString(file, this + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    @Override
    public String toString() {
        return line + "}";
    }
}
