package bascule.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The file that tells the unit's `ExecStopPost` which addresses to take off this host when the daemon has died: a line each,
/// `ADDRESS/LENGTH INTERFACE`. It is there only while another node could take them. For one thread.
final class ReleaseOnDeath {
    static final String FILE = "release-on-death";

    private final @Nullable Path file;
    private final Consumer<IOException> failed;
    private List<String> written = List.of();

    /// @param folder null = no file
    ReleaseOnDeath(@Nullable Path folder, Consumer<IOException> failed) {
        file = folder == null || !Files.isDirectory(folder) ? null : folder.resolve(FILE);
        this.failed = failed;
        if (file != null) write(file, List.of());
    }

    /// @param lines none = the file goes
    void list(List<String> lines) {
        if (file == null || lines.equals(written)) return;
        written = List.copyOf(lines);
        write(file, lines);
    }

    private void write(Path to, List<String> lines) {
        try {
            if (lines.isEmpty()) {
                Files.deleteIfExists(to);
                return;
            }
            new StateFile(to).write(lines, false); // After a power cut there is nothing to release.
        } catch (IOException failure) {
            failed.accept(failure);
        }
    }
}
