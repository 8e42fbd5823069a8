package bascule;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The user that the package's unit runs the daemon as. Root may read what that user may not, such as a key that was copied with mode
/// 0600, so root looks by that user's eyes, too.
final class DaemonUser {
    private static final String NAME = "bascule";

    private static final int ROOT = 0;

    // `struct passwd` of libc, where long has 64 bits: name and password, then two ints.
    private static final long UID_OFFSET = 16;
    private static final long GID_OFFSET = 20;
    private static final long PASSWD_BYTES = 24;

    private DaemonUser() {}

    /// What that user finds wrong with a file that is fine for us: nothing if we are not root, or this host has no such user, or the file
    /// is a draft out of that user's reach. From here on this process is that user's: for a command that is about to end.
    ///
    /// @return lines for people
    static List<String> faults(Path file) {
        try {
            ClassPath.open(); // That user may not be able to.
            if (!become()) return List.of();
        } catch (IOException failure) {
            return List.of("not tried as user " + NAME + ": " + failure.getMessage());
        }
        if (!file.equals(Main.CONFIGURATION) && !Files.isReadable(file)) return List.of();
        return switch (ConfigurationLoader.load(file, System.getenv())) {
            case LoadResult.Loaded(_) -> List.of();
            case LoadResult.Rejected(var problems) ->
                    problems.stream()
                            .map(each -> "for user " + NAME + ", who runs the daemon: " + each)
                            .toList();
        };
    }

    /// @return false if there is nobody to become
    @SuppressWarnings("restricted") // Native access: the launcher enables it.
    private static boolean become() throws IOException {
        var integer = FunctionDescriptor.of(JAVA_INT);
        if ((int) call("geteuid", integer) != ROOT) return false;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(NAME);
            var found =
                    (MemorySegment) call("getpwnam", FunctionDescriptor.of(ADDRESS, ADDRESS), name);
            if (found.address() == 0) return false;
            MemorySegment user = found.reinterpret(PASSWD_BYTES);
            int uid = user.get(JAVA_INT, UID_OFFSET);
            int gid = user.get(JAVA_INT, GID_OFFSET);
            // libc changes all threads, setuid(2) "C library/kernel differences".
            int groups =
                    (int)
                            call(
                                    "initgroups",
                                    integer.appendArgumentLayouts(ADDRESS, JAVA_INT),
                                    name,
                                    gid);
            var one = integer.appendArgumentLayouts(JAVA_INT);
            if (groups != 0
                    || (int) call("setgid", one, gid) != 0
                    || (int) call("setuid", one, uid) != 0)
                throw new IOException("it cannot be taken on (expected: CAP_SETUID, CAP_SETGID)");
            return true;
        }
    }

    @SuppressWarnings("restricted") // Native access: the launcher enables it.
    private static Object call(String name, FunctionDescriptor shape, Object... arguments)
            throws IOException {
        try {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), shape)
                    .invokeWithArguments(arguments);
        } catch (Throwable failure) { // A method handle may throw anything.
            throw new IOException(name + ": " + failure, failure);
        }
    }
}
