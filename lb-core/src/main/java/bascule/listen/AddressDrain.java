package bascule.listen;

import bascule.http.ClientInfo;
import io.netty.channel.EventLoop;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/// One local address whose clients are to leave, over all doors, and the word that they have. Those who were there when it began are waited
/// for. Who comes while it runs is served, and waited for only as long as that may be a matter of a moment: where clients come all the time there
/// is no end of them.
final class AddressDrain {
    /// How long those who came since may delay the word.
    static final long QUIET_MILLIS = 100;

    private final InetAddress address;
    private final Runnable emptied;

    /// Clients who were there, and doors which have not looked yet whether any were.
    private final AtomicInteger old;

    private final AtomicInteger fresh = new AtomicInteger();
    private final AtomicBoolean told = new AtomicBoolean();

    /// @param doors how many of them are going to look; see [#looked]
    /// @param emptied called once, on some loop
    AddressDrain(InetAddress address, int doors, Runnable emptied) {
        this.address = address;
        this.emptied = emptied;
        old = new AtomicInteger(doors);
    }

    InetAddress address() {
        return address;
    }

    /// Did a client come by it?
    ///
    /// @param local our end
    boolean covers(SocketAddress local) {
        return local instanceof InetSocketAddress end
                && address.equals(ClientInfo.unmapped(end.getAddress()));
    }

    void foundOld() {
        old.incrementAndGet();
    }

    void cameFresh() {
        fresh.incrementAndGet();
    }

    /// A door has found all that were there, or one of them is gone.
    ///
    /// @param loop the caller's
    void lessOld(EventLoop loop) {
        if (old.decrementAndGet() > 0) return;
        if (fresh.get() <= 0) {
            tell();
            return;
        }
        try {
            loop.schedule(this::tell, QUIET_MILLIS, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException ends) { // The daemon does, and its connections.
            tell();
        }
    }

    void lessFresh() {
        if (fresh.decrementAndGet() == 0 && old.get() <= 0) tell();
    }

    /// It was called off, or is over: nobody is told any more.
    void end() {
        told.set(true);
    }

    private void tell() {
        if (told.compareAndSet(false, true)) emptied.run();
    }
}
