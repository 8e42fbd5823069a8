package bascule.node;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.listen.OwnPorts;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.BindException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// Whether one address that a listener is bound to answers: comes as a client would, by the kernel, through the listening socket, its loop,
/// the parser and an exchange, and counts the time until the answer. One question at a time; each is a connection of its own, ended by RST, so
/// that none lingers in TIME_WAIT. An address that is not on this host, as a floating IP that is elsewhere, cannot be asked, and nothing is
/// held against it. Confined to the gate's thread.
final class DoorCheck {
    /// An answer that takes longer is none, unless the loops did not run in the meantime: on a host that is short of CPU that is another
    /// fault, see [LoopBeats], or none yet.
    static final long LIMIT_NANOS = 100_000_000;

    /// So often all of them have to have run since it asked.
    private static final int ROUNDS = 2;

    /// A connection that stands and is not answered may be in the queue of a loop that is stuck: to ask anew would find another loop, by
    /// chance. It is waited for so long before it is given up.
    static final long GIVE_UP_NANOS = 10_000_000_000L;

    /// For so long a connection that was given up may still come out of a queue, and is not to be taken for a client.
    private static final long KNOWN_NANOS = 60_000_000_000L;

    private static final byte[] QUESTION =
            "GET / HTTP/1.1\r\nHost: self\r\nConnection: close\r\n\r\n".getBytes(US_ASCII);
    private static final byte[] ANSWER = "HTTP/1.1 204".getBytes(US_ASCII);

    private final InetSocketAddress bound;
    private final OwnPorts ports;
    private final Selector selector;
    private final LoopBeats beats;
    private final ArrayDeque<GivenUp> givenUp = new ArrayDeque<>();
    private final ByteBuffer in = ByteBuffer.allocate(512);
    private @Nullable SocketChannel channel;
    private int port;
    private boolean asked;
    private long ageNanos;
    private long roundsBefore;
    private boolean seen;
    private @Nullable String fault;

    private record GivenUp(int port, long untilNanos) {}

    /// @param bound with the real port
    DoorCheck(InetSocketAddress bound, OwnPorts ports, Selector selector, LoopBeats beats) {
        this.bound = bound;
        this.ports = ports;
        this.selector = selector;
        this.beats = beats;
    }

    InetSocketAddress bound() {
        return bound;
    }

    /// Why it is not to be counted on; null if it is.
    @Nullable String fault() {
        return seen ? fault : "has not been asked yet";
    }

    /// Time has passed: asks, or goes on waiting.
    ///
    /// @param elapsedNanos since the last call, as far as the gate itself was running
    void tick(long now, long elapsedNanos) {
        while (!givenUp.isEmpty() && givenUp.getFirst().untilNanos - now < 0)
            ports.remove(givenUp.removeFirst().port);
        if (channel == null) {
            begin();
            return;
        }
        ageNanos += elapsedNanos;
        if (!isLate()) return;
        found("no answer from %s within %d ms".formatted(text(), LIMIT_NANOS / 1_000_000));
        // A SYN that found the queue full is sent again only after a second, and the address may
        // have left the host.
        if (asked && ageNanos < GIVE_UP_NANOS && isHere()) return;
        giveUp(now);
        begin();
    }

    private boolean isLate() {
        return ageNanos >= LIMIT_NANOS && beats.rounds() - roundsBefore >= ROUNDS;
    }

    private void found(@Nullable String what) {
        seen = true;
        fault = what;
    }

