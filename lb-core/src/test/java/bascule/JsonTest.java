package bascule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class JsonTest {
    private static final String TEXT =
            "{\"a\": {\"b\": [1, 2.5, -3e2]}, \"t\": true, \"f\": false, \"n\": null, \"s\": \"x\\u00e9\\n\"}";

    @Test
    void givenObject_whenRead_thenEachValueUnderItsKey() throws IOException {
        Json json = Json.parse(TEXT);

        assertEquals(
                List.of(1.0, 2.5, -300.0),
                json.get("a").get("b").list().stream().map(Json::number).toList());
        assertTrue(json.get("t").isTrue());
        assertFalse(json.get("f").isTrue());
        assertEquals("x\u00e9\n", json.get("s").text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing", "n", "a", "t"})
    void givenSomethingElseOrNothing_whenAsked_thenNothing(String key) throws IOException {
        Json json = Json.parse(TEXT).get(key);

        assertEquals("", json.text());
        assertEquals(Double.NaN, json.number());
        assertEquals(List.of(), json.list());
        assertEquals("", json.get("x").get("y").text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "[1", "{} {}", "nonsense", "{\"a\" 1}", "'a'"})
    void givenNoJson_whenRead_thenRefused(String text) {
        assertThatThrownBy(() -> Json.parse(text)).isInstanceOf(IOException.class);
    }

    @Test
    void givenBottomlessNest_whenRead_thenRefused() {
        assertThatThrownBy(() -> Json.parse("[".repeat(100_000))).isInstanceOf(IOException.class);
    }
}
