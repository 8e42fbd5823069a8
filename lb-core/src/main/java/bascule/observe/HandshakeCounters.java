package bascule.observe;

import bascule.tls.TlsVersion;
import java.util.Arrays;
import java.util.List;

/// TLS handshakes of one listener on one loop, by result and, where they succeeded, by version and by whether the client resumed.
final class HandshakeCounters {
    /// Of what was agreed on, versions that are not among these count as the last one.
    private static final List<String> VERSIONS =
            Arrays.stream(TlsVersion.values()).map(TlsVersion::text).toList();

    private static final int RESULTS = HandshakeResult.values().length;

    private final Counters succeeded = new Counters(2 * VERSIONS.size());
    private final Counters failed = new Counters(RESULTS);
    private volatile boolean expected;

    interface Each {
        void accept(String result, String resumed, String version, long count);
    }

    /// From now on all series stand there.
    void expect() {
        expected = true;
    }

    void succeeded(String version, boolean resumed) {
        int known = VERSIONS.indexOf(version);
        int at = known < 0 ? VERSIONS.size() - 1 : known;
        succeeded.add(2 * at + (resumed ? 1 : 0), 1);
    }

    void failed(HandshakeResult result) {
        failed.add(result.index, 1);
    }

    void forEach(Each each) {
        if (!expected) return;
        for (int version = 0; version < VERSIONS.size(); version++)
            for (int resumed = 0; resumed < 2; resumed++)
                each.accept(
                        HandshakeResult.OK.label,
                        resumed == 1 ? "true" : "false",
                        VERSIONS.get(version),
                        succeeded.get(2 * version + resumed));
        for (HandshakeResult result : HandshakeResult.values()) {
            if (result != HandshakeResult.OK)
                each.accept(result.label, Metrics.NONE, Metrics.NONE, failed.get(result.index));
        }
    }
}
