package bascule.load;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// One kind of load, named as in the project's targets.
///
/// @param connections    open at a time
/// @param leastPerSecond fewer requests in a slice are a fault of the bench or the proxy, never a result
/// @param bar            ratio of CPU per request against HAProxy that Bascule must reach; NaN: none set
/// @param aim            ratio where it is going; NaN: none set
record Workload(
        String name,
        String what,
        Client client,
        String path,
        int connections,
        int leastPerSecond,
        double bar,
        double aim) {
    /// What sends it.
    enum Client {
        /// Kept connections.
        WRK,
        /// A new connection for each request.
        CHURN
    }

    private static final Map<String, Workload> ALL = new LinkedHashMap<>();

    static {
        double none = Double.NaN;
        add("W1", "small GET, kept connections", Client.WRK, "/100", 64, 1_000, 0.92, 0.80);
        add("W1-1", "small GET, one connection", Client.WRK, "/100", 1, 200, none, none);
        add("W1-256", "small GET, kept connections", Client.WRK, "/100", 256, 1_000, none, none);
        add("W2-1k", "GET of 1 KiB, kept connections", Client.WRK, "/1k", 64, 1_000, 0.92, 0.82);
        add("W2-16k", "GET of 16 KiB, kept connections", Client.WRK, "/16k", 64, 500, 0.72, 0.62);
        add("W2-1m", "GET of 1 MiB, kept connections", Client.WRK, "/1m", 16, 20, 0.65, 0.52);
        add("W7", "small GET, a new connection each", Client.CHURN, "/100", 64, 200, 1.02, 0.90);
    }

    /// Five fields as a browser sends them: with request line and Host about 350 bytes.
    static final List<String> HEADERS =
            List.of(
                    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like"
                            + " Gecko) Chrome/131.0.0.0 Safari/537.36",
                    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                    "Accept-Language: en-GB,en;q=0.9",
                    "Accept-Encoding: gzip, deflate, br",
                    "Cookie: session=0b7cbbd5d1f34ff0");

    private static void add(
            String name,
            String what,
            Client client,
            String path,
            int connections,
            int leastPerSecond,
            double bar,
            double aim) {
        ALL.put(
                name,
                new Workload(name, what, client, path, connections, leastPerSecond, bar, aim));
    }

    /// What warms a proxy up where no other load is asked for.
    static Workload warmUp() {
        return new Workload(
                "warm-up", "small GET", Client.WRK, "/100", 64, 1, Double.NaN, Double.NaN);
    }

    Workload withPath(String other) {
        return new Workload(name, what, client, other, connections, leastPerSecond, bar, aim);
    }

    static Workload named(String name) throws Options.Wrong {
        Workload found = ALL.get(name);
        if (found == null) {
            throw new Options.Wrong("--workloads: " + name + " (expected: " + names() + ")");
        }
        return found;
    }

    static String names() {
        return String.join(",", ALL.keySet());
    }
}
