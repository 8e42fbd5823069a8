package bascule.config;

import bascule.config.Outline.Entry;
import bascule.config.Outline.Include;
import bascule.config.Outline.Reference;
import bascule.config.Outline.Shape;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigIncludeContext;
import com.typesafe.config.ConfigIncluder;
import com.typesafe.config.ConfigIncluderClasspath;
import com.typesafe.config.ConfigIncluderFile;
import com.typesafe.config.ConfigIncluderURL;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigResolver;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Files to one tree of values: reads the main file, `conf.d` beside it and what they include, merges them in this order,
/// fills in substitutions, and refuses what HOCON lets pass: a key given twice, and a named block in two drop-ins.
final class Sources {
    private static final long MAX_FILE_BYTES = 8 << 20;
    private static final int MAX_FILES = 1000;
    private static final int MAX_INCLUDE_DEPTH = 16;
    private static final List<String> NAMED_BLOCKS = List.of("listeners", "backends");

    private final Map<String, String> environment;
    private final Problems problems;
    private final Places places = new Places();

    /// The files being parsed, the innermost first.
    private final Deque<Open> open = new ArrayDeque<>();

    private int files;

    /// Whether a stand-in took the place of a `${…}` that nothing sets; it may fit nowhere, and that is no fault of its own.
    private boolean isUnset;

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
        var blocksOfFiles = new ArrayList<Map<String, List<Entry>>>();
        for (Path each : dropIns(main)) {
            int known = places.entries().size();
            ConfigObject dropIn = file(each);
            if (dropIn == null) return null;
            root = dropIn.withFallback(root);
            blocksOfFiles.add(
                    namedBlocks(places.entries().subList(known, places.entries().size())));
        }
        refuseBlocksInTwoFiles(blocksOfFiles);
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
    private static String message(ConfigException e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        if (e.origin() != null && message.startsWith(e.origin().description() + ": "))
            message = message.substring(e.origin().description().length() + 2);
        int advice = message.indexOf(" (if you ");
        if (advice >= 0) message = message.substring(0, advice);
        return message.replace(
                "expecting a close parentheses ')' here, not: ", "expecting a key, got ");
    }

    /// Called by the parser for each `include`, in the order of the text.
    private ConfigObject include(String target, boolean isRequired) {
        Open from = open.getFirst();
        Include include = from.includes().poll();
        if (include == null)
            include = new Include(target, "", new Place(from.file().toString(), 0));
        ConfigObject included = include(target, isRequired, include, from.file());
        return included == null ? ConfigFactory.empty().root() : included;
    }

