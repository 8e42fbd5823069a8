package bascule.acceptance;

import bascule.harness.AdminSocket;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/// The two hosts as one: the file and the key that they share, who owns the floating IP, and whether both are well.
final class Pair {
    private static final String NAME = "public";
    private static final int PATIENCE_MILLIS = 30_000;
    private static final int LOOK_MILLIS = 60;

    /// A node whose door was overrun, as on a machine that stands still under load, gives back what it gets for ten seconds.
    private static final int AGAIN_MILLIS = 1_000;

    /// Looks in a row that find the same.
    private static final int CALM_LOOKS = 3;

    /// Longer than a hold-down after a first fault.
    private static final long HELD_DOWN_NANOS = 1_500_000_000;

    private static final int MOST_LOAD_SECONDS = 60;

    /// What is done on one of them.
    interface OnEdge {
        void run(Edge edge) throws IOException, InterruptedException, Unavailable;
    }

    private final Bed bed;
    private String configuration = "";

    Pair(Bed bed) {
        this.bed = bed;
    }

    Bed bed() {
        return bed;
    }

    Edge one() {
        return bed.edge("edge1");
    }

    Edge two() {
        return bed.edge("edge2");
    }

    List<Edge> edges() {
        return bed.edges();
    }

    /// Clients of the bed, for the time that a step takes.
    Load load() {
        return load(MOST_LOAD_SECONDS);
    }

    Load load(int mostSeconds) {
        return new Load(bed.inside(), mostSeconds);
    }

    /// On both at the same time.
    void both(OnEdge work) throws IOException, InterruptedException, Unavailable {
        List<FutureTask<Boolean>> tasks = new ArrayList<>();
        for (Edge edge : edges()) {
            FutureTask<Boolean> task =
                    new FutureTask<>(
                            () -> {
                                work.run(edge);
                                return true;
                            });
            Thread.ofPlatform().name(edge.name()).daemon().start(task);
            tasks.add(task);
        }
        for (FutureTask<Boolean> task : tasks) {
            try {
                task.get();
            } catch (ExecutionException e) {
                if (e.getCause() instanceof Unavailable why) throw new Unavailable(why.why());
                throw new IOException(e);
            }
        }
    }

    /// The file that both have; empty if they are no pair.
    String configuration() {
        return configuration;
    }

    /// Two hosts with the package become a pair: a key made on the first and copied to the other as scp(1) does it, with its mode, by
    /// root; one file on both; both restarted, one after the other.
    void form(String file) throws IOException, InterruptedException, Unavailable {
        configuration = file;
        one().need("bascule", "keygen", Edge.KEY);
        String mode = one().need("stat", "-c", "%a", Edge.KEY).strip();
        String key = one().need("cat", Edge.KEY);
        two().sh("umask 077; cat >" + Edge.KEY + "; chmod " + mode + " " + Edge.KEY, key);
        for (Edge edge : edges()) edge.write(Edge.CONF, file);
        for (Edge edge : edges()) edge.need("systemctl", "restart", Edge.UNIT);
    }

    /// Waits until the floating IP answers.
    void awaitServed() throws IOException, InterruptedException, Unavailable {
        Wait.until(
                PATIENCE_MILLIS,
                () -> answer(Bed.FLOATING, Load.HTTP, "/") == 200,
                () ->
                        "the floating IP is not served: edge1: "
                                + one().status()
                                + " edge2: "
                                + two().status());
    }

    /// The status of an answer; -1 if there is none.
    int answer(String address, int port, String path) throws IOException, InterruptedException {
        String url = "http://" + address + ":" + port + path;
        List<String> curl = new ArrayList<>(List.of("curl", "--silent", "--max-time", "2"));
        curl.addAll(List.of("--output", "/dev/null", "--write-out", "%{http_code}", url));
        Shell.Done done = Shell.run(bed.inside().command(curl));
        return done.exitCode() == 0 ? Integer.parseInt(done.output().strip()) : -1;
    }

