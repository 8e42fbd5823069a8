package bascule.route;

import static bascule.route.Heads.head;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.config.RedirectConfig;
import bascule.http.RequestHead;
import bascule.testing.Allocation;
import java.net.URI;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RedirectTargetTest {
    private static final RedirectTarget TO_HTTPS = target("https", null, 0);

    @ParameterizedTest
    @CsvSource({
        "https, ,             0,    http,  example.org,       /a?b=c, https://example.org/a?b=c",
        "https, ,             0,    http,  example.org:8080,  /,      https://example.org/",
        "https, ,             443,  http,  example.org:8080,  /,      https://example.org/",
        "https, ,             8443, http,  example.org:8080,  /,      https://example.org:8443/",
        "http,  ,             80,   https, example.org:8443,  /,      http://example.org/",
        "http,  ,             443,  https, example.org:8443,  /,      http://example.org:443/",
        ",      ,             0,    http,  example.org:8080,  /,      http://example.org:8080/",
        ",      ,             0,    https, example.org:8443,  /,      https://example.org:8443/",
        "http,  ,             0,    http,  example.org:8080,  /,      http://example.org:8080/",
        ",      ,             0,    http,  example.org:,      /,      http://example.org/",
        ",      ,             81,   http,  example.org:8080,  /,      http://example.org:81/",
        ",      www.other.org, 0,   http,  example.org:8080,  /a,     http://www.other.org/a",
        ",      www.other.org, 81,  http,  example.org:8080,  /a,     http://www.other.org:81/a",
        "https, www.other.org, 0,   http,  '',                /a,     https://www.other.org/a",
        "https, ,             0,    http,  [2001:db8::1]:80,  /,      https://[2001:db8::1]/",
        ",      ,             0,    http,  [2001:db8::1]:81,  /,      http://[2001:db8::1]:81/",
        "https, ,             0,    http,  Example.ORG.,      /,      https://Example.ORG./",
    })
    void givenEachRedirect_whenWritten_thenAbsoluteUri(
            @Nullable String scheme,
            @Nullable String host,
            int port,
            String requestScheme,
            String authority,
            String path,
            String expected) {
        var target =
                new RedirectTarget(new RedirectConfig(scheme, host, port, 308), requestScheme, 443);

        assertEquals(expected, location(target, head("GET", authority, path), null));
    }

    @ParameterizedTest
    @CsvSource({
        "/a%2fb/../c;d?e=/f?g,        https://h/a%2fb/../c;d?e=/f?g",
        "//evil.example/x,            https://h//evil.example/x",
        "/\\evil.example,             https://h/%5Cevil.example",
        "/?,                          https://h/?",
        "http://h,                    https://h/",
        "http://h?a=b,                https://h/?a=b",
        "http://h:81/a?b,             https://h/a?b",
        "*,                           https://h",
    })
    void givenEachTarget_whenWritten_thenPathAndQueryStay(String requested, String expected) {
        assertEquals(expected, location(TO_HTTPS, head("GET", "h", requested), null));
    }

    @Test
    void givenBytesThatNoUriHas_whenWritten_thenEncoded() {
        assertEquals(
                "https://h/%0D%0ASet-Cookie:%20a=b%23%C3%A9%00%7F",
                location(TO_HTTPS, head("GET", "h", "/\r\nSet-Cookie: a=b#é\0\u007f"), null)
                        .replace("%E9", "%C3%A9")); // Heads writes Latin-1.
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a/b",
                "a?b",
                "a#b",
                "a@b",
                "a\\b",
                "a b",
                "a\r\nX: y",
                "é",
                "a\0",
                "\"",
                "<a>"
            })
    void givenHostThatNoUriHas_whenWritten_thenRefused(String host) {
        assertEquals("-1", location(TO_HTTPS, head("GET", host, "/"), null));
    }

    @ParameterizedTest
    @CsvSource({
        "https, 10.0.0.1:8080, https://10.0.0.1/a",
        ",      10.0.0.1:8080, http://10.0.0.1:8080/a",
        ",      10.0.0.1,      http://10.0.0.1/a",
        "https, [::1]:8080,    https://[::1]/a",
        "https, [::1],         https://[::1]/a",
        "https, ,              -1",
        "https, '',            -1",
    })
    void givenNoHostInRequest_whenWritten_thenFallback(
            @Nullable String scheme, @Nullable String fallback, String expected) {
        assertEquals(expected, location(target(scheme, null, 0), head("GET", "", "/a"), fallback));
    }

    @Test
    void givenEachRoom_whenWritten_thenFitsOrRefused() {
        RequestHead head = head("GET", "example.org:8080", "/a\u00e9?b");
        for (RedirectTarget target :
                new RedirectTarget[] {
                    TO_HTTPS, target("https", "other.org", 444), target(null, null, 0)
                }) {
            String whole = location(target, head, null);
            for (int room = 0; room < 60; room++) {
                byte[] into = new byte[room];
                assertEquals(
                        whole.length() <= room ? whole.length() : -1,
                        target.location(head, null, into),
                        whole + " in " + room);
            }
        }
    }

    /// Whatever a client sends: what is written is one URI, and its host is the client's or none.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomBytes_whenWritten_thenUriOfThatHostOrRefused(long seed) {
        var random = new Random(seed);
        int written = 0;
        for (int round = 0; round < 30_000; round++) {
            String host =
                    random(
                            random,
                            round % 2 == 0 ? "abcXYZ019-." : "ab.:@/?#[]%\\ \r\n\u00e9\0",
                            8);
            String path = "/" + random(random, "ab/?:@%&=#\\ \r\n\u00e9\0./", 12);
            String location = location(TO_HTTPS, head("GET", host, path), null);
            String replay = "seed " + seed + " host <" + host + "> path <" + path + "> " + location;
            if (location.equals("-1")) continue;
            written++;

            assertThat(location).as(replay).matches("https://[!-~]+");
            String rest = location.substring("https://".length());
            int slash = rest.indexOf('/');
            assertThat(host).as(replay).startsWith(rest.substring(0, slash));
            assertThat(rest.substring(slash)).as(replay).doesNotContain("#", "\\", " ");
            if (round % 2 == 0) {
                String uri = location.replaceAll("%(?![0-9A-F]{2})", "%25"); // Forwarded unchanged.
                assertEquals(rest.substring(0, slash), URI.create(uri).getRawAuthority(), replay);
            }
        }
        assertThat(written).isGreaterThan(14_000);
    }

    @Test
    void givenRedirect_whenWritten_thenNothingIsAllocated() {
        RequestHead head = head("GET", "example.org:8080", "/a?b");
        byte[] into = new byte[100];

        long bytes =
                Allocation.bytes(
                        () -> {
                            for (int i = 0; i < 5_000; i++) TO_HTTPS.location(head, null, into);
                        });

        assertThat(bytes).isZero();
    }

    private static RedirectTarget target(@Nullable String scheme, @Nullable String host, int port) {
        return new RedirectTarget(new RedirectConfig(scheme, host, port, 308), "http", 443);
    }

    /// The value, or `-1`.
    private static String location(
            RedirectTarget target, RequestHead head, @Nullable String fallback) {
        byte[] into = new byte[500];
        Arrays.fill(into, (byte) '!');
        int length =
                target.location(
                        head, fallback == null ? null : fallback.getBytes(ISO_8859_1), into);
        return length < 0 ? "" + length : new String(into, 0, length, ISO_8859_1);
    }

    private static String random(Random random, String alphabet, int most) {
        var text = new StringBuilder();
        for (int i = 1 + random.nextInt(most); i > 0; i--)
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        return text.toString();
    }
}
