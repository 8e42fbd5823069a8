package bascule.cluster.port;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.cluster.ownership.Beat;
import bascule.cluster.ownership.Event;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import javax.crypto.Mac;
import org.jspecify.annotations.Nullable;

/// All of the owner port but its sockets and its clock: bytes in, bytes out. A sealed datagram is
///
/// ```
/// version 1 | type 1 | from 8 | session 8 | counter 8 | AES-256-GCM of what BeatCodec writes | tag 16
/// ```
///
/// with its head covered by the seal, 1119 bytes for 64 floating IPs. `from` says to whom to say [Hello] if the session is unknown; who
/// it is from is known by the session. Any thread may call; each other node has a lock of its own.
final class Sessions {
    static final int VERSION = 1;
    static final int DATAGRAM_BYTES_MOST = 1200;

    private static final int BEAT = 2;
    private static final int HEAD_BYTES = 2 + 8 + 8 + 8;
    private static final int CHALLENGES = 64;
    private static final int WARM_BEATS = 20;

    /// Boots of another node that are over; none of them is believed while the one after it is heard. One that was over earlier has no
    /// token of ours that is young enough.
    private static final int RETIRED = 8;

    /// For so long the newest boot of a node has to be silent before an older one is believed again: it was a copy of the host that has
    /// gone (a snapshot that was started beside the original).
    static final long COPY_GONE_NANOS = 10_000_000_000L;

    private static final long SECOND_NANOS = 1_000_000_000;

    /// Between two that we say of ourselves to a node that has not proven within this time to be there.
    private static final long HELLO_NANOS = 100_000_000;

    /// Where a node is looked for: its address, every floating IP, and where it was heard from.
    private static final int WAYS = 80;

    /// Answers to hellos that are proven to be fresh.
    private static final int FRESH_PER_SECOND = 50;

    /// Answers to hellos that are genuine, and may be old, of one node. Nobody can use them up without the key, or a great many recorded ones.
    private static final int GENUINE_PER_SECOND = 1000;

    private final OwnerPort.Settings settings;
    private final List<byte[]> secrets;
    private final SecureRandom random;
    private final byte[] nonce = new byte[Session.NONCE_BYTES];
    private final long[] ids;
    private final Peer[] peers;
    private final BeatCodec codec;
    private final HelloLimit beatLimit; // For what needs no key.
    private final HelloLimit helloLimit;

    final AtomicLong forged = new AtomicLong();
    final AtomicLong replayed = new AtomicLong();
    final AtomicLong unknown = new AtomicLong();
    final AtomicLong malformed = new AtomicLong();

    /// What came of a datagram.
    sealed interface Outcome {
        /// Of no more interest.
        record Nothing() implements Outcome {}

        /// To be sent back.
        ///
        /// @param byItsWay the way it came? else to the node's own address
        record Reply(int to, byte[] datagram, boolean byItsWay) implements Outcome {}

        /// Genuine, and the newest of its sender.
        record Heard(int from, Beat beat, long provenNanos) implements Outcome {}
    }

    private static final Outcome NOTHING = new Outcome.Nothing();

    /// What would be lost with a boot that is over, and comes back: what was heard of it is never heard again.
    private record Retired(byte[] nonce, ReplayWindow window) {}

    /// Another node; its lock is itself.
    private final class Peer {
        final int index;
        final Hello.Macs macs = new Hello.Macs(secrets, settings.cluster());
        final Mac tokens;
        final byte[] sealed = new byte[DATAGRAM_BYTES_MOST];
        final byte[] plain = new byte[DATAGRAM_BYTES_MOST];

        @Nullable Session session;

        /// Of the boot, not of the session: no key ever sees one twice, whatever sessions come back.
        long counter;

        ReplayWindow window = new ReplayWindow();
        byte[] newest = Hello.NONE; // Challenge of theirs.
        long proven = Event.UNPROVEN;
        final byte[][] challenges = new byte[CHALLENGES][];
        final long[] sentNanos = new long[CHALLENGES];
        int next;
        final @Nullable Retired[] retired = new Retired[RETIRED];
        int retiredNext;
        long heardNanos; // Of the session.
        final Map<InetSocketAddress, Long> helloNanos = new LinkedHashMap<>(); // WAYS at most.
        long freshDue;
        long genuineDue;

        /// The token that their hello by another transport waits to get back.
        byte @Nullable [] owed;

