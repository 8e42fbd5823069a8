package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RoutePathTest {
    @ParameterizedTest
    @CsvSource({
        "/, /",
        "/a, /a",
        "/a/, /a/",
        "//a//, //a//",
        "/a/., /a/",
        "/a/.., /",
        "/a/b/.., /a/",
        "/a/../b, /b",
        "/./a, /a",
        "/%61%2E%2e/, /a../",
        "/a/%2e%2E/b, /b",
        "/100%25, /100%",
        "/%C3%a9, /é",
        "/é, /é",
        "/a+b;c=d&e:@, /a+b;c=d&e:@",
        "/.../..a, /.../..a",
    })
    void givenPath_whenRead_thenDecodedAndResolved(String text, String path) {
        assertThat(RoutePath.KIND.read(text)).isEqualTo(Kind.good(path));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/a b", "/%", "/?#", "/\u0001\u007f", "/é/\ud83d\ude00", "//", "/a//"})
    void givenDecodedPath_whenWritten_thenReadsAsItself(String path) {
        assertThat(RoutePath.KIND.read(RoutePath.encode(path))).isEqualTo(Kind.good(path));
    }
}
