package bascule.admin;

import java.time.Instant;
import java.util.List;

/// A status with something in every list, and one of a node alone.
final class Samples {
    private Samples() {}

    static Status full() {
        return new Status(
                "edge1",
                "0.1.0",
                86_461,
                new Status.Config("0123abcd", Instant.parse("2026-11-20T08:17:49.123Z")),
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
                        new Status.Listener("http", List.of("[::]:80"), "open", 3),
                        new Status.Listener(
                                "https",
                                List.of("10.0.0.2:443", "[2001:db8::1]:443"),
                                "closed",
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
                                                12),
                                        new Status.Server(
                                                "caf\u00e9 \"2\"",
                                                "10.0.1.12:80",
                                                "drained",
                                                "up",
                                                "draining",
                                                3,
                                                0))),
                        new Status.Backend("empty", List.of())),
                List.of(
                        new Status.Certificate(
                                List.of("example.org", "*.example.org"),
                                Instant.parse("2027-01-01T00:00:00Z"),
                                "EC")));
    }

    static Status alone() {
        return new Status(
                "edge1",
                "0.1.0",
                0,
                new Status.Config("0123abcd", Instant.parse("2026-11-20T08:17:49Z")),
                new Status.Cluster(List.of(new Status.Node("edge1", null, "up", "0123abcd"))),
                List.of(),
                List.of(),
                List.of(),
                List.of());
    }
}
