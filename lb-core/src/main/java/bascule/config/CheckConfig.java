package bascule.config;

import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A `check` block of a backend: how its servers are asked whether they are well.
///
/// @param every from one question to the next, before jitter
/// @param timeout for a whole answer, connect included; not above `every`
/// @param fall how many failures in a row take a server down
/// @param rise how many passes in a row bring it back
public record CheckConfig(Probe probe, Duration every, Duration timeout, int fall, int rise) {
    private static final String ONE = "one of http, tcp, grpc";
    private static final List<StatusRange> EXPECT = List.of(new StatusRange(200, 399));

    private static final Kind<String> TARGET =
            Kind.text(
                    "/PATH as in a URL, up to 1024 characters, and ?QUERY",
                    "is no path",
                    Kind.matches("(?!.*%(?![0-9a-fA-F]{2}))/[!-~&&[^#]]{0,1023}"));

    /// `on` asks for the server as a whole, which the protocol writes as an empty name.
    private static final Kind<String> SERVICE =
            Kind.text(
                            "on, off or the name of a service, up to 256 visible ASCII characters",
                            "is no name of a service",
                            Kind.matches("[!-~]{1,256}"))
                    .then(text -> text.equals("on") || text.equals("true") ? "" : text);

    private static final Set<String> NO_GRPC = Set.of(Kind.OFF, "false");

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

        /// `grpc.health.v1.Health/Check`; passes if the answer is SERVING.
        ///
        /// @param service empty = the server as a whole
        /// @param host the `:authority`; null = the server's address
        record Grpc(String service, @Nullable String host) implements Probe {}
    }

    static CheckConfig read(Section at, BackendProtocol protocol) {
        Probe probe = probe(at, protocol);
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

    private static Probe probe(Section at, BackendProtocol protocol) {
        String path = at.find("http", TARGET);
        boolean tcp = at.get("tcp", Kind.SWITCH, false);
        String service = at.find("grpc", SERVICE);
        boolean grpc = at.has("grpc") && !NO_GRPC.contains(at.written("grpc"));
        String host = at.find("host", HostPattern.WITH_PORT);
        int atLeast = at.has("expect") ? 1 : 0;
        List<StatusRange> given = at.list("expect", StatusRange.KIND, atLeast, 16);
        if (tcp) {
            for (String other : List.of("http", "grpc"))
                if (at.has(other)) at.refuse("tcp", "stands beside " + other, ONE);
            for (String key : List.of("host", "expect"))
                if (at.has(key) && !at.has("http"))
                    at.refuse(key, "goes with http only", "tcp alone");
            return new Probe.Tcp();
        }
        if (grpc) {
            if (at.has("http")) at.refuse("grpc", "stands beside http", ONE);
            if (at.has("expect")) at.refuse("expect", "goes with http only", "grpc without expect");
            if (protocol != BackendProtocol.H2)
                at.refuse("grpc", "goes over HTTP/2 only", "protocol = h2 of the backend");
            return new Probe.Grpc(service == null ? "" : service, host);
        }
        if (!at.has("http")) at.refuseMissing("http", ONE);
        return new Probe.Http(path == null ? "/" : path, host, given.isEmpty() ? EXPECT : given);
    }
}
