package bascule.net;

import bascule.net.NameLookup.Answer;
import bascule.net.NameLookup.Found;
import io.netty.channel.EventLoop;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Names and the addresses that they have now: each is looked up again when its answer has expired, and every failure leaves
/// it the addresses that it had, for any length of time. A name server that is down, or that says there is no such name, takes no
/// server away; only another answer does.
///
/// Called from any thread; looks up on one loop, and blocks nobody.
public final class HostNames implements AutoCloseable {
    /// Most addresses that a name may have: the lowest in [#ORDER].
    public static final int MOST_ADDRESSES = 64;

    /// IPv4 before IPv6, then by number.
    static final Comparator<InetAddress> ORDER =
            Comparator.comparingInt((InetAddress address) -> address.getAddress().length)
                    .thenComparing(InetAddress::getAddress, Arrays::compareUnsigned);

    static final int EVENT_BURST = 5;
    static final long EVENT_PERIOD = TimeUnit.SECONDS.toNanos(10);

    /// Each takes two sockets.
    static final int MOST_LOOKUPS = 16;

    static final long LEAST_TTL_SECONDS = 1;
    static final long MOST_TTL_SECONDS = 300;
    private static final int MOST_BACKOFF_SECONDS = 30;

    /// Lateness beyond the TTL, as a share of it. Never early: a resolver that caches would only say how little is left.
    static final double JITTER = 0.1;

    /// The longest that [#watch] lets its caller wait.
    static final int WATCH_SECONDS = 10;

    private static final Answer BROKEN =
            new Answer(new Found.Trouble("broken"), new Found.Trouble("broken"));

    private final EventLoop loop;
    private final NameLookup lookup;
    private final Runnable changed;
    private final Consumer<NameEvent> events;
    private final DoubleSupplier random;

    private final Map<String, List<InetAddress>> answers = new ConcurrentHashMap<>();

    // All below: on the loop.
    private final Map<String, Name> names = new HashMap<>();
    private final Queue<Name> waiting = new ArrayDeque<>();
    private final List<Watch> watches = new ArrayList<>();
    private int underWay;
    private boolean changePending;
    private boolean changeScheduled;
    private boolean closed;

    /// Asks the host: its hosts file and the name servers of its resolv.conf, which are read anew whenever they have changed.
    ///
    /// @param changed run on the loop when a name has other addresses than before, once for all that came together; after
    ///                the first answers, too, for whoever gave up waiting for them
    /// @param events  told on the loop, for the log
    public HostNames(EventLoop loop, Runnable changed, Consumer<NameEvent> events) {
        this(
                loop,
                HostLookup.ofThisHost(loop),
                changed,
                events,
                ThreadLocalRandom.current()::nextDouble);
    }

    HostNames(
            EventLoop loop,
            NameLookup lookup,
            Runnable changed,
            Consumer<NameEvent> events,
            DoubleSupplier random) {
        this.loop = loop;
        this.lookup = lookup;
        this.changed = changed;
        this.events = events;
        this.random = random;
    }

    /// Watches these names and no others. Those that were watched before keep their answers.
    ///
    /// @param hosts in lower case, without a dot at the end
    /// @return done, on the loop, when each of them has an answer or has failed once; at the latest after ten seconds
    public CompletableFuture<Void> watch(Set<String> hosts) {
        Set<String> wanted = Set.copyOf(hosts);
        var answered = new CompletableFuture<Void>();
        execute(() -> begin(wanted, answered), () -> answered.complete(null));
        return answered;
    }

    /// The addresses that a name has now, IPv4 before IPv6, each once; empty if it never had any, or is not watched.
    public List<InetAddress> addresses(String host) {
        return answers.getOrDefault(host, List.of());
    }

    /// Ends all look-ups. Whoever waits for first answers waits no longer.
    @Override
    public void close() {
        execute(this::end, () -> {});
    }

    private void execute(Runnable work, Runnable ifEnded) {
        try {
            loop.execute(work);
        } catch (RejectedExecutionException _) {
            ifEnded.run();
        }
    }

    private void end() {
        closed = true;
        for (Name name : names.values()) name.drop();
        names.clear();
        waiting.clear();
        for (Watch watch : List.copyOf(watches)) watch.end();
        lookup.close();
    }

    private void begin(Set<String> hosts, CompletableFuture<Void> answered) {
        if (closed) {
            answered.complete(null);
            return;
        }
        names.values()
                .removeIf(
                        name -> {
                            if (hosts.contains(name.host)) return false;
                            name.drop();
                            return true;
                        });
        var watch = new Watch(answered);
        for (String host : hosts) {
            Name name = names.computeIfAbsent(host, Name::new);
            if (!name.heard) watch.missing.add(host);
            if (!name.begun) name.look();
        }
        watches.add(watch);
        for (Watch older : List.copyOf(watches)) older.retain(hosts);
    }

    private void noteChange() {
        changePending = true;
        if (changeScheduled) return;
        changeScheduled = true;
        loop.execute(this::tellChange);
    }

    private void tellChange() {
        changeScheduled = false;
        if (!changePending || closed || !watches.isEmpty())
            return; // The last watch will ask again.
        changePending = false;
        changed.run();
    }

    /// Somebody who waits for first answers.
    private final class Watch {
        final CompletableFuture<Void> answered;
        final Set<String> missing = new HashSet<>();
        final java.util.concurrent.Future<?> late;

        Watch(CompletableFuture<Void> answered) {
            this.answered = answered;
            late = loop.schedule(this::end, WATCH_SECONDS, TimeUnit.SECONDS);
        }

        void retain(Set<String> hosts) {
            missing.retainAll(hosts);
            if (missing.isEmpty()) end();
        }

