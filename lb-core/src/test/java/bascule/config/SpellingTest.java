package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SpellingTest {
    private static final List<String> WORDS =
            List.of(
                    "bind",
                    "backend",
                    "routes",
                    "request-line",
                    "headers",
                    "header-count",
                    "admin");

    @ParameterizedTest
    @CsvSource({
        "bnd, bind",
        "bidn, bind",
        "Bind, bind",
        "backends, backend",
        "route, routes",
        "requestLine, request-line",
        "request_line, request-line",
        "REQUEST-LINE, request-line",
        "hedaers, headers",
        "adnim, admin",
        "headercount, header-count",
    })
    void givenSlip_whenSuggested_thenTheWordThatWasMeant(String written, String meant) {
        assertThat(Spelling.suggest(written, WORDS)).isEqualTo(", did you mean " + meant + "?");
    }

    @ParameterizedTest
    @CsvSource({"zebra", "x", "12", "''", "blond", "frontend-pool"})
    void givenOtherWord_whenSuggested_thenNothing(String written) {
        assertThat(Spelling.suggest(written, WORDS)).isEmpty();
    }
}
