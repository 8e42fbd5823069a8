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
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Whether one address that a listener is bound to answers: comes as a client would, by the kernel, through the listening socket, its loop,
/// the parser and an exchange, and counts the time until the answer. One question at a time; each is a connection of its own, ended by RST, so
/// that none lingers in TIME_WAIT. An address that is not on this host, as a floating IP that is elsewhere, cannot be asked, and nothing is
/// held against it. Confined to the gate's thread.
///
/// A missing answer alone says that the door is *busy*: a crowd that fills its queue must not be able to drive an address from node to node. It is
/// a fault once nobody at all has come through for [#STILL_NANOS]. Where nobody listens, or something else answers, that is one at once.
final class DoorCheck {
    /// An answer that takes longer is late, unless the loops did not run in the meantime: on a host that is short of CPU that is another
    /// fault, see [LoopBeats], or none yet.
    static final long LIMIT_NANOS = 100_000_000;

    /// For so long neither the question nor any client has come through a door that is out of order.
    static final long STILL_NANOS = 1_500_000_000;

    /// After so long without an answer in time a better node has the address, and the crowd with it: then an answer does not show that the crowd
    /// could be served here, see [Strain].
    static final long STRAIN_NANOS = 250_000_000;

    /// So often all loops have to have run since it asked.
    private static final int ROUNDS = 2;

    /// A connection that stands and is not answered may be in the queue of a loop that is stuck: to ask anew would find another loop, by
    /// chance. It is waited for so long before another is tried.
    static final long GIVE_UP_NANOS = 10_000_000_000L;

    /// For so long a connection that was given up is kept: as long as it may come out of a queue it must not be taken for a client, and no
    /// client may have its port.
    private static final long KEPT_NANOS = 60_000_000_000L;

    private static final byte[] QUESTION =
            "GET / HTTP/1.1\r\nHost: self\r\nConnection: close\r\n\r\n".getBytes(US_ASCII);
    private static final byte[] ANSWER = "HTTP/1.1 204".getBytes(US_ASCII);

    private final InetSocketAddress bound;
    private final OwnPorts ports;
    private final Selector selector;
    private final LoopBeats beats;
    private final ArrayDeque<Question> givenUp = new ArrayDeque<>();
    private final ByteBuffer in = ByteBuffer.allocate(512);
    private @Nullable Question question;
    private boolean asked;
    private long ageNanos;
    private long roundsBefore;
    private boolean seen;
    private @Nullable String fault;
    private long came;
    private long stillNanos;
    private long lateNanos;
    private boolean late;
    private boolean answered; // In time, once at least: a daemon that starts is no crowd.
    private Strain strain = Strain.NONE;

    /// A connection, from its bind to its end.
    private static final class Question {
        final SocketChannel channel;
        final int port;
        long endsNanos; // Once it is given up.

        Question(SocketChannel channel, int port) {
            this.channel = channel;
            this.port = port;
        }
    }

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

    /// Has an answer come, or failed to come in time, once at least?
    boolean wasAsked() {
        return seen;
    }

    /// Can it not serve all who come, or could it not lately?
    boolean isBusy() {
        return late || strain.lasts();
    }

    /// Was the last question not answered in time?
    boolean isLate() {
        return late;
    }

    /// Time has passed: asks, or goes on waiting.
    ///
    /// @param elapsedNanos since the last call, as far as the gate itself was running
    /// @param cameSoFar clients taken off the listener's sockets since its start
    void tick(long now, long elapsedNanos, long cameSoFar) {
        pass(now, elapsedNanos);
        stillNanos = cameSoFar == came ? stillNanos + elapsedNanos : 0;
        came = cameSoFar;
        lateNanos += elapsedNanos;
        Question waiting = question;
        if (waiting == null) {
            begin();
            return;
        }
        ageNanos += elapsedNanos;
        if (!isOverdue()) return;
        late = true;
        found(
                stillNanos < STILL_NANOS
                        ? null
                        : "no answer from %s within %d ms, and no client came in for %d ms"
                                .formatted(
                                        text(), LIMIT_NANOS / 1_000_000, STILL_NANOS / 1_000_000));
        if (!asked) {
            // A SYN that found the queue full is sent again only after a second.
            if (endIfNotConnected(waiting)) begin();
        } else if (ageNanos >= GIVE_UP_NANOS || !isHere()) {
            giveUp(waiting, now);
            begin();
        }
    }

