package bascule.server;

import static bascule.server.Servers.down;
import static bascule.server.Servers.server;
import static bascule.server.Servers.up;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.server.ServerStatus.Admin;
import bascule.server.ServerStatus.Health;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ServerSetTest {
    private final Server a = server(0, 1, false);
    private final Server b = server(1, 1, false);
    private final Server y = server(2, 1, true);
    private final Server z = server(3, 1, true);
    private final List<Server> servers = List.of(a, y, b, z);

    @Test
    void givenNoCheck_whenAsked_thenAllButBackupsUsable() {
        assertThat(ServerSet.of(servers).usable()).containsExactly(a, b);
    }

    @Test
    void givenOneLeft_whenAsked_thenBackupsStayOut() {
        down(b);

        assertThat(ServerSet.of(servers).usable()).containsExactly(a);
    }

    @Test
    void givenNoneLeft_whenAsked_thenAllUsableBackups() {
        down(a);
        b.publish(new ServerStatus(Admin.DRAINING, Health.UP));

        assertThat(ServerSet.of(servers).usable()).containsExactly(y, z);

        down(y);
        assertThat(ServerSet.of(servers).usable()).containsExactly(z);

        down(z);
        assertThat(ServerSet.of(servers).usable()).isEmpty();

        up(a);
        assertThat(ServerSet.of(servers).usable()).containsExactly(a);
    }

    @Test
    void givenSet_whenStatusOrListChanges_thenSetDoesNot() {
        var mutable = new ArrayList<>(servers);
        ServerSet set = ServerSet.of(mutable);
        mutable.clear();
        down(a);

        assertThat(set.all()).isEqualTo(servers);
        assertThat(set.usable()).containsExactly(a, b);
    }
}
