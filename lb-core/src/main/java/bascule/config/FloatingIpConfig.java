package bascule.config;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One `floating-ips.<name>` block.
///
/// @param prefix length of the subnet that it belongs to, in bits
/// @param interfaceName null = the first with a subnet that holds the address
/// @param preempt does the node with the highest priority get it back, by a planned hand-over?
/// @param require listeners without which a node may not own it, sorted; empty = none
/// @param command absolute: called in place of putting the address on an interface; null = off
public record FloatingIpConfig(
        String name,
        InetAddress address,
        int prefix,
        @Nullable String interfaceName,
        boolean preempt,
        List<String> require,
        @Nullable Path command) {
    /// IFNAMSIZ of if.h, less the NUL; what else dev_valid_name of the kernel refuses.
    private static final Kind<String> INTERFACE =
            Kind.text(
                    "the name of an interface",
                    "is no name of an interface",
                    Kind.matches("(?!\\.{1,2}$)[!-.0-9;-~]{1,15}"));

    private static final Kind<String> REQUIRED = Kind.NAME.expecting("names of listeners");

    public FloatingIpConfig {
        require = List.copyOf(require);
    }

    /// @param listeners the names of all
    static FloatingIpConfig read(Section at, List<String> listeners) {
        Addresses.InNet address = at.require("address", Addresses.IN_NET, Addresses.NO_NET);
        at.claimHost("address", address.address());
        String interfaceName = at.find("interface", INTERFACE);
        boolean preempt = at.get("preempt", Kind.SWITCH, false);
        List<String> required = required(at, listeners);
        List<String> require = at.has("require") ? required : listeners;
        Path command = at.get("command", command(at.folder()), Optional.empty()).orElse(null);
        if (command != null && interfaceName != null)
            at.refuse("interface", "is never used, for command takes the address", "one of them");
        return new FloatingIpConfig(
                at.name(),
                address.address(),
                address.prefix(),
                interfaceName,
                preempt,
                require.stream().sorted().toList(),
                command);
    }

    private static List<String> required(Section at, List<String> listeners) {
        var named = new HashSet<String>();
        return at.list(
                "require",
                REQUIRED,
                0,
                1000,
                (name, value) -> {
                    if (!listeners.contains(name))
                        value.refuse(
                                "no such listener" + Spelling.suggest(name, listeners),
                                REQUIRED.expected());
                    else if (!named.add(name)) value.refuse("is named twice", "each once");
                });
    }

    private static Kind<Optional<Path>> command(Path folder) {
        Kind<Path> file = Kind.file("an executable file or off", folder);
        return new Kind<>(
                file.expected(),
                text -> {
                    if (text.equals(Kind.OFF)) return Kind.good(Optional.empty());
                    return switch (file.read(text)) {
                        case Kind.Read.Bad<Path>(String what) -> Kind.bad(what);
                        // To learn it only when the address has to move would be too late.
                        case Kind.Read.Good<Path>(Path path) when !Files.exists(path) ->
                                Kind.bad("is not there");
                        case Kind.Read.Good<Path>(Path path) when !Files.isRegularFile(path) ->
                                Kind.bad("is no file");
                        case Kind.Read.Good<Path>(Path path) when !Files.isExecutable(path) ->
                                Kind.bad("cannot be executed");
                        case Kind.Read.Good<Path>(Path path) -> Kind.good(Optional.of(path));
                    };
                });
    }
}
