package bascule.cluster.net;

import java.util.List;

/// What this process may do (capabilities(7)).
@SuppressWarnings("DoNotCallSuggester")
public final class Capabilities {
    private Capabilities() {}

    /// Those of CAP_NET_ADMIN and CAP_NET_RAW that are not in the effective set; empty if all are there.
    public static List<String> missing() {
        throw new UnsupportedOperationException();
    }
}
