package bascule.acceptance;

import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What is planned, and costs no request: a hand-over, and an upgrade of the pair.
final class Moving {
    private static final int UPGRADE_SECONDS = 120;
    private static final int READY_MILLIS = 30_000;
    private static final int LOOK_MILLIS = 500;

    /// Of `bascule status`: name, address, owner, epoch, eligible.
    private static final Pattern ADDRESS_ROW =
            Pattern.compile("(?m)^ *public +[0-9./]+ +(\\S+) +\\d+ +(\\S+)");

    private final Pair pair;
    private final Packages packages;

    Moving(Pair pair, Packages packages) {
        this.pair = pair;
        this.packages = packages;
    }

    void handOver(Found found) throws IOException, InterruptedException, Unavailable {
        Edge edge = pair.owner();
        Load load =
                pair.load()
                        .ask("floating IP of the pair", Bed.FLOATING, Load.MANY, Bar.none(1_000))
                        .askSlow("floating IP of the pair", Bed.FLOATING, Bar.none(20));
        load.around(found, () -> edge.need("bascule", "handover"));
        pair.settle();
        found.fact(pair.two().has(Bed.FLOATING), "owner: %s", pair.owners());
    }

    void upgrade(Found found) throws IOException, InterruptedException, Unavailable {
        for (Edge edge : pair.edges()) {
            edge.copy(packages.old(), Packages.OLD);
            edge.copy(packages.file(), Packages.NEW);
        }
        pair.both(edge -> edge.need("dpkg", "--install", Packages.OLD));
        pair.form("# Edited by hand.\n" + Configuration.usual());
        Edge owner = pair.owner();
        Edge other = pair.two();
        String said = owner(status(other));
        found.fact(said.equals(owner.name()), "bascule status on edge2: the owner is %s", said);
        String old = version(owner);
        Load load =
                pair.load(UPGRADE_SECONDS)
                        .ask("floating IP of the pair", Bed.FLOATING, Load.SOME, Bar.none(500))
                        .askSlow("floating IP of the pair", Bed.FLOATING, Bar.none(50))
                        .ask("edge1's own address", owner.address(), Load.SOME, Bar.counted(500));
        load.around(
                found,
                () -> { // The four steps of the README.
                    upgrade(other);
                    Wait.until(
                            READY_MILLIS,
                            LOOK_MILLIS,
                            () -> mayOwn(status(other), other.name()),
                            () -> status(other));
                    owner.need("bascule", "handover");
                    upgrade(owner);
                    pair.settle();
                });
        for (Edge edge : pair.edges()) {
            String now = version(edge);
            found.fact(
                    !now.equals(old) && edge.isActive(),
                    "%s: %s, then %s, active",
                    edge.name(),
                    old,
                    now);
            boolean kept = edge.need("cat", Edge.CONF).equals(pair.configuration());
            found.fact(kept, "%s: the edited file is %s", edge.name(), kept ? "kept" : "CHANGED");
        }
        found.fact(true, "the older one: %s", packages.origin());
    }

    /// Return, for dpkg's question about a file that was edited, where the package has another one, too: it is kept.
    private static void upgrade(Edge edge) throws IOException, InterruptedException, Unavailable {
        edge.sh("cd /root; apt install ./" + Path.of(Packages.NEW).getFileName(), "\n");
    }

    /// Who owns the address, as `bascule status` has it; empty if it does not say.
    static String owner(String status) {
        Matcher row = ADDRESS_ROW.matcher(status);
        return row.find() ? row.group(1) : "";
    }

    /// Is the node that was asked `up`, and may it own the address?
    static boolean mayOwn(String status, String node) {
        Matcher row = ADDRESS_ROW.matcher(status);
        return row.find()
                && row.group(2).equals("yes")
                && status.lines().anyMatch(each -> each.matches(" *" + node + " +up .*"));
    }

    private static String status(Edge edge) throws IOException, InterruptedException {
        return edge.run("bascule", "status").output();
    }

    private static String version(Edge of) throws IOException, InterruptedException, Unavailable {
        return of.need("dpkg-query", "-W", "-f", "${Version}", "bascule");
    }
}
