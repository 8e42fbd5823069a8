package bascule.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The `logging` block.
///
/// @param file absolute; null = the journal, that is standard output
public record LoggingConfig(AccessLogFormat access, @Nullable Path file, Level level) {
    private static final String JOURNAL = "journal";

    /// @param folder where a relative path starts
    static LoggingConfig read(Section at, Path folder) {
        Kind<Optional<Path>> file =
                new Kind<>("a file", text -> file(text, folder)).or(JOURNAL, Optional.empty());
        return new LoggingConfig(
                at.get("access", Kind.choice(AccessLogFormat.class), AccessLogFormat.JSON),
                at.get("file", file, Optional.empty()).orElse(null),
                at.get("level", Kind.choice(Level.class), Level.INFO));
    }

    private static Kind.Read<Optional<Path>> file(String text, Path folder) {
        if (text.isBlank() || text.endsWith("/")) return Kind.bad("is no file");
        try {
            return Kind.good(Optional.of(folder.resolve(text)));
        } catch (InvalidPathException _) {
            return Kind.bad("is no file");
        }
    }
}
