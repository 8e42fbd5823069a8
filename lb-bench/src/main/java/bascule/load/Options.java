package bascule.load;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What a command line asked for.
///
/// @param transport   Bascule's; empty: its default
/// @param tls         idle: do they speak TLS?
/// @param connections how many idle ones to open, one measurement for each
/// @param pid         of a daemon that runs already; 0: the bench starts its own
/// @param url         of that daemon's listener, with the path to ask for
/// @param metrics     address of that daemon's metrics
record Options(
        List<Workload> workloads,
        List<Proxy> proxies,
        int rounds,
        int seconds,
        int warmupSeconds,
        String transport,
        boolean log,
        boolean checks,
        int capacity,
        boolean tls,
        Path json,
        List<Integer> connections,
        long requests,
        long pid,
        String url,
        String metrics,
        boolean keep) {

    /// A command line that makes no sense; the message says where and what was expected.
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1;

        Wrong(String message) {
            super(message);
        }
    }

    static final String HELP =
            """
            usage: lb-bench/load/run [compare|allocation|syscalls|idle] [option...]

            compare     CPU per request, requests/s, latency and memory, side by side (the default)
            allocation  bytes that the running daemon allocates per request: its loops, all its threads
            syscalls    system calls per request, by strace
            idle        memory per idle kept connection

            --workloads LIST    %s
                                (default W1,W2-1k,W2-16k,W2-1m,W7; syscalls: W1,W7; allocation: W1)
            --proxies LIST      %s
                                (default haproxy,haproxy64,nginx,bascule,floor); ratios are against haproxy
            --only LIST         of these proxies only the named
            --rounds N          default 9; the order is reversed every other round
            --seconds N         of one slice, default 2
            --warmup N          seconds before the first round of each workload for a JVM, default 10; others get 1
            --transport NAME    Bascule's: epoll, io-uring or nio (default: its own default)
            --log on|off        access log of all proxies, default on
            --checks on|off     health checks of the three servers every 2 s, default off
            --capacity N        exchanges that each server takes at a time, default 0: without bound
            --tls on|off        idle: connections over TLS, default off
            --connections LIST  idle: how many, default 5000,9000; with --tls on 2000,5000
            --requests N        allocation: at least so many, default 2000000
            --pid N --url URL [--metrics URL]
                                allocation: a daemon that runs already
            --json FILE         where a line for each slice and row is added (default lb-bench/target/load.jsonl)
            --keep              leave the temporary folder (configurations, logs) behind

            Exit codes: 0 fine, 1 a row failed, 2 wrong usage.
            """
                    .formatted(Workload.names(), Proxy.names());

    /// @param verb decides some defaults
    static Options parse(String verb, List<String> args, Path checkout) throws Wrong {
        String workloads =
                switch (verb) {
                    case "allocation" -> "W1";
                    case "syscalls" -> "W1,W7";
                    default -> "W1,W2-1k,W2-16k,W2-1m,W7";
                };
        String proxies = "haproxy,haproxy64,nginx,bascule,floor";
        String only = "";
        int rounds = 9;
        int seconds = 2;
        int warmup = 10;
        String transport = "";
        boolean log = true;
        boolean checks = false;
        int capacity = 0;
        Path json = checkout.resolve("lb-bench/target/load.jsonl");
        boolean tls = false;
        String connections = "";
        long requests = 2_000_000;
        long pid = 0;
        String url = "";
        String metrics = "";
        boolean keep = false;
        for (var rest = new ArrayList<>(args); !rest.isEmpty(); ) {
            String name = rest.removeFirst();
            if (name.equals("--keep")) {
                keep = true;
                continue;
            }
            if (rest.isEmpty()) throw new Wrong(name + ": unknown, or its value is missing");
            String value = rest.removeFirst();
            switch (name) {
                case "--workloads" -> workloads = value;
                case "--proxies" -> proxies = value;
                case "--only" -> only = value;
                case "--rounds" -> rounds = number(name, value, 1, 1_000);
                case "--seconds" -> seconds = number(name, value, 1, 600);
                case "--warmup" -> warmup = number(name, value, 0, 600);
                case "--transport" -> transport = value;
                case "--log" -> log = onOrOff(name, value);
                case "--checks" -> checks = onOrOff(name, value);
                case "--capacity" -> capacity = number(name, value, 0, 100_000);
                case "--tls" -> tls = onOrOff(name, value);
                case "--json" -> json = Path.of(value);
                case "--connections" -> connections = value;
                case "--requests" -> requests = number(name, value, 1, 1_000_000_000);
                case "--pid" -> pid = number(name, value, 1, Integer.MAX_VALUE);
                case "--url" -> url = value;
                case "--metrics" -> metrics = value;
                default -> throw new Wrong(name + ": unknown option");
            }
        }
        if (pid > 0 && url.isEmpty()) throw new Wrong("--pid: --url is missing");
        List<Workload> chosen = new ArrayList<>();
        for (String name : workloads.split(",")) chosen.add(Workload.named(name));
        List<Proxy> taking = proxiesNamed("--proxies", proxies);
        if (!only.isEmpty()) {
            List<Proxy> left = proxiesNamed("--only", only);
            taking = taking.stream().filter(left::contains).toList();
            if (taking.isEmpty()) throw new Wrong("--only: none of --proxies " + proxies);
        }
        if (connections.isEmpty()) connections = tls ? "2000,5000" : "5000,9000";
        List<Integer> counts = new ArrayList<>();
        for (String count : connections.split(",")) {
            counts.add(number("--connections", count, 1, 60_000));
        }
        return new Options(
                List.copyOf(chosen),
                taking,
                rounds,
                seconds,
                warmup,
                transport,
                log,
                checks,
                capacity,
                tls,
                json,
                List.copyOf(counts),
                requests,
                pid,
                url,
                metrics,
                keep);
    }

    private static List<Proxy> proxiesNamed(String option, String list) throws Wrong {
        List<Proxy> found = new ArrayList<>();
        for (String name : list.split(",")) {
            Proxy proxy =
                    Proxy.named(name)
                            .orElseThrow(
                                    () ->
                                            new Wrong(
                                                    "%s: %s (expected: %s)"
                                                            .formatted(
                                                                    option, name, Proxy.names())));
            if (!found.contains(proxy)) found.add(proxy);
        }
        return List.copyOf(found);
    }

    private static int number(String name, String value, int least, int most) throws Wrong {
        try {
            int number = Integer.parseInt(value);
            if (number >= least && number <= most) return number;
        } catch (NumberFormatException _) {
            // Said below.
        }
        throw new Wrong(
                "%s: %s (expected: a whole number from %d to %d)"
                        .formatted(name, value, least, most));
    }

    private static boolean onOrOff(String name, String value) throws Wrong {
        return switch (value) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new Wrong(name + ": " + value + " (expected: on or off)");
        };
    }
}
