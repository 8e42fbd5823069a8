package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PathNormalizerTest {
    @ParameterizedTest
    @CsvSource({
        "/, /",
        "/a, /a",
        "/a/, /a/",
        "//, //",
        "/., /",
        "/./, /",
        "/a/., /a/",
        "/a/.., /",
        "/a/../, /",
        "/a/b/.., /a/",
        "/a/b/../, /a/",
        "/a/b/../c, /a/c",
        "/a/./b, /a/b",
        "/a/b/../../c, /c",
        "/a//../b, /a/b",
        "//.., /",
        "/..., /...",
        "/.a, /.a",
        "/a., /a.",
        "/..a, /..a",
        "/%61, /a",
        "/%2e/a, /a",
        "/a/%2E%2e/b, /b",
        "/%25, /%",
        "/%252e, /%2e",
        "/a;b, /a;b",
        "/%3b, /;",
        "/a/.%2e, /"
    })
    void givenPath_whenNormalized_thenIsDecodedAndResolved(String path, String expected) {
        assertEquals(expected, normalized(path));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/..",
                "/../",
                "/../a",
                "/a/../..",
                "/a/../../b",
                "/./..",
                "/%2e%2e",
                "/.%2e/a",
                "/%2f",
                "/%2F",
                "/a%2fb",
                "/%00",
                "/a%00b",
                "/%",
                "/%1",
                "/%g1",
                "/%1g",
                "/a%",
                "/\\",
                "/a\\b",
                "/%5c",
                "/%5C",
                "/..;",
                "/a/..;x",
                "/a/.;",
                "/%2e%2e;",
                "/a/..%3b",
                "/%\u00e90"
            })
    void givenPathThatIsReadInTwoWays_whenNormalized_thenIsRefused(String path) {
        assertNull(normalized(path));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyPath_whenNormalized_thenIsWhatTheReferenceSays(long seed) {
        WireGenerator paths = new WireGenerator(seed);
        for (int i = 0; i < 50_000; i++) {
            String path = paths.path(i % 2 == 0);
            if (path.matches(".*[^\\x21-\\x7e].*|.*#.*")) continue;
            assertEquals(
                    Reference.routePath(path, Fault.NONE),
                    normalized(path),
                    "seed " + seed + ": " + path);
        }
    }

    private static @Nullable String normalized(String path) {
        byte[] in = ("x" + path).getBytes(ISO_8859_1);
        byte[] out = new byte[path.length()];
        int length = PathNormalizer.normalize(in, 1, in.length, out);
        return length == PathNormalizer.REFUSED ? null : new String(out, 0, length, ISO_8859_1);
    }
}
