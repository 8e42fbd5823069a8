package bascule.admin;

import java.time.Instant;
import java.util.List;

/// A status with something in every list, and one of a node alone.
public final class Samples {
    private Samples() {}

    public static Status full() {
        return new Status(
                "edge1",
                "0.1.0",
                86_461,
                new Status.Config(
                        "0123abcd",
                        Instant.parse("2026-11-20T08:17:49.123Z"),
                        "refused",
                        Instant.parse("2026-11-21T08:00:00Z")),
                new Status.Cluster(
                        List.of(
                                new Status.Node("edge1", "10.0.0.2", "up", "0123abcd"),
                                new Status.Node("edge2", "10.0.0.3", "down", null))),
                List.of(
                        new Status.FloatingIp("public", "203.0.113.10/24", "edge1", 7, true, null),
                        new Status.FloatingIp(
                                "second",
                                "203.0.113.11/24",
                                null,
                                0,
                                false,
                                "listener https closed")),
                List.of(
                        new Status.Listener("http", List.of("[::]:80"), "open", 3, 4711, 2),
                        new Status.Listener(
                                "https",
                                List.of("10.0.0.2:443", "[2001:db8::1]:443"),
                                "closed",
                                0,
                                0,
                                0)),
                List.of(
                        new Status.Backend(
                                "web",
                                List.of(
                                        new Status.Server(
                                                "10.0.1.11:80",
                                                "10.0.1.11:80",
                                                "enabled",
                                                "up",
                                                "up",
                                                1,
                                                12,
                                                false,
                                                Instant.parse("2026-11-20T08:17:50Z"),
                                                "200 in 3 ms",
                                                2,
                                                4700,
                                                1,
                                                0.0021,
                                                0.25),
                                        new Status.Server(
                                                "caf\u00e9 \"2\"",
                                                "10.0.1.12:80",
                                                "drained",
                                                "up",
                                                "draining",
                                                3,
                                                0,
                                                true,
                                                Instant.parse("2026-11-21T08:18:00Z"),
                                                null,
                                                0,
                                                0,
                                                0,
                                                null,
                                                null)),
                                "round-robin",
                                5),
                        new Status.Backend("empty", List.of(), "least-connections", 0)),
                List.of(
                        new Status.Certificate(
                                List.of("example.org", "*.example.org"),
                                Instant.parse("2027-01-01T00:00:00Z"),
                                "ECDSA")),
                Instant.parse("2026-11-21T08:18:50Z"),
                List.of(
                        new Status.Change(
                                Instant.parse("2026-11-21T08:18:00Z"),
                                "server-draining",
                                "backend=web server=\"caf\u00e9 \\\"2\\\"\""),
                        new Status.Change(
                                Instant.parse("2026-11-21T08:00:00Z"), "reload-refused", "")),
                "BoringSSL (netty-tcnative 2.0.84)",
                new Status.Systemd(8, null, 5.0));
    }

    static Status alone() {
        return new Status(
                "edge1",
                "0.1.0",
                0,
                new Status.Config(
                        "0123abcd", Instant.parse("2026-11-20T08:17:49Z"), "loaded", null),
                new Status.Cluster(List.of(new Status.Node("edge1", null, "up", "0123abcd"))),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Instant.parse("2026-11-20T08:17:49Z"),
                List.of(),
                null,
                null);
    }
}