        Peer(int index, byte[] tokenKey, long nowNanos) {
            this.index = index;
            this.tokens = Hello.hmac(tokenKey);
            this.freshDue = nowNanos;
            this.genuineDue = nowNanos;
        }

        /// Made anew from the second and the node: nothing is kept for who never comes back.
        byte[] token(long second) {
            tokens.update(ByteBuffer.allocate(16).putLong(second).putInt(index).putInt(0).array());
            return Arrays.copyOf(tokens.doFinal(), Hello.FIELD_BYTES);
        }

        boolean isFresh(byte[] echo, long nowNanos) {
            long second = Math.floorDiv(nowNanos, SECOND_NANOS);
            return Hello.same(echo, token(second)) || Hello.same(echo, token(second - 1));
        }

        byte[] hello(byte[] echo, long nowNanos) {
            byte[] token = token(Math.floorDiv(nowNanos, SECOND_NANOS));
            byte[] knows = session == null ? Hello.NONE : session.theirNonce();
            return new Hello(nonce, token, echo, knows)
                    .write(ids[settings.self()], ids[index], macs);
        }

        /// Was it over when another came, and is that one still there?
        boolean isOver(byte[] theirNonce, long nowNanos) {
            return nowNanos - heardNanos < COPY_GONE_NANOS && retired(theirNonce) >= 0;
        }

        private int retired(byte[] theirNonce) {
            for (int i = 0; i < RETIRED; i++) {
                Retired each = retired[i];
                if (each != null && Arrays.equals(each.nonce, theirNonce)) return i;
            }
            return -1;
        }

        private ReplayWindow windowOf(byte[] theirNonce) {
            int earlier = retired(theirNonce);
            Retired back = earlier < 0 ? null : retired[earlier];
            if (back == null) return new ReplayWindow();
            retired[earlier] = null;
            return back.window;
        }

        boolean knows(byte[] theirNonce) {
            return session != null && Arrays.equals(session.theirNonce(), theirNonce);
        }

        void adopt(byte[] theirNonce, long nowNanos) {
            if (knows(theirNonce)) return;
            ReplayWindow next = windowOf(theirNonce);
            if (session != null) {
                retired[retiredNext] = new Retired(session.theirNonce(), window);
                retiredNext = (retiredNext + 1) % RETIRED;
            }
            heardNanos = nowNanos;
            session =
                    new Session(
                            secrets,
                            settings.cluster(),
                            settings.names().get(settings.self()),
                            nonce,
                            settings.names().get(index),
                            theirNonce);
            window = next;
            newest = Hello.NONE;
            proven = Event.UNPROVEN;
            Arrays.fill(challenges, null);
        }

        byte[] challenge(long nowNanos) {
            byte[] challenge = new byte[BeatCodec.CHALLENGE_BYTES];
            random.nextBytes(challenge);
            challenges[next] = challenge;
            sentNanos[next] = nowNanos;
            next = (next + 1) % CHALLENGES;
            return challenge;
        }

        /// An older datagram that comes late still proves that what came after it was said after our challenge.
        void echoed(byte[] echo) {
            for (int i = 0; i < CHALLENGES; i++) {
                byte[] each = challenges[i];
                if (each == null || !Hello.same(each, echo)) continue;
                if (proven == Event.UNPROVEN || sentNanos[i] - proven > 0) proven = sentNanos[i];
                return;
            }
        }

        boolean takeFresh(long nowNanos) {
            long due = HelloLimit.next(freshDue, nowNanos, FRESH_PER_SECOND);
            if (due - nowNanos > SECOND_NANOS) return false;
            freshDue = due;
            return true;
        }

        boolean takeGenuine(long nowNanos) {
            long due = HelloLimit.next(genuineDue, nowNanos, GENUINE_PER_SECOND);
            if (due - nowNanos > SECOND_NANOS) return false;
            genuineDue = due;
            return true;
        }
    }

    Sessions(OwnerPort.Settings settings, SecureRandom random, long nowNanos) {
        this.settings = settings;
        this.secrets = settings.key().secrets();
        this.random = random;
        this.codec = new BeatCodec(settings.names(), settings.floatingIps());
        this.beatLimit = new HelloLimit(nowNanos);
        this.helloLimit = new HelloLimit(nowNanos);
        random.nextBytes(nonce);
        byte[] tokenKey = new byte[32];
        random.nextBytes(tokenKey);
        int nodes = settings.names().size();
        this.ids = new long[nodes];
        this.peers = new Peer[nodes];
        for (int i = 0; i < nodes; i++) {
            ids[i] = id(settings.cluster(), settings.names().get(i));
            peers[i] = new Peer(i, tokenKey, nowNanos);
        }
    }

