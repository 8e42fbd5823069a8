package bascule.config;

import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A `check` block of a backend: how its servers are asked whether they are well.
///
/// @param every from one question to the next, before jitter
/// @param timeout for a whole answer, connect included; not above `every`
/// @param fall how many failures in a row take a server down
/// @param rise how many passes in a row bring it back
public record CheckConfig(Probe probe, Duration every, Duration timeout, int fall, int rise) {
    private static final String ONE = "one of http, tcp";
    private static final List<StatusRange> EXPECT = List.of(new StatusRange(200, 399));

    private static final Kind<String> TARGET =
            Kind.text(
                    "/PATH as in a URL, up to 1024 characters, and ?QUERY",
                    "is no path",
                    Kind.matches("(?!.*%(?![0-9a-fA-F]{2}))/[!-~&&[^#]]{0,1023}"));

    /// What is asked.
    public sealed interface Probe {
        /// `GET path`; passes if the status is expected.
        ///
        /// @param path as it is sent: percent-encoded, with its query if there is one
        /// @param host the `Host` field; null = the server's address
        /// @param expect at least one
        record Http(String path, @Nullable String host, List<StatusRange> expect) implements Probe {
            public Http {
                expect = List.copyOf(expect);
            }
        }

        /// Passes if a connection can be made.
        record Tcp() implements Probe {}
    }

    static CheckConfig read(Section at) {
        Probe probe = probe(at);
        Duration every = at.duration("every", ofSeconds(2), ofMillis(100), ofHours(1));
        Duration usual = every.compareTo(ofSeconds(1)) < 0 ? every : ofSeconds(1);
        Duration timeout = at.duration("timeout", usual, ofMillis(1), ofMinutes(1));
        if (timeout.compareTo(every) > 0)
            at.refuse(
                    "timeout",
                    "is longer than every, " + Unit.text(every),
                    "up to " + Unit.text(every));
        return new CheckConfig(
                probe, every, timeout, at.count("fall", 3, 1, 100), at.count("rise", 2, 1, 100));
    }

    private static Probe probe(Section at) {
        String path = at.find("http", TARGET);
        boolean tcp = at.get("tcp", Kind.SWITCH, false);
        String host = at.find("host", HostPattern.WITH_PORT);
        int atLeast = at.has("expect") ? 1 : 0;
        List<StatusRange> given = at.list("expect", StatusRange.KIND, atLeast, 16);
        if (tcp) {
            if (at.has("http")) at.refuse("tcp", "stands beside http", ONE);
            for (String key : List.of("host", "expect"))
                if (at.has(key) && !at.has("http"))
                    at.refuse(key, "goes with http only", "tcp alone");
            return new Probe.Tcp();
        }
        if (!at.has("http")) at.refuseMissing("http", ONE);
        return new Probe.Http(path == null ? "/" : path, host, given.isEmpty() ? EXPECT : given);
    }
}
