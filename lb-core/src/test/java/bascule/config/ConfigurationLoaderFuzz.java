package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Text of any kind: it loads, and what it renders as loads to the same; or it is refused, at a line that it has. Never
/// anything else comes out.
final class ConfigurationLoaderFuzz {
    private static final int ROUNDS = Boolean.getBoolean("bascule.long") ? 500_000 : 15_000;
    private static final Path FILE = Configs.folder().resolve("fuzz.conf");
    private static final Map<String, String> ENVIRONMENT =
            Map.of("A", "1", "EMPTY", "", "ODD", "\"{");

    private static final List<String> TOKENS =
            List.of(
                    "{",
                    "}",
                    "[",
                    "]",
                    "=",
                    ":",
                    "+=",
                    ",",
                    "\n",
                    " ",
                    "\"",
                    "\"\"\"",
                    "${",
                    "${?",
                    "}",
                    "#",
                    "//",
                    "\\",
                    "\\u12",
                    "$",
                    ".",
                    "-",
                    "0",
                    "1e400",
                    "007",
                    "10s",
                    "32KiB",
                    "null",
                    "true",
                    "off",
                    "include ",
                    "include required(",
                    "file(",
                    "url(",
                    ")",
                    "\"examples/single-node.conf\"",
                    "\"fuzz.conf\"",
                    "listeners",
                    "backends",
                    "http",
                    "web",
                    "bind",
                    "\":80\"",
                    "backend",
                    "servers",
                    "\"10.0.0.1:80\"",
                    "routes",
                    "limits",
                    "let",
                    "check",
                    "retry",
                    "sticky",
                    "maintenance",
                    "rate-limit",
                    "request-headers",
                    "set",
                    "X-A",
                    "error-pages",
                    "502",
                    "examples/pages/unavailable.html",
                    "state",
                    "100/s",
                    "50%",
                    "\"app.example.com:80\"",
                    "A",
                    "EMPTY",
                    "ODD",
                    "let.a",
                    "\t",
                    "\r",
                    "\u0000",
                    "\ufeff",
                    "\u00a0",
                    "\ud800",
                    "é",
                    "😀",
                    "*",
                    "/",
                    "%2f",
                    "'",
                    "`",
                    "^",
                    "?",
                    "!",
                    "@",
                    "&");

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void givenRandomTokens_whenParsed_thenNeverThrows(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            var text = new StringBuilder();
            for (int i = random.nextInt(40); i >= 0; i--)
                text.append(TOKENS.get(random.nextInt(TOKENS.size())));
            check(text.toString(), "seed " + seed + ", round " + round);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void givenShippedFilesWithSplices_whenParsed_thenNeverThrows(long seed) throws IOException {
        var random = new Random(seed);
        var texts = new ArrayList<String>();
        for (Path file : Configs.shipped()) texts.add(Files.readString(file));
        texts.add(new ReferenceFile(texts.getFirst()).withExamples());
        for (int round = 0; round < ROUNDS / 5; round++) {
            var text = new StringBuilder(texts.get(random.nextInt(texts.size())));
            for (int i = random.nextInt(4); i >= 0; i--) {
                int at = random.nextInt(text.length() + 1);
                int end =
                        Math.min(
                                text.length(),
                                at + random.nextInt(random.nextInt(8) == 0 ? 200 : 4));
                String other = texts.get(random.nextInt(texts.size()));
                int from = random.nextInt(other.length());
                String splice =
                        switch (random.nextInt(4)) {
                            case 0 -> "";
                            case 1 ->
                                    other.substring(
                                            from,
                                            Math.min(other.length(), from + random.nextInt(60)));
                            case 2 -> String.valueOf((char) random.nextInt(0x180));
                            default -> TOKENS.get(random.nextInt(TOKENS.size()));
                        };
                text.replace(at, end, splice);
            }
            check(text.toString(), "seed " + seed + ", round " + round);
        }
    }

    private static void check(String text, String replay) {
        LoadResult result;
        try {
            result = ConfigurationLoader.parse(text, FILE, ENVIRONMENT);
        } catch (RuntimeException | Error e) {
            throw new AssertionError(replay + "\n" + text, e);
        }
        switch (result) {
            case LoadResult.Loaded(Configuration configuration) ->
                    assertThat(Configs.parse(EffectiveConfiguration.render(configuration)))
                            .as("%s\n%s", replay, text)
                            .isEqualTo(configuration);
            case LoadResult.Rejected(List<Problem> problems) -> {
                long lines = text.chars().filter(c -> c == '\n').count() + 1;
                assertThat(problems).as(replay).isNotEmpty();
                for (Problem problem : problems) {
                    if (!problem.file().equals(FILE.toString())) continue;
                    assertThat((long) problem.line())
                            .as("%s: %s\n%s", replay, problem, text)
                            .isBetween(0L, lines);
                    assertThat(problem.toString()).as(replay).doesNotContain("\n");
                }
            }
        }
    }
}
