package bascule.observe;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class PlainBoundsTest {
    private static final String TEXT =
            "x{a=\"é\",le=\"5.0E-4\"} 1\nx{a=\",le=\\\"5.0E-4\\\"\",,,le=\"5.0E-4\"} 5.0E-4\nx{a=\"b\",le=\"5.0E-5\"} ,le=\"5.0E-";

    @Test
    void givenTextCutAnywhere_whenWritten_thenOnlyTheLabelChanges() throws IOException {
        byte[] bytes = TEXT.getBytes(UTF_8);
        String expected = TEXT.replace(",le=\"5.0E-4\"", ",le=\"0.0005\"");
        for (int cut = 0; cut <= bytes.length; cut++) {
            var out = new ByteArrayOutputStream();
            var plain = new PlainBounds(out);
            plain.write(bytes, 0, cut);
            plain.flush();
            plain.write(bytes, cut, bytes.length - cut);
            plain.finish();

            assertEquals(expected, out.toString(UTF_8), "cut at " + cut);
        }
    }

    @Test
    void givenSingleBytes_whenWritten_thenTheSame() throws IOException {
        var out = new ByteArrayOutputStream();
        var plain = new PlainBounds(out);
        for (byte b : TEXT.getBytes(UTF_8)) plain.write(b);
        plain.finish();

        assertEquals(TEXT.replace(",le=\"5.0E-4\"", ",le=\"0.0005\""), out.toString(UTF_8));
    }
}
