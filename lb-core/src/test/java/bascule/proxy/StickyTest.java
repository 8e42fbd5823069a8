package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import bascule.config.OnDrain;
import bascule.config.StickyConfig;
import bascule.http.HeaderBlock;
import bascule.server.Server;
import bascule.server.ServerStatus;
import bascule.server.ServerStatus.Admin;
import bascule.server.ServerStatus.Health;
import bascule.testing.Allocation;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class StickyTest {
    private static final StickyKey KEY = new StickyKey(new byte[32]);
    private static final StickyConfig FINISH = config(Duration.ZERO, OnDrain.FINISH);

    private final List<Server> servers = servers(3);
    private final Sticky sticky = new Sticky("web", FINISH, KEY, servers);

    private static StickyConfig config(Duration lifetime, OnDrain onDrain) {
        return new StickyConfig("site", lifetime, onDrain);
    }

    private static List<Server> servers(int count) {
        List<Server> servers = new ArrayList<>();
        for (int i = 0; i < count; i++)
            servers.add(new Server("web", "s" + i, new InetSocketAddress(80), i, 1, false));
        return servers;
    }

    private static HeaderBlock cookies(String... values) {
        var lines = new StringBuilder("X: site=y\r\n");
        for (String value : values) lines.append("Cookie: ").append(value).append("\r\n");
        return ClientFinderTest.head(lines.toString()).fields;
    }

    private static String token(int server) {
        return KEY.token("web", "s" + server);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            site=1                        | 1
            site="1"                      | 1
            a=b; site=1                   | 1
            a=b;site=1;c=d                | 1
            a=b ;\t site = 1 ; c=d        | 1
            site=2; site=1                | 2
            site=none; site=1             | 1
            site; site=1                  | 1
            =site; site=1                 | 1
            ;;; site=1                    | 1
            a=x=y; site=1                 | 1
            Site=1                        | -
            xsite=1                       | -
            sitex=1                       | -
            a="; site=1"                  | -
            site="1                       | -
            site=1"                       | -
            site=1x                       | -
            site==1                       | -
            site=                         | -
            site=""                       | -
            site=none                     | -
            ''                            | -
            """)
    void givenCookies_whenLookedUp_thenTheServerThatTheyName(String cookies, String expected) {
        String text = cookies;
        for (int i = 0; i < 3; i++) text = text.replaceAll("\\b" + i + "(?=\\b|x)", token(i));

        Server found = sticky.find(cookies(text));

        if (expected.equals("-")) assertNull(found);
        else assertSame(servers.get(Integer.parseInt(expected)), found);
    }

    @Test
    void givenSeveralCookieLines_whenLookedUp_thenAllAreRead() {
        assertSame(
                servers.get(2), sticky.find(cookies("a=b", "site=none", "c=d; site=" + token(2))));
    }

    @Test
    void givenNoCookie_whenLookedUp_thenNone() {
        assertNull(sticky.find(cookies()));
    }

    @ParameterizedTest
    @CsvSource({
        "ENABLED, UNKNOWN, true, true",
        "ENABLED, UP, true, true",
        "ENABLED, DOWN, false, false",
        "ENABLED, EJECTED, false, false",
        "DRAINING, UP, true, false",
        "DRAINING, UNKNOWN, true, false",
        "DRAINING, DOWN, false, false",
        "DISABLED, UP, false, false",
        "DISABLED, UNKNOWN, false, false"
    })
    void givenStatus_whenLookedUp_thenOnlyWhoMayBeAsked(
            Admin admin, Health health, boolean finish, boolean move) {
        HeaderBlock cookies = cookies("site=" + token(1));
        servers.get(1).publish(new ServerStatus(admin, health));
        var moving = new Sticky("web", config(Duration.ZERO, OnDrain.MOVE), KEY, servers);

        assertSame(finish ? servers.get(1) : null, sticky.find(cookies));
        assertSame(move ? servers.get(1) : null, moving.find(cookies));
    }

    @Test
    void givenServer_whenItsCookieIsMade_thenItIsFoundByIt() {
        assertEquals(
                "Set-Cookie: site=" + token(1) + "; Path=/; HttpOnly; SameSite=Lax\r\n",
                new String(sticky.cookie(servers.get(1), false), US_ASCII));
        var lasting = new Sticky("web", config(Duration.ofDays(1), OnDrain.FINISH), KEY, servers);
        assertEquals(
                "Set-Cookie: site="
                        + token(1)
                        + "; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure\r\n",
                new String(lasting.cookie(servers.get(1), true), US_ASCII));
    }

    @Test
    void givenServerOfAnotherTime_whenItsCookieIsAsked_thenThereIsNone() {
        assertEquals(0, sticky.cookie(servers(1).getFirst(), false).length);
    }

    @Test
    void givenTokens_whenCompared_thenEachBackendServerAndKeyHasItsOwn() {
        Set<String> tokens = new HashSet<>();
        byte[] other = new byte[32];
        other[31] = 1;
        for (StickyKey key : List.of(KEY, new StickyKey(other)))
            for (String backend : List.of("web", "we"))
                for (String server : List.of("s1", "bs1", "s11"))
                    tokens.add(key.token(backend, server));

        assertThat(tokens).hasSize(12).allMatch(token -> token.matches("[A-Za-z0-9_-]{22}"));
        assertNotEquals(KEY.token("a", "b"), KEY.token("b", "a"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 8, 100, 1000})
    void givenManyServers_whenLookedUp_thenEachIsFoundAndNobodyElse(int count) {
        List<Server> many = servers(count);
        var sticky = new Sticky("web", FINISH, KEY, many);
        for (int i = 0; i < count; i++)
            assertSame(many.get(i), sticky.find(cookies("site=" + token(i))));
        var random = new Random(count);
        for (int i = 0; i < 1000; i++) {
            byte[] some = new byte[random.nextInt(30)];
            for (int at = 0; at < some.length; at++) some[at] = (byte) ('A' + random.nextInt(26));
            assertNull(sticky.find(cookies("site=" + new String(some, US_ASCII))));
        }
    }

    @Test
    void givenCookies_whenLookedUp_thenNothingIsAllocated() {
        HeaderBlock cookies = cookies("a=b; session=0123456789; site=\"" + token(2) + "\"");
        Server[] found = new Server[1];

        assertEquals(
                0,
                Allocation.perOperation(
                        () -> {
                            found[0] = sticky.find(cookies);
                            sticky.cookie(servers.get(1), false);
                        }));
        assertSame(servers.get(2), found[0]);
    }
}
