package bascule.net;

import bascule.net.NameLookup.Found;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.AddressedEnvelope;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUringDatagramChannel;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DefaultDnsRecordDecoder;
import io.netty.handler.codec.dns.DnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponse;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.handler.codec.dns.DnsSection;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsNameResolverChannelStrategy;
import io.netty.resolver.dns.DnsNameResolverTimeoutException;
import io.netty.resolver.dns.NoopAuthoritativeDnsServerCache;
import io.netty.resolver.dns.NoopDnsCache;
import io.netty.resolver.dns.NoopDnsCnameCache;
import io.netty.resolver.dns.SingletonDnsServerAddressStreamProvider;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/// Asks recursive name servers, one after the other, for the addresses of a full name (RFC 1034 §5.3.1). Netty sends each query
/// from a port of its own, hears only the server that was asked, with the ID and the question that it was asked, and turns to TCP
/// for what was cut. Its own way through servers and aliases is not used: it tells neither a TTL nor an alias' one, takes half an answer
/// for a whole one, and asks servers that an answer names. Confined to its loop.
final class StubResolver implements AutoCloseable {
    static final long QUERY_MILLIS = 2000;

    /// How often each server is asked for one name.
    private static final int ROUNDS = 2;

    private static final int MOST_ALIASES = 16;

    /// More than anybody may send who was not told of a larger buffer (RFC 1035 §4.2.1: 512), for those who do.
    private static final int RECEIVE_BYTES = 4096;

    /// Kept, or its level is forgotten. Netty warns of every message that it does not understand, with a stack, whoever sent it;
    /// what becomes of a name is told as a [NameEvent].
    private static final Logger NETTY = Logger.getLogger("io.netty.resolver.dns");

    static {
        NETTY.setLevel(Level.SEVERE);
    }

    private final EventLoop loop;
    private final DnsNameResolver resolver;
    private boolean closed;

    /// The next to be asked first, so that servers that are down cost time only once.
    private @Nullable InetSocketAddress answeredLast;

    StubResolver(EventLoop loop) {
        this.loop = loop;
        resolver =
                new DnsNameResolverBuilder(loop)
                        .datagramChannelFactory(() -> small(datagramChannel(loop)))
                        .socketChannelFactory(() -> small(socketChannel(loop)))
                        .datagramChannelStrategy(
                                DnsNameResolverChannelStrategy.ChannelPerResolution)
                        .queryTimeoutMillis(QUERY_MILLIS)
                        .optResourceEnabled(false) // As the C library; old servers refuse EDNS.
                        .maxPayloadSize(RECEIVE_BYTES)
                        .nameServerProvider(NOBODY)
                        .resolveCache(NoopDnsCache.INSTANCE)
                        .cnameCache(NoopDnsCnameCache.INSTANCE)
                        .authoritativeDnsServerCache(NoopAuthoritativeDnsServerCache.INSTANCE)
                        .build();
    }

