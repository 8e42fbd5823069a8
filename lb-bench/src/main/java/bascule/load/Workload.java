package bascule.load;

import java.util.ArrayList;
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
    /// What sends it, and how.
    enum Client {
        /// Kept connections.
        WRK("wrk"),
        /// Kept connections over TLS.
        WRK_TLS("wrk"),
        /// Kept connections of HTTP/2 over TLS, with [#STREAMS] requests at a time on each.
        H2LOAD("h2load"),
        /// A new connection for each request.
        CHURN("churn"),
        /// A new TLS connection for each request, never resumed.
        HANDSHAKE("handshake"),
        HANDSHAKE_TLS12("handshake"),
        /// A new TLS connection for each request, always resumed by ticket.
        RESUMPTION("handshake");

        private static final int STREAMS = 32;

        final String tool;

        Client(String tool) {
            this.tool = tool;
        }

        boolean isInstalled(Bed bed) {
            return Bed.isExecutable(isInstalledTool() ? tool : bed.nativeTool(tool));
        }

        boolean usesTls() {
            return this != WRK && this != CHURN;
        }

        private boolean isInstalledTool() {
            return isWrk() || this == H2LOAD;
        }

        private boolean isWrk() {
            return this == WRK || this == WRK_TLS;
        }

        /// What it printed, understood.
        Slice read(String output) {
            if (isWrk()) return Slice.ofWrk(output);
            return this == H2LOAD ? Slice.ofH2load(output) : Slice.ofNative(output, this);
        }

        /// What the shell would be given to load that port on 127.0.0.1.
        List<String> command(Bed bed, Workload load, int port, int seconds) {
            List<String> command = new ArrayList<>();
            String url = (usesTls() ? "https" : "http") + "://127.0.0.1:" + port + load.path;
            if (this == H2LOAD) {
                command.addAll(List.of(tool, "-t1", "-c" + load.connections, "-m" + STREAMS));
                command.addAll(List.of("-D", "" + seconds));
                HEADERS.forEach(header -> command.addAll(List.of("-H", header)));
                command.add(url);
                return command;
            }
            if (isWrk()) {
                command.addAll(List.of(tool, "-t1", "-c" + load.connections, "-d" + seconds + "s"));
                // A stall of seconds on a crowded machine shows in the 99th percentile; it is not
                // an error.
                command.addAll(List.of("--latency", "--timeout", "5s"));
                HEADERS.forEach(header -> command.addAll(List.of("-H", header)));
                command.add(url);
                return command;
            }
            command.addAll(List.of(bed.nativeTool(tool), "" + port, load.path));
            command.addAll(List.of("" + load.connections, "" + seconds));
            switch (this) {
                case HANDSHAKE -> command.addAll(List.of("full", "1.3"));
                case HANDSHAKE_TLS12 -> command.addAll(List.of("full", "1.2"));
                case RESUMPTION -> command.addAll(List.of("resumed", "1.3"));
                case WRK, WRK_TLS, H2LOAD, CHURN -> {}
            }
            command.addAll(HEADERS);
            return command;
        }
    }

    private static final double NONE = Double.NaN;

    private static final Map<String, Workload> ALL = new LinkedHashMap<>();

    static {
        add("W1", "small GET, kept connections", Client.WRK, "/100", 64, 1_000, 0.92, 0.80);
        add("W1-1", "small GET, one connection", Client.WRK, "/100", 1, 200, NONE, NONE);
        add("W1-256", "small GET, kept connections", Client.WRK, "/100", 256, 1_000, NONE, NONE);
        add("W2-1k", "GET of 1 KiB, kept connections", Client.WRK, "/1k", 64, 1_000, 0.92, 0.82);
        add("W2-16k", "GET of 16 KiB, kept connections", Client.WRK, "/16k", 64, 500, 0.72, 0.62);
        add("W2-1m", "GET of 1 MiB, kept connections", Client.WRK, "/1m", 16, 20, 0.65, 0.52);
        add("W3", "small GET over TLS", Client.WRK_TLS, "/100", 64, 1_000, 0.90, 0.78);
        add("W3-16k", "GET of 16 KiB over TLS", Client.WRK_TLS, "/16k", 64, 500, 0.60, 0.50);
        add("W3-1m", "GET of 1 MiB over TLS", Client.WRK_TLS, "/1m", 16, 10, 0.55, 0.42);
        add("W4", "TLS 1.3 handshake each", Client.HANDSHAKE, "/100", 8, 50, 0.80, 0.68);
        add("W4-12", "TLS 1.2 handshake each", Client.HANDSHAKE_TLS12, "/100", 8, 50, NONE, NONE);
        add("W4-resumed", "TLS 1.3 resumed each", Client.RESUMPTION, "/100", 8, 50, 0.85, 0.72);
        add("W5", "small GET, HTTP/2 over TLS", Client.H2LOAD, "/100", 16, 1_000, 0.98, 0.75);
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
    static Workload warmUp(boolean tls) {
        Client client = tls ? Client.HANDSHAKE : Client.WRK;
        return new Workload("warm-up", "small GET", client, "/100", 64, 1, NONE, NONE);
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