    /// Who has the floating IP, as the kernels say.
    List<String> owners() throws IOException, InterruptedException {
        List<String> all = new ArrayList<>();
        for (Edge edge : edges()) if (edge.has(Bed.FLOATING)) all.add(edge.name());
        return all;
    }

    /// Has the first own the floating IP, by a hand-over if need be, with the other ready to take it.
    Edge owner() throws IOException, InterruptedException, Unavailable {
        Edge edge = one();
        settle();
        Wait.until(
                PATIENCE_MILLIS,
                AGAIN_MILLIS,
                () -> isGiven(edge),
                () -> "the owner is " + owners() + ", not " + edge.name());
        return edge;
    }

    private boolean isGiven(Edge edge) throws IOException, InterruptedException, Unavailable {
        if (owners().equals(List.of(edge.name()))) return true;
        two().run("bascule", "handover");
        settle();
        return owners().equals(List.of(edge.name()));
    }

    /// Has the first own the floating IP, with the other stopped.
    Edge lone() throws IOException, InterruptedException, Unavailable {
        two().need("systemctl", "stop", Edge.UNIT);
        awaitLone();
        return one();
    }

    /// Waits until the first owns, with the other stopped.
    void awaitLone() throws IOException, InterruptedException, Unavailable {
        Edge edge = one();
        Wait.until(
                PATIENCE_MILLIS,
                () ->
                        edge.has(Bed.FLOATING)
                                && AdminSocket.field(edge.status(), "floatingIps", NAME, "owner")
                                        .equals(edge.name()),
                () -> edge.name() + " does not own: " + edge.status());
    }

    /// Waits until both are up, each could own the address, and one of them does. Starts who does not run.
    void settle() throws IOException, InterruptedException, Unavailable {
        for (Edge edge : edges()) if (!edge.isActive()) edge.need("systemctl", "start", Edge.UNIT);
        Settling settling = new Settling();
        Wait.until(PATIENCE_MILLIS, LOOK_MILLIS, settling::look, () -> settling.missing);
    }

    /// Looks at both until nothing changes any more.
    private final class Settling {
        private long renewNanos = System.nanoTime() + HELD_DOWN_NANOS;
        private int calm;
        private List<String> before = List.of();
        private String missing = "";

        boolean look() throws IOException, InterruptedException, Unavailable {
            if (System.nanoTime() - renewNanos > 0) {
                renewNanos += TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
                renewHeldDown();
            }
            missing = unready();
            List<String> owners = owners();
            if (missing.isEmpty() && owners.size() != 1) missing = "owners " + owners;
            calm = missing.isEmpty() && owners.equals(before) ? calm + 1 : 0;
            before = owners;
            return calm == CALM_LOOKS;
        }
    }

    /// Faults that follow each other as fast as here hold a node down for up to a minute: the next step is not about that. A daemon
    /// that is started anew has no past.
    private void renewHeldDown() throws IOException, InterruptedException, Unavailable {
        for (Edge edge : edges()) {
            String status = edge.status();
            boolean owns =
                    AdminSocket.field(status, "floatingIps", NAME, "owner").equals(edge.name());
            boolean may = AdminSocket.field(status, "floatingIps", NAME, "eligible").equals("true");
            if (!owns && !may) edge.need("systemctl", "restart", Edge.UNIT);
        }
    }

    private String unready() {
        for (Edge edge : edges()) {
            String status = edge.status();
            if (status.isEmpty()) return edge.name() + ": no status";
            for (String member : Bed.EDGES) {
                String state = AdminSocket.field(status, "nodes", member, "state");
                if (!state.equals("up")) return edge.name() + ": " + member + " is '" + state + "'";
            }
            if (!AdminSocket.field(status, "floatingIps", NAME, "eligible").equals("true"))
                return edge.name()
                        + ": "
                        + AdminSocket.field(status, "floatingIps", NAME, "reason");
            if (AdminSocket.field(status, "floatingIps", NAME, "owner").isEmpty())
                return edge.name() + ": nobody owns " + NAME;
        }
        return "";
    }
}
