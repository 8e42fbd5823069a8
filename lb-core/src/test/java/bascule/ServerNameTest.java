package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ServerNameTest {
    @ParameterizedTest
    @CsvSource({
        "web/a, web, a, /servers/web/a",
        "web/10.0.1.12:80, web, 10.0.1.12:80, /servers/web/10.0.1.12%3A80",
        "web/[2001:db8::1]:80, web, [2001:db8::1]:80, /servers/web/%5B2001%3Adb8%3A%3A1%5D%3A80",
        "api/www.example/192.0.2.1:80, api, www.example/192.0.2.1:80, /servers/api/www.example%2F192.0.2.1%3A80",
        "a/b c?d#e%f+g, a, b c?d#e%f+g, /servers/a/b%20c%3Fd%23e%25f%2Bg",
        "a/é, a, é, /servers/a/%C3%A9",
        "a//, a, /, /servers/a/%2F",
    })
    void givenName_whenParsed_thenSplitAtTheFirstSlash(
            String text, String backend, String server, String path) {
        ServerName name = ServerName.parse(text);

        assertThat(name).isEqualTo(new ServerName(backend, server)).hasToString(text);
        assertThat(name.path()).isEqualTo(path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"web", "web/", "/a", "/"})
    void givenNoName_whenParsed_thenNone(String text) {
        assertThat(ServerName.parse(text)).isNull();
    }

    @Test
    void givenNothing_whenParsed_thenNone() {
        assertThat(ServerName.parse("")).isNull();
    }
}
