package bascule;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// What follows the word `run`, as [Cli] would read it.
///
/// @param node null if not given
record MainOptions(Path file, @Nullable String node) {
    /// @return null for all but `run` with options in their plain form, each once: [Cli] knows what to do, or what to say
    static @Nullable MainOptions parse(String... arguments) {
        if (arguments.length % 2 == 0 || !arguments[0].equals("run")) return null;
        Path file = null;
        String node = null;
        for (int i = 1; i < arguments.length; i += 2) {
            String value = arguments[i + 1];
            if (value.startsWith("-") || value.isEmpty()) return null;
            switch (arguments[i]) {
                case "-c" -> {
                    if (file != null) return null;
                    try {
                        file = Path.of(value);
                    } catch (InvalidPathException _) {
                        return null;
                    }
                }
                case "--node" -> {
                    if (node != null) return null;
                    node = value;
                }
                default -> {
                    return null;
                }
            }
        }
        return new MainOptions(file == null ? Main.CONFIGURATION : file, node);
    }
}
