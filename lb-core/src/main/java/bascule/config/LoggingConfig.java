package bascule.config;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The `logging` block.
///
/// @param file absolute; null = the journal, that is standard output
public record LoggingConfig(AccessLogFormat access, @Nullable Path file, Level level) {
    private static final String JOURNAL = "journal";

    static LoggingConfig read(Section at) {
        Kind<Optional<Path>> file =
                Kind.file("a file", at.folder()).then(Optional::of).or(JOURNAL, Optional.empty());
        return new LoggingConfig(
                at.get("access", Kind.choice(AccessLogFormat.class), AccessLogFormat.JSON),
                at.get("file", file, Optional.empty()).orElse(null),
                at.get("level", Kind.choice(Level.class), Level.INFO));
    }
}
