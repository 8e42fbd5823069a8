package bascule.testing;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/// Programs that tests talk to and that need not be installed: without one a test is skipped with a line saying so. Where the
/// environment says `CI=true`, all must be there and it fails.
public final class Peers {
    private Peers() {}

    /// @param programs names, looked for in PATH
    public static void require(String... programs) {
        require("true".equals(System.getenv("CI")), System.getenv("PATH"), programs);
    }

    static void require(boolean isDuty, String path, String... programs) {
        List<String> missing = Arrays.stream(programs).filter(each -> !isIn(path, each)).toList();
        if (missing.isEmpty()) return;
        String line =
                "not installed: " + String.join(", ", missing) + " (.ci/run installs all peers)";
        if (isDuty) throw new AssertionError(line);
        Assumptions.abort(line);
    }

    private static boolean isIn(String path, String program) {
        return Arrays.stream(path.split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }
}
