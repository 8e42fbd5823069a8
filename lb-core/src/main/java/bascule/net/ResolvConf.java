package bascule.net;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What of resolv.conf(5) is honoured: the first three `nameserver`, the last of `search` and `domain`, and `options ndots`.
///
/// @param servers at least one; that of this host where the file names none
/// @param search  suffixes, without dots at their ends
/// @param ndots   a name with fewer dots is looked up with the suffixes first, any other as it is
record ResolvConf(List<InetSocketAddress> servers, List<String> search, int ndots) {
    private static final int PORT = 53;
    private static final int MOST_SERVERS = 3; // MAXNS
    private static final int MOST_SUFFIXES = 6;
    private static final int MOST_NDOTS = 15; // RES_MAXNDOTS

    static ResolvConf parse(List<String> lines) {
        List<InetSocketAddress> servers = new ArrayList<>();
        List<String> search = List.of();
        int ndots = 1;
        for (String line : lines) {
            if (line.startsWith("#") || line.startsWith(";")) continue;
            String[] words = line.strip().split("\\s+", -1);
            if (words.length < 2) continue;
            List<String> values = List.of(words).subList(1, words.length);
            switch (words[0]) {
                case "nameserver" -> {
                    if (servers.size() < MOST_SERVERS) server(values.getFirst(), servers);
                }
                case "search" -> search = suffixes(values);
                case "domain" -> search = suffixes(values.subList(0, 1));
                case "options" -> {
                    for (String option : values) ndots = ndots(option, ndots);
                }
                default -> {}
            }
        }
        if (servers.isEmpty())
            servers.add(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), PORT));
        return new ResolvConf(List.copyOf(servers), search, ndots);
    }

    private static void server(String text, List<InetSocketAddress> to) {
        try {
            to.add(new InetSocketAddress(InetAddress.ofLiteral(text), PORT));
        } catch (IllegalArgumentException _) {
            // As the C library: what is no address is passed over.
        }
    }

    private static List<String> suffixes(List<String> values) {
        return values.stream()
                .map(value -> value.endsWith(".") ? value.substring(0, value.length() - 1) : value)
                .filter(value -> !value.isEmpty())
                .map(value -> value.toLowerCase(Locale.ROOT))
                .limit(MOST_SUFFIXES)
                .toList();
    }

    private static int ndots(String option, int otherwise) {
        if (!option.startsWith("ndots:")) return otherwise;
        try {
            return Math.clamp(Integer.parseInt(option.substring(6)), 0, MOST_NDOTS);
        } catch (NumberFormatException _) {
            return otherwise;
        }
    }

    /// Full names to try for `host`, in this order, without dots at their ends.
    List<String> candidates(String host) {
        List<String> names = new ArrayList<>();
        boolean asIsFirst = host.chars().filter(c -> c == '.').count() >= ndots;
        if (asIsFirst) names.add(host);
        for (String suffix : search) names.add(host + '.' + suffix);
        if (!asIsFirst) names.add(host);
        return names;
    }
}