    /// Has two nodes meet and talk in memory, so that all of it is loaded: a node that speaks and does not hear yet looks like one whose
    /// line is broken.
    static void warmUp(OwnerPort.Settings settings, SecureRandom random, long nowNanos) {
        int self = settings.self();
        int other = self == 0 ? 1 : 0;
        if (other >= settings.names().size()) return;
        var there =
                new OwnerPort.Settings(
                        settings.cluster(),
                        settings.names(),
                        settings.nodes(),
                        other,
                        settings.floatingIps(),
                        settings.key());
        Sessions a = new Sessions(settings, random, nowNanos);
        Sessions b = new Sessions(there, random, nowNanos);
        Sessions hears = b;
        byte[] said = a.helloIfDue(other, nowNanos);
        while (said != null) {
            Outcome outcome = hears.receive(said, said.length, 0, false, nowNanos, _ -> {});
            said = outcome instanceof Outcome.Reply(_, byte[] reply, _) ? reply : null;
            hears = hears == a ? b : a;
        }
        Beat beat = new Beat(0, false, false, List.of());
        for (int i = 0; i < WARM_BEATS; i++) {
            byte[] forth = a.seal(other, beat, nowNanos);
            if (forth != null) b.receive(forth, forth.length, 0, false, nowNanos, _ -> {});
            byte[] back = b.seal(self, beat, nowNanos);
            if (back != null) a.receive(back, back.length, 0, false, nowNanos, _ -> {});
        }
    }

