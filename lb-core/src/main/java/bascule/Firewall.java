package bascule;

import bascule.config.ClusterConfig;
import bascule.config.Configuration;
import bascule.config.Discovery;
import bascule.config.FloatingIpConfig;
import bascule.config.ListenerConfig;
import bascule.config.NodeConfig;
import io.netty.util.NetUtil;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// The nftables rules that one node needs, as text for `nft -f -`: a table of our own, put in place whole, which closes the cluster's port to
/// all but the other nodes and leaves all else as it is.
final class Firewall {
    private final Configuration configuration;
    private final StringBuilder text = new StringBuilder();

    private Firewall(Configuration configuration) {
        this.configuration = configuration;
    }

    /// @param configuration one node's part, or one without a cluster
    static String rules(Configuration configuration) {
        var firewall = new Firewall(configuration);
        firewall.write();
        return firewall.text.toString();
    }

    private void write() {
        NodeConfig self = configuration.node();
        line(
                "# nftables rules for "
                        + (self == null ? "this host" : self.name() + ", " + text(self.address())));
        line("#   bascule firewall | nft -c -f -    tries them");
        line(
                "#   bascule firewall | nft -f -       puts them in force, in place of those of before");
        line(
                "# A table of its own that closes the port of the cluster to strangers and leaves all else as it is. Where other rules");
        line(
                "# drop what they do not know, these accepts have to stand there, too: one table does not overrule another.");
        line(
                "# ARP, neighbour discovery and ICMP must stay open, as they are here; VRRP is not used.");
        line("table inet bascule");
        line("delete table inet bascule");
        line("table inet bascule {");
        line("  chain input {");
        line("    type filter hook input priority filter; policy accept;");
        line("    iif lo accept");
        ClusterConfig cluster = configuration.cluster();
        if (cluster != null && self != null) cluster(cluster, self);
        listeners();
        line("  }");
        line("}");
    }

    private void cluster(ClusterConfig cluster, NodeConfig self) {
        List<InetAddress> others =
                cluster.nodes().stream()
                        .filter(node -> !node.equals(self))
                        .map(NodeConfig::address)
                        .toList();
        String port = " dport " + cluster.port();
        if (!others.isEmpty()) {
            String from = from(others);
            comment("The other nodes: membership (TCP) and owner port (UDP).");
            rule(from + "tcp" + port + " accept");
            rule(from + "udp" + port + " accept");
            if (cluster.discovery() == Discovery.MULTICAST) {
                comment("They look for each other by multicast.");
                rule(from + "udp dport " + (cluster.port() + 1) + " accept");
            }
        }
        Set<String> lans = lans();
        if (!lans.isEmpty()) {
            comment(
                    "The owner port's second way, over the LAN of the floating IPs. Each datagram is sealed with the cluster's key.");
            for (String lan : lans) rule(lan + "udp" + port + " accept");
        }
        comment("Nobody else.");
        rule("tcp" + port + " drop");
        rule("udp" + port + " drop");
        if (cluster.discovery() == Discovery.MULTICAST)
            rule("udp dport " + (cluster.port() + 1) + " drop");
    }

    /// Where a node asks who owns an address: from its own address on that LAN, which no file says.
    private Set<String> lans() {
        var lans = new LinkedHashSet<String>();
        for (FloatingIpConfig ip : configuration.floatingIps())
            if (ip.command() == null)
                lans.add(
                        family(ip.address())
                                + " saddr "
                                + network(ip.address(), ip.prefix())
                                + " ");
        return lans;
    }

    private void listeners() {
        for (ListenerConfig listener : configuration.listeners()) {
            comment("Listener " + listener.name() + ".");
            for (InetSocketAddress bind : listener.binds()) open(bind);
        }
        List<InetSocketAddress> admin =
                configuration.admin().http().stream()
                        .filter(each -> !each.getAddress().isLoopbackAddress())
                        .toList();
        if (admin.isEmpty()) return;
        comment("Status and metrics, to be read only; who may is what admin.allow says.");
        for (InetSocketAddress bind : admin) open(bind);
    }

    private void open(InetSocketAddress bind) {
        InetAddress address = bind.getAddress();
        if (bind.getPort() == 0) {
            comment("It takes any free port: there is no rule for that.");
            return;
        }
        String to;
        if (!address.isAnyLocalAddress()) to = family(address) + " daddr " + text(address) + " ";
        else to = address instanceof Inet4Address ? "meta nfproto ipv4 " : ""; // [::] is both.
        rule(to + "tcp dport " + bind.getPort() + " accept");
    }

    /// All nodes are of one family.
    private static String from(List<InetAddress> others) {
        List<String> texts = others.stream().map(Firewall::text).toList();
        return family(others.getFirst()) + " saddr { " + String.join(", ", texts) + " } ";
    }

    private static String family(InetAddress address) {
        return address instanceof Inet4Address ? "ip" : "ip6";
    }

    private static String text(InetAddress address) {
        return NetUtil.toAddressString(address);
    }

    private static String network(InetAddress address, int prefix) {
        byte[] bytes = address.getAddress();
        for (int bit = prefix; bit < bytes.length * 8; bit++)
            bytes[bit / 8] &= (byte) ~(0x80 >> bit % 8);
        try {
            return text(InetAddress.getByAddress(bytes)) + "/" + prefix;
        } catch (UnknownHostException e) {
            throw new AssertionError("4 and 16 bytes are always an address", e);
        }
    }

    private void comment(String what) {
        line("    # " + what);
    }

    private void rule(String rule) {
        line("    " + rule);
    }

    private void line(String line) {
        text.append(line).append('\n');
    }
}