    /// Time has passed in which the address keeps silent, and our own SYN would get no answer either: nobody is asked, nothing becomes late, and what
    /// was known of the door holds.
    ///
    /// @param elapsedNanos as for [#tick]
    void rest(long now, long elapsedNanos) {
        pass(now, elapsedNanos);
        Question waiting = question;
        if (waiting == null || !asked && endIfNotConnected(waiting)) return;
        if (question == waiting) giveUp(waiting, now); // It may be in a queue.
    }

    private void pass(long now, long elapsedNanos) {
        while (!givenUp.isEmpty() && givenUp.getFirst().endsNanos - now <= 0)
            end(givenUp.getFirst());
        strain = strain.after(elapsedNanos);
    }

    private void giveUp(Question waiting, long now) {
        waiting.endsNanos = now + KEPT_NANOS;
        givenUp.addLast(waiting);
        question = null;
    }

    /// @param waiting has not been seen to stand yet
    /// @return has it been ended? Else it stands, or has failed
    private boolean endIfNotConnected(Question waiting) {
        try {
            if (waiting.channel.finishConnect()) {
                ask(waiting);
                return false;
            }
        } catch (IOException failure) {
            failed(waiting, failure);
            return false;
        }
        end(waiting);
        return true;
    }

    private boolean isOverdue() {
        return ageNanos >= LIMIT_NANOS && beats.rounds() - roundsBefore >= ROUNDS;
    }

    private void found(@Nullable String what) {
        seen = true;
        fault = what;
    }

    /// Nothing is against it.
    private void good() {
        found(null);
        if (late && lateNanos >= STRAIN_NANOS && answered) strain = strain.again();
        late = false;
        lateNanos = 0;
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
                good();
                return;
            }
            int port = ((InetSocketAddress) opened.getLocalAddress()).getPort();
            ports.add(port);
            var begun = new Question(opened, port);
            question = begun;
            SelectionKey key = opened.register(selector, 0, this);
            if (opened.connect(new InetSocketAddress(target, bound.getPort()))) ask(begun);
            else key.interestOps(SelectionKey.OP_CONNECT);
        } catch (IOException failure) {
            failed(question, failure);
            if (question == null) close(opened);
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

    private void ask(Question to) throws IOException {
        to.channel.write(ByteBuffer.wrap(QUESTION)); // An empty socket takes it whole.
        asked = true;
        to.channel.keyFor(selector).interestOps(SelectionKey.OP_READ);
    }

    /// The kernel has something for it.
    void ready(SelectionKey key) {
        Question from = question;
        if (from == null || key.channel() != from.channel) {
            // It has come out of its queue after all.
            for (Question each : List.copyOf(givenUp)) if (key.channel() == each.channel) end(each);
            return;
        }
        try {
            if (key.isConnectable()) {
                if (from.channel.finishConnect()) ask(from);
                return;
            }
            int more = from.channel.read(in);
            if (in.position() >= ANSWER.length) answered(from);
            else if (more < 0) {
                found(text() + " closed the connection without an answer");
                end(from);
            }
        } catch (IOException failure) {
            failed(from, failure);
        }
    }

    private void answered(Question to) {
        boolean right = true;
        for (int i = 0; i < ANSWER.length; i++) right &= in.get(i) == ANSWER[i];
        stillNanos = 0;
        if (!right) {
            found(text() + " is answered by something else");
        } else if (isOverdue()) {
            late = true; // The next may be good.
            found(null);
        } else {
            good();
            answered = true;
        }
        end(to);
    }

    private void failed(@Nullable Question what, IOException failure) {
        found(text() + ": " + failure.getMessage());
        if (what != null) end(what);
    }

    /// It has come out of its queue, or was never in one; or is of no interest any more.
    private void end(Question ended) {
        if (question == ended) question = null;
        else givenUp.remove(ended);
        ports.remove(ended.port); // Before anybody else can have it.
        close(ended.channel);
    }

    private static void close(@Nullable SocketChannel channel) {
        if (channel == null) return;
        try {
            channel.close();
        } catch (IOException _) {
            // It is gone all the same.
        }
    }

    String text() {
        return NetUtil.toSocketAddressString(bound);
    }

    /// Asks no more.
    void stop() {
        if (question != null) end(question);
        for (Question each : List.copyOf(givenUp)) end(each);
    }
}
