package bascule.observe;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Where the lines of the access log go.
///
/// @param file null if it is none that can be opened again
/// @param name for events
/// @param shared do others write there, too, such as events? Then whole lines are written, in pieces that the kernel takes at once
/// @param lines to be taken for each write
record Sink(
        WritableByteChannel channel,
        @Nullable Path file,
        String name,
        boolean shared,
        WholeLines lines) {
    private static final Path STANDARD_OUTPUT = Path.of("/proc/self/fd/1");

    /// @param file null for standard output, which is the journal under systemd
    static Sink open(@Nullable Path file) throws IOException {
        if (file == null)
            return new Sink(
                    standardOutput(),
                    null,
                    "standard output",
                    true,
                    WholeLines.of(STANDARD_OUTPUT));
        refuseUnfit(file);
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        WholeLines lines = WholeLines.of(file);
        boolean shared = lines == WholeLines.STANDARD_ERROR;
        return new Sink(channel, file, file.toString(), shared, lines);
    }

    /// Refuses what is there and cannot be appended to: to open a pipe that nobody reads would last for ever.
    private static void refuseUnfit(Path file) throws IOException {
        int type;
        try {
            type = (int) Files.getAttribute(file, "unix:mode") & 0170000;
        } catch (NoSuchFileException _) {
            return; // It will be made.
        }
        String what = switch (type) { // stat(2), inode(7)
                    case 0100000, 0020000 -> null;
                    case 0010000 -> "a pipe";
                    case 0040000 -> "a folder";
                    case 0060000 -> "a block device";
                    case 0140000 -> "a socket";
                    default -> "of type " + Integer.toOctalString(type);
                };
        if (what != null)
            throw new IOException(
                    file + ": is " + what + " (expected: a regular file or a character device)");
    }

    /// Standard output is shared with the process: closing the log leaves it open.
    private static WritableByteChannel standardOutput() {
        FileChannel channel = new FileOutputStream(FileDescriptor.out).getChannel();
        return new WritableByteChannel() {
            @Override
            public int write(ByteBuffer bytes) throws IOException {
                return channel.write(bytes);
            }

            @Override
            public boolean isOpen() {
                return channel.isOpen();
            }

            @Override
            public void close() {}
        };
    }

    /// Never fails: what could not be written to the end is told.
    void close() {
        try {
            channel.close();
        } catch (IOException failure) {
            Events.warn("access-log-close-failed", "file", name, "cause", failure);
        }
    }
}
