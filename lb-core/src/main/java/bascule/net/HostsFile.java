package bascule.net;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What hosts(5) says: an address and its names per line, the rest after `#`.
final class HostsFile {
    private HostsFile() {}

    /// @return names in lower case and without a dot at the end, each with its addresses in the order of the file
    static Map<String, List<InetAddress>> parse(List<String> lines) {
        var entries = new HashMap<String, List<InetAddress>>();
        for (String line : lines) {
            String[] words = line.split("#", 2)[0].strip().split("\\s+", -1);
            if (words.length < 2) continue;
            InetAddress address;
            try {
                address = InetAddress.ofLiteral(words[0]);
            } catch (IllegalArgumentException _) {
                continue; // As the C library.
            }
            for (int i = 1; i < words.length; i++) {
                String name = words[i].toLowerCase(Locale.ROOT);
                if (name.endsWith(".")) name = name.substring(0, name.length() - 1);
                entries.computeIfAbsent(name, _ -> new ArrayList<>()).add(address);
            }
        }
        return entries;
    }
}
