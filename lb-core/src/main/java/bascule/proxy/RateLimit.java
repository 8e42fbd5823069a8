package bascule.proxy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;

/// A token bucket for each client of one listener, over all loops. One atomic word per client, no lock, no allocation.
///
/// The bucket is kept as the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371: the theoretical
/// arrival time). A request moves that time on by what one token takes, and is refused where it would lie more than a burst
/// ahead. So whichever loops a client's requests come on, within any time `t` it gets no more than `burst + rate * t` of them.
///
/// Clients are kept in 8,192 sets of eight. A set is chosen by a hash whose key is this process's secret, and a client is known
/// there by 28 further bits of it: that two share a bucket is a chance of 2^-41 for each pair. Where a set is full, the client
/// whose bucket is fullest is forgotten: mostly one that asked nothing for a while, and had nothing to be remembered for. With
/// more than 65,536 clients at once, or an attacker who has so many addresses, those who are forgotten early start with a full
/// bucket again. So the limit gets softer then; nobody is ever refused for what another one did.
final class RateLimit {
    static final int SETS = 8192;
    private static final int WAYS = 8;

    /// What of a word is time; the rest names the client.
    private static final int TIME_BITS = 36;

    private static final long TIME = (1L << TIME_BITS) - 1;

    /// Steps of time in which one token comes. What is counted is tokens, so time alone is rounded, always down: in no time
    /// whatsoever does a client get a whole token more.
    private static final int TOKEN = 64;

    /// A loop reads its clock once per event, so that another one's may be ahead. Words that are ahead by more than that and a
    /// burst are from long ago: time goes round after 2^30 tokens, which is 18 minutes at 1,000,000/s and 124 days at 100/s.
    private static final long SKEW_NANOS = 16_000_000_000L;

    final AtomicLongArray words;
    private final SipHash hash;
    private final int sets;
    private final long epochNanos;
    private final double stepsPerNano;
    private final double nanosPerStep;

    /// How far ahead a bucket may be that still gives a token, and how far one that is empty is, in steps.
    private final long room;

    private final long empty;
    private final long future;

    /// @param requests per `per`; 1 to 1,000,000
    /// @param burst tokens of a full bucket; 1 to 1,000,000
    RateLimit(long requests, Duration per, int burst) {
        this(requests, per, burst, System.nanoTime(), SipHash.random(), SETS);
    }

    /// @param sets a power of two
    RateLimit(long requests, Duration per, int burst, long epochNanos, SipHash hash, int sets) {
        if (requests < 1 || burst < 1 || burst > 1 << 24 || Integer.bitCount(sets) != 1)
            throw new IllegalArgumentException(requests + "/" + per + " " + burst + " " + sets);
        this.hash = hash;
        this.sets = sets;
        this.epochNanos = epochNanos;
        words = new AtomicLongArray(sets * WAYS);
        nanosPerStep = (double) per.toNanos() / requests / TOKEN;
        stepsPerNano = 1 / nanosPerStep;
        room = (burst - 1L) * TOKEN;
        empty = (long) burst * TOKEN;
        future = empty + (long) Math.min(SKEW_NANOS * stepsPerNano, TIME >> 3);
    }

    /// Takes a token out of a client's bucket. Any loop.
    ///
    /// @param client see [bascule.http.ClientAddress#key()]
    /// @return 0 if there was one, else how many nanoseconds it will take until there is
    long take(long client, long nowNanos) {
        long hashed = hash.of(client);
        int set = (int) (hashed >>> TIME_BITS) & sets - 1; // Not the bits that are the name.
        long name = hashed << TIME_BITS;
        int start = set * WAYS;
        long now = (long) ((nowNanos - epochNanos) * stepsPerNano);
        while (true) {
            int at = start;
            long word = 0;
            long least = Long.MAX_VALUE;
            boolean known = false;
            for (int way = start; way < start + WAYS; way++) {
                long seen = words.get(way);
                known = (seen & ~TIME) == name;
                long used = used(seen, now);
                if (!known && used >= least) continue;
                at = way;
                word = seen;
                least = used;
                if (known) break;
            }
            long used = known ? least : 0;
            if (used > room) return Math.max(1, (long) Math.ceil((used - room) * nanosPerStep));
            if (!words.compareAndSet(at, word, word(name, now + used + TOKEN))) continue;
            if (!known) join(start, name, now);
            return 0;
        }
    }

    /// Whole seconds, rounded up, for a `Retry-After` (RFC 9110 §10.2.3).
    static int retryAfterSeconds(long nanos) {
        return (int) Math.ceilDiv(nanos, 1_000_000_000L);
    }

    /// How far ahead of now a bucket is, in steps: 0 = full, [#empty] = empty.
    private long used(long word, long now) {
        long ahead = (word - now) << 64 - TIME_BITS >> 64 - TIME_BITS;
        return ahead <= 0 || ahead > future ? 0 : ahead;
    }

    private static long word(long name, long time) {
        return name | time & TIME;
    }

    /// Two loops that meet a new client in the same instant may both have made a word for it. Whoever comes second sees both, and
    /// adds what was taken from the second bucket to the first, where everybody looks.
    void join(int start, long name, long now) {
        int first = -1;
        for (int way = start; way < start + WAYS; way++) {
            if ((words.get(way) & ~TIME) != name) continue;
            if (first < 0) first = way;
            else add(first, name, refill(way, name, now), now);
        }
    }

    /// Makes a bucket full.
    ///
    /// @return what had been taken from it, in steps
    private long refill(int way, long name, long now) {
        while (true) {
            long seen = words.get(way);
            if ((seen & ~TIME) != name) return 0;
            long used = used(seen, now);
            if (used == 0 || words.compareAndSet(way, seen, word(name, now))) return used;
        }
    }

    private void add(int way, long name, long more, long now) {
        while (more > 0) {
            long seen = words.get(way);
            if ((seen & ~TIME) != name) return;
            long used = Math.min(empty, used(seen, now) + more);
            if (words.compareAndSet(way, seen, word(name, now + used))) return;
        }
    }
}
