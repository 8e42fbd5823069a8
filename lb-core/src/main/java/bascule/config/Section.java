package bascule.config;

import bascule.tls.CertificateFault;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// One block of the file while it is read. Each read takes its key off the list of the unread; what is left when the block
/// ends are unknown keys. What is refused reads as its default or as a stand-in: the records that these go into reach no one.
///
/// A block may be given as one value, which is that of its main key; or as `off`, which reads as `off` for every key that
/// takes it and as the widest bound for every quantity; or not at all, which reads as every key left out.
final class Section {
    private static final int MAX_BINDS = 64;

    private final Reading reading;
    private final String name;
    private final String path;
    private final String schema; // The path with * for names and [] for places in a list.
    private final @Nullable ConfigValue raw; // Null = not given.
    private final Map<String, ConfigValue> values;
    private final @Nullable String mainKey; // Null = given as a block.
    private final boolean isOff;
    private final Set<String> asked = new LinkedHashSet<>();

    private Section(
            Reading reading,
            String name,
            String path,
            String schema,
            @Nullable ConfigValue raw,
            String main) {
        this.reading = reading;
        this.name = name;
        this.path = path;
        this.schema = schema;
        this.raw = raw;
        isOff = raw != null && new Value(reading, path, raw).isOff();
        mainKey = raw == null || raw instanceof ConfigObject ? null : main;
        if (raw instanceof ConfigObject block) values = block;
        else values = raw == null ? Map.of() : Map.of(main, raw);
    }

    /// Reads the whole file.
    static <T> T root(Reading reading, ConfigObject root, Function<Section, T> reader) {
        return new Section(reading, "", "", "", root, "").end(reader);
    }

    /// The last key of the path.
    String name() {
        return name;
    }

