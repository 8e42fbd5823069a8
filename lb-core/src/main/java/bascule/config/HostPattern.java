package bascule.config;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Locale;
import java.util.function.Predicate;

/// The hosts of a route: one, or all below one.
///
/// @param name lower case, without port and without the `*.` of a wildcard
/// @param wildcard whether any number of labels may, and at least one must, stand before `name`
public record HostPattern(String name, boolean wildcard) {
    private static final String LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
    private static final Predicate<String> IS_NAME = Kind.matches(LABEL + "(\\." + LABEL + ")*");
    private static final int MAX_NAME = 253;

    /// One host, without a port.
    static final Kind<String> EXACT = new Kind<>("a host, without a port", HostPattern::exact);

    static final Kind<HostPattern> KIND =
            new Kind<>("a host, or *. and a domain, without a port", HostPattern::pattern);

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

    private static Kind.Read<HostPattern> pattern(String text) {
        boolean wildcard = text.startsWith("*.");
        return switch (exact(wildcard ? text.substring(2) : text)) {
            case Kind.Read.Good<String>(String name) when !wildcard || !name.startsWith("[") ->
                    Kind.good(new HostPattern(name, wildcard));
            case Kind.Read<String> _ -> Kind.bad("is no host");
        };
    }
}
