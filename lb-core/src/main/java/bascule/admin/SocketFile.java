package bascule.admin;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/// A Unix stream socket (unix(7)) that listens under a name, with mode 0660 from the moment it has that name: whoever may connect
/// may command. It is bound in a folder that nobody else can enter and gets its name by rename(2), so no umask matters and no
/// caller finds the name without a listener.
final class SocketFile {
    /// Callers that wait to be accepted; listen(2).
    private static final int BACKLOG = 64;

    private static final Set<PosixFilePermission> MODE =
            PosixFilePermissions.fromString("rw-rw----");

    private static final FileAttribute<?> CLOSED =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    /// stat(2): the bits that tell the type of a file, and what they are for a socket.
    private static final int TYPE = 0xf000;

    private static final int TYPE_SOCKET = 0xc000;

    /// Of a name, in bytes: what the JDK puts into the 108 of `sun_path`.
    private static final int LONGEST = 106;

    private static final String TEMPORARY = ".%08x";

    private final Path path;
    private final ServerSocketChannel channel;
    private final Object identity;

    private SocketFile(Path path, ServerSocketChannel channel, Object identity) {
        this.path = path;
        this.channel = channel;
        this.identity = identity;
    }

    /// Takes the place of a socket that nobody listens on, and of nothing else.
    ///
    /// @throws IOException with the path, what is wrong with it and what was expected
    static SocketFile bind(Path path) throws IOException {
        Path place = path.toAbsolutePath();
        Path folder = Objects.requireNonNull(place.getParent(), "a name has a folder");
        try {
            refuseLong(place, folder);
            if (!Files.isDirectory(folder) && (Files.exists(folder) || Files.notExists(folder)))
                throw new IOException("no such folder (expected: one that exists)");
            refuseTaken(place);
            return bind(place, folder);
        } catch (AccessDeniedException e) {
            throw failure(path, "permission denied (expected: a folder to write to)", e);
        } catch (FileSystemException e) {
            String reason = e.getReason();
            throw failure(path, reason == null ? e.toString() : reason, e);
        } catch (IOException e) {
            throw failure(path, String.valueOf(e.getMessage()), e);
        }
    }

    /// The temporary name is the longer one, as a rule.
    private static void refuseLong(Path path, Path folder) throws IOException {
        int folderLimit = LONGEST - TEMPORARY.formatted(0).length() - "//s".length();
        if (bytes(folder) > folderLimit)
            throw new IOException(
                    "its folder has a name too long (expected: up to " + folderLimit + " bytes)");
        if (bytes(path) > LONGEST)
            throw new IOException("is too long (expected: up to " + LONGEST + " bytes)");
    }

    private static int bytes(Path path) {
        return path.toString().getBytes(UTF_8).length;
    }

    /// Two daemons that start in the same moment may both come past this; the later one then has the name.
    private static void refuseTaken(Path path) throws IOException {
        Integer type = type(path);
        if (type == null) return;
        if (type != TYPE_SOCKET)
            throw new IOException("is there and no socket (expected: a socket, or nothing)");
        // Not blocking: a daemon that hangs accepts nobody, and is there all the same.
        try (var probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.configureBlocking(false);
            probe.connect(UnixDomainSocketAddress.of(path));
        } catch (ConnectException _) {
            return; // ECONNREFUSED: its listener is gone.
        } catch (SocketException refused) {
            if (Files.notExists(path)) return;
            if (!Files.isWritable(path)) throw refused; // Else EAGAIN: its queue is full.
        }
        throw new IOException("another daemon listens there (expected: a socket for each)");
    }

    private static SocketFile bind(Path place, Path folder) throws IOException {
        String name = TEMPORARY.formatted(ThreadLocalRandom.current().nextInt());
        Path closed = Files.createDirectory(folder.resolve(name), CLOSED);
        Path temporary = closed.resolve("s");
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.bind(UnixDomainSocketAddress.of(temporary), BACKLOG);
            Files.setPosixFilePermissions(temporary, MODE);
            Object identity = identity(temporary);
            Files.move(temporary, place, StandardCopyOption.ATOMIC_MOVE);
            return new SocketFile(place, channel, identity);
        } catch (IOException e) {
            channel.close();
            Files.deleteIfExists(temporary);
            throw e;
        } finally {
            Files.delete(closed);
        }
    }

    ServerSocketChannel channel() {
        return channel;
    }

    /// Takes the name away, unless it has come to stand for another socket. Called while this one still listens: whoever finds the
    /// name until then is heard, and no other daemon takes it for a dead one.
    void remove() throws IOException {
        try {
            if (identity(path).equals(identity)) Files.delete(path);
        } catch (NoSuchFileException _) {
            // Someone was faster.
        }
    }

    /// @return null if there is nothing
    private static @Nullable Integer type(Path path) throws IOException {
        try {
            Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            return (int) mode & TYPE;
        } catch (NoSuchFileException _) {
            return null;
        }
    }

    /// Device and inode.
    private static Object identity(Path path) throws IOException {
        return Files.getAttribute(path, "unix:fileKey", LinkOption.NOFOLLOW_LINKS);
    }

    private static IOException failure(Path path, String what, IOException cause) {
        return new IOException(path + ": " + what, cause);
    }
}
