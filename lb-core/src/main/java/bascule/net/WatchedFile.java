package bascule.net;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What a small local file says, read anew when it is another one than before. One that is there but cannot be read, such as for want
/// of descriptors, says what it said before, until it can. Confined to one thread.
final class WatchedFile<T> implements Supplier<T> {
    private final Path file;
    private final Function<List<String>, T> parse;
    private T content;
    private @Nullable Stamp stamp;

    private record Stamp(FileTime modified, long sizeBytes, @Nullable Object key) {}

    /// @param parse turns lines into what they say; none where there is no such file
    WatchedFile(Path file, Function<List<String>, T> parse) {
        this.file = file;
        this.parse = parse;
        content = parse.apply(List.of());
    }

    @Override
    public T get() {
        Stamp now = stamp();
        if (now != null && now.equals(stamp)) return content;
        stamp = null;
        try {
            content = parse.apply(Files.readAllLines(file, ISO_8859_1)); // No byte is malformed.
            stamp = now; // Not before: what was not read is read next time.
        } catch (NoSuchFileException _) {
            content = parse.apply(List.of());
        } catch (IOException _) {
            // Next time.
        }
        return content;
    }

    private @Nullable Stamp stamp() {
        try {
            var seen = Files.readAttributes(file, BasicFileAttributes.class);
            return new Stamp(seen.lastModifiedTime(), seen.size(), seen.fileKey());
        } catch (IOException _) {
            return null;
        }
    }

    /// All lines; none of a file that is not there or cannot be read.
    static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file, ISO_8859_1);
        } catch (IOException _) {
            return List.of();
        }
    }
}
