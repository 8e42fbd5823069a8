package bascule.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandHookTest {
    @TempDir Path folder;
    private final List<String> failures = new CopyOnWriteArrayList<>();

    private CommandHook hook(String script, Duration timeout) throws IOException {
        Path file = folder.resolve("hook");
        Files.writeString(file, "#!/bin/sh\ncd '" + folder + "'\n" + script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        return new CommandHook(
                "public",
                InetAddress.ofLiteral("203.0.113.10"),
                new ClusterSettings.Command(file, timeout),
                failures::add);
    }

    private List<String> calls() throws IOException {
        Path log = folder.resolve("log");
        return Files.exists(log) ? Files.readAllLines(log) : List.of();
    }

    @Test
    void givenHook_whenTakenAndReleased_thenCalledWithAllItNeeds() throws Exception {
        try (CommandHook hook = hook("echo \"$@\" >>log\n", Duration.ofSeconds(10))) {
            hook.take(4);
            await(() -> sizeOf() == 1);
            hook.take(4); // It is known.
            hook.release(4);
            await(() -> sizeOf() == 2);
            hook.release(4); // It is known, too.
        }
        assertThat(calls())
                .containsExactly("take public 203.0.113.10 4", "release public 203.0.113.10 4");
        assertThat(failures).isEmpty();
    }

    @Test
    void givenHookThatWasNeverTaken_whenReleased_thenNotCalled() throws Exception {
        try (CommandHook hook = hook("echo \"$@\" >>log\n", Duration.ofSeconds(10))) {
            hook.release(3);
        }
        assertThat(calls()).isEmpty();
    }

    @Test
    void givenHookThatFails_whenTaken_thenToldAndCalledAgainLater() throws Exception {
        String script = "echo \"$@\" >>log\n[ $(wc -l <log) -gt 1 ]\n"; // Fails once.
        try (CommandHook hook = hook(script, Duration.ofSeconds(10))) {
            hook.take(4);
            await(() -> sizeOf() == 2);
        }
        assertThat(failures).containsExactly("take: ended with 1");
    }

    @Test
    void givenTakeUnderWay_whenClosed_thenGivenUpAndNotToldAsFailure() throws Exception {
        long begun = System.nanoTime();
        try (CommandHook hook = hook("echo \"$@\" >>log; sleep 1000\n", Duration.ofMinutes(10))) {
            hook.take(4);
            await(() -> sizeOf() == 1);
        }
        assertThat(System.nanoTime() - begun).isLessThan(TimeUnit.SECONDS.toNanos(100));
        assertThat(failures).isEmpty();
    }

    @Test
    void givenTakeThatBegins_whenClosedAtAnyMoment_thenGivenUp() throws Exception {
        long begun = System.nanoTime();
        for (int i = 0; i < 80; i++) {
            try (CommandHook hook = hook("exec sleep 1000\n", Duration.ofSeconds(100))) {
                hook.take(4);
                LockSupport.parkNanos(i * 100_000L);
            }
        }
        assertThat(System.nanoTime() - begun).isLessThan(TimeUnit.SECONDS.toNanos(90));
        assertThat(failures).isEmpty();
    }

    @Test
    void givenHookThatHangs_whenTaken_thenEndedWithWhatItStarted() throws Exception {
        String script = "sleep 1000 & echo $! >child; echo \"$@\" >>log; wait\n";
        try (CommandHook hook = hook(script, Duration.ofMillis(300))) {
            hook.take(4);
            await(() -> !failures.isEmpty());
            assertThat(failures.getFirst()).isEqualTo("take: no end after 300 ms");
            long child = Long.parseLong(Files.readString(folder.resolve("child")).strip());
            await(() -> ProcessHandle.of(child).map(each -> !each.isAlive()).orElse(true));
        }
    }

    @Test
    void givenTakeUnderWay_whenOvertaken_thenTheLastWishWins() throws Exception {
        String script = "echo \"$@\" >>log; sleep 0.3\n";
        try (CommandHook hook = hook(script, Duration.ofSeconds(10))) {
            hook.take(4);
            await(() -> sizeOf() == 1);
            hook.release(4);
            hook.take(6);
            await(() -> sizeOf() == 2);
        }
        assertThat(calls())
                .containsExactly("take public 203.0.113.10 4", "take public 203.0.113.10 6");
    }

    @Test
    void givenFileThatIsNoProgram_whenTaken_thenTold() throws Exception {
        try (var hook =
                new CommandHook(
                        "public",
                        InetAddress.ofLiteral("203.0.113.10"),
                        new ClusterSettings.Command(folder.resolve("none"), Duration.ofSeconds(1)),
                        failures::add)) {
            hook.take(1);
            await(() -> !failures.isEmpty());
        }
        assertThat(failures.getFirst()).startsWith("take: ").contains("none");
    }

    private int sizeOf() {
        try {
            return calls().size();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(BooleanSupplier until) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime() - end).as("waited too long").isNegative();
            Thread.sleep(5);
        }
    }
}
