package bascule.server;

import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// One machine that does the work. A server is itself and no other: two with the same address are two, so there is no `equals`.
/// It lives as long as its backend has a server of this name at this address, over any number of reloads.
public final class Server {
    private final String backend;
    private final String name;
    private final InetSocketAddress address;
    private final @Nullable String host;
    private final int index;
    private volatile Share share;
    private volatile ServerStatus status = ServerStatus.INITIAL;
    private volatile Instant since = Instant.now();
    private volatile @Nullable String checkText;
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();

    /// What the configuration says of it, and may say otherwise after a reload.
    private record Share(int weight, boolean backup) {}

    /// One that the configuration knows by its address.
    ///
    /// @param backend the name of its backend
    /// @param index its place among all servers of the daemon: small, and unique while it lives, so that an event loop keeps what
    ///     it knows of servers in an array
    public Server(
            String backend,
            String name,
            InetSocketAddress address,
            int index,
            int weight,
            boolean backup) {
        this(backend, name, address, null, index, weight, backup);
    }

    /// @param host the DNS name that the configuration knows it by; null if it is known by its address
    public Server(
            String backend,
            String name,
            InetSocketAddress address,
            @Nullable String host,
            int index,
            int weight,
            boolean backup) {
        this.backend = backend;
        this.name = name;
        this.address = address;
        this.host = host;
        this.index = index;
        share = new Share(weight, backup);
    }

    public String backend() {
        return backend;
    }

    public String name() {
        return name;
    }

    public InetSocketAddress address() {
        return address;
    }

    /// The DNS name that the configuration knows it by, lower case; null if it is known by its address.
    public @Nullable String host() {
        return host;
    }

    public int index() {
        return index;
    }

    /// 1 to 256.
    public int weight() {
        return share.weight;
    }

    /// Is it in use only while no other server of its backend is usable?
    public boolean backup() {
        return share.backup;
    }

    /// A reload says otherwise. Shows with the next [ServerSet].
    public void reconfigure(int weight, boolean backup) {
        share = new Share(weight, backup);
    }

    public ServerStatus status() {
        return status;
    }

    /// The health thread's verdict. What event loops choose from changes with the next [ServerSet], not by this alone.
    public void publish(ServerStatus status) {
        if (!status.state().equals(this.status.state())) since = Instant.now();
        this.status = status;
    }

    /// When [ServerStatus#state] changed last; at first, when the server was made.
    public Instant since() {
        return since;
    }

    /// What the last check found, in a few words, as in `200 in 3 ms`; null while none has ended, or where none is configured.
    public @Nullable String checkText() {
        return checkText;
    }

    /// The health thread's.
    public void checked(@Nullable String text) {
        checkText = text;
    }

    /// Exchanges that have taken a place here and not given it back, over all loops. Counted only in backends that choose by it or
    /// bound it.
    public int taken() {
        return taken.get();
    }

    /// @param limit the most there may be; [Integer#MAX_VALUE] for no bound
    /// @return whether there was a place left
    public boolean take(int limit) {
        if (limit == Integer.MAX_VALUE) {
            taken.getAndIncrement();
            return true;
        }
        int now = taken.get();
        while (now < limit) {
            int seen = taken.compareAndExchange(now, now + 1);
            if (seen == now) return true;
            now = seen;
        }
        return false;
    }

    /// The end of what [#take] began.
    public void giveBack() {
        int left = taken.decrementAndGet();
        assert left >= 0 : this;
    }

    /// An exchange or a connect failed through this server's fault. Any loop; the health thread asks by [#takeFailures].
    public void noteFailure() {
        failures.getAndIncrement();
    }

    /// How many failures were noted since the last call.
    public int takeFailures() {
        return failures.get() == 0 ? 0 : failures.getAndSet(0);
    }

    /// As in commands: `BACKEND/SERVER`.
    @Override
    public String toString() {
        return backend + "/" + name;
    }
}
