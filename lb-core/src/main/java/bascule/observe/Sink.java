package bascule.observe;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Where the lines of the access log go.
///
/// @param file null if it is none that can be opened again
/// @param name for events
record Sink(WritableByteChannel channel, @Nullable Path file, String name) {
    /// @param file null for standard output, which is the journal under systemd
    static Sink open(@Nullable Path file) throws IOException {
        if (file == null) return new Sink(standardOutput(), null, "standard output");
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        return new Sink(channel, file, file.toString());
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
