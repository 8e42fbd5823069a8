package bascule.config;

import bascule.config.Outline.Entry;
import bascule.config.Outline.Reference;
import bascule.config.Outline.Shape;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Whom to blame: from a key or a value of the merged tree back to a line. The origin that Typesafe Config keeps is right for
/// a plain scalar, wherever a substitution took it from; for all else the outlines of the files know better.
final class Places {
    private static final String VARIABLE = "environment variable ";
    private static final String UNSET = "unset substitution";

    private static final Place NOWHERE = new Place("", 0);

    private final Set<String> files = new LinkedHashSet<>();
    private final List<Entry> entries = new ArrayList<>();
    private final Map<String, List<Entry>> byPath = new HashMap<>();
    private final Map<String, Set<String>> keysOfBlocks = new HashMap<>();
    private final List<Reference> references = new ArrayList<>();

    void add(Outline outline) {
        files.add(outline.file());
        references.addAll(outline.references());
        entries.addAll(outline.entries());
        for (Entry entry : outline.entries()) {
            byPath.computeIfAbsent(entry.path(), _ -> new ArrayList<>()).add(entry);
            if (!entry.key().isEmpty())
                keysOfBlocks
                        .computeIfAbsent(entry.block(), _ -> new LinkedHashSet<>())
                        .add(entry.key());
        }
    }

    /// In the order in which they were read.
    List<String> files() {
        return List.copyOf(files);
    }

    List<Entry> entries() {
        return entries;
    }

    /// The keys that the files name in a block, also those of which nothing is left because their variable is not set.
    Set<String> keys(String block) {
        return keysOfBlocks.getOrDefault(block, Set.of());
    }

    List<Reference> references() {
        return references;
    }

    /// What [com.typesafe.config.ConfigValue#origin] says of a value from the environment.
    static String originOfVariable(String name) {
        return VARIABLE + name;
    }

    /// The origin of a stand-in for a `${…}` that nothing sets; that fault is known already.
    static String originOfUnset() {
        return UNSET;
    }

    static boolean isUnset(ConfigValue value) {
        return value.origin().description().contains(UNSET);
    }

    /// The variable that a value, or a part of it, comes from.
    static @Nullable String variable(ConfigValue value) {
        String origin = value.origin().description();
        int from = origin.indexOf(VARIABLE);
        if (from < 0) return null;
        int end = origin.indexOf(',', from);
        return origin.substring(from + VARIABLE.length(), end < 0 ? origin.length() : end);
    }

    /// The line of a value.
    Place ofValue(String path, ConfigValue value) {
        String variable = variable(value);
        if (variable != null) return ofReference(path, variable);
        boolean isScalar =
                value.valueType() != ConfigValueType.OBJECT
                        && value.valueType() != ConfigValueType.LIST;
        Place origin = ofOrigin(value.origin());
        if (isScalar && origin.line() > 0) return origin;
        List<Entry> exact = ofKey(path, origin);
        if (exact.isEmpty()) return ofOuter(path, origin);
        // The last one set it, unless that is a variable which left it as it was.
        for (Entry entry : exact.reversed()) {
            if (entry.shape() != Shape.OPTIONAL) return entry.place();
        }
        return exact.getLast().place();
    }

    /// Every line on which a key is set.
    ///
    /// @param value null if its variable is not set
    List<Place> ofKey(String path, @Nullable ConfigValue value) {
        if (value == null) return ofKey(path, NOWHERE).stream().map(Entry::place).toList();
        Place origin = ofOrigin(value.origin());
        List<Entry> exact = ofKey(path, origin);
        if (exact.isEmpty()) return List.of(ofValue(path, value));
        return exact.stream().map(Entry::place).toList();
    }

    /// The line on which a block begins.
    ///
    /// @param value null if the file does not have the block
    Place ofBlock(String path, @Nullable ConfigValue value) {
        Place origin = value == null ? NOWHERE : ofOrigin(value.origin());
        List<Entry> exact = ofKey(path, origin);
        return exact.isEmpty() ? ofOuter(path, origin) : exact.getFirst().place();
    }

    /// The line that the parser stumbled over.
    Place ofFault(ConfigException fault) {
        ConfigOrigin origin = fault.origin();
        Place place = origin == null ? NOWHERE : ofOrigin(origin);
        return place.line() > 0 ? place : new Place(files.iterator().next(), 0);
    }

    /// @return [#NOWHERE] if the origin is not exactly one line of a file that was read
    private Place ofOrigin(ConfigOrigin origin) {
        String file = origin.withLineNumber(-1).description();
        boolean isExact = origin.description().equals(file + ": " + origin.lineNumber());
        return isExact && files.contains(file) ? new Place(file, origin.lineNumber()) : NOWHERE;
    }

    /// The keys at `path`. Of lists, the one that counts may be in another file than one that it replaced.
    private List<Entry> ofKey(String path, Place origin) {
        List<Entry> all = byPath.getOrDefault(path, List.of());
        if (origin.line() == 0 || path.indexOf('[') < 0) return all;
        return all.stream().filter(entry -> entry.place().file().equals(origin.file())).toList();
    }

    private Place ofOuter(String path, Place origin) {
        if (origin.line() > 0) return origin;
        for (String outer = outer(path); !outer.isEmpty(); outer = outer(outer)) {
            List<Entry> exact = byPath.get(outer);
            if (exact != null) return exact.getLast().place();
        }
        return new Place(files.iterator().next(), 1);
    }

    private static String outer(String path) {
        int end = Math.max(path.lastIndexOf('.'), path.lastIndexOf('['));
        return end < 0 ? "" : path.substring(0, end);
    }

    private Place ofReference(String path, String variable) {
        Reference best = null;
        for (Reference reference : references) {
            if (!reference.name().equals(variable)) continue;
            if (best == null || reference.path().equals(path)) best = reference;
        }
        return best == null ? ofOuter(path, NOWHERE) : best.place();
    }
}