    /// Where relative paths start.
    Path folder() {
        return reading.folder();
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    /// The text of a scalar as the file has it; empty if there is none.
    String written(String key) {
        ConfigValue value = values.get(key);
        String text = value == null ? null : new Value(reading, path, value).text();
        return text == null ? "" : text;
    }

    <T> @Nullable T find(String key, Kind<T> kind) {
        Value value = take(key, kind.expected());
        if (isOff) return kind.read(Kind.OFF) instanceof Kind.Read.Good<T>(T off) ? off : null;
        return value == null ? null : value.as(kind);
    }

    <T> T get(String key, Kind<T> kind, T otherwise) {
        T found = find(key, kind);
        return found == null ? otherwise : found;
    }

    <T> T require(String key, Kind<T> kind, T standIn) {
        if (!has(key)) refuseMissing(key, kind.expected());
        return get(key, kind, standIn);
    }

    int count(String key, int otherwise, int min, int max) {
        return get(key, Kind.count(min, max), isOff ? max : otherwise);
    }

    Duration duration(String key, Duration otherwise, Duration min, Duration max) {
        return get(key, Kind.duration(min, max), isOff ? max : otherwise);
    }

    long size(String key, long otherwise, long min, long max) {
        return get(key, Kind.size(min, max), isOff ? max : otherwise);
    }

    /// The name of a backend, which must exist in the end.
    @Nullable String backend(String key) {
        Value value = take(key, Reading.BACKEND.expected());
        String backend = value == null ? null : value.as(Reading.BACKEND);
        if (value != null && backend != null) reading.refer(value);
        return backend;
    }

    /// A list, or one value that stands for a list of one, or `off`, which is an empty list.
    <T> List<T> list(String key, Kind<T> kind, int min, int max) {
        return list(key, kind, min, max, (_, _) -> {});
    }

    /// @param each is shown what was read, and where
    <T> List<T> list(
            String key, Kind<T> kind, int min, int max, BiConsumer<? super T, Value> each) {
        var read = new ArrayList<T>();
        for (Value value : elements(key, kind.expected(), min, max, false)) {
            T element = value.as(kind);
            if (element == null) continue;
            read.add(element);
            each.accept(element, value);
        }
        return read;
    }

    /// A block; reads its defaults where it is not given.
    <T> T block(String key, String main, Function<Section, T> reader) {
        Value value = take(key, "");
        String within = pathOf(key);
        ConfigValue given = value == null ? null : value.raw();
        return new Section(reading, key, within, schemaOf(key), given, main).end(reader);
    }

    /// A block; null where it is not given, or `off`.
    <T> @Nullable T blockIf(String key, String main, Function<Section, T> reader) {
        Value value = take(key, "");
        if (value == null || value.isOff()) return null;
        return block(key, main, reader);
    }

    /// A block that can be had with all its defaults, as `on`; null where it is not given, or `off`.
    <T> @Nullable T blockIfOn(String key, String main, Function<Section, T> reader) {
        Value value = take(key, "");
        if (value == null || value.isOff() || "false".equals(value.text())) return null;
        if (!value.isOn()) return block(key, main, reader);
        return new Section(reading, key, pathOf(key), schemaOf(key), null, main).end(reader);
    }

    /// A list of blocks, or one block; what is `off` is left out.
    ///
    /// @param expected what an entry is
    <T> List<T> blocks(
            String key,
            String main,
            String expected,
            int min,
            int max,
            Function<Section, T> reader) {
        String within = schemaOf(key) + "[]";
        var read = new ArrayList<T>();
        for (Value value : elements(key, expected, min, max, true)) {
            read.add(
                    new Section(reading, key, value.path(), within, value.raw(), main).end(reader));
        }
        return read;
    }

    /// A block of blocks with names, sorted by name; what is `off` is left out.
    <T> List<T> named(String key, String main, Function<Section, T> reader) {
        Value all = take(key, "");
        if (all == null || all.isOff()) return List.of();
        if (!(all.raw() instanceof ConfigObject block)) {
            all.refuse("is no block", "NAME { … }");
            return List.of();
        }
        var read = new ArrayList<T>();
        new TreeMap<>(block)
                .forEach(
                        (each, given) -> {
                            var value = new Value(reading, Outline.join(all.path(), each), given);
                            if (value.isOff()) return;
                            if (Kind.NAME.read(each) instanceof Kind.Read.Bad<String>(String what))
                                value.refuseKey(what, Kind.NAME.expected());
                            var section =
                                    new Section(
                                            reading,
                                            each,
                                            value.path(),
                                            schemaOf(key) + ".*",
                                            given,
                                            main);
                            read.add(section.end(reader));
                        });
        return read;
    }

    /// A block of blocks that are called by something else than a name, sorted; what is `off` is left out.
    <N, T> List<T> named(
            String key, Kind<N> names, String main, int max, BiFunction<N, Section, T> reader) {
        var read = new ArrayList<T>();
        entries(
                key,
                names,
                max,
                (name, value) -> {
                    if (value.isOff()) return;
                    var section =
                            new Section(
                                    reading,
                                    key,
                                    value.path(),
                                    schemaOf(key) + ".*",
                                    value.raw(),
                                    main);
                    read.add(section.end(block -> reader.apply(name, block)));
                });
        return read;
    }

    /// A block of names and values, sorted by name.
    ///
    /// @param each is shown a name and what it stands for
    <N> void entries(String key, Kind<N> names, int max, BiConsumer<N, Value> each) {
        Value all = take(key, names.expected());
        if (all == null || all.isOff()) return;
        if (!(all.raw() instanceof ConfigObject block)) {
            all.refuse("is no block", "a block of " + names.expected());
            return;
        }
        if (block.size() > max) all.refuse("has " + block.size() + " entries", "up to " + max);
        new TreeMap<>(block)
                .forEach(
                        (name, given) -> {
                            var value = new Value(reading, Outline.join(all.path(), name), given);
                            switch (names.read(name)) {
                                case Kind.Read.Good<N>(N good) -> each.accept(good, value);
                                case Kind.Read.Bad<N>(String what) ->
                                        value.refuseKey(what, names.expected());
                            }
                        });
    }

    /// Takes a key that may hold anything.
    void ignore(String key) {
        take(key, "");
    }

    /// Addresses to open, each of them by nobody else.
    ///
    /// @param otherwise where the key is not given
    List<InetSocketAddress> binds(String key, int min, List<InetSocketAddress> otherwise) {
        if (has(key) || min > 0)
            return list(
                    key,
                    Addresses.BIND,
                    min,
                    MAX_BINDS,
                    (address, value) -> {
                        if (address.isUnresolved()) reading.claimOnNodes(address, value);
                        else reading.claim(address, value.path(), value);
                    });
        take(key, Addresses.BIND.expected());
        for (InetSocketAddress address : otherwise) reading.claim(address, pathOf(key), null);
        return otherwise;
    }

    /// The value of this key is the address of one host, or of one floating IP; [Addresses#NOWHERE] is nobody's.
    void claimHost(String key, InetAddress address) {
        ConfigValue value = values.get(key);
        if (value != null && !address.isAnyLocalAddress())
            reading.claimHost(address, new Value(reading, pathOf(key), value));
    }

    /// @param nodes their addresses
    void clusterIs(List<InetAddress> nodes, int port) {
        reading.clusterIs(nodes, port);
    }

    /// The value of this key leads to the port of the listener with TLS, which must be clear in the end.
    void needsHttpsPort(String key) {
        ConfigValue value = values.get(key);
        if (value != null) reading.needsHttpsPort(new Value(reading, pathOf(key), value));
    }

    /// These are addresses of a listener with TLS.
    void offersHttps(List<InetSocketAddress> binds) {
        for (InetSocketAddress bind : binds) reading.httpsPorts().add(bind.getPort());
    }

    void refuseUnknownHttpsPort() {
        reading.refuseUnknownHttpsPort();
    }

    void refuseUnknownBackends(List<String> backends) {
        reading.refuseUnknown(backends);
    }

    /// Refuses the value of a key, or the block as a whole if that key is not there.
    void refuse(String key, String what, String expected) {
        ConfigValue value = values.get(key);
        if (value != null) new Value(reading, pathOf(key), value).refuse(what, expected);
        else if (raw != null) new Value(reading, path, raw).refuse(what, expected);
    }

    /// Refuses what a file of certificates or keys holds.
    ///
    /// @param named what the key names: the file, or the folder that it lies in
    void refuse(String key, Path named, CertificateFault fault) {
        String file = fault.file().equals(named) ? "" : fault.file().getFileName() + " ";
        String line = fault.line() == 0 ? "" : "line " + fault.line() + " ";
        refuse(key, file + line + fault.what(), fault.expected());
    }

    void refuseMissing(String key, String expected) {
        Place place = reading.places().ofBlock(path, raw);
        String message = "is missing (expected: " + expected + ")";
        reading.problems().add(place, Outline.join(path, key), message);
    }

    private <T> T end(Function<Section, T> reader) {
        T read = reader.apply(this);
        var unknown = new TreeSet<>(values.keySet());
        if (raw == null || raw instanceof ConfigObject) unknown.addAll(reading.places().keys(path));
        unknown.removeAll(asked);
        for (String key : unknown) refuseUnknown(key, values.get(key));
        return read;
    }

    /// @param unknown null if its variable is not set
    private void refuseUnknown(String key, @Nullable ConfigValue unknown) {
        String at = pathOf(key);
        String shown = unknown == null ? "" : new Value(reading, at, unknown).shown() + ": ";
        String near = Spelling.suggest(key, asked);
        String expected = " (expected: " + String.join(", ", asked) + ")";
        for (Place place : reading.places().ofKey(at, unknown)) {
            reading.problems().add(place, at, shown + "unknown key" + near + expected);
        }
    }

    private @Nullable Value take(String key, String expected) {
        asked.add(key);
        reading.keys().put(schemaOf(key), expected);
        ConfigValue value = values.get(key);
        return value == null ? null : new Value(reading, pathOf(key), value);
    }

    /// @param canBeOff whether an entry may be `off`, and then counts as not there
    private List<Value> elements(String key, String expected, int min, int max, boolean canBeOff) {
        Value all = take(key, expected);
        if (all == null) {
            if (min > 0) refuseMissing(key, expected);
            return List.of();
        }
        var elements = new ArrayList<Value>();
        if (all.isList()) {
            for (Value element : all.elements())
                if (!canBeOff || !element.isOff()) elements.add(element);
        } else if (!all.isOff()) {
            elements.add(all);
        }
        if (elements.size() < min) all.refuse("is empty", expected);
        if (elements.size() > max)
            all.refuse("has " + elements.size() + " entries", "up to " + max);
        return elements;
    }

    /// A value that stands for its whole block is found under the name of the block.
    private String pathOf(String key) {
        return key.equals(mainKey) ? path : Outline.join(path, key);
    }

    private String schemaOf(String key) {
        return schema.isEmpty() ? key : schema + "." + key;
    }
}
