package bascule.config;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Locale;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The hosts of a route: one, or all below one.
///
/// @param name lower case, without port and without the `*.` of a wildcard
/// @param wildcard whether any number of labels may, and at least one must, stand before `name`
public record HostPattern(String name, boolean wildcard) {
    private static final String LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
    private static final Predicate<String> IS_NAME = Kind.matches(LABEL + "(\\." + LABEL + ")*");

    /// What inet_aton(3) reads as a part of an address, as in `127.1`.
    private static final Predicate<String> IS_NUMBER = Kind.matches("[0-9]+|0x[0-9a-f]*");

    private static final int MAX_NAME = 253;

    /// One host, without a port.
    static final Kind<String> EXACT = new Kind<>("a host, without a port", HostPattern::exact);

    /// As in a `Host` field: a host, and a port if need be.
    static final Kind<String> WITH_PORT = new Kind<>("HOST or HOST:PORT", HostPattern::withPort);

    static final Kind<HostPattern> KIND =
            new Kind<>("a host, or *. and a domain, without a port", HostPattern::pattern);

    /// As the file has it.
    @Override
    public String toString() {
        return wildcard ? "*." + name : name;
    }

    private static Kind.Read<String> exact(String text) {
        String name = text.toLowerCase(Locale.ROOT);
        if (name.startsWith("[") && name.endsWith("]")) {
            InetAddress literal = Addresses.literal(name.substring(1, name.length() - 1));
            if (literal instanceof Inet6Address)
                return Kind.good("[" + Addresses.text(literal) + "]");
        }
        boolean isHost = name.length() <= MAX_NAME && IS_NAME.test(name);
        return isHost ? Kind.good(name) : Kind.bad("is no host");
    }

    /// A name as RFC 1123 §2.1 has it, underscores besides; a dot at the end, which only says that it is whole, is dropped.
    ///
    /// @return lower case; null if it is no such name
    static @Nullable String dns(String text) {
        String name = text.toLowerCase(Locale.ROOT);
        if (name.endsWith(".")) name = name.substring(0, name.length() - 1);
        return name.length() <= MAX_NAME && IS_NAME.test(name) ? name : null;
    }

    /// Would a resolver rather take it for an address?
    static boolean endsInNumber(String name) {
        return IS_NUMBER.test(name.substring(name.lastIndexOf('.') + 1));
    }

    private static Kind.Read<String> withPort(String text) {
        int colon = text.endsWith("]") ? -1 : text.lastIndexOf(':');
        if (colon < 0) return exact(text);
        int port = Addresses.decimal(text.substring(colon + 1), 65_535);
        return switch (exact(text.substring(0, colon))) {
            case Kind.Read.Good<String>(String host) when port > 0 -> Kind.good(host + ":" + port);
            case Kind.Read<String> _ -> Kind.bad("is no host");
        };
    }

    private static Kind.Read<HostPattern> pattern(String text) {
        boolean wildcard = text.startsWith("*.");
        return switch (exact(wildcard ? text.substring(2) : text)) {
            case Kind.Read.Good<String>(String name) when !wildcard || !name.startsWith("[") ->
                    Kind.good(new HostPattern(name, wildcard));
            case Kind.Read<String> _ -> Kind.bad("is no host");
        };
    }
}
