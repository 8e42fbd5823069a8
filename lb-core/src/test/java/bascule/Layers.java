package bascule;

import static java.util.Map.entry;

import java.io.IOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Which class refers to which, read from class files, and which of these references the architecture forbids. Constants of
/// primitive type and strings leave no trace in the class that uses them: the compiler copies them.
final class Layers {
    /// A package refers only to smaller numbers, never to another of the same. `""` is the root package.
    private static final Map<String, Integer> LAYER =
            Map.ofEntries(
                    entry("", 9),
                    entry("admin", 8),
                    entry("node", 8),
                    entry("listen", 7),
                    entry("proxy", 6),
                    entry("relay", 6),
                    entry("route", 5),
                    entry("backend", 4),
                    entry("health", 4),
                    entry("http2", 3),
                    entry("http1", 2),
                    entry("balance", 2),
                    entry("http", 1),
                    entry("server", 1),
                    entry("observe", 1),
                    entry("net", 0),
                    entry("config", 0),
                    entry("systemd", 0));

    /// Modules of their own, below all layers, which do not see each other.
    private static final Set<String> LEAVES = Set.of("tls", "cluster");

    /// Below all, and knows none of them.
    private static final String BOTTOM = "libc";

    /// Who may know of the cluster beside itself.
    private static final Set<String> CLUSTERED = Set.of("", "node", "config", "cluster");

    private static final String OURS = "bascule/";
    private static final String CONFIG_LIBRARY = "com/typesafe/config/";

    /// A class in a descriptor or a generic signature.
    private static final Pattern IN_SIGNATURE =
            Pattern.compile("L((?:" + OURS + "|" + CONFIG_LIBRARY + ")[\\w$/]+)");

    private final List<ClassModel> classes = new ArrayList<>();
    private final Map<String, String> fileOfClass = new HashMap<>();

    /// @param roots folders of class files
    Layers(List<Path> roots) throws IOException {
        for (Path root : roots) {
            try (Stream<Path> files = Files.walk(root)) {
                for (Path file :
                        (Iterable<Path>)
                                files.filter(f -> f.toString().endsWith(".class"))::iterator) {
                    ClassModel read = ClassFile.of().parse(file);
                    classes.add(read);
                    fileOfClass.put(read.thisClass().asInternalName(), sourceFile(read));
                }
            }
        }
    }

    /// @return the packages, as the first name below `bascule`, in which there is a class
    Set<String> packages() {
        var found = new TreeSet<String>();
        for (ClassModel each : classes) found.add(packageOf(each.thisClass().asInternalName()));
        return found;
    }

    /// @return each forbidden reference as `file -> file`, sorted; for a package that is missing above, its name
    Set<String> violations() {
        var found = new TreeSet<String>();
        for (ClassModel from : classes) {
            String name = from.thisClass().asInternalName();
            if (!isKnown(packageOf(name))) found.add(fileOf(name) + ": this package has no layer");
            for (String to : references(from)) {
                if (isForbidden(name, to)) found.add(fileOf(name) + " -> " + fileOf(to));
            }
        }
        return found;
    }

    private static boolean isForbidden(String from, String to) {
        String user = packageOf(from);
        if (to.startsWith(CONFIG_LIBRARY)) return !user.equals("config");
        String used = packageOf(to);
        if (user.equals(used) || !isKnown(user) || !isKnown(used))
            return false; // Unknown ones are reported by name.
        if (used.equals(BOTTOM)) return false;
        if (user.equals(BOTTOM) || LEAVES.contains(user)) return true;
        if (used.equals("cluster")) return !CLUSTERED.contains(user);
        return !LEAVES.contains(used) && LAYER.get(used) >= LAYER.get(user);
    }

    private static boolean isKnown(String name) {
        return LAYER.containsKey(name) || LEAVES.contains(name) || name.equals(BOTTOM);
    }

    private static Set<String> references(ClassModel from) {
        var found = new TreeSet<String>();
        for (PoolEntry entry : from.constantPool()) {
            switch (entry) {
                case ClassEntry used when isWatched(used.asInternalName()) ->
                        found.add(used.asInternalName());
                case Utf8Entry text ->
                        IN_SIGNATURE
                                .matcher(text.stringValue())
                                .results()
                                .forEach(m -> found.add(m.group(1)));
                default -> {}
            }
        }
        return found;
    }

    private static boolean isWatched(String internalName) {
        return internalName.startsWith(OURS) || internalName.startsWith(CONFIG_LIBRARY);
    }

    private static String packageOf(String internalName) {
        int start = OURS.length();
        int end = internalName.indexOf('/', start);
        return end < 0 ? "" : internalName.substring(start, end);
    }

    private String fileOf(String internalName) {
        return fileOfClass.getOrDefault(internalName, internalName);
    }

    private static String sourceFile(ClassModel read) {
        String name = read.thisClass().asInternalName();
        return read.findAttribute(Attributes.sourceFile())
                .map(
                        file ->
                                name.substring(0, name.lastIndexOf('/') + 1)
                                        + file.sourceFile().stringValue())
                .orElse(name);
    }
}
