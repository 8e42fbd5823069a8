package bascule;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import bascule.config.Configuration;
import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.libc.Libc;
import bascule.observe.Events;
import bascule.tls.TicketRing;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Where the program starts, and the daemon's way from its file to the end. `run` takes the short way: no command-line library
/// is loaded for it. All else that can be typed is for [Cli].
public final class Main {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;

    /// EX_CONFIG of sysexits.h: systemd shows it as CONFIG.
    static final int REFUSED = 78;

    static final Path CONFIGURATION = Path.of("/etc/bascule/bascule.conf");

    /// A signal within this time after the first is taken for the same: `timeout` and some supervisors signal a process and then
    /// its group.
    private static final Duration SAME_SIGNAL = Duration.ofMillis(500);

    private static final int SIGINT = 2;
    private static final int SIGTERM = 15;

    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        prepareLibraries();
        MainOptions options = MainOptions.parse(arguments);
        int exitCode;
        try {
            exitCode =
                    options == null ? Cli.execute(arguments) : run(options.file(), options.node());
        } catch (RuntimeException | Error e) {
            Events.bug("uncaught", e, "thread", Thread.currentThread().getName());
            exitCode = FAILED;
        }
        Events.flush();
        System.exit(exitCode);
    }

    /// What libraries read once, when their first class is loaded. An option -D of the JVM wins.
    private static void prepareLibraries() {
        setUnlessSet("io.netty.leakDetection.level", "disabled");
        // Buffers of 64 KiB and their headroom are above Netty's limit for what a loop keeps to
        // itself.
        setUnlessSet("io.netty.allocator.maxCachedBufferCapacity", "131072");
        setUnlessSet("java.util.logging.manager", MainLogManager.class.getName());
    }

    private static void setUnlessSet(String property, String value) {
        if (System.getProperty(property) == null) System.setProperty(property, value);
    }

    /// `bascule run`. Returns only if the daemon could not start: a signal ends the process.
    ///
    /// @return exit code
    static int run(Path file, @Nullable String node) throws InterruptedException {
        Service service = Service.of(System.getenv());
        ClassPath.open();
        Configuration whole = loaded(ConfigurationLoader.load(file, System.getenv()));
        if (whole == null) {
            if (service != null) service.status("refused: " + file + ", see the log");
            return REFUSED;
        }
        Configuration own;
        try {
            own =
                    service == null
                            ? NodeIdentity.part(whole, node)
                            : NodeIdentity.awaitPart(whole, node, what -> await(service, what));
        } catch (StartFailure e) {
            complain(file + ": " + e.getMessage());
            if (service != null)
                service.status(
                        (e.exitCode() == REFUSED ? "refused: " : "not started: ") + e.getMessage());
            return e.exitCode();
        }
        var about = new ArrayList<Object>();
        about.addAll(List.of("version", Version.current(), "file", file.toAbsolutePath()));
        about.addAll(List.of("config", own.hash()));
        if (own.node() != null) about.addAll(List.of("node", own.node().name()));
        return serve(
                own,
                () -> NodeIdentity.part(ConfigurationLoader.load(file, System.getenv()), own),
                service,
                _ -> {
                    Events.changed("started", about.toArray());
                    StartCache.tell();
                    StartPages.giveBackLater();
                },
                () -> {});
    }

    private static void await(Service service, String what) {
        complain(what);
        service.status(what);
    }

    /// Runs a daemon until a signal ends the process; returns only if it could not start, and has then said why.
    ///
    /// @param source reads the configuration anew, for a reload; null where there is no file
    /// @param service what started this process; null = nobody who wants to know of it
    /// @param started told when it serves
    /// @param stopped called when it has stopped
    /// @return exit code
    static int serve(
            Configuration configuration,
            @Nullable Supplier<LoadResult> source,
            @Nullable Service service,
            Consumer<Daemon> started,
            Runnable stopped)
            throws InterruptedException {
        Events.start(configuration.logging().level());
        if (service != null) service.tellFaults();
        var serving = new AtomicReference<Daemon>();
        Signals.on("USR1", () -> reopenLogs(serving.get())); // First: unheard, it would end us.
        Signals.on("HUP", () -> reload(serving.get()));
        Daemon daemon;
        try {
            daemon = Daemon.start(configuration, source, new TicketRing(Instant.now()), service);
        } catch (StartFailure e) {
            complain(e.getMessage());
            if (service != null) service.status("not started: " + e.getMessage());
            return e.exitCode();
        }
        stopOnSignal(
                () -> {
                    daemon.stop();
                    stopped.run();
                });
        serving.set(daemon);
        daemon.serves();
        started.accept(daemon);
        new CountDownLatch(1).await();
        return OK;
    }

    /// What came of it stands in the log.
    private static void reload(@Nullable Daemon daemon) {
        if (daemon == null) return; // It starts, with what it has just read.
        var _ =
                daemon.reload()
                        .whenComplete(
                                (_, bug) -> { // A refusal is a result, and told where it is made.
                                    if (bug != null) Events.bug("reload-failed", bug);
                                });
    }

    private static void reopenLogs(@Nullable Daemon daemon) {
        if (daemon == null) return; // It is opening its files just now.
        var _ = daemon.reopenLogs(); // Tells itself what came of it.
    }

    /// @return null if it is refused; each fault is then a line on standard error
    static @Nullable Configuration loaded(LoadResult result) {
        return switch (result) {
            case LoadResult.Loaded(Configuration configuration) -> configuration;
            case LoadResult.Rejected(var problems) -> {
                problems.forEach(each -> Events.complain(each.toString()));
                yield null;
            }
        };
    }

    /// One line for people, on standard error.
    static void complain(@Nullable String what) {
        Events.complain("bascule: " + what);
    }

    /// Has SIGTERM and SIGINT stop what runs; the JVM then ends with 143 or 130. A second signal ends it at once.
    private static void stopOnSignal(Runnable stop) {
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .name("stop")
                                .unstarted(
                                        () -> {
                                            Thread.ofPlatform()
                                                    .name("second-signal")
                                                    .daemon()
                                                    .start(Main::endAtOnceOnNextSignal);
                                            try {
                                                stop.run();
                                            } catch (RuntimeException | Error e) {
                                                Events.bug("stop-failed", e);
                                            }
                                            Events.flush();
                                        }));
    }

    /// Puts back what the kernel does with both signals: whoever asks twice does not want to wait. The JVM itself would ignore
    /// the second.
    private static void endAtOnceOnNextSignal() {
        try (Arena arena = Arena.ofConfined()) {
            Thread.sleep(SAME_SIGNAL);
            MethodHandle signal = Libc.function("signal", ADDRESS, JAVA_INT, ADDRESS);
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            MemorySegment kernelDefault = MemorySegment.NULL; // SIG_DFL
            for (int each : new int[] {SIGINT, SIGTERM}) {
                var _ = (MemorySegment) signal.invokeExact(errno, each, kernelDefault);
            }
        } catch (Throwable e) { // A method handle may throw anything.
            Events.debug("second-signal-ignored", "cause", e);
        }
    }
}
