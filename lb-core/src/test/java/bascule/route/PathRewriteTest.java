package bascule.route;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import bascule.http.RequestHead;
import bascule.http1.HeadLimits;
import bascule.http1.HeadWriter;
import bascule.http1.RequestParser;
import bascule.testing.Allocation;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PathRewriteTest {
    private static final HeadLimits LIMITS = new HeadLimits(4 * 1024, 10, 4 * 1024);

    /// The head of a request for `target`, or null if the parser refuses it.
    private static @Nullable RequestHead head(String target) {
        String host = target.startsWith("http") ? target.split("/", 4)[2].split("\\?", 2)[0] : "a";
        String text = "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
        ByteBuf in = Unpooled.copiedBuffer(text, ISO_8859_1);
        var head = new RequestHead(4 * 1024, 10);
        try {
            return new RequestParser().parse(in, LIMITS, head) > 0 ? head : null;
        } finally {
            in.release();
        }
    }

    private static String rewritten(String prefix, String replacement, RequestHead head) {
        var out = new HeadWriter(16 * 1024);
        new PathRewrite(prefix, replacement).put(head, out);
        return new String(out.toByteArray(), ISO_8859_1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            /api/  | /      | /api/x                  | /x
            /api/  | /      | /api/                   | /
            /api/  | /v2/   | /api/x/y.html?a=%2F/../ | /v2/x/y.html?a=%2F/../
            /api/  | /v2/   | /api/?                  | /v2/?
            /api/  | /v2/   | /api/a%20b%2Cc;p=1      | /v2/a%20b%2Cc;p=1
            /api/  | /v2/   | /%61pi/%78              | /v2/%78
            /api/  | /v2/   | /%61%50i/x              | -
            /api/  | /v2/   | /api//x                 | /v2//x
            /api/  | /      | /api//x                 | /x
            /api/  | /      | /api//evil.com/x?a=//b  | /evil.com/x?a=//b
            /api/  | /      | /%61pi///evil.com/x     | /evil.com/x
            /api/  | /      | /y/../api//evil.com//x  | /evil.com//x
            /api/  | /      | /api////?//             | /?//
            /      | /      | //evil.com/             | /evil.com/
            /api/  | /v2/   | /x/../api/y             | /v2/y
            /api/  | /v2/   | /api/x/../y?q=..        | /v2/y?q=..
            /api/  | /v2/   | /api/../api/y           | /v2/y
            /api/  | /v2/   | /api/../../api/y        | -
            /api/  | /v2/   | /api/x/..               | /v2/
            /api/  | /v2/   | /api/.                  | /v2/
            /api/  | /v2/   | /api/%2e%2e/api/%2e/z   | /v2/z
            /api/  | /v2/   | /./api/a%20b%25%3f%23"  | /v2/a%20b%25%3F%23%22
            /api/  | /v2/   | /./api/%c3%a9           | /v2/%C3%A9
            /api/  | /v2/   | /api/...                | /v2/...
            /api/  | /v2/   | http://a/api/x?y        | /v2/x?y
            /      | /v2/   | http://a?y              | /v2/?y
            /      | /v2/   | http://a                | /v2/
            /      | /v2/   | /x                      | /v2/x
            /a b/  | /c%20d/ | /a%20b/x                | /c%20d/x
            /100%/ | /50%25/ | /100%25/x               | /50%25/x
            /é/    | /%C3%BC/ | /%C3%A9/x               | /%C3%BC/x
            """)
    void givenTarget_whenRewritten_thenTheNewPrefixAndTheRest(
            String prefix, String replacement, String target, String expected) {
        RequestHead head = head(target);
        if (expected.equals("-")) {
            assertThat(head == null || !path(head).startsWith(prefix)).isTrue();
            return;
        }

        assertEquals(expected, rewritten(prefix, replacement, head));
    }

    private static String path(RequestHead head) {
        int length = head.routePathEnd - head.routePathStart;
        return new String(head.routePath, head.routePathStart, length, ISO_8859_1);
    }

    private static String query(RequestHead head) {
        return head.fields.text(head.pathEnd, head.targetEnd);
    }

    /// What a server must make of the new target: the new prefix, and what was meant behind the old one.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void givenRandomTargets_whenRewritten_thenTheyMeanTheSameBehindTheNewPrefix(long seed) {
        var random = new Random(seed);
        String[] prefixes = {"/", "/api/", "/a b/", "/a/b/", "/100%/"};
        String[] replacements = {"/", "/v2/", "/x%20y/z/", "/%C3%A9/", "/%252e%252E/"};
        int matched = 0;
        int written = 0;
        int rounds = Boolean.getBoolean("bascule.long") ? 3_000_000 : 30_000;
        for (int round = 0; round < rounds; round++) {
            String prefix = prefixes[random.nextInt(prefixes.length)];
            String replacement = replacements[random.nextInt(replacements.length)];
            String target = target(random, prefix);
            RequestHead head = head(target);
            if (head == null || !path(head).startsWith(prefix)) continue;
            matched++;

            String result = rewritten(prefix, replacement, head);

            String about = "seed " + seed + ": " + prefix + " -> " + replacement + ": " + target;
            RequestHead again = head(result);
            assertThat(again).as("%s: %s", about, result).isNotNull();
            String rest = path(head).substring(prefix.length());
            if (replacement.equals("/")) rest = rest.replaceFirst("^/+", "");
            String expected = path(head(replacement)) + rest;
            assertEquals(expected, path(again), about);
            assertEquals(query(head), query(again), about);
            assertThat(result).as(about).startsWith("/").doesNotStartWith("//");
            if (!target.endsWith(result.substring(result.lastIndexOf('/')))) written++;
        }
        assertThat(matched).isGreaterThan(rounds / 20);
        assertThat(written).isGreaterThan(rounds / 2000); // Where dots made it necessary.
    }

    private static String target(Random random, String prefix) {
        var target = new StringBuilder();
        if (random.nextInt(8) == 0) target.append("http://a");
        String[] pieces = {
            "/", "/", "/", ".", "..", "/../", "/./", "%2e", "%2E%2e", "%61", "%25", "%3F", "%20",
                    "x",
            "y", ";", "%c3%a9", "\"", "%7f", "%2f", "\\", "..;", "//", "api", "a", "b", ":", "@"
        };
        for (int n = random.nextInt(4); n > 0; n--)
            target.append('/').append(pieces[random.nextInt(pieces.length)]);
        if (random.nextInt(2) == 0) target.append("/..".repeat(random.nextInt(4)));
        for (int i = 0; i < prefix.length(); i++) {
            char c = prefix.charAt(i);
            boolean escape = c != '/' && (c == ' ' || c == '%' || random.nextInt(6) == 0);
            target.append(escape ? "%%%02x".formatted((int) c) : String.valueOf(c));
        }
        for (int n = random.nextInt(6); n > 0; n--)
            target.append(pieces[random.nextInt(pieces.length)]);
        if (random.nextInt(3) == 0) target.append("?/../%2f").append(random.nextInt());
        return target.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x/", "/x"})
    void givenNoPrefix_whenMade_thenItIsABug(String path) {
        assertThrows(IllegalArgumentException.class, () -> new PathRewrite("/", path));
        assertThrows(IllegalArgumentException.class, () -> new PathRewrite(path, "/"));
    }

    @Test
    void givenTargets_whenRewritten_thenNothingIsAllocated() {
        var rewrite = new PathRewrite("/api/", "/v2/");
        var out = new HeadWriter(1024);
        for (String target : new String[] {"/api/x?y", "/%61pi/x", "/x/../api/%20y"}) {
            RequestHead head = head(target);
            assertEquals(
                    0,
                    Allocation.perOperation(
                            () -> {
                                out.clear();
                                rewrite.put(head, out);
                            }));
        }
    }
}
