package bascule.admin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.LinkedHashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class StatusJsonTest {
    @Test
    void givenFullStatus_whenWritten_thenAsInTheGoldenFile() throws IOException {
        assertEquals(golden(), write(Samples.full()));
    }

    @Test
    void givenPlantedRename_whenWritten_thenNotAsInTheGoldenFile() throws IOException {
        assertNotEquals(golden(), write(Samples.full()).replace("\"loadedAt\"", "\"loaded\""));
    }

    @Test
    void givenNodeAlone_whenWritten_thenListsAreEmptyAndTheAddressIsNull() {
        assertThat(write(Samples.alone()))
                .contains("\"address\": null")
                .contains("\"floatingIps\": []")
                .contains("\"certificates\": []");
    }

    @Test
    void givenTheRecords_whenWritten_thenEveryFieldIsAKey() throws IOException {
        assertEquals(fields(Status.class, ""), keys(write(Samples.full())));
    }

    private static Set<String> fields(Class<?> type, String prefix) {
        var fields = new LinkedHashSet<String>();
        for (RecordComponent field : type.getRecordComponents()) {
            String path = prefix + "/" + field.getName();
            fields.add(path);
            Type element =
                    field.getGenericType() instanceof ParameterizedType list
                            ? list.getActualTypeArguments()[0]
                            : field.getType();
            if (element instanceof Class<?> inner && inner.isRecord())
                fields.addAll(fields(inner, path));
        }
        return fields;
    }

    private static Set<String> keys(String json) throws IOException {
        var keys = new LinkedHashSet<String>();
        try (JsonParser parser = new JsonFactory().createParser(json)) {
            while (parser.nextToken() != null) {
                if (parser.currentToken() == JsonToken.FIELD_NAME) {
                    keys.add(
                            parser.getParsingContext()
                                    .pathAsPointer()
                                    .toString()
                                    .replaceAll("/\\d+", ""));
                }
            }
        }
        return keys;
    }

    private static String write(Status status) {
        return new String(StatusJson.write(status), UTF_8);
    }

    private static String golden() throws IOException {
        try (InputStream in = StatusJsonTest.class.getResourceAsStream("/admin/status.json")) {
            return new String(in.readAllBytes(), UTF_8);
        }
    }
}
