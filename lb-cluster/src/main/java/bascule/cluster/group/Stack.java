package bascule.cluster.group;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jgroups.protocols.FD_ALL3;
import org.jgroups.protocols.MERGE3;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.TCPPING;
import org.jgroups.protocols.UNICAST3;
import org.jgroups.protocols.VERIFY_SUSPECT2;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.protocols.pbcast.NAKACK2;
import org.jgroups.protocols.pbcast.STABLE;
import org.jgroups.stack.Protocol;
import org.jgroups.util.DefaultThreadFactory;

/// The protocols of JGroups that make a membership, bottom to top. No flow control: what is sent is small, and after a change of view it
/// can starve (JGroups#1048). No FD_SOCK2: TCP itself tells when a connection closes, and stays inside TLS. No fragmentation: no message
/// is larger than a datagram of JGroups may be.
final class Stack {
    /// Of one of JGroups' messages: ours, and what JGroups puts around them.
    static final int BYTES_MOST = Membership.MESSAGE_BYTES_MOST + (16 << 10);

    private static final int THREADS_MOST = 50;
    private static final int CONNECT_MILLIS = 200;

    /// JGroups writes warnings about what is everyday here, a node that is down: we tell what matters by events. Who wants to see them
    /// gives this logger a level.
    private static final Logger JGROUPS = Logger.getLogger("org.jgroups");

    private Stack() {}

    static void quiet() {
        if (JGROUPS.getLevel() == null) JGROUPS.setLevel(Level.OFF);
    }

    static List<Protocol> protocols(Membership.Settings settings, Door door) throws Exception {
        List<Protocol> all = new ArrayList<>();
        all.add(transport(settings, door));
        if (settings.multicast()) all.add(SealedPing.of(settings));
        TCPPING ping = new TCPPING();
        ping.setInitialHosts(settings.nodes());
        ping.setPortRange(0);
        ping.returnEntireCache(true);
        ping.setValue("max_dynamic_hosts", 0);
        all.add(ping);
        // Views are compared every 1.6 times the longest interval: two that began apart become one.
        all.add(new MERGE3().setMinInterval(50).setMaxInterval(150));
        FD_ALL3 detection = new FD_ALL3();
        detection.setTimeout(settings.calm() ? 300 : 150);
        detection.setInterval(settings.calm() ? 100 : 50);
        all.add(detection);
        VERIFY_SUSPECT2 verify = new VERIFY_SUSPECT2().setTimeout(settings.calm() ? 50 : 25);
        verify.setValue("num_msgs", 3);
        all.add(verify);
        NAKACK2 multicast = new NAKACK2();
        multicast.useMcastXmit(false);
        all.add(multicast);
        UNICAST3 unicast = new UNICAST3();
        unicast.setXmitInterval(100);
        all.add(unicast);
        all.add(new STABLE());
        GMS membership = new GMS();
        // A node that finds only others that are joining, too, asks again soon, instead of
        // beginning a view of its own.
        membership.setJoinTimeout(200);
        membership.setMaxJoinAttempts(5);
        membership.setValue("all_clients_retry_timeout", 50);
        membership.setLeaveTimeout(500);
        membership.setViewAckCollectionTimeout(500);
        membership.setMergeTimeout(500);
        membership.setValue("print_local_addr", false);
        all.add(membership);
        return all;
    }

    private static TCP transport(Membership.Settings settings, Door door) {
        TCP tcp = new TCP();
        tcp.setBindAddr(settings.nodes().get(settings.self()).getAddress());
        tcp.setBindPort(settings.nodes().get(settings.self()).getPort());
        tcp.setPortRange(0);
        // What the other's door knows.
        tcp.setClientBindAddr(settings.nodes().get(settings.self()).getAddress());
        tcp.setSocketFactory(new Sockets(door));
        tcp.setSockConnTimeout(CONNECT_MILLIS);
        tcp.setPeerAddrReadTimeout(TlsSocket.GREETING_MILLIS);
        tcp.setMaxLength(BYTES_MOST);
        tcp.tcpNodelay(true);
        tcp.logDetails(false);
        tcp.enableSuspectEvents(true);
        tcp.setBundlerType("no-bundler");
        tcp.useVirtualThreads(false);
        tcp.setThreadFactory(new DefaultThreadFactory("membership", true, true));
        tcp.threadNamingPattern("");
        tcp.getThreadPool().setMaxThreads(THREADS_MOST);
        return tcp;
    }
}
