package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/// Where a proxy's access lines go. Reading it takes them away, so that no file grows over a run.
sealed interface AccessLog {
    /// Lines since the last call.
    long takeLines() throws IOException, InterruptedException;

    /// A file that the proxy appends to.
    record InFile(Path path) implements AccessLog {
        @Override
        public long takeLines() throws IOException {
            if (!Files.exists(path)) return 0;
            long lines = 0;
            byte[] buffer = new byte[1 << 20];
            try (InputStream in = Files.newInputStream(path)) {
                for (int n; (n = in.read(buffer)) > 0; ) {
                    for (int i = 0; i < n; i++) if (buffer[i] == '\n') lines++;
                }
            }
            FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)
                    .close();
            return lines;
        }
    }

    /// Datagrams to a native reader, which counts them.
    final class InSink implements AccessLog {
        private final Child sink;
        private long taken;

        InSink(Child sink) {
            this.sink = sink;
        }

        @Override
        public long takeLines() throws IOException, InterruptedException {
            try {
                long all = Long.parseLong(sink.ask("?", Duration.ofSeconds(5)));
                long lines = all - taken;
                taken = all;
                return lines;
            } catch (Unavailable e) {
                throw new IOException(e);
            }
        }
    }

    /// The log is off, or the program has none.
    record None() implements AccessLog {
        @Override
        public long takeLines() {
            return 0;
        }
    }
}