    private @Nullable ConfigObject include(
            String target, boolean isRequired, Include include, Path from) {
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

    /// Every form of `include` ends in [Sources#include]: no class path, no network.
    private final class Includer
            implements ConfigIncluder,
                    ConfigIncluderFile,
                    ConfigIncluderURL,
                    ConfigIncluderClasspath {
        @Override
        public ConfigObject include(ConfigIncludeContext context, String what) {
            return Sources.this.include(what, !context.parseOptions().getAllowMissing());
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
            Include include = open.getFirst().includes().poll();
            Place place =
                    include == null
                            ? new Place(open.getFirst().file().toString(), 0)
                            : include.place();
            String path = include == null ? "" : include.path();
            problems.add(place, path, shown + ": is not a file (expected: include \"FILE\")");
            return ConfigFactory.empty().root();
        }

        @Override
        public ConfigIncluder withFallback(ConfigIncluder fallback) {
            return this;
        }
    }

    private @Nullable ConfigObject resolve(ConfigObject root) {
        ConfigObject resolved = null;
        try {
            resolved =
                    root.toConfig()
                            .resolve(ConfigResolveOptions.noSystem().appendResolver(new Resolver()))
                            .root();
        } catch (ConfigException.UnresolvedSubstitution e) {
            String cycle = message(e).replace("Could not resolve substitution to a value: ", "");
            problems.add(places.ofFault(e), "", cycle);
        } catch (ConfigException e) {
            boolean isFollowUp = isUnset && e instanceof ConfigException.WrongType;
            if (!isFollowUp) problems.add(places.ofFault(e), "", message(e));
        } catch (StackOverflowError _) { // Resolving is recursive, and no other end is in sight.
            var place = new Place(places.files().getFirst(), 0);
            problems.addAlone(place, "", "has too long a chain of substitutions");
        }
        refuseTwice(resolved);
        return resolved;
    }

    /// Looks up what the files do not define: the environment, and nothing of the machine's own.
    private final class Resolver implements ConfigResolver {
        @Override
        public @Nullable ConfigValue lookup(String path) {
            List<Reference> meant = meant(path);
            for (Reference reference : meant) {
                String name = reference.name();
                String value = environment.get(name);
                if (value != null)
                    return ConfigValueFactory.fromAnyRef(value, Places.originOfVariable(name));
            }
            boolean isRequired = false;
            for (Reference reference : meant) {
                if (!reference.isRequired()) continue;
                isRequired = true;
                String what = "${" + reference.name() + "}: is not set";
                String near = Spelling.suggest(reference.name(), places.paths());
                String expected = " (expected: a key of the files, or an environment variable)";
                problems.add(reference.place(), reference.path(), what + near + expected);
            }
            isUnset |= isRequired;
            return isRequired ? ConfigValueFactory.fromAnyRef("", Places.originOfUnset()) : null;
        }

        /// Within an include, the parser puts the block that includes in front of the name.
        private List<Reference> meant(String path) {
            List<Reference> all = places.references();
            List<Reference> exact = all.stream().filter(each -> each.name().equals(path)).toList();
            if (!exact.isEmpty()) return exact;
            return all.stream().filter(each -> path.endsWith("." + each.name())).toList();
        }

        @Override
        public ConfigResolver withFallback(ConfigResolver fallback) {
            return this;
        }
    }

    /// HOCON lets the later of two equal keys win without a word.
    private void refuseTwice(@Nullable ConfigObject resolved) {
        var seen = new HashMap<String, Entry>();
        var refused = new ArrayList<String>();
        for (Entry entry : places.entries()) {
            String key = entry.place().file() + "\n" + entry.path();
            Entry first = seen.putIfAbsent(key, entry);
            if (first == null || !clash(first, entry, resolved)) continue;
            boolean isWithin = refused.stream().anyMatch(path -> entry.path().startsWith(path));
            if (isWithin)
                continue; // What is within is given twice too, and needs no words of its own.
            refused.add(entry.path() + ".");
            refused.add(entry.path() + "[");
            String earlier = "given twice, first on line " + first.place().line();
            problems.add(entry.place(), entry.path(), earlier + " (expected: once)");
        }
    }

    private static boolean clash(Entry first, Entry later, @Nullable ConfigObject resolved) {
        return switch (later.shape()) {
            case OPTIONAL, APPEND -> false;
            case VALUE -> true;
            case BLOCK -> first.shape() == Shape.VALUE;
            case REFERENCE -> first.shape() != Shape.BLOCK && !isBlock(later.path(), resolved);
        };
    }

    private static boolean isBlock(String path, @Nullable ConfigObject resolved) {
        ConfigValue value = resolved;
        for (String key : path.indexOf('[') < 0 ? ConfigUtil.splitPath(path) : List.<String>of()) {
            if (!(value instanceof ConfigObject block)) return false;
            value = block.get(key);
        }
        return value != null && value.valueType() == ConfigValueType.OBJECT;
    }

    /// The entries of one file, by the named block that they belong to.
    private static Map<String, List<Entry>> namedBlocks(List<Entry> entries) {
        return entries.stream()
                .filter(
                        entry ->
                                NAMED_BLOCKS.stream()
                                        .anyMatch(b -> entry.path().startsWith(b + ".")))
                .collect(
                        Collectors.groupingBy(
                                entry -> Outline.outermost(entry.path(), 2),
                                java.util.LinkedHashMap::new,
                                Collectors.toList()));
    }

    private void refuseBlocksInTwoFiles(List<Map<String, List<Entry>>> blocksOfFiles) {
        var seen = new HashMap<String, Place>();
        for (Map<String, List<Entry>> blocks : blocksOfFiles) {
            blocks.forEach(
                    (path, entries) -> {
                        Place place = entries.getFirst().place();
                        Place first = seen.putIfAbsent(path, place);
                        boolean isFromEnvironment =
                                entries.stream()
                                        .map(Entry::shape)
                                        .allMatch(s -> s == Shape.OPTIONAL || s == Shape.BLOCK);
                        if (first == null || isFromEnvironment) return;
                        problems.add(
                                place,
                                path,
                                "is also in " + first + " (expected: one file for a named block)");
                    });
        }
    }
}
