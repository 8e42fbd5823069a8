package bascule.load;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import bascule.testing.Load;
import bascule.testing.RunningDaemon;
import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/// The real program before some servers of a backend `web`, and what its operator can do.
final class Balanced implements AutoCloseable {
    private static final int LIMIT = 200;

    private final BasculeProcess daemon;

    /// One of `backends.web.servers`.
    record Member(String name, String address) {}

    /// Starts it, and waits until all servers are up.
    Balanced(List<Member> members) {
        this(BasculeProcess.bascule(), members, members.stream().map(Member::name).toList());
    }

    /// @param up names of the servers to wait for
    Balanced(BasculeProcess.Builder builder, List<Member> members, List<String> up) {
        daemon = builder.serve(configuration(members, LIMIT, ""));
        try {
            for (String each : up) awaitServer(each, "\"state\":\"up\"");
        } catch (RuntimeException | AssertionError failure) {
            close();
            throw failure;
        }
    }

    private static String configuration(List<Member> members, int connections, String more) {
        return """
        listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = %d }
        backends.web {
          servers = [%s]
          check = { http = /health, every = 1s, timeout = 1s, fall = 3, rise = 2 }
          eject = { errors = 5, for = 3s }
        }
        admin.http = "127.0.0.1:0"
        admin.socket = admin.sock
        logging.access = off
        state = state
        %s
        """
                .formatted(
                        connections,
                        members.stream()
                                .map(
                                        each ->
                                                "{ name = %s, address = \"%s\" }"
                                                        .formatted(each.name, each.address))
                                .collect(Collectors.joining(", ")),
                        more);
    }

    /// @param connections that are never idle
    Load load(int connections) throws IOException {
        return Load.start(address(), connections);
    }

    InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), daemon.port("web"));
    }

    /// Replaces the file.
    void write(List<Member> members) throws IOException {
        write(members, LIMIT, "");
    }

    /// Replaces the file.
    ///
    /// @param connections most of them
    /// @param more keys beside those that all have
    void write(List<Member> members, int connections, String more) throws IOException {
        Path next = daemon.folder().resolve("next.conf");
        Files.writeString(next, configuration(members, connections, more));
        Files.move(next, daemon.folder().resolve("bascule.conf"), StandardCopyOption.ATOMIC_MOVE);
    }

    void reload() throws IOException {
        ask("POST", "/reload");
    }

    void signal(String name) {
        daemon.signal(name);
    }

    /// @param verb `drain`, `enable` or `disable`
    void change(String verb, String server) throws IOException {
        ask("POST", "/servers/web/" + server + "/" + verb);
    }

    /// Waits until what the daemon tells of a server, as JSON without blanks, has this part.
    void awaitServer(String server, String part) {
        await(server + " with " + part)
                .until(
                        () ->
                                ask("GET", "/servers/web/" + server)
                                        .replaceAll("\\s", "")
                                        .contains(part));
    }

    static ConditionFactory await(String what) {
        return Awaitility.await(what).atMost(RunningDaemon.PATIENCE);
    }

    /// Waits until a server has answered nothing for half a second.
    static void awaitIdle(String server, Load load) {
        long[] before = {-1};
        await(server + " is asked no more")
                .pollInterval(Duration.ofMillis(500))
                .until(
                        () -> {
                            long now = load.complete(server);
                            boolean same = now == before[0];
                            before[0] = now;
                            return same;
                        });
    }

    /// Waits for a line of the log.
    void awaitEvent(String part) {
        await(part).until(() -> daemon.err().contains(part));
    }

    private String ask(String method, String path) throws IOException {
        try (Wire wire = Wire.connect(daemon.folder().resolve("admin.sock"))) {
            wire.send(
                    "%s %s HTTP/1.1\r\nHost: bascule\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                            .formatted(method, path));
            Answer answer = Answer.read(wire, false);
            assertThat(answer.status()).as(answer.head() + answer.body() + daemon).isEqualTo(200);
            return answer.body();
        }
    }

    @Override
    public void close() {
        daemon.close();
    }
}
