package bascule.config;

import bascule.config.Outline.Entry;
import bascule.config.Outline.Include;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigIncludeContext;
import com.typesafe.config.ConfigIncluder;
import com.typesafe.config.ConfigIncluderClasspath;
import com.typesafe.config.ConfigIncluderFile;
import com.typesafe.config.ConfigIncluderURL;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Files to one tree of values: reads the main file, `conf.d` beside it and what they include, and merges them in this order.
final class Sources {
    private static final long MAX_FILE_BYTES = 8 << 20;
    private static final int MAX_FILES = 1000;
    private static final int MAX_INCLUDE_DEPTH = 16;

    private final Map<String, String> environment;
    private final Problems problems;
    private final Places places = new Places();

    /// The files being parsed, the innermost first.
    private final Deque<Open> open = new ArrayDeque<>();

    private int files;

    /// A file being parsed, and those of its includes that the parser has not come to yet.
    private record Open(Path file, Deque<Include> includes) {}

    Sources(Map<String, String> environment, Problems problems) {
        this.environment = environment;
        this.problems = problems;
    }

    Places places() {
        return places;
    }

    /// @return null if there is nothing to walk; then there is a problem
    @Nullable ConfigObject load(Path main) {
        ConfigObject root = file(main);
        if (root == null) return null;
        var dropIns = new ArrayList<List<Entry>>();
        for (Path each : dropIns(main)) {
            int known = places.entries().size();
            ConfigObject dropIn = file(each);
            if (dropIn == null) return null;
            root = dropIn.withFallback(root);
            dropIns.add(List.copyOf(places.entries().subList(known, places.entries().size())));
        }
        new Duplicates(problems).refuseBetween(dropIns);
        return resolve(root);
    }

    /// As [#load], of a text that is not read from `main`; there is no `conf.d` beside it.
    @Nullable ConfigObject parse(String text, Path main) {
        ConfigObject root = parseAlone(text, main);
        return root == null ? null : resolve(root);
    }

    private @Nullable ConfigObject file(Path file) {
        var place = new Place(file.toString(), 0);
        String text = read(file, place);
        return text == null ? null : parseAlone(text, file);
    }

