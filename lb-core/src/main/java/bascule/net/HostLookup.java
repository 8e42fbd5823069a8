package bascule.net;

import bascule.net.NameLookup.Found.Addresses;
import bascule.net.NameLookup.Found.Nothing;
import bascule.net.NameLookup.Found.Trouble;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.util.NetUtil;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Looks names up as the host's C library would: the hosts file, then DNS with the suffixes of resolv.conf. Unlike it, a full name
/// that could not be asked about ends the look-up, since the next one may be somebody else's.
final class HostLookup implements NameLookup {
    /// What did not come from DNS has no TTL.
    static final long LOCAL_TTL_SECONDS = 30;

    /// No query about a full name begins later than this after the first one, or than it takes to ask each server once, if that is
    /// longer.
    private static final long LAST_QUERY_NANOS = TimeUnit.SECONDS.toNanos(4);

    private static final Nothing NONE = new Nothing("no-address");

    private final EventLoop loop;
    private final Supplier<Map<String, List<InetAddress>>> hosts;
    private final Supplier<ResolvConf> conf;
    private final Supplier<Boolean> hasIpv6;
    private final StubResolver resolver;

    /// @param hasIpv6 has this host an IPv6 address that others can see?
    HostLookup(
            EventLoop loop,
            Supplier<Map<String, List<InetAddress>>> hosts,
            Supplier<ResolvConf> conf,
            Supplier<Boolean> hasIpv6) {
        this.loop = loop;
        this.hosts = hosts;
        this.conf = conf;
        this.hasIpv6 = hasIpv6;
        resolver = new StubResolver(loop);
    }

    static HostLookup ofThisHost(EventLoop loop) {
        return new HostLookup(
                loop,
                new WatchedFile<>(Path.of("/etc/hosts"), HostsFile::parse),
                new WatchedFile<>(Path.of("/etc/resolv.conf"), ResolvConf::parse),
                () -> hasIpv6(WatchedFile.lines(Path.of("/proc/net/if_inet6"))));
    }

    /// @param lines of `/proc/net/if_inet6`: address, interface, length of the prefix, scope, flags, name; 00 is the scope of global
    ///     addresses, fc00::/7 among them
    static boolean hasIpv6(List<String> lines) {
        return lines.stream()
                .map(line -> line.strip().split("\\s+", -1))
                .anyMatch(words -> words.length > 3 && words[3].equals("00"));
    }

    @Override
    public void find(String host, boolean hadIpv6, Consumer<Answer> heard) {
        boolean ipv6 = hadIpv6 || hasIpv6.get();
        List<InetAddress> local = local(host);
        if (local != null) {
            var answer = new Answer(family(local, true), ipv6 ? family(local, false) : NONE);
            loop.execute(() -> heard.accept(answer)); // Not before this returns.
            return;
        }
        var search = new Search(conf.get(), host, ipv6, heard);
        loop.execute(search::next); // What cannot be sent fails at once.
    }

    private @Nullable List<InetAddress> local(String host) {
        InetAddress literal = NetUtil.createInetAddressFromIpAddressString(host);
        if (literal != null) return List.of(literal);
        List<InetAddress> entry = hosts.get().get(host);
        if (entry != null) return entry;
        // RFC 6761 §6.3: such names are never asked for.
        boolean isLoopback = host.equals("localhost") || host.endsWith(".localhost");
        return isLoopback ? List.of(NetUtil.LOCALHOST4) : null;
    }

    private static Found family(List<InetAddress> addresses, boolean ipv4) {
        List<InetAddress> those =
                addresses.stream().filter(each -> each instanceof Inet4Address == ipv4).toList();
        return those.isEmpty() ? NONE : new Addresses(those, LOCAL_TTL_SECONDS);
    }

    @Override
    public void close() {
        resolver.close();
    }

    /// The way through the full names of one look-up.
    private final class Search {
        private final ResolvConf conf;
        private final Iterator<String> candidates;
        private final boolean ipv6;
        private final Consumer<Answer> heard;
        private @Nullable Found a;
        private @Nullable Found aaaa;
        private boolean ended;

        Search(ResolvConf conf, String host, boolean ipv6, Consumer<Answer> heard) {
            this.conf = conf;
            candidates = conf.candidates(host).iterator();
            this.ipv6 = ipv6;
            this.heard = heard;
        }

        /// Whatever goes wrong, somebody waits.
        void next() {
            try {
                askNext();
            } catch (RuntimeException | Error _) {
                end(new Answer(new Trouble("broken"), new Trouble("broken")));
            }
        }

        private void askNext() {
            String name = candidates.next();
            a = null;
            aaaa = ipv6 ? null : NONE;
            long eachNanos = TimeUnit.MILLISECONDS.toNanos(StubResolver.QUERY_MILLIS);
            long lastNanos = Math.max(LAST_QUERY_NANOS, conf.servers().size() * eachNanos);
            long endNanos = loop.ticker().nanoTime() + lastNanos;
            resolver.ask(
                    conf.servers(),
                    name,
                    DnsRecordType.A,
                    endNanos,
                    found -> {
                        a = found;
                        decide();
                    });
            if (!ipv6) return;
            resolver.ask(
                    conf.servers(),
                    name,
                    DnsRecordType.AAAA,
                    endNanos,
                    found -> {
                        aaaa = found;
                        decide();
                    });
        }

        private void decide() {
            if (ended || a == null || aaaa == null) return;
            boolean isNowhere = a instanceof Nothing && aaaa instanceof Nothing;
            if (isNowhere && candidates.hasNext()) next();
            else end(new Answer(a, aaaa));
        }

        private void end(Answer answer) {
            if (ended) return;
            ended = true;
            heard.accept(answer);
        }
    }
}