    private void begin() {
        ageNanos = 0;
        roundsBefore = beats.rounds();
        asked = false;
        in.clear();
        SocketChannel opened = null;
        try {
            opened = SocketChannel.open();
            opened.configureBlocking(false);
            opened.setOption(StandardSocketOptions.SO_LINGER, 0);
            InetAddress target = bind(opened);
            if (target == null) {
                opened.close();
                found(null);
                return;
            }
            port = ((InetSocketAddress) opened.getLocalAddress()).getPort();
            channel = opened;
            ports.add(port);
            SelectionKey key = opened.register(selector, 0, this);
            if (opened.connect(new InetSocketAddress(target, bound.getPort()))) ask(key, opened);
            else key.interestOps(SelectionKey.OP_CONNECT);
        } catch (IOException failure) {
            failed(failure);
            if (channel == null) close(opened);
        }
    }

    /// Takes an end on this host for it.
    ///
    /// @return where to connect to; null if the address is not on this host
    private @Nullable InetAddress bind(SocketChannel to) throws IOException {
        InetAddress address = bound.getAddress();
        if (!address.isAnyLocalAddress()) return tryBind(to, address) ? address : null;
        InetAddress loopBack = loopBack(address instanceof Inet4Address);
        if (tryBind(to, loopBack)) return loopBack;
        // IPv6 may be off on the loop-back interface; [::] takes IPv4 as well.
        loopBack = loopBack(true);
        to.bind(new InetSocketAddress(loopBack, 0));
        return loopBack;
    }

    private static InetAddress loopBack(boolean ipv4) throws UnknownHostException {
        byte[] address = ipv4 ? new byte[] {127, 0, 0, 1} : new byte[16];
        if (!ipv4) address[15] = 1;
        return InetAddress.getByAddress(address);
    }

    private static boolean tryBind(SocketChannel to, InetAddress address) throws IOException {
        try {
            to.bind(new InetSocketAddress(address, 0));
            return true;
        } catch (BindException _) { // EADDRNOTAVAIL, unless all of its ports are taken.
            return false;
        }
    }

    private boolean isHere() {
        if (bound.getAddress().isAnyLocalAddress()) return true;
        try (SocketChannel trial = SocketChannel.open()) {
            return tryBind(trial, bound.getAddress());
        } catch (IOException _) {
            return true; // It is not known to be gone.
        }
    }

    private void ask(SelectionKey key, SocketChannel to) throws IOException {
        to.write(ByteBuffer.wrap(QUESTION)); // An empty socket takes it whole.
        asked = true;
        key.interestOps(SelectionKey.OP_READ);
    }

    /// The kernel has something for it.
    void ready(SelectionKey key) {
        SocketChannel from = channel;
        if (from == null || key.channel() != from) return;
        try {
            if (key.isConnectable()) {
                if (from.finishConnect()) ask(key, from);
                return;
            }
            int more = from.read(in);
            if (in.position() >= ANSWER.length) answered();
            else if (more < 0) {
                found(text() + " closed the connection without an answer");
                end();
            }
        } catch (IOException failure) {
            failed(failure);
        }
    }

    private void answered() {
        boolean right = true;
        for (int i = 0; i < ANSWER.length; i++) right &= in.get(i) == ANSWER[i];
        if (!right) found(text() + " is answered by something else");
        else if (!isLate()) found(null); // A late one shows that the next may be good.
        end();
    }

    private void failed(IOException failure) {
        found(text() + ": " + failure.getMessage());
        end();
    }

    /// The connection has come out of its queue, or was never in one.
    private void end() {
        SocketChannel ended = channel;
        channel = null;
        if (ended == null) return;
        ports.remove(port);
        close(ended);
    }

    private void giveUp(long now) {
        SocketChannel ended = channel;
        channel = null;
        givenUp.addLast(new GivenUp(port, now + KNOWN_NANOS));
        close(ended);
    }

    private static void close(@Nullable SocketChannel channel) {
        if (channel == null) return;
        try {
            channel.close();
        } catch (IOException _) {
            // It is gone all the same.
        }
    }

    private String text() {
        return NetUtil.toSocketAddressString(bound);
    }

    /// Asks no more.
    void stop() {
        end();
        for (GivenUp each : givenUp) ports.remove(each.port);
        givenUp.clear();
    }
}
