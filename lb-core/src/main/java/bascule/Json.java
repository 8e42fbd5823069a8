package bascule;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A JSON value (RFC 8259) that was read, for those who ask it for what they know of: a key that is not there, or holds something
/// else, reads as nothing, so that a client understands a daemon of another version.
///
/// @param value a `Map`, `List`, `String`, `Double` or `Boolean`; null for JSON's null
public record Json(@Nullable Object value) {
    private static final JsonFactory FACTORY = new JsonFactory();
    private static final Json NOTHING = new Json(null);

    /// @throws IOException if it is not JSON, or not one value
    public static Json parse(String text) throws IOException {
        try (JsonParser parser = FACTORY.createParser(new StringReader(text))) {
            parser.nextToken();
            Json read = read(parser);
            if (parser.nextToken() != null) throw new IOException("more than one JSON value");
            return read;
        }
    }

    /// Jackson bounds the depth, to 1,000.
    private static Json read(JsonParser parser) throws IOException {
        JsonToken token = parser.currentToken();
        if (token == null) throw new IOException("no JSON value");
        return switch (token) {
            case START_OBJECT -> {
                var map = new LinkedHashMap<String, Json>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String key = parser.currentName();
                    parser.nextToken();
                    map.put(key, read(parser));
                }
                yield new Json(Collections.unmodifiableMap(map));
            }
            case START_ARRAY -> {
                var list = new ArrayList<Json>();
                while (parser.nextToken() != JsonToken.END_ARRAY) list.add(read(parser));
                yield new Json(Collections.unmodifiableList(list));
            }
            case VALUE_STRING -> new Json(parser.getText());
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new Json(parser.getDoubleValue());
            case VALUE_TRUE -> new Json(true);
            case VALUE_FALSE -> new Json(false);
            case VALUE_NULL -> NOTHING;
            case END_OBJECT, END_ARRAY, FIELD_NAME, NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT ->
                    throw new IOException("unexpected " + token); // Not from text.
        };
    }

    /// What an object has under a key.
    public Json get(String key) {
        return value instanceof Map<?, ?> map && map.get(key) instanceof Json found
                ? found
                : NOTHING;
    }

    /// What a list holds; nothing if it is none.
    public List<Json> list() {
        if (!(value instanceof List<?> list)) return List.of();
        return list.stream().map(Json.class::cast).toList();
    }

    /// @return empty if it is no string
    public String text() {
        return value instanceof String text ? text : "";
    }

    /// @return NaN if it is no number
    public double number() {
        return value instanceof Double number ? number : Double.NaN;
    }

    public boolean isTrue() {
        return Boolean.TRUE.equals(value);
    }
}