    /// Where Netty is not told whom to ask, it looks for it, and asks strangers in the end.
    private static final SingletonDnsServerAddressStreamProvider NOBODY =
            new SingletonDnsServerAddressStreamProvider(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 53));

    private static DatagramChannel datagramChannel(EventLoop loop) {
        if (drives(loop, EpollIoHandle.class)) return new EpollDatagramChannel();
        if (drives(loop, IoUringIoHandle.class)) return new IoUringDatagramChannel();
        return new NioDatagramChannel();
    }

    private static SocketChannel socketChannel(EventLoop loop) {
        if (drives(loop, EpollIoHandle.class)) return new EpollSocketChannel();
        if (drives(loop, IoUringIoHandle.class)) return new IoUringSocketChannel();
        return new NioSocketChannel();
    }

    private static boolean drives(EventLoop loop, Class<? extends io.netty.channel.IoHandle> kind) {
        return loop instanceof IoEventLoop io && io.isCompatible(kind);
    }

    /// A few small messages are not worth a pool.
    private static <C extends Channel> C small(C channel) {
        channel.config().setAllocator(UnpooledByteBufAllocator.DEFAULT);
        return channel;
    }

    /// @param servers  at least one, in the order in which to ask them; but that which answered last comes first, and the order goes
    ///                 round from there
    /// @param name     a full name, without a dot at its end
    /// @param type     A or AAAA
    /// @param endNanos no query begins later, by the loop's ticker
    /// @param heard    called once, on the loop
    void ask(
            List<InetSocketAddress> servers,
            String name,
            DnsRecordType type,
            long endNanos,
            Consumer<Found> heard) {
        new Asking(servers, name + '.', type, endNanos, heard).next();
    }

    @Override
    public void close() {
        closed = true;
        resolver.close();
    }

    /// What one response says: an answer, or another name or server to ask.
    private sealed interface Reading {
        record Final(Found found) implements Reading {}

        record Alias(String target, int aliases, long ttlSeconds) implements Reading {}

        record Useless(String cause) implements Reading {}
    }

    private final class Asking {
        private final List<InetSocketAddress> servers;
        private final DnsRecordType type;
        private final long endNanos;
        private final Consumer<Found> heard;
        private String name;
        private int aliases;
        private long ttlSeconds = Integer.MAX_VALUE;
        private int first;
        private int asked;
        private String cause = "timeout";

        Asking(
                List<InetSocketAddress> servers,
                String name,
                DnsRecordType type,
                long endNanos,
                Consumer<Found> heard) {
            this.servers = servers;
            this.name = name;
            this.type = type;
            this.endNanos = endNanos;
            this.heard = heard;
            first = first();
        }

        private int first() {
            InetSocketAddress last = answeredLast;
            return last == null ? 0 : Math.max(0, servers.indexOf(last));
        }

        private InetSocketAddress server(int turn) {
            return servers.get((first + turn) % servers.size());
        }

        void next() {
            boolean late = loop.ticker().nanoTime() - endNanos >= 0;
            if (closed || late || asked == servers.size() * ROUNDS) {
                heard.accept(new Found.Trouble(cause));
                return;
            }
            DefaultDnsQuestion question;
            try {
                question = new DefaultDnsQuestion(name, type);
            } catch (IllegalArgumentException _) {
                heard.accept(new Found.Trouble("bad-name"));
                return;
            }
            InetSocketAddress server = server(asked++);
            try {
                resolver.query(server, question).addListener(this::answered);
            } catch (RuntimeException | Error _) { // Nobody would hear of it.
                heard.accept(new Found.Trouble("broken"));
            }
        }

        private void answered(
                Future<? super AddressedEnvelope<DnsResponse, InetSocketAddress>> query) {
            Reading reading;
            if (query.isSuccess()) {
                @SuppressWarnings("unchecked")
                var response = (AddressedEnvelope<DnsResponse, InetSocketAddress>) query.getNow();
                try {
                    reading = read(response.content());
                } catch (RuntimeException
                        | Error _) { // Or the name would never be asked for again.
                    reading = new Reading.Useless("broken");
                } finally {
                    response.release();
                }
            } else {
                boolean silent = query.cause() instanceof DnsNameResolverTimeoutException;
                reading = new Reading.Useless(silent ? "timeout" : "not-sent");
            }
            if (!(reading instanceof Reading.Useless)) answeredLast = server(asked - 1);
            switch (reading) {
                case Reading.Final(Found found) -> heard.accept(found);
                case Reading.Alias(String target, int all, long ttl) -> {
                    name = target;
                    aliases = all;
                    ttlSeconds = ttl;
                    first = first();
                    asked = 0;
                    next();
                }
                case Reading.Useless(String why) -> {
                    cause = why;
                    next();
                }
            }
        }

        private Reading read(DnsResponse response) {
            DnsResponseCode code = response.code();
            if (code.equals(DnsResponseCode.NXDOMAIN))
                return new Reading.Final(new Found.Nothing("nxdomain"));
            if (!code.equals(DnsResponseCode.NOERROR)) return new Reading.Useless(word(code));
            if (response.isTruncated()) return new Reading.Useless("truncated"); // By TCP, too.

            Map<String, DnsRawRecord> targets = new HashMap<>();
            int answers = response.count(DnsSection.ANSWER);
            for (int i = 0; i < answers; i++) {
                DnsRecord record = response.recordAt(DnsSection.ANSWER, i);
                if (record instanceof DnsRawRecord raw && isOf(DnsRecordType.CNAME, raw))
                    targets.putIfAbsent(lower(raw.name()), raw);
            }
            String end = lower(name);
            int all = aliases;
            long ttl = ttlSeconds;
            for (DnsRawRecord alias; (alias = targets.get(end)) != null; ) {
                if (++all > MOST_ALIASES) return new Reading.Useless("too-many-aliases");
                ttl = Math.min(ttl, alias.timeToLive());
                end = lower(DefaultDnsRecordDecoder.decodeName(alias.content().duplicate()));
            }

            List<InetAddress> addresses = new ArrayList<>();
            for (int i = 0; i < answers; i++) {
                DnsRecord record = response.recordAt(DnsSection.ANSWER, i);
                if (!(record instanceof DnsRawRecord raw)
                        || !isOf(type, raw)
                        || !lower(raw.name()).equals(end)) continue;
                InetAddress address = address(raw.content());
                if (address == null) continue;
                addresses.add(address);
                ttl = Math.min(ttl, raw.timeToLive());
            }
            if (!addresses.isEmpty())
                return new Reading.Final(new Found.Addresses(List.copyOf(addresses), ttl));
            if (!end.equals(lower(name))) return new Reading.Alias(end, all, ttl);
            boolean knows = response.isAuthoritativeAnswer() || response.isRecursionAvailable();
            if (answers == 0 && !knows) return new Reading.Useless("referral");
            return new Reading.Final(new Found.Nothing("no-address"));
        }

        private boolean isOf(DnsRecordType wanted, DnsRecord record) {
            return record.type().equals(wanted) && record.dnsClass() == DnsRecord.CLASS_IN;
        }

        /// An address that a server can have, or null.
        private @Nullable InetAddress address(ByteBuf content) {
            if (content.readableBytes() != (type.equals(DnsRecordType.A) ? 4 : 16)) return null;
            var bytes = new byte[content.readableBytes()];
            content.getBytes(content.readerIndex(), bytes);
            try {
                InetAddress address = InetAddress.getByAddress(bytes);
                boolean isNobodys =
                        address.isAnyLocalAddress() // Would be this host.
                                || address.isMulticastAddress()
                                || bytes.length == 16
                                        && address.isLinkLocalAddress(); // Which link?
                return isNobodys ? null : address;
            } catch (UnknownHostException _) {
                return null;
            }
        }
    }

    private static String word(DnsResponseCode code) {
        String text = lower(code.toString()); // "ServFail(2)"
        int end = text.indexOf('(');
        return end < 0 ? text : text.substring(0, end);
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
