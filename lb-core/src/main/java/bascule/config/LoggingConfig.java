package bascule.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The `logging` block.
///
/// @param file absolute; null = the journal, that is standard output
public record LoggingConfig(AccessLogFormat access, @Nullable Path file, Level level) {}