        void heard(String host) {
            if (missing.remove(host) && missing.isEmpty()) end();
        }

        void end() {
            late.cancel(false);
            if (!watches.remove(this)) return;
            answered.complete(null);
            if (changePending) noteChange();
        }
    }

    private final class Name {
        final String host;
        private List<InetAddress> ipv4 = List.of();
        private List<InetAddress> ipv6 = List.of();
        private List<InetAddress> addresses = List.of();
        private int found;
        private @Nullable String cause;
        private int failures;
        boolean begun;
        boolean heard;
        private boolean dropped;
        private java.util.concurrent.@Nullable Future<?> next;

        private List<InetAddress> toldAddresses = List.of();
        private @Nullable String toldCause;
        private boolean toldTooMany;
        private long eventsUntil;
        private boolean tellScheduled;

        Name(String host) {
            this.host = host;
            eventsUntil = loop.ticker().nanoTime();
        }

        void look() {
            begun = true;
            if (dropped) return;
            if (underWay == MOST_LOOKUPS) {
                waiting.add(this);
                return;
            }
            underWay++;
            try {
                lookup.find(host, !ipv6.isEmpty(), this::heard);
            } catch (RuntimeException | Error _) { // It has told nobody: its place would be lost.
                loop.execute(() -> heard(BROKEN)); // As any answer, not before this returns.
            }
        }

        void drop() {
            dropped = true;
            if (next != null) next.cancel(false);
            answers.remove(host);
        }

        private void heard(Answer answer) {
            underWay--;
            Name waited;
            while ((waited = waiting.poll()) != null && waited.dropped) {}
            if (waited != null) waited.look();
            if (dropped) return;

            long seconds = take(answer);
            heard = true;
            List<InetAddress> now = union();
            if (!now.equals(addresses)) {
                addresses = now;
                answers.put(host, now);
                noteChange();
            }
            long nanos = TimeUnit.SECONDS.toNanos(seconds);
            nanos += (long) (nanos * JITTER * random.getAsDouble());
            next = loop.schedule(this::look, nanos, TimeUnit.NANOSECONDS);
            tell();
            for (Watch watch : List.copyOf(watches)) watch.heard(host);
        }

        /// Takes over what was heard. A family of which nothing was heard stays as it is; one that is empty now goes only if
        /// the name has addresses of the other, so that a zone that was lost or emptied by mistake takes no server away.
        ///
        /// @return when to look again, in seconds
        private long take(Answer answer) {
            long ttlSeconds = MOST_TTL_SECONDS;
            boolean any = false;
            if (answer.ipv4() instanceof Found.Addresses(var list, long ttl)) {
                ipv4 = list;
                ttlSeconds = Math.min(ttlSeconds, ttl);
                any = true;
            }
            if (answer.ipv6() instanceof Found.Addresses(var list, long ttl)) {
                ipv6 = list;
                ttlSeconds = Math.min(ttlSeconds, ttl);
                any = true;
            }
            if (any && answer.ipv4() instanceof Found.Nothing) ipv4 = List.of();
            if (any && answer.ipv6() instanceof Found.Nothing) ipv6 = List.of();

            cause = failure(answer, any);
            if (cause == null) {
                failures = 0;
                return Math.max(ttlSeconds, LEAST_TTL_SECONDS);
            }
            return Math.min(1L << Math.min(failures++, 5), MOST_BACKOFF_SECONDS);
        }

        /// Some name servers answer only for A: trouble with a family that the name never had is none.
        private @Nullable String failure(Answer answer, boolean any) {
            if (answer.ipv4() instanceof Found.Trouble(String why) && (!any || !ipv4.isEmpty()))
                return why;
            if (answer.ipv6() instanceof Found.Trouble(String why) && (!any || !ipv6.isEmpty()))
                return why;
            if (any) return null;
            return answer.ipv4() instanceof Found.Nothing(String why) ? why : "no-address";
        }

        private List<InetAddress> union() {
            var all = new TreeSet<>(ORDER);
            all.addAll(ipv4);
            all.addAll(ipv6);
            found = all.size();
            return all.stream().limit(MOST_ADDRESSES).toList();
        }

        /// Tells what is not as it was told, or sees to it that it will be.
        private void tell() {
            List<NameEvent> news = news();
            if (news.isEmpty() || tellScheduled) return;
            long now = loop.ticker().nanoTime();
            long early = eventsUntil - now - (EVENT_BURST - 1) * EVENT_PERIOD;
            if (early > 0) {
                tellScheduled = true;
                loop.schedule(this::tellLater, early, TimeUnit.NANOSECONDS);
                return;
            }
            eventsUntil = (eventsUntil - now > 0 ? eventsUntil : now) + EVENT_PERIOD;
            toldAddresses = addresses;
            toldCause = cause;
            toldTooMany = found > MOST_ADDRESSES;
            news.forEach(events);
        }

        private void tellLater() {
            tellScheduled = false;
            if (!dropped) tell();
        }

        private List<NameEvent> news() {
            boolean other = !addresses.equals(toldAddresses);
            Stream<@Nullable NameEvent> news =
                    Stream.of(
                            other ? new NameEvent.Changed(host, addresses) : null,
                            cause != null && !cause.equals(toldCause)
                                    ? new NameEvent.NotResolved(host, cause, addresses.size())
                                    : null,
                            cause == null && toldCause != null
                                    ? new NameEvent.Resolved(host)
                                    : null,
                            found > MOST_ADDRESSES && !toldTooMany
                                    ? new NameEvent.TooMany(host, found)
                                    : null);
            return news.<NameEvent>mapMulti(
                            (event, to) -> {
                                if (event != null) to.accept(event);
                            })
                    .toList();
        }
    }
}
