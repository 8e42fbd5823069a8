package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.server.Server;
import bascule.server.ServerSet;
import bascule.server.ServerStatus.Admin;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class WatchedBackendTest {
    private static final Checks NONE = new Checks(null, null); // Without a check nothing is due.

    private final List<ServerSet> sets = new ArrayList<>();
    private int changes;

    private static List<Server> servers(int count, int weight) {
        var servers = new ArrayList<Server>();
        for (int i = 0; i < count; i++)
            servers.add(
                    new Server("web", "s" + i, Samples.address("127.0.0.1:1"), i, weight, i == 9));
        return servers;
    }

    private WatchedBackend backend(String keys, List<Server> servers) {
        var group =
                new Health.Group(
                        Samples.backend("web", keys),
                        Samples.PLAIN,
                        servers,
                        set -> {
                            sets.add(set);
                            pause();
                        });
        return new WatchedBackend(group, null, _ -> changes++);
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    @Test
    void givenACostlySet_whenItChangesAgain_thenPublishedOnlyAfterNineTimesAsLong() {
        WatchedBackend backend = backend("", List.of());
        assertTrue(backend.mayPublish(System.nanoTime()));
        long start = System.nanoTime();
        backend.publish(start);
        long end = System.nanoTime();

        assertFalse(backend.mayPublish(start + 10 * 20_000_000L - 1)); // It took 20 ms or more.
        assertTrue(backend.mayPublish(end + 9 * (end - start)));
    }

    @Test
    void givenManyChanges_whenNotPublishedYet_thenToldOnce() {
        WatchedBackend backend = backend("", List.of());
        backend.change();
        backend.change();
        assertEquals(1, changes);

        backend.publish(System.nanoTime());
        backend.change();
        assertEquals(2, changes);
    }

    @Test
    void givenServers_whenSomeAreOut_thenTheCompanyCountsTheOthers() {
        List<Server> servers = servers(11, 1); // The last but one is a backup.
        WatchedBackend backend = backend("eject = on", servers);
        List<WatchedServer> watched = new ArrayList<>();
        for (Server server : servers) {
            var each = new WatchedServer(server, backend, NONE, Admin.ENABLED, false);
            backend.add(each);
            watched.add(each);
        }
        WatchedServer first = watched.getFirst();
        assertEquals(
                new Company(11, 0, true, true), backend.companyOf(first.server(), first.state()));

        for (int i = 1; i < 11; i++) if (i != 9) watched.get(i).order(Admin.DRAINING, "asked");
        assertEquals(
                new Company(11, 0, true, false), backend.companyOf(first.server(), first.state()));
        WatchedServer backup = watched.get(9);
        assertEquals(
                new Company(11, 0, true, false),
                backend.companyOf(backup.server(), backup.state()));

        for (int i = 0; i < 5; i++) first.server().noteFailure();
        first.tick();
        assertTrue(first.state().ejected());
        assertEquals(
                new Company(11, 1, false, false),
                backend.companyOf(backup.server(), backup.state()));
        assertEquals(
                new Company(11, 0, true, false), backend.companyOf(first.server(), first.state()));
    }

    @Test
    void givenSlowStart_whenWeightsAreLarge_thenSharesAreRoundedAndTheCycleStaysShort() {
        List<Server> servers = servers(200, 256);
        WatchedBackend backend = backend("slow-start = 1h", servers);
        for (Server server : servers) {
            boolean cold = server.index() == 199;
            backend.add(new WatchedServer(server, backend, NONE, Admin.ENABLED, cold));
        }
        backend.publish(System.nanoTime());

        int[] weights = sets.getLast().weights();
        assertEquals(25, weights[weights.length - 1]);
        assertThat(Arrays.stream(weights).limit(weights.length - 1).distinct().toArray())
                .containsExactly(256);
    }

    @Test
    void givenSlowStart_whenTheWeightIsOne_thenNeverNothing() {
        List<Server> servers = servers(200, 256);
        Server light = new Server("web", "light", Samples.address("127.0.0.1:1"), 200, 1, false);
        servers.add(light);
        WatchedBackend backend = backend("slow-start = 1h", servers);
        for (Server server : servers)
            backend.add(new WatchedServer(server, backend, NONE, Admin.ENABLED, server == light));
        backend.publish(System.nanoTime());

        int[] weights = sets.getLast().weights();
        assertEquals(1, weights[weights.length - 1]);
    }
}