    private List<Path> dropIns(Path main) {
        Path folder = main.resolveSibling("conf.d");
        var found = new ArrayList<Path>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "*.conf")) {
            for (Path each : entries) {
                // As the shell: a hidden file is not meant by *.conf.
                if (!each.getFileName().toString().startsWith(".")) found.add(each);
            }
        } catch (NoSuchFileException | NotDirectoryException _) {
            return List.of();
        } catch (IOException | DirectoryIteratorException e) {
            problems.add(new Place(folder.toString(), 0), "", "cannot be read: " + reason(e));
        }
        found.sort(Comparator.comparing(file -> file.getFileName().toString()));
        return found;
    }

    private @Nullable String read(Path file, Place blame) {
        String shown = blame.file().equals(file.toString()) ? "" : file + ": ";
        try {
            if (++files > MAX_FILES) {
                problems.add(
                        blame,
                        "",
                        shown + "is one file too many (expected: up to " + MAX_FILES + ")");
            } else if (Files.size(file) > MAX_FILE_BYTES) {
                problems.add(blame, "", shown + "is too large (expected: up to 8MiB)");
            } else {
                return Files.readString(file);
            }
        } catch (CharacterCodingException _) {
            problems.add(blame, "", shown + "is not text (expected: UTF-8)");
        } catch (IOException e) {
            problems.add(blame, "", shown + "cannot be read: " + reason(e));
        }
        return null;
    }

    private static String reason(Exception e) {
        return switch (e) {
            case NoSuchFileException _ -> "no such file";
            case AccessDeniedException _ -> "permission denied";
            default -> e.getMessage() == null ? e.toString() : e.getMessage();
        };
    }

    private @Nullable ConfigObject parseAlone(String text, Path file) {
        try {
            return parse(text, file, file.toString(), "");
        } catch (ConfigException e) {
            Place place = places.ofFault(e);
            problems.addAlone(place, "", "syntax error: " + message(e));
            return null;
        }
    }

    private @Nullable ConfigObject parse(String text, Path file, String shown, String path) {
        Outline outline = Outline.of(text, shown, path);
        places.add(outline);
        if (outline.tooDeepLine() > 0) {
            String expected = "up to " + Outline.MAX_DEPTH + " levels";
            var place = new Place(shown, outline.tooDeepLine());
            problems.addAlone(place, "", "nests too deep (expected: " + expected + ")");
            return null;
        }
        open.push(new Open(file, new ArrayDeque<>(outline.includes())));
        try {
            return ConfigFactory.parseString(
                            text,
                            ConfigParseOptions.defaults()
                                    .setSyntax(ConfigSyntax.CONF)
                                    .setOriginDescription(shown)
                                    .setIncluder(new Includer()))
                    .root();
        } finally {
            open.pop();
        }
    }

    /// What Typesafe Config says, without the place, which stands in front, and without its advice on `.properties` files.
    static String message(ConfigException e) {
        if (e instanceof ConfigException.WrongType) return Substitutions.MISFIT;
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        if (e.origin() != null && message.startsWith(e.origin().description() + ": "))
            message = message.substring(e.origin().description().length() + 2);
        int advice = message.indexOf(" (if you ");
        if (advice >= 0) message = message.substring(0, advice);
        return message.replace(
                "expecting a close parentheses ')' here, not: ", "expecting a key, got ");
    }

    private @Nullable ConfigObject include(String target, boolean isRequired, Include include) {
        Path from = open.getFirst().file();
        Place place = include.place();
        String shown = "include " + ConfigUtil.quoteString(target);
        Path file;
        try {
            file = from.resolveSibling(target);
            if (!Files.exists(file)) file = from.resolveSibling(target + ".conf");
        } catch (InvalidPathException _) {
            problems.add(place, include.path(), shown + ": is no name of a file");
            return null;
        }
        if (!Files.exists(file)) {
            if (isRequired) problems.add(place, include.path(), shown + ": no such file");
            return null;
        }
        Path same = file.toAbsolutePath().normalize();
        for (Open each : open) {
            if (!each.file().toAbsolutePath().normalize().equals(same)) continue;
            String whole = each.file().equals(from) ? "itself" : "a file that includes this one";
            problems.add(place, include.path(), shown + ": includes " + whole);
            return null;
        }
        if (open.size() >= MAX_INCLUDE_DEPTH) {
            String expected = " (expected: up to " + MAX_INCLUDE_DEPTH + " levels)";
            problems.add(place, include.path(), shown + ": nests too deep" + expected);
            return null;
        }
        String text = read(file, place);
        return text == null ? null : parse(text, file, file.toString(), include.path());
    }

    /// Called by the parser for each `include`, in the order of the text. Files only: no class path, no network.
    private final class Includer
            implements ConfigIncluder,
                    ConfigIncluderFile,
                    ConfigIncluderURL,
                    ConfigIncluderClasspath {
        @Override
        public ConfigObject include(ConfigIncludeContext context, String what) {
            boolean isRequired = !context.parseOptions().getAllowMissing();
            ConfigObject included = Sources.this.include(what, isRequired, next(what));
            return included == null ? ConfigFactory.empty().root() : included;
        }

        @Override
        public ConfigObject includeFile(ConfigIncludeContext context, File what) {
            return include(context, what.getPath());
        }

        @Override
        public ConfigObject includeURL(ConfigIncludeContext context, URL what) {
            return refuse("include url(…)");
        }

        @Override
        public ConfigObject includeResources(ConfigIncludeContext context, String what) {
            return refuse("include classpath(…)");
        }

        private ConfigObject refuse(String shown) {
            Include include = next(shown);
            String message = shown + ": is not a file (expected: include \"FILE\")";
            problems.add(include.place(), include.path(), message);
            return ConfigFactory.empty().root();
        }

        private Include next(String target) {
            Include next = open.getFirst().includes().poll();
            var file = new Place(open.getFirst().file().toString(), 0);
            return next == null ? new Include(target, "", file) : next;
        }

        @Override
        public ConfigIncluder withFallback(ConfigIncluder fallback) {
            return this;
        }
    }

    private @Nullable ConfigObject resolve(ConfigObject root) {
        ConfigObject resolved = new Substitutions(environment, places, problems).fillIn(root);
        new Duplicates(problems).refuseInFiles(places.entries(), resolved);
        return resolved;
    }
}
