package bascule.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bascule.testing.FakeSystemd;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class NotifySocketIT {
    @TempDir Path folder = Path.of("");

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void givenManager_whenToldSomething_thenItHearsEachInOneDatagram(boolean isAbstract)
            throws Exception {
        String name = "@bascule-test-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        try (var manager = isAbstract ? FakeSystemd.at(name) : FakeSystemd.in(folder);
                var socket = NotifySocket.open(manager.address())) {
            socket.send("READY=1", "STATUS=größer");
            socket.send("WATCHDOG=1");
            manager.await("WATCHDOG=1", 1);

            assertThat(manager.messages()).containsExactly("READY=1\nSTATUS=größer", "WATCHDOG=1");
        }
    }

    @Test
    void givenSocket_whenKept_thenTheManagerHasTheSameUntilItForgets() throws Exception {
        var kept = new EpollServerSocketChannel();
        FileDescriptor descriptor = kept.fd();
        try (var manager = FakeSystemd.in(folder);
                var socket = NotifySocket.open(manager.address())) {
            socket.keep("web.0.0", descriptor.intValue());
            manager.await("FDNAME=web.0.0", 1);
            assertThat(manager.stored()).containsExactly("web.0.0");
            assertThat(manager.inodes("web.0.0"))
                    .containsExactly(
                            Files.readSymbolicLink(
                                            Path.of("/proc/self/fd/" + descriptor.intValue()))
                                    .toString());
            socket.forget("web.0.0");
            manager.await("FDSTOREREMOVE=1", 1);
            assertThat(manager.stored()).isEmpty();
        } finally {
            descriptor.close();
        }
    }

    @Test
    void givenNoManager_whenToldSomething_thenThatFailsAndSaysWhat() throws Exception {
        String address = folder.resolve("nobody").toString();
        try (var socket = NotifySocket.open(address)) {
            assertThatThrownBy(() -> socket.send("READY=1"))
                    .isInstanceOf(IOException.class)
                    .hasMessage("READY=1: No such file or directory (errno 2)");
        }
    }

    @Test
    void givenManagerThatTakesNothing_whenToldALot_thenTheSenderIsNotHeldForEver()
            throws Exception {
        try (var manager = FakeSystemd.in(folder);
                var socket = NotifySocket.open(manager.address())) {
            manager.turnDeaf();
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 100_000; i++) socket.send("WATCHDOG=1");
                            })
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("the manager took nothing for 1000 ms");
            manager.hearAgain();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> socket.send("READY=1"));
            manager.await("READY=1", 1);
        }
    }

    @Test
    void givenManagerThatTakesNothing_whenOfferedALot_thenTheSenderIsNotHeldAtAll()
            throws Exception {
        try (var manager = FakeSystemd.in(folder);
                var socket = NotifySocket.open(manager.address())) {
            manager.turnDeaf();
            Thread.sleep(100); // It may be listening for the last time.
            int taken = 0;
            while (socket.offer("WATCHDOG=1")) taken++;
            for (int i = 0; i < 1000; i++) { // Each would wait for a second.
                assertThat(socket.forget("web.0.0")).isFalse();
                assertThat(socket.barrier()).isNull();
            }
            manager.hearAgain();
            manager.await("WATCHDOG=1", taken);
            assertThat(manager.count("FDSTOREREMOVE=1")).isZero();
        }
    }

    @Test
    void givenBarrier_whenTheManagerGetsThere_thenItHasPassed() throws Exception {
        try (var manager = FakeSystemd.in(folder);
                var socket = NotifySocket.open(manager.address())) {
            manager.turnDeaf();
            Thread.sleep(100); // It may be listening for the last time.
            socket.send("READY=1");
            try (var barrier = socket.barrier()) {
                assertThat(barrier).isNotNull();
                assertThat(barrier.isClosed(0)).isFalse();
                assertThat(barrier.isClosed(50)).isFalse();
                manager.hearAgain();
                assertThat(barrier.isClosed(20_000)).isTrue();
            }
            assertThat(manager.messages()).containsExactly("READY=1", "BARRIER=1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "@", "relative", "vsock:2:1234"})
    void givenNoAddress_whenOpened_thenItIsRefused(String address) {
        assertThatThrownBy(() -> NotifySocket.open(address))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("expected: an absolute path, or @NAME");
    }

    @Test
    void givenAddressThatIsTooLong_whenOpened_thenItIsRefused() {
        assertThatThrownBy(() -> NotifySocket.open("/" + "x".repeat(107)))
                .hasMessage("NOTIFY_SOCKET has 108 bytes (expected: at most 107)");
    }
}
