package bascule.config;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.testing.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class EffectiveConfigurationTest {
    static List<Path> shipped() throws IOException {
        return Configs.shipped();
    }

    @ParameterizedTest
    @MethodSource("shipped")
    void givenExample_whenRendered_thenLoadsToTheSame(Path file) {
        Configuration configuration = Configs.load(file);

        String text = EffectiveConfiguration.render(configuration);

        assertThat(Configs.parse(text)).isEqualTo(configuration);
        assertThat(EffectiveConfiguration.render(Configs.parse(text))).isEqualTo(text);
    }

    @Test
    void givenAwkwardTexts_whenRendered_thenLoadsToTheSame() {
        Configuration configuration =
                Configs.parse(
                        """
                        listeners {
                          "include" {
                            bind = [":0", "[2001:db8::1]:443", "10.0.0.1:80"]
                            backend = "null"
                            routes = [
                              { host = "[::1]", path = "/%25%3f%23%20é/", backend = "true" }
                              { header { name = x, value = "" }, respond { status = 599, body = "\\"$\\n\\\\{}\\u0001 é", content-type = "a/b; c=\\"d\\"" } }
                              { header { name = "$x", value = "a \\"b\\" // # ${c}" }, redirect { scheme = http, host = "[::1]", port = 1, status = 301 } }
                              { path = /p/, backend = "null", rewrite = "/%25é\\"/", request-headers { add { a = ["1", "1"] } }, response-headers { set { "b" = "#" } } }
                            ]
                            trust = ["::/0", "10.0.0.0/8", "192.0.2.1"]
                            forwarded { x-forwarded = off, via = off }
                            limits { body = 0B, headers = 1025B, header-time = 90s, connections-per-client = 7 }
                            allow = ["::/0", "10.0.0.0/8"]
                            deny = "10.0.0.1"
                            rate-limit { rate = 90/h, burst = 3 }
                            request-headers {
                              set { Host = "[2001:db8::1]:81", "$x" = "a \\"b\\" // # ${c}", "include" = include, "x.y" = "", "1" = null-ish }
                              add { "!#%&'*+.^_`|~-" = ["\\\\", "a\\tb", "\\\\"], "null" = "null" }
                              remove = ["true", "a.b", "x#y"]
                            }
                            response-headers.remove = server
                          }
                          "1.2-a_b" { bind = ":1", redirect { host = example.com } }
                        }
                        backends {
                          "null" {
                            servers = [{ name = "[x]:y", address = "[::1]:1", weight = 256, backup = on }, "_a.B-c.:1"]
                            balance = least-connections
                            check { http = "/a?b=\\"$\\"&c=[]{}", host = "[::1]:81", expect = ["200-200", 204, "500-599"], every = 100ms, timeout = 1ms, fall = 100, rise = 100 }
                            eject { errors = 1000, within = 1h, for = 1d, at-most = 0% }
                            slow-start = 90s
                            capacity { connections = 100000, queue = off, wait = 1500ms }
                            retry { tries = 10, budget = 100% }
                            sticky { name = "!#$&", lifetime = 90m, on-drain = move }
                            maintenance { retry-after = 7d, except = ["::/0", "10.0.0.0/8"] }
                          }
                          "true" { servers = ["[0:0::1]:80"], check { tcp = on, every = 1h, timeout = 1m }, retry = off, eject = on, maintenance = on, tls = on }
                          grpc { servers = ["[::1]:80"], protocol = h2, check { grpc = on, host = "a:1" }, tls { verify = off, name = null.example } }
                          grpc2 { servers = ["[::1]:80"], protocol = h2, check { grpc = "a\\"$#" } }
                        }
                        admin { socket = "a b/\\"c\\".sock", http = [":0", ":0"], allow = "::1/128" }
                        logging { access = off, file = "a b/\\"c\\".log", level = error }
                        shutdown.grace = off
                        loops = 1024
                        transport = io-uring
                        state = "a b/#c"
                        """);

        String text = EffectiveConfiguration.render(configuration);

        assertThat(Configs.parse(text)).isEqualTo(configuration);
        assertThat(configuration.backends().getLast().servers().getFirst().name())
                .isEqualTo("[0:0::1]:80"); // As written, not as rendered.
    }

    @Test
    void givenCertificatesChangedInPlace_whenLoadedAgain_thenAnotherHashAndNoSecretShown(
            @TempDir Path folder) throws IOException {
        String text =
                """
                listeners.http { bind = ":80", backend = web }
                backends.web { servers = ["10.0.0.1:80"], tls { ca = ca.pem, certificate = own.pem, key = own.key } }
                """;
        Path main = Files.writeString(folder.resolve("bascule.conf"), text);
        TestAuthority ca = TestAuthority.named("first");
        ca.file(folder.resolve("ca.pem"));
        ca.issueClient("edge").writeApart(folder, "own");
        Configuration first = Configs.load(main);
        String shown = EffectiveConfiguration.render(first);

        assertThat(Configs.parse(shown)).isEqualTo(first);
        assertThat(shown).contains("key = \"" + folder.resolve("own.key") + "\"\n");
        List<String> secret = Files.readAllLines(folder.resolve("own.key"));
        assertThat(secret)
                .allMatch(line -> !shown.contains(line) && !first.toString().contains(line));
        assertThat(Configs.load(main)).isEqualTo(first);
        ca.issueClient("edge").writeApart(folder, "own");
        Configuration second = Configs.load(main);
        assertThat(second.hash()).isNotEqualTo(first.hash());
        TestAuthority.named("first").file(folder.resolve("ca.pem"));
        Configuration third = Configs.load(main);
        assertThat(third.hash()).isNotEqualTo(second.hash());
        assertThat(List.of(first.backends(), second.backends(), third.backends()))
                .doesNotHaveDuplicates();
    }
}