    /// Of a node on the wire; no secret.
    private static long id(String cluster, String node) {
        byte[] name = cluster.getBytes(UTF_8);
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(ByteBuffer.allocate(4).putInt(name.length).array());
            digest.update(name);
            return ByteBuffer.wrap(digest.digest(node.getBytes(UTF_8))).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    byte @Nullable [] helloIfDue(int to, long nowNanos) {
        return helloIfDue(to, settings.nodes().get(to), nowNanos);
    }

    /// @return what has to be said to a node that has not proven lately to be there; null if that was said there less than 100 ms ago.
    ///     Each way has its own turn: else the one that is cut would take that of the one that is not
    byte @Nullable [] helloIfDue(int to, InetSocketAddress where, long nowNanos) {
        Peer peer = peers[to];
        synchronized (peer) {
            if (peer.proven != Event.UNPROVEN && nowNanos - peer.proven < HELLO_NANOS) return null;
            Long said = peer.helloNanos.get(where);
            if (said != null && nowNanos - said < HELLO_NANOS) return null;
            if (said == null && peer.helloNanos.size() >= WAYS)
                peer.helloNanos.remove(peer.helloNanos.keySet().iterator().next());
            peer.helloNanos.put(where, nowNanos);
            return peer.hello(Hello.NONE, nowNanos);
        }
    }

    /// @return null while there is no session
    byte @Nullable [] seal(int to, Beat beat, long nowNanos) {
        Peer peer = peers[to];
        synchronized (peer) {
            Session session = peer.session;
            if (session == null) return null;
            ByteBuffer plain = ByteBuffer.wrap(peer.plain);
            codec.write(peer.challenge(nowNanos), peer.newest, beat, plain);
            long counter = ++peer.counter;
            ByteBuffer.wrap(peer.sealed)
                    .put((byte) VERSION)
                    .put((byte) BEAT)
                    .putLong(ids[settings.self()])
                    .putLong(session.sendId())
                    .putLong(counter);
            int bytes =
                    session.seal(counter, peer.sealed, HEAD_BYTES, peer.plain, plain.position());
            return Arrays.copyOf(peer.sealed, HEAD_BYTES + bytes);
        }
    }

    /// For a transport on which nothing can be answered at once: gives a hello where one is due.
    byte[] sealOrHello(int to, Beat beat, long nowNanos) {
        Peer peer = peers[to];
        synchronized (peer) {
            byte[] owed = peer.owed;
            byte[] sealed = owed == null ? seal(to, beat, nowNanos) : null;
            peer.owed = null;
            return sealed != null ? sealed : peer.hello(owed == null ? Hello.NONE : owed, nowNanos);
        }
    }

    /// @param told what is heard, under the lock of its sender, so in the order of its counters
    /// @param source of it, for the limit of answers
    /// @param later may an answer not be sent at once, and has to wait for [#sealOrHello]?
    Outcome receive(
            byte[] datagram,
            int length,
            int source,
            boolean later,
            long nowNanos,
            Consumer<Outcome.Heard> told) {
        if (length < HEAD_BYTES || length > DATAGRAM_BYTES_MOST || datagram[0] != VERSION)
            return malformed();
        ByteBuffer in = ByteBuffer.wrap(datagram, 2, length - 2);
        int from = indexOf(in.getLong());
        // A stranger, or our own voice.
        if (from < 0 || from == settings.self()) return malformed();
        Peer peer = peers[from];
        return switch (datagram[1]) {
            case Hello.TYPE -> {
                if (length != Hello.BYTES || in.getLong() != ids[settings.self()])
                    yield malformed();
                synchronized (peer) {
                    yield hello(peer, datagram, source, later, nowNanos);
                }
            }
            case BEAT -> {
                if (length < HEAD_BYTES + Session.TAG_BYTES) yield malformed();
                long session = in.getLong();
                long counter = in.getLong();
                synchronized (peer) {
                    Outcome outcome =
                            beat(peer, session, counter, datagram, length, source, later, nowNanos);
                    if (outcome instanceof Outcome.Heard heard) told.accept(heard);
                    yield outcome;
                }
            }
            default -> malformed();
        };
    }

    private int indexOf(long id) {
        for (int i = 0; i < ids.length; i++) if (ids[i] == id) return i;
        return -1;
    }

    private Outcome malformed() {
        malformed.incrementAndGet();
        return NOTHING;
    }

    private Outcome hello(Peer peer, byte[] datagram, int source, boolean later, long nowNanos) {
        Hello hello = Hello.read(datagram, peer.macs);
        if (hello == null) {
            forged.incrementAndGet();
            return NOTHING;
        }
        if (peer.isOver(hello.nonce(), nowNanos)) {
            replayed.incrementAndGet();
            return NOTHING;
        }
        boolean fresh = peer.isFresh(hello.echo(), nowNanos);
        if (fresh) peer.adopt(hello.nonce(), nowNanos);
        if (peer.knows(hello.nonce()) && Arrays.equals(hello.knows(), nonce)) return NOTHING;
        if (fresh ? !peer.takeFresh(nowNanos) : !peer.takeGenuine(nowNanos)) return NOTHING;
        // A recorded one may name any source: beyond the limit only the node itself is answered.
        boolean byItsWay = fresh || later || helloLimit.take(source, nowNanos);
        return reply(peer, hello.token(), later, byItsWay, nowNanos);
    }

    private Outcome reply(Peer peer, byte[] echo, boolean later, boolean byItsWay, long nowNanos) {
        if (later) {
            peer.owed = echo;
            return NOTHING;
        }
        return new Outcome.Reply(peer.index, peer.hello(echo, nowNanos), byItsWay);
    }

    private Outcome beat(
            Peer peer,
            long id,
            long counter,
            byte[] datagram,
            int length,
            int source,
            boolean later,
            long nowNanos) {
        Session session = peer.session;
        int way = session == null ? -1 : session.wayOf(id);
        if (session == null || way < 0) {
            unknown.incrementAndGet();
            if (!later && !beatLimit.take(source, nowNanos)) return NOTHING;
            return reply(peer, Hello.NONE, later, true, nowNanos);
        }
        if (!peer.window.isFresh(counter)) {
            replayed.incrementAndGet();
            return NOTHING;
        }
        int bytes = session.open(way, counter, datagram, HEAD_BYTES, length, peer.plain);
        if (bytes < 0) {
            forged.incrementAndGet();
            return NOTHING;
        }
        boolean newest = peer.window.isNewest(counter);
        peer.window.mark(counter);
        BeatCodec.Opened opened = codec.read(ByteBuffer.wrap(peer.plain, 0, bytes));
        if (opened == null) return malformed();
        peer.echoed(opened.echo());
        if (!newest) return NOTHING;
        peer.newest = opened.challenge();
        peer.heardNanos = nowNanos;
        return new Outcome.Heard(peer.index, opened.beat(), peer.proven);
    }
}
