package bascule;

import bascule.cluster.key.ClusterKey;
import bascule.cluster.net.Capabilities;
import bascule.cluster.net.HostAddresses;
import bascule.config.Configuration;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What the command line does on this host itself, without a daemon. Each returns an exit code; an [IOException] is a line for the
/// operator.
final class HostVerbs {
    private HostVerbs() {}

    /// Writes a new cluster key.
    static int keygen(Path file) throws IOException {
        String mode;
        try {
            mode = ClusterKey.generate(file);
        } catch (NoSuchFileException e) {
            throw new IOException(file + ": there is no such folder", e);
        } catch (AccessDeniedException e) {
            throw new IOException(file + ": permission denied", e);
        }
        System.out.println(
                file
                        + ": a new cluster key, mode %s (expected on every node, the same)"
                                .formatted(mode));
        return Main.OK;
    }

    /// Prints the rules for nftables.
    ///
    /// @param node null = the one that this host is
    static int firewall(Configuration whole, @Nullable String node) {
        try {
            System.out.print(Firewall.rules(NodeIdentity.part(whole, node)));
            return Main.OK;
        } catch (StartFailure e) {
            Main.complain(e.getMessage());
            return e.exitCode();
        }
    }

    /// Takes off this host what carries our tag.
    ///
    /// @param daemon socket of the one that would put it back at once
    static int releaseAddresses(Path daemon) throws IOException {
        try (HostAddresses host = HostAddresses.open(HostAddresses.NOBODY)) {
            List<HostAddresses.Address> ours =
                    host.list().stream().filter(HostAddresses.Address::tagged).toList();
            if (ours.isEmpty()) {
                System.out.println("nothing to release: no address on this host is Bascule's");
                return Main.OK;
            }
            if (isListening(daemon))
                throw new IOException(
                        "a daemon runs at %s and would put them back (expected: none; bascule handover has the other node take over)"
                                .formatted(daemon));
            if (Capabilities.missing().contains("CAP_NET_ADMIN"))
                throw new IOException(
                        "cannot release %s: CAP_NET_ADMIN is missing (expected: to be root)"
                                .formatted(text(ours.getFirst())));
            List<HostAddresses.Interface> interfaces = host.interfaces();
            for (HostAddresses.Address each : ours) {
                host.remove(each.address(), each.interfaceIndex());
                System.out.println(text(each) + on(each, interfaces) + ": released");
            }
            return Main.OK;
        }
    }

    private static String text(HostAddresses.Address address) {
        return NetUtil.toAddressString(address.address());
    }

    private static String on(
            HostAddresses.Address address, List<HostAddresses.Interface> interfaces) {
        for (HostAddresses.Interface each : interfaces)
            if (each.index() == address.interfaceIndex()) return " on " + each.name();
        return "";
    }

    /// Also one that hangs: the kernel takes connections for it.
    private static boolean isListening(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException nobody) {
            return false;
        }
    }
}
