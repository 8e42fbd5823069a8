package bascule.admin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import bascule.cluster.ownership.Elector.Standing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a browser makes of the page is seen in `PageIT`.
final class StatusPageTest {
    /// Of `a` and `b` by `printf %s a | openssl dgst -sha256 -binary | base64`.
    private static final String SHA_A = "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='";

    private static final String SHA_B = "'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='";

    @Test
    void givenScriptAndStyle_whenAsked_thenThePolicyAllowsThemAndNothingElse() {
        assertThat(StatusPage.policy("<style>b</style><script>a</script>"))
                .startsWith(
                        "default-src 'none'; script-src "
                                + SHA_A
                                + "; style-src "
                                + SHA_B
                                + "; connect-src 'self';")
                .contains("frame-ancestors 'none'")
                .contains("require-trusted-types-for 'script'")
                .doesNotContain("unsafe");
    }

    @Test
    void givenOtherScript_whenAsked_thenAnotherPolicy() {
        assertNotEquals(
                StatusPage.policy("<style>b</style><script>a</script>"),
                StatusPage.policy("<style>b</style><script>a </script>"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "<style></style>",
                "<style></style><script>",
                "<style></style><script></script><script></script>",
                "<style></style><script src=x></script>"
            })
    void givenNotOneOfEach_whenAsked_thenRefused(String html) {
        assertThatThrownBy(() -> StatusPage.policy(html))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void givenThePage_whenAnAddressMayNotComeHere_thenThatIsNoFaultOfAWitness() {
        String html = new String(StatusPage.PAGE.body(), UTF_8);

        assertThat(html).contains("ip.reason !== \"" + Standing.WITNESS + "\"");
    }

    @Test
    void givenThePage_whenRead_thenNothingOfItComesFromElsewhere() {
        String html = new String(StatusPage.PAGE.body(), UTF_8);

        assertThat(html.replace("http://www.w3.org/2000/svg", ""))
                .doesNotContainPattern("https?://|//cdn|@import|url\\(|<script |<link rel=\"style");
    }

    @Test
    void givenThePage_whenRead_thenTextStaysText() {
        assertThat(new String(StatusPage.PAGE.body(), UTF_8))
                .contains("textContent")
                .doesNotContainPattern(
                        "innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function| on[a-z]+=| style=");
    }

    @Test
    void givenThePage_whenReadWithoutJavaScript_thenItPointsToTheJson() {
        assertThat(new String(StatusPage.PAGE.body(), UTF_8))
                .containsPattern("<noscript><p>[^<]*<a href=\"status\">")
                .contains("<main hidden>");
    }
}
