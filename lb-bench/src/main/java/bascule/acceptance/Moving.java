package bascule.acceptance;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.util.List;

/// What is planned, and costs no request: a hand-over, and an upgrade of the pair.
final class Moving {
    private static final int UPGRADE_SECONDS = 120;

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
        String old = version(owner);
        Load load =
                pair.load(UPGRADE_SECONDS)
                        .ask("floating IP of the pair", Bed.FLOATING, Load.SOME, Bar.none(500))
                        .askSlow("floating IP of the pair", Bed.FLOATING, Bar.none(50))
                        .ask("edge1's own address", owner.address(), Load.SOME, Bar.counted(500));
        load.around(
                found,
                () -> {
                    for (Edge edge :
                            List.of(pair.two(), owner)) { // The one without the address first.
                        edge.need("dpkg", "--force-confold", "--install", Packages.NEW);
                        edge.awaitActive();
                        pair.settle();
                    }
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

    private static String version(Edge of) throws IOException, InterruptedException, Unavailable {
        return of.need("dpkg-query", "-W", "-f", "${Version}", "bascule");
    }
}
