package bascule.config;

import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A value of the file, with its key and what it takes to refuse it.
record Value(Reading reading, String path, ConfigValue raw) {
    private static final int MAX_SHOWN = 80;

    boolean isList() {
        return raw.valueType() == ConfigValueType.LIST;
    }

    boolean isBlock() {
        return raw.valueType() == ConfigValueType.OBJECT;
    }

    /// Is it the switch, thrown?
    boolean isOn() {
        String text = text();
        return text != null && (text.equals("on") || text.equals("true"));
    }

    boolean isOff() {
        return raw.valueType() == ConfigValueType.STRING && raw.unwrapped().equals(Kind.OFF);
    }

    /// @return null if it is refused
    <T> @Nullable T as(Kind<T> kind) {
        String text = text();
        if (text == null) {
            String type = isBlock() ? "a block" : isList() ? "a list" : "null";
            refuse("is " + type, kind.expected());
            return null;
        }
        return switch (kind.read(text)) {
            case Kind.Read.Good<T>(T value) -> value;
            case Kind.Read.Bad<T>(String what) -> {
                refuse(what, kind.expected());
                yield null;
            }
        };
    }

    void refuse(String what, String expected) {
        if (Places.isUnset(raw)) return; // Refused already, for a better reason.
        String message = shown() + ": " + what + " (expected: " + expected + ")";
        reading.problems().add(place(), path, message);
    }

    /// Refuses the key rather than what it stands for.
    void refuseKey(String what, String expected) {
        if (Places.isUnset(raw)) return;
        String message = what + " (expected: " + expected + ")";
        reading.problems().add(reading.places().ofBlock(path, raw), path, message);
    }

    /// What is in the list; or this alone, if it is none.
    List<Value> elements() {
        if (!(raw instanceof ConfigList list)) return List.of(this);
        var elements = new ArrayList<Value>();
        for (int i = 0; i < list.size(); i++)
            elements.add(new Value(reading, path + "[" + i + "]", list.get(i)));
        return elements;
    }

    Place place() {
        return reading.places().ofValue(path, raw);
    }

    /// As the file has it; null if it is no scalar.
    @Nullable String text() {
        return switch (raw.valueType()) {
            case OBJECT, LIST, NULL -> null;
            case STRING, BOOLEAN -> String.valueOf(raw.unwrapped());
            case NUMBER ->
                    raw.atKey("it")
                            .getString("it"); // Unwrapped, 1.0 and 007 would look like good counts.
        };
    }

    /// As messages show it, with the variable that it comes from.
    String shown() {
        String text = text();
        if (text == null) return isBlock() ? "{…}" : isList() ? "[…]" : "null";
        String shown = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "…" : text;
        if (shown.isEmpty()) shown = "\"\"";
        String variable = Places.variable(raw);
        return variable == null
                ? shown
                : shown + " (from the environment variable " + variable + ")";
    }
}
