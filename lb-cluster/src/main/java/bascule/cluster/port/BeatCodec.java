package bascule.cluster.port;

import static java.nio.charset.StandardCharsets.UTF_8;

import bascule.cluster.ownership.Beat;
import bascule.cluster.ownership.Claim;
import bascule.cluster.ownership.Rules;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What is inside a sealed datagram: a challenge, the echo of one, and a beat. Numbers are big-endian.
///
/// ```
/// version 1 | headBytes 1 | claimBytes 1 | claims 1 | challenge 16 | echo 16
/// head:  flags 1 (1 ask, 2 stopping) | configuration 8 | layout 8
/// claim: phase 1 (low 4 bits; 16 held down) | owner 1 | successor 1 | promisedTo 1 (255 = nobody)
///        fitness 2 (0 = may not own) | epoch 5 | promisedEpoch 5
/// ```
///
/// A newer version may make head and claim longer, and append: what this one does not know is skipped. One may be newer by one; in
/// the next but one, what a field means may have changed.
final class BeatCodec {
    static final int VERSION = 1;
    static final int CHALLENGE_BYTES = 16;
    static final int FLOATING_IPS_MOST = 64;
    static final int NODES_MOST = 64;

    /// 34 years of a new owner each millisecond.
    private static final long WIRE_MOST = (1L << 40) - 1;

    private static final int FITNESS_MOST = 0xfffe;
    private static final int FIXED_BYTES = 4 + 2 * CHALLENGE_BYTES;
    private static final int HEAD_BYTES = 17;
    private static final int CLAIM_BYTES = 16;
    private static final int NOBODY = 255;

    /// By their numbers on the wire.
    private static final List<Claim.Phase> PHASES =
            List.of(
                    Claim.Phase.STANDBY,
                    Claim.Phase.PROBING,
                    Claim.Phase.OWNING,
                    Claim.Phase.DRAINING,
                    Claim.Phase.LEAVING);

    /// 1077 bytes.
    static final int BYTES_MOST = FIXED_BYTES + HEAD_BYTES + FLOATING_IPS_MOST * CLAIM_BYTES;

    private final int nodes;
    private final int floatingIps;
    private final long layout;

    /// @param echo all zero: none
    record Opened(byte[] challenge, byte[] echo, Beat beat) {}

    BeatCodec(List<String> nodes, List<String> floatingIps) {
        this.nodes = nodes.size();
        this.floatingIps = floatingIps.size();
        this.layout = layout(nodes, floatingIps);
    }

    /// What an index means: equal where nodes and floating IPs have the same names.
    private static long layout(List<String> nodes, List<String> floatingIps) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (List<String> names : List.of(nodes, floatingIps)) {
                digest.update((byte) names.size());
                for (String each : names) {
                    byte[] name = each.getBytes(UTF_8);
                    digest.update(ByteBuffer.allocate(4).putInt(name.length).array());
                    digest.update(name);
                }
            }
            return ByteBuffer.wrap(digest.digest()).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    /// @param to has room for [#BYTES_MOST]
    void write(byte[] challenge, byte[] echo, Beat beat, ByteBuffer to) {
        List<Claim> claims = beat.claims();
        if (claims.size() != floatingIps && !claims.isEmpty())
            throw new IllegalArgumentException(
                    claims.size() + " claims (expected: " + floatingIps + ")");
        to.put((byte) VERSION)
                .put((byte) HEAD_BYTES)
                .put((byte) CLAIM_BYTES)
                .put((byte) claims.size());
        to.put(challenge).put(echo);
        to.put((byte) ((beat.ask() ? 1 : 0) | (beat.stopping() ? 2 : 0)));
        to.putLong(beat.configuration()).putLong(layout);
        for (int i = 0; i < claims.size(); i++) write(claims.get(i), to);
    }

    private void write(Claim claim, ByteBuffer to) {
        to.put((byte) (PHASES.indexOf(claim.phase()) | (claim.heldDown() ? 16 : 0)));
        to.put(node(claim.owner())).put(node(claim.successor())).put(node(claim.promisedTo()));
        to.putShort((short) (Math.min(Math.max(claim.fitness(), -1), FITNESS_MOST - 1) + 1));
        epoch(claim.epoch(), to);
        epoch(claim.promisedEpoch(), to);
    }

    private byte node(int index) {
        if (index < -1 || index >= nodes)
            throw new IllegalArgumentException("node " + index + " of " + nodes);
        return (byte) (index < 0 ? NOBODY : index);
    }

    private static void epoch(long epoch, ByteBuffer to) {
        if (epoch < 0 || epoch > WIRE_MOST)
            throw new IllegalArgumentException("epoch " + epoch + " (expected: 0 to 2^40 - 1)");
        to.put((byte) (epoch >>> 32)).putInt((int) epoch);
    }

    /// @return null if it is malformed; without claims if the sender's indices mean something else
    @Nullable Opened read(ByteBuffer from) {
        if (from.remaining() < FIXED_BYTES) return null;
        int version = from.get() & 0xff;
        int headBytes = from.get() & 0xff;
        int claimBytes = from.get() & 0xff;
        int count = from.get() & 0xff;
        if (version < VERSION || version > VERSION + 1) return null;
        if (headBytes < HEAD_BYTES || claimBytes < CLAIM_BYTES) return null;
        int expected = 2 * CHALLENGE_BYTES + headBytes + count * claimBytes;
        if (version == VERSION ? from.remaining() != expected : from.remaining() < expected)
            return null;
        byte[] challenge = new byte[CHALLENGE_BYTES];
        byte[] echo = new byte[CHALLENGE_BYTES];
        from.get(challenge).get(echo);
        int head = from.position();
        int flags = from.get();
        long configuration = from.getLong();
        boolean understood = from.getLong() == layout;
        List<Claim> claims = List.of();
        if (understood && count != 0) {
            if (count != floatingIps) return null;
            claims = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                Claim claim = claim(from.position(head + headBytes + i * claimBytes));
                if (claim == null) return null;
                claims.add(claim);
            }
        }
        return new Opened(
                challenge,
                echo,
                new Beat(configuration, (flags & 1) != 0, (flags & 2) != 0, claims));
    }

    private @Nullable Claim claim(ByteBuffer from) {
        int first = from.get();
        int phase = first & 0xf;
        int owner = from.get() & 0xff;
        int successor = from.get() & 0xff;
        int promisedTo = from.get() & 0xff;
        if (phase >= PHASES.size() || !isNode(owner) || !isNode(successor) || !isNode(promisedTo))
            return null;
        int fitness = (from.getShort() & 0xffff) - 1;
        long epoch = (from.get() & 0xffL) << 32 | from.getInt() & 0xffff_ffffL;
        long promisedEpoch = (from.get() & 0xffL) << 32 | from.getInt() & 0xffff_ffffL;
        if (epoch > Rules.EPOCH_MOST || promisedEpoch > Rules.EPOCH_MOST) return null;
        return new Claim(
                PHASES.get(phase),
                epoch,
                owner == NOBODY ? -1 : owner,
                successor == NOBODY ? -1 : successor,
                fitness,
                (first & 16) != 0,
                promisedTo == NOBODY ? -1 : promisedTo,
                promisedEpoch);
    }

    private boolean isNode(int index) {
        return index < nodes || index == NOBODY;
    }
}
