package bascule.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.handler.ssl.OpenSslSessionTicketKey;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/// Owns the keys that session tickets are sealed with (RFC 5077, RFC 8446 §4.6.1): the first seals, all open. No clock runs in it:
/// its owner calls [#rotate]. What is sealed under a ring can be opened wherever the same ring is: after a restart, on another node.
///
/// No context ever sees a key of the ring itself. Each derives its own by HKDF from the ring's key and from what the context stands for, so
/// that a ticket of one does not even look like a ticket to another.
///
/// Thread-safe. To take a new key costs each context a lock for a moment.
public final class TicketRing {
    /// After so long another key seals.
    static final Duration ROTATE_EVERY = Duration.ofHours(8);

    /// For so long after it was made a key opens. So a ticket is good for 16 to 24 hours, and a stolen key opens at most what was recorded
    /// in a day, and of TLS 1.2 only.
    static final Duration ACCEPT_FOR = Duration.ofHours(24);

    /// How long after its time another node's new key is waited for.
    private static final Duration LATE = Duration.ofMinutes(10);

    /// How far another node's clock may be ahead.
    private static final Duration AHEAD = Duration.ofHours(1);

    /// Of two of the same second the order is any, but the same everywhere.
    private static final Comparator<Key> NEWEST_FIRST =
            Comparator.comparingLong(Key::madeAtEpochSecond)
                    .reversed()
                    .thenComparing(Key::secret, Arrays::compare);

    /// Keys in one ring; what is handed in may hold more than we would keep.
    static final int KEYS_LIMIT = 16;

    /// An exported ring begins with it; the digit is the version of the form.
    private static final byte[] MAGIC = {'B', 'T', 'R', '1'};

    private static final int SECRET_BYTES = 32;
    private static final int KEY_BYTES = Long.BYTES + SECRET_BYTES;
    private static final byte[] INFO = "bascule ticket keys v1".getBytes(US_ASCII);

    /// A key and when it was made.
    private record Key(long madeAtEpochSecond, byte[] secret) {
        @Override
        public String toString() {
            return "ticket key of " + Instant.ofEpochSecond(madeAtEpochSecond);
        }
    }

    /// Ends with its context.
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    private final SecureRandom random;

    /// The one that seals first, then from the newest to the oldest.
    private List<Key> keys;

    private final Map<Subscription, Runnable> subscribers = new LinkedHashMap<>();

    /// With one new key.
    public TicketRing(Instant now) {
        this(now, new SecureRandom());
    }

    TicketRing(Instant now, SecureRandom random) {
        this.random = random;
        this.keys = List.of(newKey(now));
    }

    /// Makes a new key if the one that seals is old enough, and forgets those that are too old. Cheap if there is nothing to do. A clock that
    /// was set back delays the next rotation until it has caught up.
    ///
    /// @return whether anything changed
    public synchronized boolean rotate(Instant now) {
        List<Key> kept = new ArrayList<>();
        if (age(keys.getFirst(), now) >= ROTATE_EVERY.toSeconds()) kept.add(newKey(now));
        return keep(kept, now);
    }

    /// The same where another node makes the new keys: only forgets those that are too old. One that nobody else made in time is made here after
    /// all.
    ///
    /// @return whether anything changed
    public synchronized boolean forget(Instant now) {
        List<Key> kept = new ArrayList<>();
        long late = ROTATE_EVERY.plus(LATE).toSeconds();
        if (age(keys.getFirst(), now) >= late) kept.add(newKey(now));
        return keep(kept, now);
    }

    private boolean keep(List<Key> kept, Instant now) {
        for (Key key : keys) {
            if (age(key, now) < ACCEPT_FOR.toSeconds() && kept.size() < KEYS_LIMIT) kept.add(key);
            else Arrays.fill(key.secret(), (byte) 0);
        }
        if (kept.equals(keys)) return false;
        keys = List.copyOf(kept);
        tell();
        return true;
    }

    /// The ring as bytes for [#install]: `BTR1`, then per key 8 bytes of epoch seconds and 32 of secret, the one that seals first. Whoever has
    /// them can open what clients and we said to each other under TLS 1.2.
    public synchronized byte[] export() {
        ByteBuffer out = ByteBuffer.allocate(MAGIC.length + keys.size() * KEY_BYTES).put(MAGIC);
        for (Key key : keys) out.putLong(key.madeAtEpochSecond()).put(key.secret());
        return out.array();
    }

    /// Takes the keys of another ring instead of all of these.
    ///
    /// @return false, with nothing changed, if these bytes were not exported by a ring
    public synchronized boolean install(byte[] exported) {
        List<Key> installed = read(exported);
        if (installed.isEmpty()) return false;
        for (Key key : keys) Arrays.fill(key.secret(), (byte) 0);
        keys = List.copyOf(installed);
        tell();
        return true;
    }

    /// What became of another ring's keys.
    public enum Taken {
        ALL,
        /// But for some that are too old, or of a clock that is far ahead of ours, as far as the clocks tell.
        NOT_ALL,
        /// These bytes were not exported by a ring; nothing has changed.
        NOT_A_RING
    }

