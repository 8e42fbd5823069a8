package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What README.md shows and points to is there, and works.
final class ReadmeTest {
    private static final Pattern HOCON = Pattern.compile("```hocon\n(.*?)```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)(#[^)]*)?\\)");
    private static final int FIRST_SCREEN = 45;
    private static final int SHORT = 20;

    private static final Path CHECKOUT = checkout();

    private static Path checkout() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.exists(at.resolve("README.md")) || !Files.exists(at.resolve("config")))
            at = at.getParent();
        return at;
    }

    private static String readme() throws IOException {
        return Files.readString(CHECKOUT.resolve("README.md"));
    }

    private static List<String> all(Pattern pattern, String text) {
        var found = new ArrayList<String>();
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) found.add(matcher.group(1));
        return found;
    }

    @Test
    void givenReadme_whenItsFilesAreLoaded_thenEachIsValid() throws IOException {
        List<String> files = all(HOCON, readme());
        assertThat(files).hasSizeGreaterThanOrEqualTo(3);
        Path beside = Configs.folder().resolve("bascule.conf"); // There is a key, and certificates.
        for (String each : files)
            assertThat(ConfigurationLoader.parse(each, beside, Map.of()))
                    .as(each)
                    .isInstanceOf(LoadResult.Loaded.class);
    }

    @Test
    void givenTheSmallestPair_whenLookedFor_thenItIsInTheReadmeAndInTheExamples()
            throws IOException {
        String pair = all(HOCON, readme()).get(1);

        assertThat(pair).startsWith("cluster ").contains("redirect = https", "tls = certs/");
        assertThat(Files.readString(CHECKOUT.resolve("config/examples/pair.conf"))).endsWith(pair);
    }

    @Test
    void givenReadme_whenItsLinksAreFollowed_thenEachLeadsSomewhere() throws IOException {
        List<String> links = all(LINK, readme());
        assertThat(links).hasSizeGreaterThan(20);
        for (String each : links) assertThat(CHECKOUT.resolve(each)).exists();
    }

    @Test
    void givenReadme_whenOpened_thenTheTwoCommandsAreOnItsFirstScreen() throws IOException {
        String first = String.join("\n", readme().lines().limit(FIRST_SCREEN).toList());

        assertThat(first).contains("\n./bascule demo ", "\n./bascule test ");
        assertThat(readme().indexOf("## Install")).isLessThan(readme().indexOf("## The walk"));
    }

    @Test
    void givenExamples_whenCounted_thenTheReadmeNamesThoseForCommonJobsAndTheyAreShort()
            throws IOException {
        String readme = readme();
        int start = readme.indexOf("## The most common jobs");
        String jobs = readme.substring(start, readme.indexOf("\n## ", start));
        List<String> named =
                all(LINK, jobs).stream()
                        .filter(each -> !each.endsWith("operations.conf"))
                        .filter(each -> each.startsWith("config/examples/"))
                        .toList();

        assertThat(named).hasSizeGreaterThanOrEqualTo(13);
        for (String each : named) {
            List<String> lines = Files.readAllLines(CHECKOUT.resolve(each));
            assertThat(lines).as(each).hasSizeLessThanOrEqualTo(SHORT);
            assertThat(lines.getFirst()).as(each).startsWith("# ");
        }
        try (Stream<Path> files = Files.list(CHECKOUT.resolve("config/examples"))) {
            assertThat(files.filter(each -> each.toString().endsWith(".conf")))
                    .hasSizeGreaterThan(15);
        }
    }
}
