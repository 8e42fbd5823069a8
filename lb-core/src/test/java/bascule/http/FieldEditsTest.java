package bascule.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.HeaderEdit;
import bascule.config.HeaderEdits;
import bascule.testing.Allocation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FieldEditsTest {
    /// `-a -b` removes, `=a:1` sets, `+a:1` adds.
    private static HeaderEdits edits(String text) {
        List<HeaderEdit> set = new ArrayList<>();
        List<HeaderEdit> add = new ArrayList<>();
        List<String> remove = new ArrayList<>();
        for (String word : text.strip().split(" +")) {
            if (word.isEmpty()) continue;
            String rest = word.substring(1);
            if (word.charAt(0) == '-') {
                remove.add(rest);
            } else {
                String[] parts = rest.split(":", 2);
                (word.charAt(0) == '=' ? set : add).add(new HeaderEdit(parts[0], parts[1]));
            }
        }
        return new HeaderEdits(set, add, remove);
    }

    private static HeaderBlock fields(String... lines) {
        String text = String.join("\r\n", lines) + "\r\n";
        var fields = new HeaderBlock(4096, 100);
        System.arraycopy(text.getBytes(US_ASCII), 0, fields.bytes(), 0, text.length());
        int at = 0;
        for (String line : lines) {
            int colon = line.indexOf(':');
            int end = at + line.length();
            fields.add(FieldName.OTHER, at, at + colon, at + colon + 2, end, end + 2);
            at = end + 2;
        }
        return fields;
    }

    /// What becomes of a head, one word per line.
    private static String apply(FieldEdits edits, HeaderBlock fields) {
        List<String> left = new ArrayList<>();
        edits.mark(fields);
        for (int line = 0; line < fields.count(); line++)
            if (!fields.nominated(line))
                left.add(
                        fields.text(fields.lineStart(line), fields.nameEnd(line))
                                + ":"
                                + fields.value(line));
        new String(edits.added(), US_ASCII)
                .lines()
                .map(l -> l.replace(": ", ":"))
                .forEach(left::add);
        return String.join(" ", left);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            -x               | ''        | Y:2
            =x:9             | ''        | Y:2 x:9
            +x:9             | ''        | X:1 Y:2 x:9
            +x:8 +x:9        | ''        | X:1 Y:2 x:8 x:9
            =x:8 +x:9        | ''        | Y:2 x:8 x:9
            -x +x:9          | ''        | Y:2 x:9
            =z:7             | ''        | X:1 Y:2 z:7
            -xx -z -y-       | ''        | X:1 Y:2
            =x:8             | =X:9      | Y:2 X:9
            =x:8             | +X:9      | Y:2 x:8 X:9
            =x:8             | -x        | Y:2
            +x:8             | -x        | Y:2
            -x               | +x:9      | Y:2 x:9
            +z:7             | =z:8      | X:1 Y:2 z:8
            +z:7 =y:3        | -y        | X:1 z:7
            """)
    void givenBlocks_whenApplied_thenInTheirOrder(String first, String then, String expected) {
        String head = apply(FieldEdits.of(edits(first), edits(then)), fields("X: 1", "Y: 2"));

        assertEquals(expected, head);
    }

    /// Against a list that is edited line by line.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomBlocks_whenApplied_thenAsIfOneAfterTheOther(long seed) {
        var random = new Random(seed);
        String[] names = {"a", "b", "ab", "x-a", "X-B", "Set-Cookie"};
        for (int round = 0; round < 20_000; round++) {
            List<String> model = new ArrayList<>();
            for (int i = random.nextInt(6); i > 0; i--)
                model.add(names[random.nextInt(names.length)] + ": " + random.nextInt(10));
            HeaderBlock fields = fields(model.toArray(String[]::new));
            model.replaceAll(line -> line.replace(": ", ":"));
            HeaderEdits[] blocks = new HeaderEdits[random.nextInt(4)];
            for (int i = 0; i < blocks.length; i++) {
                var text = new StringBuilder();
                for (int n = random.nextInt(4); n > 0; n--) {
                    String name = names[random.nextInt(names.length)];
                    switch (random.nextInt(3)) {
                        case 0 -> text.append(" -").append(name.toLowerCase(java.util.Locale.ROOT));
                        case 1 -> text.append(" =").append(name).append(":s").append(round);
                        default -> text.append(" +").append(name).append(":a").append(round);
                    }
                }
                blocks[i] = edits(text.toString());
                HeaderEdits block = blocks[i];
                model.removeIf(
                        line ->
                                Stream.concat(
                                                block.remove().stream(),
                                                block.set().stream().map(HeaderEdit::name))
                                        .anyMatch(line.split(":", 2)[0]::equalsIgnoreCase));
                Stream.concat(block.set().stream(), block.add().stream())
                        .forEach(line -> model.add(line.name() + ":" + line.value()));
            }

            assertEquals(
                    String.join(" ", model), apply(FieldEdits.of(blocks), fields), "seed " + seed);
        }
    }

    @Test
    void givenNothingToDo_whenPrepared_thenItIsNone() {
        assertSame(FieldEdits.NONE, FieldEdits.of());
        assertSame(FieldEdits.NONE, FieldEdits.of(HeaderEdits.NONE, HeaderEdits.NONE));
        assertEquals(0, FieldEdits.NONE.growthBytes());
    }

    @Test
    void givenHostIsSet_whenPrepared_thenItStandsApart() {
        FieldEdits edits = FieldEdits.of(edits("=Host:a.example =x:1"), edits("=HOST:b.example"));

        assertEquals("HOST: b.example\r\n", new String(edits.host(), US_ASCII));
        assertEquals("x: 1\r\n", new String(edits.added(), US_ASCII));
        assertEquals(1 << FieldName.HOST, edits.droppedCodes());
        assertEquals(23, edits.growthBytes());
    }

    @Test
    void givenNamesThatWeWriteOurselves_whenDropped_thenTheirCodesAreTold() {
        FieldEdits edits =
                FieldEdits.of(
                        edits(
                                "-x-forwarded-for =X-Forwarded-Proto:https -x-forwarded-host -forwarded"
                                        + " -via -x-request-id -cookie +te:x"));

        assertThat(edits.droppedCodes())
                .isEqualTo(
                        1 << FieldName.X_FORWARDED_FOR
                                | 1 << FieldName.X_FORWARDED_PROTO
                                | 1 << FieldName.X_FORWARDED_HOST
                                | 1 << FieldName.FORWARDED
                                | 1 << FieldName.VIA
                                | 1 << FieldName.X_REQUEST_ID);
        assertTrue(edits.drops("Cookie".getBytes(US_ASCII)));
        assertFalse(edits.drops("Cookies".getBytes(US_ASCII)));
    }

    @Test
    void givenLongNames_whenMarked_thenOnlyThoseOfThatLength() {
        String name = "n".repeat(70); // As many as 6, modulo 64.
        FieldEdits edits = FieldEdits.of(edits("-" + name));

        assertEquals("nnnnnn:1", apply(edits, fields("nnnnnn: 1", name + ": 2")));
    }

    @Test
    void givenHead_whenMarked_thenNothingIsAllocated() {
        FieldEdits edits = FieldEdits.of(edits("-a -bb =ccc:1 +d:2"));
        HeaderBlock fields = fields("A: 1", "Bb: 2", "Zz: 3", "Y: 4");

        assertEquals(0, Allocation.perOperation(() -> edits.mark(fields)));
        assertTrue(fields.nominated(1));
    }
}
