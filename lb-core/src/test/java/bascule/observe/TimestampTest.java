package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimestampTest {
    private static final DateTimeFormatter MODEL =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private static final DateTimeFormatter COMMON_MODEL =
            DateTimeFormatter.ofPattern("dd/MMM/uuuu:HH:mm:ss Z", Locale.ENGLISH)
                    .withZone(ZoneOffset.UTC);

    private final Timestamp timestamp = new Timestamp();

    @ParameterizedTest
    @CsvSource({
        "0, 1970-01-01T00:00:00.000Z",
        "951782399999, 2000-02-28T23:59:59.999Z",
        "951782400000, 2000-02-29T00:00:00.000Z",
        "4107542400000, 2100-03-01T00:00:00.000Z",
        "1795162669123, 2026-11-20T08:17:49.123Z",
        "253402300799999, 9999-12-31T23:59:59.999Z",
    })
    void givenMillis_whenWritten_thenIsoInUtc(long millis, String expected) {
        assertEquals(expected, write(millis));
    }

    @Test
    void givenRandomMillis_whenWritten_thenAsTheLibraryWrites() {
        var random = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            long millis = random.nextLong(253_402_300_800_000L);
            assertEquals(MODEL.format(Instant.ofEpochMilli(millis)), write(millis));
            long near = millis + random.nextInt(1000); // The cached second, or the next.
            assertEquals(MODEL.format(Instant.ofEpochMilli(near)), write(near));
            assertEquals(COMMON_MODEL.format(Instant.ofEpochMilli(millis)), writeCommon(millis));
        }
    }

    @Test
    void givenTimeThatCannotBeWritten_whenWritten_thenTheNearest() {
        assertEquals("1970-01-01T00:00:00", write(-1).substring(0, 19));
        assertEquals("9999-12-31T23:59:59", write(Long.MAX_VALUE).substring(0, 19));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 01/Jan/1970:00:00:00 +0000",
        "1795162669999, 20/Nov/2026:08:17:49 +0000",
        "253402300799999, 31/Dec/9999:23:59:59 +0000",
    })
    void givenMillis_whenWrittenAsCommon_thenAsInTheNcsaServersLog(long millis, String expected) {
        assertEquals(expected, writeCommon(millis));
    }

    private String writeCommon(long millis) {
        var bytes = new byte[Timestamp.COMMON_LENGTH];
        timestamp.writeCommon(millis, bytes, 0);
        return new String(bytes, US_ASCII);
    }

    private String write(long millis) {
        var bytes = new byte[Timestamp.LENGTH];
        timestamp.write(millis, bytes, 0);
        return new String(bytes, US_ASCII);
    }
}
