package bascule.load;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.load.Balanced.Member;
import bascule.testing.BasculeProcess;
import bascule.testing.Load;
import bascule.testing.Load.Result;
import bascule.testing.NameServer;
import bascule.testing.NameServer.Question;
import bascule.testing.NameServer.Reply;
import bascule.testing.Nginx;
import bascule.testing.Peers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Servers by name, with the real resolv.conf: the program sees another one in its place, so this needs root.
final class NamesIT {
    private static final int REQUESTS = Boolean.getBoolean("bascule.long") ? 200_000 : 20_000;
    private static final int QUARTER = REQUESTS / 4;
    private static final int SOME = REQUESTS / 20;
    private static final int CONNECTIONS = 50;
    private static final String HOST = "web.bascule.test";
    private static final String NAME_SERVER = "127.0.0.153";

    @TempDir Path folder = Path.of("");
    private final List<AutoCloseable> open = new ArrayList<>();
    private volatile List<String> addresses = List.of("127.0.0.2", "127.0.0.3");
    private volatile boolean silent;

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) each.close();
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.add(resource);
        return resource;
    }

    @Test
    void givenServersByName_whenAddressesComeAndGoAndTheNameServerFalls_thenNothingIsLost()
            throws Exception {
        Peers.require("nginx", "unshare");
        boolean isRoot = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
        Assumptions.assumeTrue(isRoot, "not root: no resolv.conf of our own");
        opened(new NameServer(InetAddress.ofLiteral(NAME_SERVER), 53, this::answers));
        int port = Nginx.free("127.0.0.2").getPort();
        Nginx two = nginx("two", "127.0.0.2", port);
        nginx("three", "127.0.0.3", port);
        Balanced web = opened(balanced(port));
        Load load = opened(web.load(CONNECTIONS));

        load.awaitSent(QUARTER);
        nginx("four", "127.0.0.4", port);
        addresses = List.of("127.0.0.3", "127.0.0.4");
        load.awaitComplete("four", SOME);
        Balanced.awaitIdle("two", load);
        two.kill();
        load.awaitSent(QUARTER);
        silent = true;
        web.awaitEvent("name-not-resolved host=" + HOST + " cause=timeout");
        load.awaitComplete("three", SOME);
        load.awaitSent(2 * QUARTER);
        Result result = load.stop();

        assertThat(result.failed()).as(result.describe(result.failures())).isZero();
        assertThat(result.complete()).containsOnlyKeys("two", "three", "four");
        assertThat(result.sent()).isGreaterThanOrEqualTo(REQUESTS);
    }

    private List<Reply> answers(Question question) {
        if (silent) return List.of();
        Reply reply = Reply.to(question);
        if (question.type() == NameServer.A)
            addresses.forEach(address -> reply.address(question.name(), 1, address));
        return List.of(reply);
    }

    private Nginx nginx(String name, String address, int port) throws IOException {
        return opened(
                new Nginx(
                        name, folder, new InetSocketAddress(InetAddress.ofLiteral(address), port)));
    }

    private Balanced balanced(int port) throws IOException {
        Path conf = folder.resolve("resolv.conf");
        Files.writeString(conf, "nameserver " + NAME_SERVER + "\n");
        String line =
                "exec unshare -m bash -c 'mount --bind %s /etc/resolv.conf && exec \"$@\"' bash \"$@\""
                        .formatted(conf);
        return new Balanced(
                BasculeProcess.bascule().by(line),
                List.of(new Member("web", HOST + ":" + port)),
                addresses.stream().map(each -> "web/" + each + ":" + port).toList());
    }
}
