package bascule;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import bascule.config.ConfigurationLoader;
import bascule.config.LoadResult;
import bascule.libc.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
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
        boolean draft;
        try {
            draft =
                    !Files.exists(Main.CONFIGURATION)
                            || !Files.isSameFile(file, Main.CONFIGURATION);
            ClassPath.open(); // That user may not be able to.
            if (!become()) return List.of();
        } catch (IOException failure) {
            return List.of("not tried as user " + NAME + ": " + failure.getMessage());
        }
        if (draft && !Files.isReadable(file)) return List.of();
        return switch (ConfigurationLoader.load(file, System.getenv())) {
            case LoadResult.Loaded(_) -> List.of();
            case LoadResult.Rejected(var problems) ->
                    problems.stream()
                            .map(each -> "for user " + NAME + ", who runs the daemon: " + each)
                            .toList();
        };
    }

    /// @return false if there is nobody to become
    @SuppressWarnings("restricted") // The record is libc's.
    private static boolean become() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            if ((int) Libc.function("geteuid", JAVA_INT).invokeExact(errno) != ROOT) return false;
            MemorySegment name = arena.allocateFrom(NAME);
            var found =
                    (MemorySegment)
                            Libc.function("getpwnam", ADDRESS, ADDRESS).invokeExact(errno, name);
            if (found.address() == 0) return false;
            MemorySegment user = found.reinterpret(PASSWD_BYTES);
            int uid = user.get(JAVA_INT, UID_OFFSET);
            int gid = user.get(JAVA_INT, GID_OFFSET);
            // libc changes all threads, setuid(2) "C library/kernel differences".
            int groups =
                    (int)
                            Libc.function("initgroups", JAVA_INT, ADDRESS, JAVA_INT)
                                    .invokeExact(errno, name, gid);
            must(Libc.result(errno, groups));
            int group = (int) Libc.function("setgid", JAVA_INT, JAVA_INT).invokeExact(errno, gid);
            must(Libc.result(errno, group));
            int own = (int) Libc.function("setuid", JAVA_INT, JAVA_INT).invokeExact(errno, uid);
            must(Libc.result(errno, own));
            return true;
        } catch (IOException refused) {
            throw refused;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static void must(int result) throws IOException {
        if (result < 0)
            throw new IOException(Libc.meaning(-result) + " (expected: CAP_SETUID, CAP_SETGID)");
    }
}
