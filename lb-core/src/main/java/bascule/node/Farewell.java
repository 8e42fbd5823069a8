package bascule.node;

import bascule.listen.Listeners;
import bascule.observe.Events;
import io.netty.channel.EventLoop;
import java.net.InetAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// One planned hand-over of a floating IP, as its clients see it. First those leave who are there, while who comes is served and sent away, too. Then
/// who comes is kept waiting without an answer, until the requests of those have ended that came meanwhile, and the last handshakes; the cluster keeps
/// what they sent for the new owner: a connection that is half made when neighbours learn of the new owner is one that the new owner resets. Only
/// then the address goes. Changed on one loop; [#end] from any thread.
final class Farewell {
    /// So long nothing must be in flight before the address goes: for handshakes of clients nearby, and for the last bytes of a response.
    static final long SETTLE_MILLIS = 30;

    /// Newcomers wait so long for that at most: a second, after which clients ask again, and what patient ones give a connection.
    static final long MOST_MILLIS = 1000;

    /// And so long for those at most who are in and have sent nothing yet, and for those who were there and have not left in time.
    static final long ASKING_MILLIS = 300;

    /// The second part begins so early that its end, and the way to the ownership loop, fit into what the hand-over may take.
    static final long SPARE_MILLIS = 200;

    /// Whatever becomes of the hand-over, after that doors answer again. The new owner has a second to take the address.
    static final long SILENT_MILLIS = 5000;

    private static final long LOOK_MILLIS = 5;

    /// The cluster, as far as this is its business.
    interface Keeper {
        /// [bascule.cluster.Cluster#holdNewcomers]
        CompletableFuture<Void> holdNewcomers(String floatingIp);

        /// [bascule.cluster.Cluster#drained]
        void drained(String floatingIp);
    }

    private final String floatingIp;
    private final InetAddress address;
    private final Listeners listeners;
    private final Keeper cluster;
    private final EventLoop loop;
    private final Executor teller;
    private boolean holding;
    private boolean over;
    private long sinceNanos;
    private long quietNanos;

    /// @param loop on which it is driven
    /// @param teller of what operators should know
    Farewell(
            String floatingIp,
            InetAddress address,
            Listeners listeners,
            Keeper cluster,
            EventLoop loop,
            Executor teller) {
        this.floatingIp = floatingIp;
        this.address = address;
        this.listeners = listeners;
        this.cluster = cluster;
        this.loop = loop;
        this.teller = teller;
    }

    /// @param boundMillis by then the cluster waits no longer
    void begin(long boundMillis) {
        listeners.drain(address, this::leftLater);
        loop.schedule(this::left, boundMillis - MOST_MILLIS - SPARE_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void leftLater() {
        try {
            loop.execute(this::left);
        } catch (RejectedExecutionException ends) { // The daemon does, and nobody waits any more.
            cluster.drained(floatingIp);
        }
    }

    /// Clients have left, or are waited for no longer.
    private synchronized void left() {
        if (holding || over) return;
        holding = true;
        if (!listeners.canKeepSilent()) {
            Events.debug("newcomers-not-held", "cause", "transport is nio");
            cluster.drained(floatingIp);
            return;
        }
        var _ =
                cluster.holdNewcomers(floatingIp)
                        .whenCompleteAsync((_, failure) -> held(failure), loop);
    }

    private synchronized void held(@Nullable Throwable failure) {
        if (over) return;
        if (failure != null) {
            goOnWithout(failure);
            return;
        }
        loop.schedule(this::answerAgain, SILENT_MILLIS, TimeUnit.MILLISECONDS);
        var _ =
                listeners
                        .keepSilent(address, false)
                        .whenCompleteAsync((_, refused) -> silent(refused), loop);
    }

    private synchronized void answerAgain() {
        if (!over) { // Else the silence may be that of another hand-over.
            var _ = listeners.answer(address);
        }
    }

    private synchronized void silent(@Nullable Throwable failure) {
        if (over) return;
        if (failure != null) {
            var _ = listeners.answer(address);
            goOnWithout(failure);
            return;
        }
        sinceNanos = System.nanoTime();
        quietNanos = sinceNanos;
        look();
    }

    private void goOnWithout(Throwable failure) {
        teller.execute(
                () ->
                        Events.worsened(
                                "newcomers-not-held",
                                "name",
                                floatingIp,
                                "cause",
                                String.valueOf(failure.getMessage())));
        cluster.drained(floatingIp);
    }

    private void look() {
        boolean patient = !passed(sinceNanos, ASKING_MILLIS);
        var _ =
                listeners
                        .inFlight(address, patient)
                        .whenCompleteAsync((count, _) -> looked(count), loop);
    }

    private static boolean passed(long sinceNanos, long millis) {
        return System.nanoTime() - sinceNanos >= TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /// @param inFlight null if it could not be counted
    private synchronized void looked(@Nullable Integer inFlight) {
        if (over) return;
        if (inFlight == null || inFlight > 0) quietNanos = System.nanoTime();
        if (!passed(quietNanos, SETTLE_MILLIS) && !passed(sinceNanos, MOST_MILLIS)) {
            loop.schedule(this::look, LOOK_MILLIS, TimeUnit.MILLISECONDS);
            return;
        }
        // From now on clients who are led to the new owner may send their segments here still: a
        // RST of this host would end what they have there.
        var _ =
                listeners
                        .keepSilent(address, true)
                        .whenCompleteAsync((_, _) -> cluster.drained(floatingIp), loop);
    }

    /// It is over, or called off: clients by this address are let in as by any other.
    synchronized void end() {
        over = true;
        var _ = listeners.answer(address);
        listeners.undrain(address);
    }
}
