package bascule.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The addresses that this daemon may have put on this host, kept over a restart: one that is no floating IP any more has to go, and one of
/// another daemon has to stay. A line each.
record HeldAddresses(@Nullable Path folder, Consumer<IOException> failed) {
    static final String FILE = "held-addresses";

    /// Of the run before.
    Set<InetAddress> earlier() {
        var addresses = new LinkedHashSet<InetAddress>();
        if (folder == null) return addresses;
        try {
            for (String line : new StateFile(folder.resolve(FILE)).read()) add(line, addresses);
        } catch (IOException unreadable) {
            failed.accept(unreadable);
        }
        return addresses;
    }

    private static void add(String line, Set<InetAddress> to) {
        try {
            to.add(InetAddress.ofLiteral(line));
        } catch (IllegalArgumentException _) {
            // No address.
        }
    }

    void keep(List<InetAddress> now) {
        if (folder == null) return;
        try {
            new StateFile(folder.resolve(FILE))
                    .write(now.stream().map(InetAddress::getHostAddress).toList(), true);
        } catch (IOException failure) {
            failed.accept(failure);
        }
    }
}
