package bascule.cluster;

import bascule.cluster.key.ClusterKey;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// One node as a process of its own, for tests in network namespaces: no daemon, only what a daemon would tell a cluster. What happens is a line on
/// standard output; commands come by standard input: `handover`, `unfit`, `fit`, `leave`, `status`.
final class ClusterNode {
    private static volatile int level = 1;

    private ClusterNode() {}

    /// `KEYFILE SELF STATE NAME=ADDRESS,… NAME=ADDRESS/LEN,…`; a name that begins with `witness` is one.
    public static void main(String[] arguments) throws Exception {
        if (!(ClusterKey.read(Path.of(arguments[0])) instanceof ClusterKey.Read.Loaded(var key)))
            throw new IOException("key refused");
        var nodes = new ArrayList<ClusterSettings.Node>();
        for (String each : arguments[3].split(",")) {
            String name = each.substring(0, each.indexOf('='));
            InetAddress address = InetAddress.ofLiteral(each.substring(each.indexOf('=') + 1));
            nodes.add(new ClusterSettings.Node(name, address, 100, name.startsWith("witness")));
        }
        var floatingIps = new ArrayList<ClusterSettings.FloatingIp>();
        for (String each : arguments[4].split(",")) {
            int slash = each.indexOf('/');
            floatingIps.add(
                    new ClusterSettings.FloatingIp(
                            each.substring(0, each.indexOf('=')),
                            InetAddress.ofLiteral(each.substring(each.indexOf('=') + 1, slash)),
                            Integer.parseInt(each.substring(slash + 1)),
                            null,
                            false,
                            null));
        }
        var settings =
                new ClusterSettings(
                        "test",
                        key,
                        nodes,
                        Integer.parseInt(arguments[1]),
                        7800,
                        false,
                        false,
                        null,
                        floatingIps,
                        "ab".repeat(32),
                        Path.of(arguments[2]),
                        Path.of(arguments[2]));
        run(settings);
    }

    private static void run(ClusterSettings settings) throws Exception {
        var host = new Host();
        try (Cluster cluster = Cluster.start(settings, "test", host)) {
            host.cluster = cluster;
            boolean witness = settings.nodes().get(settings.self()).witness();
            ScheduledExecutorService gate = Executors.newSingleThreadScheduledExecutor();
            gate.scheduleAtFixedRate(
                    () ->
                            cluster.fitness(
                                    settings.floatingIps().stream()
                                            .map(
                                                    each ->
                                                            new Fitness(
                                                                    each.name(),
                                                                    witness ? -1 : level,
                                                                    witness ? "witness" : ""))
                                            .toList()),
                    0,
                    50,
                    TimeUnit.MILLISECONDS);
            say("started");
            var commands =
                    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
            for (String line; (line = commands.readLine()) != null; ) {
                switch (line) {
                    case "handover" -> say("handover " + cluster.handOver(null).get());
                    case "hold" ->
                            cluster.holdNewcomers(settings.floatingIps().getFirst().name())
                                    .whenComplete((_, failure) -> say("holds " + failure));
                    case "unfit" -> level = -1;
                    case "fit" -> level = 1;
                    case "status" -> say("status " + cluster.status());
                    case "leave" -> {
                        cluster.leave();
                        say("left");
                    }
                    default -> {
                        if (line.startsWith("handover "))
                            say("handover " + cluster.handOver(line.substring(9)).get());
                    }
                }
            }
            gate.shutdownNow();
        }
        say("ended");
        System.exit(0);
    }

    private static void say(String line) {
        System.out.println(System.nanoTime() / 1_000_000 + " " + line);
    }

    private static final class Host implements ClusterHost {
        volatile Cluster cluster;

        @Override
        public void drain(String floatingIp) {
            say("drain " + floatingIp);
            cluster.holdNewcomers(floatingIp)
                    .whenComplete(
                            (_, failure) -> {
                                say("holds " + failure);
                                cluster.drained(floatingIp);
                            });
        }

        @Override
        public void undrain(String floatingIp) {
            say("undrain " + floatingIp);
        }

        @Override
        public void changed(OwnershipChange change) {
            say("changed " + change);
        }

        @Override
        public void received(String topic, String node, byte[] message) {
            say("received " + topic + " " + node + " " + Arrays.toString(message));
        }

        @Override
        public Map<String, byte[]> greeting() {
            return Map.of("greeting", new byte[] {42});
        }

        @Override
        public void viewChanged(ClusterStatus status) {
            say("view " + status.nodes());
        }

        @Override
        public void told(boolean worse, String event, Object... keyValues) {
            say("told " + worse + " " + event + " " + List.of(keyValues));
        }
    }
}