    /// Takes the keys of another ring beside these: two rings that have each other's keys are the same, whichever was told first, and open
    /// what was sealed under either. The newest key seals; the oldest beyond the limit are lost, as are those that are too old, or of a clock
    /// that is far ahead.
    public synchronized Taken merge(byte[] exported, Instant now) {
        return take(keys, read(exported), now);
    }

    /// The same for a ring that nobody has heard of yet: takes the keys of the other one instead of its own, if any of them is good.
    public synchronized Taken join(byte[] exported, Instant now) {
        List<Key> theirs = read(exported);
        boolean any = false;
        for (Key key : theirs) any |= isGood(key, now);
        return take(any ? List.of() : keys, theirs, now);
    }

    private Taken take(List<Key> beside, List<Key> theirs, Instant now) {
        if (theirs.isEmpty()) return Taken.NOT_A_RING;
        List<Key> all = new ArrayList<>(beside);
        Taken taken = Taken.ALL;
        for (Key key : theirs) {
            boolean known = false;
            for (Key own : beside) known |= Arrays.equals(own.secret(), key.secret());
            if (known) continue;
            if (isGood(key, now)) all.add(key);
            else taken = Taken.NOT_ALL;
        }
        all.sort(NEWEST_FIRST);
        while (all.size() > KEYS_LIMIT) Arrays.fill(all.removeLast().secret(), (byte) 0);
        if (all.equals(keys)) return taken;
        if (beside.isEmpty()) for (Key key : keys) Arrays.fill(key.secret(), (byte) 0);
        keys = List.copyOf(all);
        tell();
        return taken;
    }

    private static boolean isGood(Key key, Instant now) {
        long age = age(key, now);
        return age < ACCEPT_FOR.toSeconds() && age >= -AHEAD.toSeconds();
    }

    /// @return empty if it is no export
    private static List<Key> read(byte[] exported) {
        int body = exported.length - MAGIC.length;
        if (body <= 0 || body % KEY_BYTES != 0 || body / KEY_BYTES > KEYS_LIMIT) return List.of();
        ByteBuffer in = ByteBuffer.wrap(exported);
        byte[] magic = new byte[MAGIC.length];
        in.get(magic);
        if (!Arrays.equals(magic, MAGIC)) return List.of();
        List<Key> read = new ArrayList<>();
        while (in.hasRemaining()) {
            long madeAt = in.getLong();
            byte[] secret = new byte[SECRET_BYTES];
            in.get(secret);
            if (madeAt < 0 || madeAt > Instant.MAX.getEpochSecond()) return List.of();
            read.add(new Key(madeAt, secret));
        }
        return read;
    }

    /// Hands a context its keys now, and whenever they change.
    ///
    /// @param context what it stands for: 32 bytes
    Subscription subscribe(byte[] context, Consumer<OpenSslSessionTicketKey[]> user) {
        Runnable hand = () -> user.accept(derive(context));
        Subscription subscription =
                new Subscription() {
                    @Override
                    public void close() {
                        synchronized (TicketRing.this) {
                            subscribers.remove(this);
                        }
                    }
                };
        synchronized (this) {
            subscribers.put(subscription, hand);
            hand.run();
        }
        return subscription;
    }

    synchronized int subscribers() {
        return subscribers.size();
    }

    private void tell() {
        for (Runnable subscriber : subscribers.values()) subscriber.run();
    }

    private OpenSslSessionTicketKey[] derive(byte[] context) {
        OpenSslSessionTicketKey[] derived = new OpenSslSessionTicketKey[keys.size()];
        for (int i = 0; i < derived.length; i++) {
            byte[] bytes = hkdf(keys.get(i).secret(), context);
            int name = OpenSslSessionTicketKey.NAME_SIZE;
            int hmac = name + OpenSslSessionTicketKey.HMAC_KEY_SIZE;
            derived[i] =
                    new OpenSslSessionTicketKey(
                            Arrays.copyOfRange(bytes, 0, name),
                            Arrays.copyOfRange(bytes, name, hmac),
                            Arrays.copyOfRange(bytes, hmac, bytes.length));
            Arrays.fill(bytes, (byte) 0);
        }
        return derived;
    }

    /// HKDF-SHA256 (RFC 5869): name, HMAC key and AES key of one ticket key.
    private static byte[] hkdf(byte[] secret, byte[] context) {
        byte[] info = Arrays.copyOf(INFO, INFO.length + context.length);
        System.arraycopy(context, 0, info, INFO.length, context.length);
        try {
            return KDF.getInstance("HKDF-SHA256")
                    .deriveData(
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(secret)
                                    .thenExpand(info, OpenSslSessionTicketKey.TICKET_KEY_SIZE));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK from 25 on has HKDF-SHA256", e);
        }
    }

    private Key newKey(Instant now) {
        byte[] secret = new byte[SECRET_BYTES];
        random.nextBytes(secret);
        return new Key(now.getEpochSecond(), secret);
    }

    private static long age(Key key, Instant now) {
        return now.getEpochSecond() - key.madeAtEpochSecond();
    }

    /// How many keys of what age; none of their bytes.
    @Override
    public synchronized String toString() {
        return keys.toString();
    }
}
