package bascule.testing;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.systemd.ManagerEnvironment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/// What a daemon sees of systemd: a notify socket, a store of descriptors, and processes that get what is stored (sd_notify(3), sd_listen_fds(3),
/// `FileDescriptorStoreMax=`). Starts processes by posix_spawn(3), since the JDK closes in a child whatever is not standard input or output.
public final class FakeSystemd implements AutoCloseable {
    private static final int LEAST_FD = 300; // Above all that a child gets.
    private static final int FIRST_PASSED = 3;

    private static final int MESSAGE_BYTES = 8192;
    private static final int MOST_PASSED = 8;
    private static final int SIGKILL = 9;
    private static final int SIGTERM = 15;

    private static final MethodHandle SOCKET = call("socket", 0, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND = call("bind", 0, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SETSOCKOPT =
            call("setsockopt", 0, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECVMSG = call("recvmsg", 0, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle FCNTL = call("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = call("close", 0, JAVA_INT);
    private static final MethodHandle KILL = call("kill", 0, JAVA_INT, JAVA_INT);
    private static final MethodHandle WAITPID = call("waitpid", 0, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle ACTIONS_INIT =
            call("posix_spawn_file_actions_init", 0, ADDRESS);
    private static final MethodHandle ACTIONS_OPEN =
            call(
                    "posix_spawn_file_actions_addopen",
                    0,
                    ADDRESS,
                    JAVA_INT,
                    ADDRESS,
                    JAVA_INT,
                    JAVA_INT);
    private static final MethodHandle ACTIONS_DUP2 =
            call("posix_spawn_file_actions_adddup2", 0, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle ACTIONS_CLOSE_FROM =
            call("posix_spawn_file_actions_addclosefrom_np", 0, ADDRESS, JAVA_INT);
    private static final MethodHandle ACTIONS_CHDIR =
            call("posix_spawn_file_actions_addchdir_np", 0, ADDRESS, ADDRESS);
    private static final MethodHandle ACTIONS_DESTROY =
            call("posix_spawn_file_actions_destroy", 0, ADDRESS);
    private static final MethodHandle SPAWN =
            call("posix_spawn", 0, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);

    private final String address;
    private final int fd;
    private final Thread reader;
    private final List<String> messages =
            new ArrayList<>(); // Guarded by itself, as is what follows.
    private final Map<String, List<Integer>> store = new LinkedHashMap<>();
    private volatile boolean closed;
    private volatile boolean deaf;
    private volatile int limit = 1024;
    private volatile int claimed = -1; // BASCULE_FDSTORE; -1 = FDSTORE tells.

    @SuppressWarnings("restricted")
    private static MethodHandle call(String name, int variadicFrom, MemoryLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        var shape = FunctionDescriptor.of(JAVA_LONG, arguments);
        var errno = Linker.Option.captureCallState("errno");
        return variadicFrom == 0
                ? linker.downcallHandle(linker.defaultLookup().findOrThrow(name), shape, errno)
                : linker.downcallHandle(
                        linker.defaultLookup().findOrThrow(name),
                        shape,
                        errno,
                        Linker.Option.firstVariadicArg(variadicFrom));
    }

    /// @return as an int: what the call left in the upper half says nothing
    private static int run(MethodHandle call, Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
            var all = new ArrayList<Object>(List.of(state));
            all.addAll(List.of(arguments));
            int result = (int) (long) call.invokeWithArguments(all);
            return result == -1 ? -(int) ERRNO.get(state, 0L) : result;
        } catch (Throwable failure) {
            throw new AssertionError(failure);
        }
    }

    private static final VarHandle ERRNO =
            Linker.Option.captureStateLayout().varHandle(groupElement("errno"));

    /// @param address a path, or `@` and an abstract name: it must be nobody else's
    public static FakeSystemd at(String address) {
        return new FakeSystemd(address);
    }

    /// With a socket in a folder.
    public static FakeSystemd in(Path folder) {
        return at(folder.resolve("notify").toString());
    }

    private FakeSystemd(String address) {
        this.address = address;
        try (Arena arena = Arena.ofConfined()) {
            byte[] path = address.getBytes(UTF_8);
            boolean isAbstract = path[0] == '@';
            if (isAbstract) path[0] = 0;
            MemorySegment name = arena.allocate(2L + path.length + (isAbstract ? 0 : 1), 2);
            name.set(JAVA_SHORT, 0, (short) 1); // AF_UNIX
            MemorySegment.copy(path, 0, name, JAVA_BYTE, 2, path.length);
            fd = ok(run(SOCKET, 1, 2 | 0x80000, 0), "socket");
            ok(run(BIND, fd, name, (int) name.byteSize()), "bind " + address);
            MemorySegment patience = arena.allocate(16, 8);
            patience.set(JAVA_LONG, 8, 50_000); // SO_RCVTIMEO, in microseconds
            ok(run(SETSOCKOPT, fd, 1, 20, patience, 16), "SO_RCVTIMEO");
        }
        reader = Thread.ofPlatform().name("fake-systemd").daemon().start(this::read);
    }

    private static int ok(int result, String what) {
        if (result < 0) throw new AssertionError(what + ": errno " + -result);
        return result;
    }

    /// For `NOTIFY_SOCKET`.
    public String address() {
        return address;
    }

    // ---- what the daemon says

    private void read() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(MESSAGE_BYTES);
            MemorySegment vector = arena.allocate(16, 8);
            MemorySegment control = arena.allocate(16 + 4 * MOST_PASSED, 8);
            MemorySegment message = arena.allocate(56, 8);
            while (!closed) {
                if (deaf) {
                    pause();
                    continue;
                }
                vector.set(ADDRESS, 0, bytes);
                vector.set(JAVA_LONG, 8, MESSAGE_BYTES);
                message.fill((byte) 0);
                message.set(ADDRESS, 16, vector);
                message.set(JAVA_LONG, 24, 1);
                message.set(ADDRESS, 32, control);
                message.set(JAVA_LONG, 40, control.byteSize());
                int got = run(RECVMSG, fd, message, 0x40000000); // MSG_CMSG_CLOEXEC
                if (got < 0) continue;
                byte[] text = bytes.asSlice(0, got).toArray(JAVA_BYTE);
                var passed = new ArrayList<Integer>();
                if (message.get(JAVA_LONG, 40) >= 20)
                    for (long at = 16; at + 4 <= control.get(JAVA_LONG, 0); at += 4)
                        passed.add(control.get(JAVA_INT, at));
                heard(new String(text, UTF_8), passed);
            }
        }
    }

    private void heard(String text, List<Integer> passed) {
        List<String> lines = text.lines().toList();
        synchronized (messages) {
            String name =
                    lines.stream()
                            .filter(line -> line.startsWith("FDNAME="))
                            .map(line -> line.substring(7))
                            .findFirst()
                            .orElse("stored");
            if (lines.contains("FDSTORE=1")) {
                for (int each : passed) {
                    if (store.values().stream().mapToInt(List::size).sum() < limit)
                        keep(name, each);
                    else close(each); // As the real one, which tells nobody.
                }
            } else {
                passed.forEach(FakeSystemd::close);
            }
            if (lines.contains("FDSTOREREMOVE=1")) {
                List<Integer> gone = store.remove(name);
                if (gone != null) gone.forEach(FakeSystemd::close);
            }
            messages.add(text);
        }
    }

    /// As the real one: what is stored already keeps its name.
    private void keep(String name, int passed) {
        String what = what(passed);
        boolean known =
                store.values().stream()
                        .flatMap(List::stream)
                        .anyMatch(each -> what(each).equals(what));
        int high = known ? -1 : ok(run(FCNTL, passed, 1030, LEAST_FD), "F_DUPFD_CLOEXEC");
        close(passed);
        if (!known) store.computeIfAbsent(name, _ -> new ArrayList<>()).add(high);
    }

    /// Such as `socket:[4711]`.
    private static String what(int fd) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void close(int fd) {
        run(CLOSE, fd);
    }

    /// All datagrams so far.
    public List<String> messages() {
        synchronized (messages) {
            return List.copyOf(messages);
        }
    }

    /// How many datagrams had this line.
    public long count(String line) {
        return messages().stream().filter(each -> each.lines().toList().contains(line)).count();
    }

    /// Waits until so many had it.
    public void await(String line, long times) {
        try {
            Awaitility.await()
                    .atMost(BasculeProcess.PATIENCE)
                    .pollInterval(Duration.ofMillis(10))
                    .until(() -> count(line) >= times);
        } catch (ConditionTimeoutException vain) {
            throw new AssertionError(line + " in " + messages(), vain);
        }
    }

    /// The text of the last `STATUS=`.
    public String status() {
        return messages().stream()
                .flatMap(String::lines)
                .filter(line -> line.startsWith("STATUS="))
                .reduce("", (_, next) -> next)
                .replaceFirst("STATUS=", "");
    }

    /// FileDescriptorStoreMax=
    public void limitStore(int descriptors) {
        limit = descriptors;
    }

    /// `Environment=BASCULE_FDSTORE=`, of a systemd that does not tell what it has.
    public void claimStore(int descriptors) {
        claimed = descriptors;
    }

    /// From now on datagrams wait, until the kernel takes no more.
    public void turnDeaf() {
        deaf = true;
    }

    public void hearAgain() {
        deaf = false;
    }

    // ---- what is stored

    /// Names of what is stored, each as often as it is; sorted.
    public List<String> stored() {
        synchronized (messages) {
            return store.entrySet().stream()
                    .flatMap(each -> each.getValue().stream().map(_ -> each.getKey()))
                    .sorted()
                    .toList();
        }
    }

    /// The inode numbers of stored sockets of that name.
    public List<String> inodes(String name) {
        synchronized (messages) {
            return store.getOrDefault(name, List.of()).stream().map(FakeSystemd::what).toList();
        }
    }

    /// Puts a copy of a descriptor of this process into the store, as if a daemon before had asked for it.
    public void store(String name, int descriptor) {
        int copy = ok(run(FCNTL, descriptor, 1030, LEAST_FD), "F_DUPFD_CLOEXEC");
        synchronized (messages) {
            store.computeIfAbsent(name, _ -> new ArrayList<>()).add(copy);
        }
    }

    /// Gives something stored another name.
    public void rename(String from, String to) {
        synchronized (messages) {
            List<Integer> moved = store.remove(from);
            if (moved == null) throw new AssertionError(from + " of " + store.keySet());
            store.computeIfAbsent(to, _ -> new ArrayList<>()).addAll(moved);
        }
    }

    /// What a daemon in this process would be told: it gets copies of its own.
    ///
    /// @param watchdogMicros 0 = none
    public ManagerEnvironment environment(long watchdogMicros) {
        var passed = new ArrayList<ManagerEnvironment.Passed>();
        synchronized (messages) {
            store.forEach(
                    (name, all) -> {
                        for (int each : all)
                            passed.add(
                                    new ManagerEnvironment.Passed(
                                            ok(run(FCNTL, each, 0, LEAST_FD), "F_DUPFD"), name));
                    });
        }
        return new ManagerEnvironment(
                address,
                watchdogMicros,
                passed,
                claimed < 0 ? limit : claimed,
                claimed < 0,
                List.of());
    }

    // ---- processes

    /// Starts a daemon of this build with what is stored.
    ///
    /// @param folder where its files are, and its output goes
    /// @param environment beside what a manager sets
    public Unit start(Path folder, Map<String, String> environment, String... arguments) {
        return start(List.of(), folder, environment, arguments);
    }

    /// The same, by a command that becomes it.
    ///
    /// @param by the beginning of its command line
    public Unit start(
            List<String> by, Path folder, Map<String, String> environment, String... arguments) {
        var command = new ArrayList<String>();
        command.addAll(List.of("/bin/sh", "-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"));
        command.addAll(by);
        command.addAll(List.of("env", "--default-signal=HUP"));
        command.add(BasculeProcess.ROOT.resolve("bascule").toString());
        command.addAll(List.of(arguments));
        var all = new LinkedHashMap<String, String>();
        all.put("PATH", String.valueOf(System.getenv("PATH")));
        all.put("HOME", String.valueOf(System.getenv("HOME")));
        all.put("BASCULE_IN_BUILD", "1");
        all.put("JAVA_HOME", System.getProperty("java.home"));
        all.put("NOTIFY_SOCKET", address);
        if (claimed >= 0) all.put("BASCULE_FDSTORE", String.valueOf(claimed));
        else if (limit > 0) all.put("FDSTORE", String.valueOf(limit));
        all.putAll(environment);
        synchronized (messages) {
            var names = new ArrayList<String>();
            var descriptors = new ArrayList<Integer>();
            store.forEach(
                    (name, each) -> {
                        for (int one : each) {
                            names.add(name);
                            descriptors.add(one);
                        }
                    });
            if (!names.isEmpty()) {
                all.put("LISTEN_FDS", String.valueOf(names.size()));
                all.put("LISTEN_FDNAMES", String.join(":", names));
            }
            return new Unit(folder, spawn(folder, command, all, descriptors));
        }
    }

    private static int spawn(
            Path folder,
            List<String> command,
            Map<String, String> environment,
            List<Integer> descriptors) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions =
                    arena.allocate(256, 16); // posix_spawn_file_actions_t is smaller.
            no(run(ACTIONS_INIT, actions));
            MemorySegment nothing = arena.allocateFrom("/dev/null");
            no(run(ACTIONS_CHDIR, actions, arena.allocateFrom(folder.toString())));
            no(run(ACTIONS_OPEN, actions, 0, nothing, 0, 0));
            for (int each = 1; each <= 2; each++) {
                String file = folder.resolve(each == 1 ? "stdout" : "stderr").toString();
                // O_WRONLY | O_CREAT | O_APPEND
                no(run(ACTIONS_OPEN, actions, each, arena.allocateFrom(file), 0x441, 0644));
            }
            for (int i = 0; i < descriptors.size(); i++)
                no(run(ACTIONS_DUP2, actions, descriptors.get(i), FIRST_PASSED + i));
            no(run(ACTIONS_CLOSE_FROM, actions, FIRST_PASSED + descriptors.size()));
            MemorySegment pid = arena.allocate(JAVA_INT);
            List<String> variables = new ArrayList<>();
            environment.forEach((name, value) -> variables.add(name + "=" + value));
            no(
                    run(
                            SPAWN,
                            pid,
                            arena.allocateFrom(command.getFirst()),
                            actions,
                            MemorySegment.NULL,
                            strings(arena, command),
                            strings(arena, variables)));
            no(run(ACTIONS_DESTROY, actions));
            return pid.get(JAVA_INT, 0);
        }
    }

    /// These return the number of the error.
    private static void no(int error) {
        if (error != 0) throw new AssertionError("posix_spawn: error " + error);
    }

    private static MemorySegment strings(Arena arena, List<String> all) {
        MemorySegment array = arena.allocate(ValueLayout.ADDRESS, all.size() + 1L);
        for (int i = 0; i < all.size(); i++)
            array.setAtIndex(ADDRESS, i, arena.allocateFrom(all.get(i)));
        return array;
    }

    /// A started process.
    public static final class Unit implements AutoCloseable {
        private static final Pattern LISTENER_OPEN =
                Pattern.compile("listener-open name=(\\S+) bind=\\S*:(\\d+)\\b");

        private final Path folder;
        private final int pid;
        private int status;
        private boolean ended;

        private Unit(Path folder, int pid) {
            this.folder = folder;
            this.pid = pid;
        }

        public int pid() {
            return pid;
        }

        /// Standard error of all processes in that folder so far.
        public String err() {
            try {
                return Files.readString(folder.resolve("stderr"));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// The port that a listener with one address has got last.
        public int port(String listener) {
            Matcher open = LISTENER_OPEN.matcher(err());
            int port = -1;
            while (open.find())
                if (open.group(1).equals(listener)) port = Integer.parseInt(open.group(2));
            if (port < 0) throw new AssertionError("no port of " + listener + " in\n" + err());
            return port;
        }

        public synchronized boolean alive() {
            if (ended) return false;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment how = arena.allocate(JAVA_INT);
                if (ok(run(WAITPID, pid, how, 1), "waitpid") == 0) return true; // WNOHANG
                ended = true;
                status = how.get(JAVA_INT, 0);
                return false;
            }
        }

        /// SIGTERM, and the end of it.
        ///
        /// @return the exit code
        public int stop() {
            signal(SIGTERM);
            return awaitEnd();
        }

        /// SIGKILL, and the end of it.
        public void kill() {
            signal(SIGKILL);
            awaitEnd();
        }

        public synchronized void signal(int signal) {
            if (alive()) ok(run(KILL, pid, signal), "kill");
        }

        /// @return the exit code; of a signal, 128 and it
        public int awaitEnd() {
            try {
                Awaitility.await()
                        .atMost(BasculeProcess.PATIENCE.multipliedBy(2))
                        .pollInterval(Duration.ofMillis(10))
                        .until(() -> !alive());
            } catch (ConditionTimeoutException vain) {
                throw new AssertionError("the end of\n" + err(), vain);
            }
            return (status & 0x7f) == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f);
        }

        @Override
        public void close() {
            if (alive()) kill();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Forgets all.
    @Override
    public void close() {
        closed = true;
        try {
            reader.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        close(fd);
        synchronized (messages) {
            store.values().forEach(all -> all.forEach(FakeSystemd::close));
            store.clear();
        }
    }
}
