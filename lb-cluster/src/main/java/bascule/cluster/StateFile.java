package bascule.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/// A file of lines that is replaced whole: whoever reads it finds the old lines or the new ones. 1 MiB at most.
record StateFile(Path file) {
    static final int BYTES_MOST = 1 << 20;

    /// @return none if there is no file
    /// @throws IOException if it is no text, or too long; the message says what is wrong
    List<String> read() throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            if (channel.size() > BYTES_MOST)
                throw new IOException(
                        file
                                + ": "
                                + channel.size()
                                + " bytes (expected: up to "
                                + BYTES_MOST
                                + ")");
        } catch (NoSuchFileException _) {
            return List.of();
        }
        return Files.readAllLines(file, UTF_8);
    }

    /// @param kept is it on the disk, even after a power cut, once this returns? else it is not waited for
    void write(List<String> lines, boolean kept) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(fresh); // Of a write that was cut off; or a link to elsewhere.
        try (FileChannel to =
                FileChannel.open(
                        fresh,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS)) {
            ByteBuffer bytes =
                    ByteBuffer.wrap(
                            lines.isEmpty()
                                    ? new byte[0]
                                    : (String.join("\n", lines) + "\n").getBytes(UTF_8));
            while (bytes.hasRemaining()) to.write(bytes);
            if (kept) to.force(true);
        }
        Files.move(
                fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Path folder = file.toAbsolutePath().getParent();
        if (!kept || folder == null) return;
        try (FileChannel names = FileChannel.open(folder)) {
            names.force(true); // The new name, too.
        }
    }
}
