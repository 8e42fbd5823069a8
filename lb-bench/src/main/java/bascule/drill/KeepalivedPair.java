package bascule.drill;

import bascule.harness.Native;
import bascule.harness.Shell;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// keepalived at its fastest (VRRPv3, an advertisement every 0.1 s) with HAProxy, and the check that both need between
/// them. The owner comes back to its address when it can (`preempt`, the default).
final class KeepalivedPair extends Pair {
    private static final int FIRST_ROUTER_ID = 51;

    private static final AtomicInteger STARTS = new AtomicInteger();

    KeepalivedPair(Bed bed, Setup setup) {
        super(bed, setup);
    }

    @Override
    String name() {
        return "keepalived";
    }

    @Override
    void start(String edge) throws IOException {
        // Its own, each time: one that is left behind by kill -9 may name a process of others.
        Path folder = folder(edge);
        int start = STARTS.incrementAndGet();
        Path proxy = Files.writeString(folder.resolve("haproxy.cfg"), proxy());
        Path keeper = Files.writeString(folder.resolve("keepalived.conf"), keeper(edge));
        launch(
                edge,
                "keepalived",
                List.of(
                        "keepalived",
                        "--dont-fork",
                        "--log-console",
                        "--vrrp",
                        "--use-file",
                        keeper.toString(),
                        "--pid",
                        folder.resolve("keepalived-" + start + ".pid").toString(),
                        "--vrrp_pid",
                        folder.resolve("vrrp-" + start + ".pid").toString()));
        launch(edge, "haproxy", List.of("haproxy", "-db", "-f", proxy.toString()));
    }

    private String proxy() {
        String check = setup.quickChecks() ? "inter 100ms fall 2 rise 2" : "inter 2s";
        return """
        global
            maxconn 5000
        defaults
            mode http
            timeout connect 2s
            timeout client 30s
            timeout server 30s
            timeout check 50ms
        frontend web
            bind :::80 v4v6
            default_backend web
        backend web
            option httpchk GET /
            server s1 %s:80 check %s
            server s2 %s:80 check %s
        """
                .formatted(
                        Bed.address("srv", Bed.number("servers")),
                        check,
                        Bed.address("srv", Bed.number("servers") + 1),
                        check);
    }

    private String keeper(String edge) {
        var text =
                new StringBuilder(
                        """
                        global_defs {
                            router_id %s
                            vrrp_version 3
                            max_auto_priority 50
                            script_user root
                            enable_script_security
                        }
                        vrrp_script serves {
                            script "/usr/bin/curl -fsS -m 1 -o /dev/null http://127.0.0.1/"
                            interval 1
                            timeout 2
                            fall 2
                            rise 2
                        }
                        """
                                .formatted(edge));
        int edges = setup.members().size();
        int id = FIRST_ROUTER_ID;
        for (boolean six : new boolean[] {false, true}) {
            List<String> family =
                    setup.addresses().stream().filter(each -> each.contains(":") == six).toList();
            int instances = Math.min(2, family.size()); // One for each edge to prefer.
            for (int i = 0; i < instances; i++) {
                List<String> own = new ArrayList<>();
                if (six) own.add("fe80::" + id); // VRRP for IPv6 wants a link-local one first.
                for (int a = i; a < family.size(); a += instances) own.add(family.get(a));
                int rank = (setup.members().indexOf(edge) + i) % edges;
                text.append(instance(id++, 100 - 10 * rank, own));
            }
        }
        return text.toString();
    }

    private String instance(int id, int priority, List<String> addresses) {
        var list = new StringBuilder();
        addresses.forEach(each -> list.append("        " + each + " dev lan0\n"));
        return """
        vrrp_instance i%d {
            state BACKUP
            interface %s0
            virtual_router_id %d
            priority %d
            advert_int 0.1
            virtual_ipaddress {
        %s    }
            track_script {
                serves
            }
        }
        """
                .formatted(id, setup.link(), id, priority, list);
    }

    @Override
    String unready(String edge) throws IOException {
        boolean serves = said(edge, "keepalived").contains("VRRP_Script(serves) succeeded");
        return serves ? "" : edge + ": the check has not succeeded";
    }

    @Override
    boolean isHeldDown(String edge) {
        return false;
    }

    @Override
    boolean hasStarted(String edge) {
        return runs(edge);
    }

    @Override
    void stop(String edge) throws InterruptedException {
        // keepalived first, or the check would see HAProxy's end: it lets go at once.
        List<ProcessHandle> all = family(edge);
        for (ProcessHandle each : all) {
            if (each.info().command().orElse("").endsWith("keepalived")
                    && each.parent().filter(all::contains).isEmpty())
                Native.kill(each.pid(), Native.SIGTERM);
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (System.nanoTime() - deadline < 0
                && all.stream()
                        .anyMatch(
                                each ->
                                        each.isAlive()
                                                && each.info()
                                                        .command()
                                                        .orElse("")
                                                        .endsWith("keepalived"))) Shell.sleep(5);
        kill(edge); // What is left is a proxy without an address.
    }

    /// Each address goes back to the edge that is to prefer it.
    @Override
    boolean isAtHome(InetAddress address, String holder) throws IOException {
        boolean six = address.getAddress().length > 4;
        List<InetAddress> family =
                addresses().stream().filter(each -> each.getAddress().length > 4 == six).toList();
        return setup.members().get(family.indexOf(address) % 2).equals(holder);
    }

    /// It has no other word for it.
    @Override
    boolean believesToOwn(String edge, InetAddress address) {
        return true;
    }
}
