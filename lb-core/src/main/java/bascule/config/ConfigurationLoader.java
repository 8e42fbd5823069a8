package bascule.config;

import com.typesafe.config.ConfigObject;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// From files to a [Configuration], or to all that is wrong with them. Never throws over what a file holds.
public final class ConfigurationLoader {
    private ConfigurationLoader() {}

    /// Reads a file, the `conf.d/*.conf` beside it in the order of their names, and what they include.
    ///
    /// @param environment what `${?NAME}` may refer to
    public static LoadResult load(Path file, Map<String, String> environment) {
        var problems = new Problems();
        var sources = new Sources(environment, problems);
        return result(sources.load(file), sources, problems, file);
    }

    /// Reads a text as if it stood in a file with no `conf.d` beside it.
    ///
    /// @param pretendFile the name that problems bear, and where relative paths start
    public static LoadResult parse(String text, Path pretendFile, Map<String, String> environment) {
        var problems = new Problems();
        var sources = new Sources(environment, problems);
        return result(sources.parse(text, pretendFile), sources, problems, pretendFile);
    }

    /// What the `admin` block of a file says, whatever is wrong with the rest: a reload of a bad file must find the daemon that will
    /// refuse it.
    ///
    /// @return null if the file cannot be read or parsed
    public static @Nullable AdminConfig admin(Path file, Map<String, String> environment) {
        var problems = new Problems();
        var sources = new Sources(environment, problems);
        ConfigObject root = sources.load(file);
        return root == null ? null : read(root, sources, problems, file).admin();
    }

    private static LoadResult result(
            @Nullable ConfigObject root, Sources sources, Problems problems, Path file) {
        if (root != null) {
            Configuration read = read(root, sources, problems, file);
            if (problems.isEmpty()) return new LoadResult.Loaded(read.hashed());
        }
        return new LoadResult.Rejected(problems.sorted(sources.places().files()));
    }

    /// Reaches no one whole if there is a problem.
    private static Configuration read(
            ConfigObject root, Sources sources, Problems problems, Path file) {
        Path folder = file.toAbsolutePath().normalize().getParent();
        Path start = folder == null ? file.toAbsolutePath() : folder;
        return Section.root(
                new Reading(problems, sources.places(), start), root, Configuration::read);
    }
}
